//! A live interface, a capture file or flows that a gateway exports -> flows and observations.

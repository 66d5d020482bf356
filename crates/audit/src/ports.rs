//! Which ports of a target are open: engines behind one interface.

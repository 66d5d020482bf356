//! Against peers of flesh and blood: a NAS on UDP, an HTTP, a mail and a syslog server, all on loopback, and a real store.

#![expect(clippy::unwrap_used, reason = "a test's way to say that it failed")]

mod channels;
mod dac;
mod peer;
mod whole;

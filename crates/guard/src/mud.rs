//! MUD files (RFC 8520): the network part of a profile in the form that makers and other tools exchange.
//!
//! Almost no maker publishes one, so import is a courtesy and export the point. What a MUD file cannot say (a pattern of names, a rate)
//! is written as what it can (addresses) or left out; what it can say and we will not (everybody, whole local networks) is refused by name.

mod export;
mod import;
mod sign;
mod tls;

pub use export::export;
pub use import::{Imported, MudError, import};
pub use sign::{Fingerprint, Signer, VerifyError, verify};

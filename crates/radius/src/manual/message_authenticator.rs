//! # Message-Authenticator (80): four ways to get it wrong
//!
//! HMAC-MD5 keyed with the shared secret, over the whole packet with the attribute's own value as zeros (RFC 3579 §3.2).
//!
//! 1. **The wrong authenticator in the header.** For Access-Request and Status-Server it is the packet's own; for a reply it
//!    is the *request's*; for Accounting-, Disconnect- and CoA-Requests it is 16 zero octets (RFC 5176 §2.3). A widely used
//!    proxy got the last one wrong until 2026. The table is in [`crate::auth`], the choice is made from the code.
//! 2. **The wrong order.** The MD5 authenticator covers the final Message-Authenticator, so the HMAC comes first.
//!    [`crate::Builder::sign`] is the only place that computes either.
//! 3. **The wrong length, or two.** An attribute of 17 octets, or a second one, gives two parsers two opinions. Here both are
//!    [`crate::auth::MessageAuthenticator::Invalid`], also when one of them would verify.
//! 4. **A comparison that stops at the first difference** tells the forger how far they got. [`crate::auth::same`] does not.

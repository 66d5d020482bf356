//! # Shared secrets
//!
//! Everything RADIUS over UDP promises hangs on one string per client.
//!
//! - **It can be guessed offline.** Whoever sees one packet with an authenticator can try secrets at MD5 speed, billions a
//!   second. Sixteen random octets are out of reach, a word is not. Generate them; there is no default secret anywhere.
//! - **It hides the password, and badly.** User-Password is combined by XOR with `MD5(secret + authenticator)` (RFC 2865 §5.2). A Request
//!   Authenticator that repeats gives two passwords combined by XOR: callers of [`crate::Builder::access_request`] bring fresh random
//!   octets, always. Some gateways put the *shared secret itself* into User-Password when the device sent none, so a revealed
//!   password is a secret too: [`crate::auth::Password`] is wiped on drop and does not print.
//! - **One per client.** The source address selects it, so a leak at one gateway opens that gateway alone.
//! - **A wrong one looks like silence.** The RFC forbids an answer, so the operator's only sign is a counter:
//!   [`crate::auth::Untrusted::Authenticator`] and [`crate::auth::Untrusted::MessageAuthenticatorInvalid`] are told apart from
//!   a malformed packet for that reason.
//! - **With TLS it is `radsec`** (RFC 6614 §2.3), a constant: the certificates are the secret, the MD5 is a checksum.

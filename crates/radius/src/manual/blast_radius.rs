//! # `BlastRADIUS` (CVE-2024-3596): forging an Accept without the secret
//!
//! **The flaw.** The Response Authenticator is `MD5(Code + Id + Length + RequestAuthenticator + Attributes + Secret)`. The
//! secret comes *last*, and MD5 collisions with chosen prefixes take minutes. Somebody between NAS and server lets the NAS
//! send an Access-Request, adds a Proxy-State to it, and computes two packet prefixes that collide: the Reject the server
//! will send (with that Proxy-State echoed) and the Accept the attacker wants. MD5 of the same state plus the same secret is
//! the same digest, so the server's authenticator for the Reject also fits the Accept.
//!
//! **What stops it.** Message-Authenticator is an HMAC: the secret is in front, collisions do not carry over. But it must be
//! *required*, not just checked when present, because the attacker would leave it out; and in replies it stands *first*, so
//! that no chosen prefix fits in front of it.
//!
//! | Where | What this crate does |
//! |---|---|
//! | Request received | [`crate::auth::verify_request`] with [`crate::auth::Policy::Require`], the default |
//! | Reply sent | [`crate::Builder::reply_to`] puts Message-Authenticator first in every reply to Access-Request and Status-Server |
//! | Reply received | [`crate::auth::verify_reply`] refuses Accept, Reject and Challenge without it |
//! | Old PAP client | [`crate::auth::Policy::LegacyPap`]: no Proxy-State without it ("limit Proxy-State"); EAP and Status-Server still need it |
//!
//! **What remains with `LegacyPap`.** Without Proxy-State the attacker has little to steer the reply with, not nothing.
//! It is an explicit choice per client and should be shown as a risk for as long as it is on. There is no "auto" mode that
//! learns from the first packet: the first packet may be the attacker's.
//!
//! **What was never at risk.** Accounting-, Disconnect- and CoA-Requests carry an authenticator over the packet *and* the
//! secret, so nobody can send one of their choosing without it. RADIUS inside TLS has its own integrity.

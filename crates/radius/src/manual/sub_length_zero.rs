//! # The sub-attribute of length zero
//!
//! A Vendor-Specific attribute holds a list of sub-attributes, each with a length that includes its own two octets. A length
//! of 0 does not move a parser forward. `while rest { rest = &rest[length..] }` then runs for ever: one datagram, before any
//! secret is checked, and a server stands still. Several well-known libraries had exactly this (one was still open in July
//! 2026), and length 1 is its twin that re-reads its own length octet as a type.
//!
//! Here [`crate::Attributes`] is the only walk in the crate, for the outer and the inner list alike. It ends at a length below 2
//! or past the end. For the outer list [`crate::Packet::parse`] refuses such a packet as the RFC asks; the inner list is the
//! vendor's own business (RFC 2865 §5.26 only *recommends* the format), so there the VSA ends and the packet lives.
//!
//! The packet is in the seed corpus of the fuzz target and in the tests, together with lengths 1 and 255.

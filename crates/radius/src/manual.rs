//! Why this crate is the way it is: the attacks and mistakes that RADIUS is known for, and what is done about each.

pub mod blast_radius;
pub mod message_authenticator;
pub mod shared_secrets;
pub mod sub_length_zero;

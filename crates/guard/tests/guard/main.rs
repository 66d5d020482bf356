//! Profiles learnt from real captures and told from MUD files, and what is held against them.

mod flood;
mod knocks;
mod learn;
mod mud;
mod mudgee;
mod second_factor;
mod support;

//! The firewall against real packets, in network namespaces. Needs root and `nft`; says aloud where it is skipped.

mod differential;
mod frames;
mod isolation;
mod life;
mod options;
mod restart;
mod spoofing;
mod world;

//! The audit against real daemons, each in its namespace or at an address of loopback of its own. They mostly wait, and do so
//! side by side; what measures packets, CPU time or memory has a process of its own.

mod access;
mod datagrams;
mod owner;
mod resume;
mod speak;
mod ssh;
mod tls;

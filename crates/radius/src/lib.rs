//! The RADIUS wire protocol and its dictionary, sans-I/O

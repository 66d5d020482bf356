//! Which layers stand between a device and the Internet, and which are missing.

//! The RADIUS server: admits, records and ends SIM sessions

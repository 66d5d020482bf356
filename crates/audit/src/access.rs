//! Whether a known password opens a service: lists, attempts that cannot lock, and which rule opened it.

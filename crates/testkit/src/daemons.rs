//! Real peers in network namespaces of their own.

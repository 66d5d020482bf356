//! Findings become verified responses

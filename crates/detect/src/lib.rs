//! Observations, profile and rules become findings

//! Parse, check, explain and evaluate a rule

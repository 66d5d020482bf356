//! One audit from targets to report: order, progress, end.

//! What an audit found, as the journal records it: one observation for each address whose device the inventory has.

use fleetward_audit::run::{Plan, Report};
use fleetward_fleet::{Exposure, Timestamp};

/// One address of a device.
#[derive(Debug)]
pub(crate) struct Told {
    /// The device's name.
    pub(crate) device: Box<str>,
    /// Makes a repetition the same; an audit that was cut and gone on with tells more, and tells it anew.
    pub(crate) id: String,
    /// When it was seen.
    pub(crate) at: Timestamp,
    /// What was found.
    pub(crate) exposure: Exposure,
}

/// All of a report.
pub(crate) fn told(report: &Report, plan: &Plan) -> Vec<Told> {
    let told = |(device, exposure): (Box<str>, Exposure)| {
        let id = format!("audit {} {} {}", report.began, report.ended, exposure.address);
        Told { device, id, at: Timestamp(report.ended), exposure }
    };
    report.exposures(plan).into_iter().map(told).collect()
}

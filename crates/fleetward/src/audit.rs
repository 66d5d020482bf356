//! An audit of one's own devices, from what was asked for to what is told: one way for the command line and for `serve`.
//!
//! ```text
//! target     words -> addresses of the owner's, with device and model
//! passwords  what may be tried, and the budget that all audits of this machine share
//! schedule   an audit that comes again and again, and when it does
//! progress   how far it is
//! told       what was found -> what the journal records of each device
//! ```

mod passwords;
mod progress;
pub(crate) mod schedule;
mod target;
mod told;
pub(crate) mod when;

use std::future::Future;
use std::sync::Arc;

use fleetward_audit::ports::Progress;
use fleetward_audit::run::{Plan, Report, audit};

use crate::exit::Failure;

pub(crate) use passwords::{check_list, known, own_folder};
pub(crate) use progress::Far;
pub(crate) use target::{inventory, of_devices, spelled, subjects};
pub(crate) use told::{Told, told};

/// Runs the plan; `beside` runs as long.
pub(crate) fn carry_out(
    plan: &Plan,
    progress: Arc<dyn Progress>,
    beside: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        tokio::spawn(beside);
        audit(plan, progress).await
    });
    runtime.shutdown_background();
    done.map_err(|error| {
        Failure::unfinished(format!("sockets cannot be had: {error}"), "--engine connect needs no privilege").into()
    })
}

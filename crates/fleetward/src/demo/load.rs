//! Background load: other SIMs of the same server, so that the story is told under pressure.

use std::thread::JoinHandle;
use std::time::Duration;

use fleetward_testkit::load::{Load, LoadReport};

use super::scene::{LOAD_FIRST, LOAD_SIMS, LOAD_SOURCE, Scene};
use crate::clock;
use crate::command::demo::Demo;
use crate::server::Addresses;

/// The load under way, if one was asked for.
pub(super) struct Background(Option<JoinHandle<std::io::Result<LoadReport>>>);

/// Without an end of its own, the load ends after this time.
const MOST: Duration = Duration::from_hours(1);

/// Starts it.
pub(super) fn start(demo: &Demo, scene: &Scene, addresses: &Addresses) -> anyhow::Result<Background> {
    if demo.rate == 0 {
        return Ok(Background(None));
    }
    let mut load = Load::accounting(addresses.accounting[0], scene.load_secret(), clock::shared());
    load.sims = LOAD_SIMS;
    load.first_sim = LOAD_FIRST;
    load.source = LOAD_SOURCE;
    load.rate = Some(f64::from(demo.rate));
    load.requests = None;
    load.duration =
        Some(demo.length.unwrap_or(MOST).saturating_sub(Duration::from_secs(2)).max(Duration::from_secs(1)));
    let thread = std::thread::Builder::new().name("load".into()).spawn(move || load.run())?;
    Ok(Background(Some(thread)))
}

impl Background {
    /// What came of it, if it is over.
    pub(super) fn finish(self) -> Option<LoadReport> {
        let thread = self.0.filter(JoinHandle::is_finished)?;
        thread.join().ok()?.ok()
    }
}

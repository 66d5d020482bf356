//! What speaks at the open ports, and whether a known password opens it.
//!
//! A device that answered and does not open its ports any more is left alone, like one that falls silent in the search
//! for ports.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::host::Visit;
use crate::access::{Lists, try_known};
use crate::fact::{Access, Host, OpenPort, Outcome, Service, Transport};
use crate::ports::{Progress, Stage};
use crate::speak::{self, At};

/// One port may take so long, however slowly it answers: TLS at the gentle pace has a few hundred questions.
const PATIENCE: Duration = Duration::from_mins(3);

/// How often somebody looks whether the audit should end.
const LOOK: Duration = Duration::from_millis(100);

/// A device that was just asked gets so many moments to open again.
const MOMENTS: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Identifies, then tries passwords; the outcome says how far it came.
pub(super) async fn look(visit: &Visit<'_>, host: &mut Host) {
    host.outcome = match identify(visit, host).await {
        Some(()) if visit.is_gone(host).await => Outcome::FellSilent,
        Some(()) => match &visit.plan.passwords {
            Some(lists) => passwords(visit, host, lists).await,
            None => Outcome::Done,
        },
        None => Outcome::Cut,
    };
}

/// `None` where the audit was ended.
async fn identify(visit: &Visit<'_>, host: &mut Host) -> Option<()> {
    let is_new = |it: &&mut OpenPort| it.transport == Transport::Tcp && it.service.is_none();
    let ports: Vec<u16> = host.open.iter_mut().filter(is_new).map(|it| it.port).collect();
    let of = ports.len();
    let (mut waiting, mut asking, mut settled) = (ports.into_iter(), JoinSet::new(), 0);
    loop {
        while asking.len() < visit.at_once()
            && let Some(port) = waiting.next()
        {
            let (door, target) = (visit.door.clone(), visit.target);
            asking.spawn(async move { (port, heard(speak::tcp(At { door: &door, target, port })).await) });
        }
        let Some(joined) = unless_ended(visit.progress, asking.join_next()).await? else { return Some(()) };
        settled += 1;
        visit.progress.stage(visit.target, Stage::Services, settled, of);
        // A speaker that breaks has nothing to say.
        let Ok((port, service)) = joined else { continue };
        if let Some(open) = host.open.iter_mut().find(|it| it.transport == Transport::Tcp && it.port == port) {
            open.service = service;
        }
    }
}

async fn heard(work: impl Future<Output = io::Result<Option<Service>>>) -> Option<Service> {
    timeout(PATIENCE, work).await.ok()?.ok()?
}

/// One port after the other: services of one host may share their accounts.
async fn passwords(visit: &Visit<'_>, host: &mut Host, lists: &Lists) -> Outcome {
    let of = host.open.len();
    for (open, settled) in host.open.iter_mut().zip(1..) {
        if let Some(service) = open.service.as_mut().filter(|it| !is_tried(it)) {
            let trying = try_known(visit.door, visit.target, open.port, service, lists);
            let Some(access) = unless_ended(visit.progress, trying).await else { return Outcome::Cut };
            service.access = access;
        }
        visit.progress.stage(visit.target, Stage::Passwords, settled, of);
    }
    if visit.is_gone(host).await { Outcome::FellSilent } else { Outcome::Done }
}

/// By the part of the audit that this one goes on with.
fn is_tried(service: &Service) -> bool {
    matches!(service.access, Access::Opened { .. } | Access::Held { .. } | Access::Locks { .. })
}

impl Visit<'_> {
    /// Half of what the host may be asked at once: a speaker may need a second line.
    fn at_once(&self) -> usize {
        self.door.limits().at_once.div_ceil(2) as usize
    }

    /// None of its first open ports opens any more.
    async fn is_gone(&self, host: &Host) -> bool {
        let tcp = || host.open.iter().filter(|it| it.transport == Transport::Tcp).map(|it| it.port);
        for moment in MOMENTS {
            for port in tcp().take(3) {
                if self.progress.is_cancelled() || self.door.tcp(self.target, port).await.is_ok() {
                    return false;
                }
            }
            sleep(moment).await;
        }
        tcp().next().is_some()
    }
}

/// `None` as soon as the audit should end.
async fn unless_ended<T>(progress: &dyn Progress, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        match timeout(LOOK, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if progress.is_cancelled() => return None,
            Err(_) => {}
        }
    }
}

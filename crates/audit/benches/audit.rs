//! The engines as a program of their own, so that their CPU can be counted like that of any other tool.
//!
//! `cargo bench -p fleetward-audit --bench audit -- ports raw normal 1-65535 10.9.0.11 ...` prints `open ADDRESS PORT` for each open
//! port and, last, `unknown NUMBER`; `cargo xtask bench audit` runs it beside other tools.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "figures of a bench, printed")]

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use fleetward_audit::door::Door;
use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::{Engine, PortScan, PortSet, scan};
use fleetward_audit::scope::{Scope, Target};
use fleetward_audit::speak::{self, At};
use tokio::task::JoinSet;

/// Hosts at once, as `fleetward audit` has them.
const AT_ONCE: usize = 32;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let [what, engine, temperament, ports, hosts @ ..] = &words[..] else {
        println!("bench: SKIPPED, it wants `ports|identify ENGINE TEMPERAMENT PORTS ADDRESS...`");
        return;
    };
    let engine = if engine == "raw" { Engine::Raw } else { Engine::Connect };
    let temperament = match &**temperament {
        "gentle" => Temperament::Gentle,
        "normal" => Temperament::Normal,
        _ => Temperament::Fast,
    };
    let work = Arc::new(Work {
        door: Door::new(temperament),
        engine,
        ports: ports.parse().unwrap(),
        identifies: what == "identify",
    });
    let scope = Scope::new(vec!["10.0.0.0/8".parse().unwrap()], false);
    let targets = hosts.iter().map(|it| scope.admit(it.parse::<IpAddr>().unwrap()).unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(all(&work, targets));
}

struct Work {
    door: Door,
    engine: Engine,
    ports: PortSet,
    identifies: bool,
}

async fn all(work: &Arc<Work>, mut waiting: VecDeque<Target>) {
    let (mut working, mut unknown) = (JoinSet::new(), 0);
    loop {
        while working.len() < AT_ONCE
            && let Some(target) = waiting.pop_front()
        {
            let work = Arc::clone(work);
            working.spawn(async move { one(&work, target).await });
        }
        let Some(scan) = working.join_next().await else { break };
        unknown += scan.unwrap().unknown;
    }
    println!("unknown {unknown}");
}

async fn one(work: &Arc<Work>, target: Target) -> PortScan {
    let scan = scan(&work.door, target, &work.ports, work.engine, &()).await.unwrap();
    for port in &scan.open {
        println!("open {} {port}", target.address());
    }
    if work.identifies {
        identify(work, target, &scan.open).await;
    }
    scan
}

/// What speaks, one line a port: all ports at once, as far as the door's pace allows.
async fn identify(work: &Arc<Work>, target: Target, open: &[u16]) {
    let mut asked = JoinSet::new();
    for port in open.iter().copied() {
        let work = Arc::clone(work);
        asked.spawn(async move { (port, speak::tcp(At { door: &work.door, target, port }).await.ok().flatten()) });
    }
    for port in work.ports.udp().iter().copied() {
        let work = Arc::clone(work);
        asked.spawn(async move { (port, speak::udp(At { door: &work.door, target, port }).await.1) });
    }
    while let Some(told) = asked.join_next().await {
        let (port, Some(service)) = told.unwrap() else { continue };
        let product = service.product.as_deref().unwrap_or("-");
        println!("speaks {} {port} {} {product}", target.address(), service.protocol);
    }
}

//! The hosts that are asked, in namespaces: a near one, a distant one, a network of 254.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::thread;

use anyhow::{Context as _, bail};
use fleetward_testkit::daemons::{Lab, Namespace};

use super::{Case, wire};

/// A port of an address.
pub(super) type Place = (IpAddr, u16);

/// Open on the hosts that are asked for every port.
const OPEN: [u16; 10] = [21, 22, 80, 443, 1_883, 5_683, 8_080, 23_456, 49_152, 65_535];

/// Open on each host of the network.
const LOW: [u16; 10] = [7, 21, 22, 23, 80, 110, 443, 554, 777, 1_024];

const NEAR: &str = "10.78.1.2";
const FAR: &str = "10.78.2.2";

pub(super) struct Yard {
    pub(super) auditor: Namespace,
    near: Namespace,
    /// Carries frames as long as it lives.
    _wire: wire::Wire,
}

impl Yard {
    pub(super) fn build(lab: &mut Lab) -> anyhow::Result<Self> {
        let auditor = lab.namespace("auditor")?;
        let (near, far, net, middle) =
            (lab.namespace("near")?, lab.namespace("far")?, lab.namespace("net")?, lab.namespace("middle")?);
        lab.cable((&auditor, "near", "10.78.1.1/24"), (&near, "eth0", "10.78.1.2/24"))?;
        lab.cable((&auditor, "net", "10.79.1.1/16"), (&net, "eth0", "10.79.2.1/16"))?;
        lab.cable((&auditor, "far", "10.78.2.1/24"), (&middle, "to", ""))?;
        lab.cable((&far, "eth0", "10.78.2.2/24"), (&middle, "from", ""))?;
        shell(&net, "ip route add local 10.79.0.0/24 dev lo")?;
        let wire = wire::Wire::lay(&middle)?;
        for (namespace, ports) in [(&near, OPEN), (&far, OPEN), (&net, LOW)] {
            listen(namespace, ports)?;
        }
        Ok(Self { auditor, near, _wire: wire })
    }

    /// Puts the host into the state that the case is about.
    pub(super) fn prepare(&self, case: Case) -> anyhow::Result<()> {
        let open = OPEN.map(|port| port.to_string()).join(", ");
        let rules = match case {
            Case::LimitedHost => {
                "chain out { type filter hook output priority 0; tcp flags & rst == rst limit rate over 2000/second drop; }"
                    .to_owned()
            }
            Case::SilentHost => {
                format!("chain in {{ type filter hook input priority 0; tcp dport != {{ {open} }} drop; }}")
            }
            _ => String::new(),
        };
        let table = format!("table inet yard\ndelete table inet yard\ntable inet yard {{\n{rules}\n}}\n");
        let mut nft = self.near.command("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn()?;
        nft.stdin.take().context("nft")?.write_all(table.as_bytes())?;
        if !nft.wait()?.success() {
            bail!("nft does not take {table}");
        }
        Ok(())
    }

    /// Addresses that are asked, and from which interface.
    pub(super) fn hosts(case: Case) -> (&'static str, Vec<IpAddr>) {
        let one = |address: &str| address.parse().into_iter().collect();
        match case {
            Case::LossyHost => ("far", one(FAR)),
            Case::Net24 => ("net", (1..=254).map(|host| Ipv4Addr::new(10, 79, 0, host).into()).collect()),
            _ => ("near", one(NEAR)),
        }
    }

    /// Ports that are asked: the last one.
    pub(super) fn last_port(case: Case) -> u16 {
        if case == Case::Net24 { 1_024 } else { u16::MAX }
    }

    /// What is open.
    pub(super) fn truth(case: Case) -> BTreeSet<Place> {
        let ports = if case == Case::Net24 { LOW } else { OPEN };
        let (_, hosts) = Self::hosts(case);
        hosts.into_iter().flat_map(|host| ports.map(|port| (host, port))).collect()
    }

    /// What a tool that speaks to the link itself sends to: the other end of the interface.
    pub(super) fn mac(&self, case: Case) -> anyhow::Result<String> {
        let (interface, hosts) = Self::hosts(case);
        let host = hosts.first().context("no host")?;
        // Whoever was asked is known.
        shell(&self.auditor, &format!("timeout 3 bash -c '</dev/tcp/{host}/80' || true")).ok();
        let said = shell(&self.auditor, &format!("ip neigh show {host} dev {interface}"))?;
        let mac = said.split_whitespace().skip_while(|word| *word != "lladdr").nth(1);
        mac.map(ToOwned::to_owned).with_context(|| format!("no link address of {host} in {said:?}"))
    }
}

/// Accepts and hangs up, on every address of the namespace, until the process ends.
fn listen(namespace: &Namespace, ports: [u16; 10]) -> anyhow::Result<()> {
    for port in ports {
        let listener = namespace.enter(move || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))??;
        thread::spawn(move || {
            listener.incoming().flatten().for_each(drop);
        });
    }
    Ok(())
}

fn shell(namespace: &Namespace, words: &str) -> anyhow::Result<String> {
    let output = namespace.command("sh").args(["-c", words]).output()?;
    if !output.status.success() {
        bail!("{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

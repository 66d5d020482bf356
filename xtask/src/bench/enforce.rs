//! The firewall: how long a fleet's rules take to load, and what they cost a packet, with 10 devices and with 10,000.
//!
//! Every device is a model of its own with 50 endpoints: the worst that a fleet can be (500,000 endpoints). Packets are sent through a
//! gateway in network namespaces; their cost is what they take longer than through a chain that only asks conntrack, as ours does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use fleetward_fleet::{Allow, Direction, GuardMode, Mac, NetworkProfile, Peer, PortRange, Protocol};
use fleetward_guard::nft::kernel::Kernel;
use fleetward_guard::nft::{Features, Member, OnBreach, Site, compile, ruleset};
use fleetward_testkit::daemons::{Lab, Namespace};
use ipnet::IpNet;
use nix::sys::socket::{self, AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType};
use nix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::json;

/// Load seconds and cost a packet at 10 and 10,000 devices, 50 endpoints each.
#[derive(Debug, Args)]
pub(crate) struct Enforce {
    /// Packets of one measurement.
    #[arg(long, default_value_t = 100_000)]
    packets: u32,
    /// Measurements of each kind, in turn; the best counts, because other work on the machine only slows.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default, Serialize)]
struct Ours {
    load_s_10: f64,
    load_s_10000: f64,
    ns_per_packet_10: f64,
    ns_per_packet_10000: f64,
    /// 10,000 devices of 100 models: what fleets are like.
    load_s_10000_of_100_models: f64,
    ns_per_packet_10000_of_100_models: f64,
    /// One element by netlink, until the kernel says that it is in force.
    element_us: f64,
    /// A packet of the path without a firewall: what the cost is added to.
    ns_per_packet_bare: f64,
}

const ENDPOINTS: u32 = 50;

impl Enforce {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(mut lab) = Lab::try_new(&[("nft", "nftables")])? else {
            bail!("this needs root, network namespaces and nft");
        };
        let bench = Path::new(&mut lab)?;
        let mut ours = Ours::default();
        let fleets = [fleet(10, 10), fleet(10_000, 10_000), fleet(10_000, 100)];
        let mut loads = [f64::MAX; 3];
        let mut best = [f64::MAX; 4];
        for round in 0..self.rounds {
            bench.kernel.load(BARE)?;
            best[0] = best[0].min(bench.send(&fleets[0].frames, self.packets)?);
            bench.kernel.off(false)?;
            bench.kernel.load("table inet bare\ndelete table inet bare\n")?;
            for (at, fleet) in fleets.iter().enumerate() {
                let started = Instant::now();
                bench.kernel.load(&fleet.text)?;
                loads[at] = loads[at].min(started.elapsed().as_secs_f64());
                best[at + 1] = best[at + 1].min(bench.send(&fleet.frames, self.packets)?);
            }
            eprintln!(
                "round {}: bare {:.0} ns; with rules {:.0}, {:.0}, {:.0} ns",
                round + 1,
                best[0],
                best[1],
                best[2],
                best[3]
            );
        }
        ours.ns_per_packet_bare = best[0];
        (ours.load_s_10, ours.load_s_10000, ours.load_s_10000_of_100_models) = (loads[0], loads[1], loads[2]);
        ours.ns_per_packet_10 = (best[1] - best[0]).max(0.0);
        ours.ns_per_packet_10000 = (best[2] - best[0]).max(0.0);
        ours.ns_per_packet_10000_of_100_models = (best[3] - best[0]).max(0.0);
        ours.element_us = bench.element()?;
        println!(
            "load: 10 devices {:.2} s, 10,000 devices of 10,000 models {:.2} s, of 100 models {:.2} s",
            ours.load_s_10, ours.load_s_10000, ours.load_s_10000_of_100_models
        );
        println!(
            "a refused packet over the bare path ({:.0} ns): {:+.0} ns with 10, {:+.0} ns with 10,000 devices of as many models, {:+.0} ns of 100",
            ours.ns_per_packet_bare,
            ours.ns_per_packet_10,
            ours.ns_per_packet_10000,
            ours.ns_per_packet_10000_of_100_models
        );
        println!("one element by netlink, in force: {:.0} us", ours.element_us);
        if self.json {
            let work = format!("{ENDPOINTS} endpoints a device; every packet walks the whole ruleset and is refused");
            println!("{}", json!({ "work": work, "ours": ours }));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A device's side and a gateway.
struct Path {
    device: Namespace,
    gateway: Namespace,
    kernel: Kernel,
}

impl Path {
    fn new(lab: &mut Lab) -> anyhow::Result<Self> {
        let (device, gateway) = (lab.namespace("dev")?, lab.namespace("gw")?);
        let sink = lab.namespace("sink")?;
        lab.cable((&device, "eth0", ""), (&gateway, "br0", "10.0.0.1/8"))?;
        lab.cable((&gateway, "wan", "198.51.100.2/24"), (&sink, "wan", "198.51.100.3/24"))?;
        let run = |place: &Namespace, words: &str| -> anyhow::Result<()> {
            let output = place.command("sh").args(["-c", words]).output()?;
            if !output.status.success() {
                bail!("{words}: {}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(())
        };
        run(
            &gateway,
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/br0/rp_filter",
        )?;
        run(&gateway, "ip link set br0 address 02:ff:00:00:00:01")?;
        let kernel = Kernel::with(&["ip", "netns", "exec", gateway.name(), "nft"]);
        Ok(Self { device, gateway, kernel })
    }

    /// Sends so many of these frames in turn; nanoseconds a packet until the gateway has judged it.
    fn send(&self, frames: &[Vec<u8>], packets: u32) -> anyhow::Result<f64> {
        let frames = frames.to_vec();
        self.device.enter(move || -> anyhow::Result<f64> {
            let socket = raw()?;
            let mut each = frames.iter().cycle();
            // To warm the tables up.
            for frame in each.by_ref().take(2_000) {
                socket::send(socket.as_raw_fd(), frame, MsgFlags::empty())?;
            }
            let started = cpu()?;
            for frame in each.take(packets as usize) {
                socket::send(socket.as_raw_fd(), frame, MsgFlags::empty())?;
            }
            Ok(cpu()?.saturating_sub(started).as_secs_f64() * 1e9 / f64::from(packets))
        })?
    }

    /// Microseconds of one element, put in again and again, each until it is in force.
    fn element(&self) -> anyhow::Result<f64> {
        use fleetward_guard::nft::netlink::Socket;
        use fleetward_guard::nft::{Change, Element, Mark, sets};
        let mut socket = self.gateway.enter(Socket::open)??;
        let started = Instant::now();
        for number in 0..1_000_u32 {
            let element = Element::Port(Mark(1), Ipv4Addr::from(number).into(), Protocol::TCP, 443);
            socket.apply(&[Change::Put { set: sets::OUT4, element, life: Some(std::time::Duration::from_mins(6)) }])?;
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / 1_000.0)
    }
}

/// CPU time of this thread. A packet through a virtual cable is judged in the context of whoever sends it, so its cost is in here, and
/// what else runs on the machine is not.
fn cpu() -> anyhow::Result<std::time::Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn raw() -> anyhow::Result<OwnedFd> {
    let fd = socket::socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    let own = |it: nix::ifaddrs::InterfaceAddress| {
        (it.interface_name == "eth0").then(|| it.address.and_then(|at| at.as_link_addr().copied())).flatten()
    };
    let at: LinkAddr = nix::ifaddrs::getifaddrs()?.find_map(own).context("eth0 is not there")?;
    socket::bind(fd.as_raw_fd(), &at)?;
    Ok(fd)
}

struct Fleet {
    text: String,
    /// One refused packet of each device (of a thousand at most).
    frames: Vec<Vec<u8>>,
}

fn fleet(devices: u32, models: u32) -> Fleet {
    let mut profiles = BTreeMap::new();
    for model in 0..models {
        let allow = (0..ENDPOINTS).map(|endpoint| Allow {
            peer: Peer::Net(IpNet::from(IpAddr::from(Ipv4Addr::from(0xc000_0000_u32 + model * ENDPOINTS + endpoint)))),
            protocol: Protocol::TCP,
            ports: vec![PortRange::one(443)],
            begins: Direction::Out,
            rate: None,
            support: None,
        });
        let profile = NetworkProfile { mode: GuardMode::Enforce, allow: allow.collect(), ..NetworkProfile::default() };
        profiles.insert(format!("model-{model}").into(), profile);
    }
    let mac = |device: u32| {
        let [_, _, high, low] = device.to_be_bytes();
        Mac([2, 0, 0, 1, high, low])
    };
    let ip = |device: u32| Ipv4Addr::from(0x0a01_0000_u32 + device);
    let member = |device: u32| Member {
        mac: mac(device),
        ips: vec![ip(device).into()],
        model: Some(format!("model-{}", device % models).into()),
    };
    let site = Site {
        inside: vec!["br0".into()],
        gateway: vec![[10, 0, 0, 1].into()],
        members: (0..devices).map(member).collect(),
        spoofing: OnBreach::Drop,
        strict4: true,
        syn_per_second: 20,
        connections: 200,
        ..Site::default()
    };
    let text = ruleset(&site, &Features::all(), &compile(&site, &profiles).elements);
    let step = (devices / 1_000).max(1);
    let frames = (0..devices).step_by(step as usize).map(|device| frame(mac(device), ip(device))).collect();
    Fleet { text, frames }
}

/// A UDP datagram to somewhere that no profile allows.
fn frame(mac: Mac, ip: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![2, 0xff, 0, 0, 0, 1];
    frame.extend(mac.0);
    frame.extend([8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    frame.extend(ip.octets());
    frame.extend([198, 51, 100, 1]);
    let header = &frame[14..34];
    let sum: u32 = header.chunks(2).map(|it| u32::from(it[0]) << 8 | u32::from(it[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([0x27, 0x10, 0x27, 0x11, 0, 26, 0, 0]);
    frame.extend([0; 18]);
    frame
}

/// What any stateful firewall does: it asks conntrack, and refuses.
const BARE: &str = "table inet bare
delete table inet bare
table inet bare {
  chain forward {
    type filter hook forward priority filter - 5; policy accept;
    ct state established,related accept
    counter drop
  }
}
";

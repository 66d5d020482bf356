//! UDP speakers against real daemons.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::time::{Duration, Instant};

use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, PortState, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::{self, Engine};
use fleetward_audit::scope::Scope;
use fleetward_audit::speak::{At, UDP_PORTS, udp};
use fleetward_testkit::daemons::{Lab, Namespace, Zoo, zoo};
use fleetward_testkit::process::Process;

/// What a port says, asked from within the namespace.
fn asked(from: &Namespace, address: std::net::IpAddr, network: &str, port: u16) -> (PortState, Option<Service>) {
    let scope = Scope::new(vec![network.parse().unwrap()], false);
    let target = scope.admit(address).unwrap();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let door = Door::new(Temperament::Normal);
        runtime.block_on(udp(At { door: &door, target, port }))
    };
    from.enter(work).unwrap()
}

/// The same, of a daemon that may still be starting.
fn ready(what: u16, ask: impl Fn() -> (PortState, Option<Service>)) -> Service {
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        match ask() {
            (PortState::Open, Some(service)) => return service,
            other => assert!(Instant::now() < end, "{what}: {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_zoo_is_asked_in_its_protocols() {
    let Some(mut zoo) = Zoo::try_start().unwrap() else { return };
    let ask = |number, port| asked(zoo.auditor(), Zoo::address(number), zoo::NETWORK, port);
    let snmp = ready(161, || ask(19, 161));
    assert_eq!((&*snmp.protocol, &*snmp.evidence), ("snmp", "UPS"));
    assert_eq!((&*snmp.notes["versions"], &*snmp.notes["communities"]), ("1,2c,3", "public"));
    assert!(snmp.notes["engine_id"].starts_with("80001f88"), "net-snmp's enterprise: {snmp:?}");
    let coap = ready(5683, || ask(20, 5683));
    assert_eq!((&*coap.protocol, &coap.access), ("coap", &Access::Anybody));
    assert!(coap.notes["resources"].contains("time"), "{:?}", coap.notes);
    // A device that speaks neither says so by ICMP.
    assert_eq!(ask(20, 161), (PortState::Closed, None));
    assert_eq!(zoo.harmed(), 0);
}

/// A namespace with daemons that Debian has, and one that asks them, over both versions of IP.
struct Yard {
    _daemons: Vec<Process>,
    auditor: Namespace,
    lab: Lab,
}

impl Yard {
    fn try_start() -> Option<Self> {
        let mut lab = Lab::try_new(&PROGRAMS).unwrap()?;
        let (yard, auditor) = (lab.namespace("yard").unwrap(), lab.namespace("asker").unwrap());
        lab.cable((&yard, "yard", "10.78.0.1/24"), (&auditor, "asker", "10.78.0.2/24")).unwrap();
        for (namespace, interface, address) in [(&yard, "yard", "fd78::1/64"), (&auditor, "asker", "fd78::2/64")] {
            let mut command = namespace.command("ip");
            command.args(["addr", "add", address, "dev", interface, "nodad"]);
            assert!(command.status().unwrap().success());
        }
        let folder = lab.subfolder("yard").unwrap();
        for (name, text) in FILES {
            std::fs::write(folder.join(name), text.replace("FOLDER", &folder.display().to_string())).unwrap();
        }
        let start = |line: &&str| {
            let line = line.replace("FOLDER", &folder.display().to_string());
            let mut command = yard.command("/bin/sh");
            command.args(["-c", &line]);
            Process::start(&mut command, folder.join(format!("{}.log", line.len()))).unwrap()
        };
        Some(Self { _daemons: DAEMONS.iter().map(start).collect(), auditor, lab })
    }

    fn ask(&self, port: u16) -> Service {
        ready(port, || asked(&self.auditor, [10, 78, 0, 1].into(), "10.78.0.0/24", port))
    }

    fn ask_v6(&self, port: u16) -> Service {
        ready(port, || asked(&self.auditor, "fd78::1".parse().unwrap(), "fd78::/64", port))
    }
}

const PROGRAMS: [(&str, &str); 6] = [
    ("dnsmasq", "dnsmasq-base"),
    ("chronyd", "chrony"),
    ("avahi-daemon", "avahi-daemon"),
    ("miniupnpd", "miniupnpd"),
    ("ipmi_sim", "openipmi"),
    ("baresip", "baresip-core"),
];

const FILES: [(&str, &str); 8] = [
    (
        "chrony.conf",
        "local stratum 10\nallow all\ncmdport 0\nbindcmdaddress /\npidfile FOLDER/chrony.pid\ndriftfile FOLDER/drift\n",
    ),
    (
        "avahi.conf",
        "[server]\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=no\n[publish]\npublish-workstation=no\npublish-hinfo=no\n",
    ),
    (
        "lamp.service",
        "<service-group><name>lamp</name><service><type>_hap._tcp</type><port>80</port><txt-record>md=L1</txt-record></service></service-group>",
    ),
    (
        "upnpd.conf",
        "ext_ifname=lo\nlistening_ip=yard\nport=5000\nenable_upnp=yes\nuuid=f1ee7a4d-0000-4000-8000-000000000001\n",
    ),
    (
        "lan.conf",
        "name \"yard\"\nset_working_mc 0x20\nstartlan 1\naddr 10.78.0.1 623\npriv_limit admin\nallowed_auths_callback none md2 md5 straight\n\
         allowed_auths_user none md2 md5 straight\nallowed_auths_operator none md2 md5 straight\nallowed_auths_admin none md2 md5 straight\n\
         guid a123456789abcdefa123456789abcdef\nendlan\nuser 1 true \"\" \"x\" user 10 none md2 md5 straight\n",
    ),
    (
        "config",
        "sip_listen 10.78.0.1:5060\nnet_interface yard\nmodule_path /usr/lib/baresip/modules\nmodule account.so\n",
    ),
    ("accounts", "<sip:door@10.78.0.1>;regint=0\n"),
    (
        "ipmi.emu",
        "mc_setbmc 0x20\nmc_add 0x20 0 has-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n",
    ),
];

/// Run by a shell in a mount namespace of its own.
const DAEMONS: [&str; 6] = [
    "exec dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --address=/example.com/192.0.2.1 --enable-tftp --tftp-root=FOLDER --user=root",
    // -x leaves the clock alone.
    "exec chronyd -x -d -U -f FOLDER/chrony.conf",
    "mount -t tmpfs run /run && mkdir FOLDER/av && cp FOLDER/lamp.service FOLDER/av && mount --bind FOLDER/av /etc/avahi/services && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f FOLDER/avahi.conf",
    "exec miniupnpd -d -f FOLDER/upnpd.conf -P FOLDER/upnpd.pid",
    "mkdir FOLDER/state && exec ipmi_sim -c FOLDER/lan.conf -f FOLDER/ipmi.emu -s FOLDER/state -n",
    "exec baresip -f FOLDER",
];

#[test]
fn daemons_of_debian_are_told_by_their_answers() {
    let Some(yard) = Yard::try_start() else { return };
    let dns = yard.ask(53);
    assert_eq!((dns.product.as_deref(), &*dns.notes["recursion"]), (Some("dnsmasq"), "resolved"), "{dns:?}");
    let tftp = yard.ask(69);
    assert_eq!((&*tftp.protocol, &tftp.access), ("tftp", &Access::Anybody), "{tftp:?}");
    let ntp = yard.ask(123);
    assert_eq!((&*ntp.evidence, ntp.notes.get("mode6")), ("stratum 10", None), "chrony does not know mode 6");
    let ipmi = yard.ask(623);
    assert!(ipmi.notes["authentication"].contains("none"), "{ipmi:?}");
    let ssdp = yard.ask(1900);
    assert_eq!(ssdp.product.as_deref(), Some("MiniUPnPd"), "{ssdp:?}");
    assert!(ssdp.notes["offers"].contains("InternetGatewayDevice"), "the description was read: {ssdp:?}");
    let mdns = yard.ask(5353);
    assert_eq!((&*mdns.notes["services"], mdns.device_model.as_deref()), ("_hap._tcp", Some("L1")), "{mdns:?}");
    let sip = yard.ask(5060);
    assert_eq!((sip.product.as_deref(), sip.version.is_some()), (Some("baresip"), true), "{sip:?}");
    // IPv6, TFTP's other port included.
    assert_eq!(
        (&*yard.ask_v6(53).protocol, &*yard.ask_v6(69).protocol, &*yard.ask_v6(123).protocol),
        ("dns", "tftp", "ntp")
    );
    assert_eq!(asked(&yard.auditor, "fd78::1".parse().unwrap(), "fd78::/64", 5683).0, PortState::Closed);
    scans(&yard, "10.78.0.1", "10.78.0.0/24");
    scans(&yard, "fd78::1", "fd78::/64");
    drop(yard.lab);
}

/// Both engines for TCP and all UDP ports: what is open is open, all else is closed although ICMP is limited.
fn scans(yard: &Yard, address: &str, network: &str) {
    let target = Scope::new(vec![network.parse().unwrap()], false).admit(address.parse().unwrap()).unwrap();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (door, ports) = (Door::new(Temperament::Normal), "1-2000,5000".parse().unwrap());
            let mut scans = Vec::new();
            for engine in [Engine::Raw, Engine::Connect] {
                scans.push(ports::scan(&door, target, &ports, engine, &()).await.unwrap());
            }
            (scans, ports::udp::scan(&door, target, UDP_PORTS, &()).await)
        })
    };
    let (tcp, udp) = yard.auditor.enter(work).unwrap();
    for scan in tcp {
        assert_eq!((&scan.open[..], scan.closed, scan.unknown), (&[53, 5000][..], 1_999, 0), "{address}");
    }
    let open: Vec<u16> = udp.open.iter().map(|open| open.port).collect();
    let expected = if target.address().is_ipv4() {
        vec![53, 69, 123, 623, 1900, 5060, 5353]
    } else {
        vec![53, 69, 123, 1900, 5353]
    };
    assert_eq!((open, udp.unknown, udp.left), (expected, 0, vec![]), "{address}");
    assert_eq!(udp.closed as usize + udp.open.len(), UDP_PORTS.len());
}

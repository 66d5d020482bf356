//! The harness itself, proved with FreeRADIUS as the server: what fails here is no fault of Fleetward.

#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetward_fleet::{Secret, Timestamp};
use fleetward_testkit::Clock;
use fleetward_testkit::daemons::{
    Account, Certificates, FreeRadius, FreeRadiusSetup, Hostapd, HostapdSetup, Lab, Namespace, RadsecProxy,
    RadsecProxySetup, ServerAddress, Storage, StrongSwan, Supplicant, VpnClient, VpnGatewaySetup, radclient,
};
use fleetward_testkit::fleet::{self, Fleet};
use fleetward_testkit::load::Load;
use fleetward_testkit::nas::{Entry, Event, Nas};

const SECRET: &str = "s3cret";
const LIMIT: Duration = Duration::from_secs(20);

fn account(name: &str, ip: Option<Ipv4Addr>) -> Account {
    Account { name: name.into(), password: "pass".into(), ip }
}

fn setup(ip: Ipv4Addr) -> FreeRadiusSetup {
    FreeRadiusSetup {
        listen: ServerAddress::new(ip, SECRET),
        accounts: vec![account("device-1", Some(Ipv4Addr::new(10, 100, 0, 42)))],
        storage: Storage::Detail,
        threads: 4,
        radsec: None,
    }
}

/// Waits until the accounting has `count` records with this text.
fn wait_for_accounting(server: &FreeRadius, text: &str, count: usize) -> String {
    let end = Instant::now() + LIMIT;
    while server.accounting().matches(text).count() < count {
        assert!(Instant::now() < end, "no {count} × {text:?} in:\n{}", server.accounting());
        std::thread::sleep(Duration::from_millis(50));
    }
    server.accounting()
}

/// A Disconnect as a careful server would send it.
fn disconnect(from: &Namespace, to: &str, keys: &str) -> String {
    let attributes = format!("{keys}, Event-Timestamp = %l, Message-Authenticator = 0x00");
    let now = std::process::Command::new("date").arg("+%s").output().expect("every system has date");
    let attributes = attributes.replace("%l", String::from_utf8_lossy(&now.stdout).trim());
    radclient(Some(from), to.parse().expect("an address"), "disconnect", SECRET, &attributes)
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn freeradius_and_radclient() {
    let Some(mut lab) = Lab::try_new(&FreeRadius::PROGRAMS).unwrap() else { return };
    let aaa = lab.namespace("aaa").unwrap();
    let setup = FreeRadiusSetup { storage: Storage::DetailSynced, ..setup(Ipv4Addr::LOCALHOST) };
    let server = FreeRadius::in_lab(&lab, &aaa, &setup).unwrap();
    let ask = |kind, at, attributes: &str| radclient(Some(&aaa), at, kind, SECRET, attributes);
    let accept = ask("auth", setup.listen.auth_addr(), "User-Name = device-1, User-Password = pass").unwrap();
    assert!(accept.contains("Access-Accept") && accept.contains("10.100.0.42"), "{accept}");
    assert!(ask("auth", setup.listen.auth_addr(), "User-Name = device-1, User-Password = wrong").is_err());
    ask("acct", setup.listen.acct_addr(), "Acct-Status-Type = Start, Acct-Session-Id = s1").unwrap();
    assert!(wait_for_accounting(&server, "s1", 1).contains("Start"));
    assert!(server.process.cpu_time().unwrap() > Duration::ZERO);
}

#[test]
fn strongswan_opens_a_tunnel_is_accounted_and_disconnected() {
    let programs = [&FreeRadius::PROGRAMS[..], &StrongSwan::PROGRAMS].concat();
    let Some(mut lab) = Lab::try_new(&programs).unwrap() else { return };
    let (aaa, gateway, device) =
        (lab.namespace("aaa").unwrap(), lab.namespace("gw").unwrap(), lab.namespace("dev").unwrap());
    lab.cable((&aaa, "gw", "10.254.0.1/24"), (&gateway, "aaa", "10.254.0.2/24")).unwrap();
    lab.cable((&gateway, "dev", "203.0.113.1/24"), (&device, "gw", "203.0.113.2/24")).unwrap();
    gateway.add_address("192.0.2.1/32").unwrap();
    let server = FreeRadius::in_lab(&lab, &aaa, &setup([10, 254, 0, 1].into())).unwrap();
    let vpn = VpnGatewaySetup {
        outside: [203, 0, 113, 1].into(),
        inside: "192.0.2.0/24".into(),
        server: ServerAddress::new([10, 254, 0, 1].into(), SECRET),
        name: "vpn-1".into(),
        interim_secs: 2,
        dac_secret: SECRET.into(),
        psk: "group key".into(),
    };
    let client = VpnClient {
        outside: [203, 0, 113, 2].into(),
        gateway: vpn.outside,
        inside: vpn.inside.clone(),
        login: "device-1".into(),
        password: "pass".into(),
        psk: vpn.psk.clone(),
    };
    let swan = StrongSwan::gateway(&lab, &gateway, &vpn).unwrap();
    let peer = StrongSwan::client(&lab, &device, &client).unwrap();
    peer.connect().unwrap_or_else(|e| panic!("{e}\nthe gateway's log:\n{}", swan.process.output()));
    assert!(swan.tunnels().unwrap().contains("10.100.0.42"), "{}", swan.tunnels().unwrap());
    assert_eq!(device.exchange(&gateway, "192.0.2.1:7007".parse().unwrap(), 5).unwrap(), 5);
    let start = wait_for_accounting(&server, "Acct-Status-Type = Start", 1);
    assert!(start.contains("Framed-IP-Address = 10.100.0.42") && start.contains("vpn-1"), "{start}");

    disconnect(&aaa, "10.254.0.2:3799", "User-Name = device-1");
    let stop = wait_for_accounting(&server, "Acct-Status-Type = Stop", 1);
    let octets = stop.lines().filter_map(|line| line.trim().strip_prefix("Acct-Input-Octets = ")).next_back();
    assert!(octets.and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n >= 5000), "{stop}");
    let end = Instant::now() + LIMIT;
    while swan.tunnels().unwrap().contains("10.100.0.42") {
        assert!(Instant::now() < end, "the tunnel is still there");
    }
}

#[test]
fn hostapd_accounts_a_wired_device_and_disconnects_it() {
    let programs = [&FreeRadius::PROGRAMS[..], &Hostapd::PROGRAMS].concat();
    let Some(mut lab) = Lab::try_new(&programs).unwrap() else { return };
    let (aaa, switch, device) =
        (lab.namespace("aaa").unwrap(), lab.namespace("sw").unwrap(), lab.namespace("dev").unwrap());
    lab.cable((&aaa, "sw", "10.254.0.1/24"), (&switch, "aaa", "10.254.0.2/24")).unwrap();
    lab.cable((&switch, "port1", ""), (&device, "eth0", "")).unwrap();
    device.set_mac("eth0", "02:00:5e:00:00:01").unwrap();
    let server = FreeRadius::in_lab(&lab, &aaa, &setup([10, 254, 0, 1].into())).unwrap();
    let port = HostapdSetup {
        interface: "port1".into(),
        own_ip: [10, 254, 0, 2].into(),
        name: "switch-1".into(),
        server: ServerAddress::new([10, 254, 0, 1].into(), SECRET),
        dac: [10, 254, 0, 1].into(),
        dac_secret: SECRET.into(),
        login: "device-1".into(),
        password: "pass".into(),
        interim_secs: 60,
    };
    let hostapd = Hostapd::start(&lab, &switch, &port).unwrap();
    wait_for_accounting(&server, "Acct-Status-Type = Accounting-On", 1);
    let supplicant = Supplicant::start(&lab, &device, "eth0", "device-1", "pass")
        .unwrap_or_else(|e| panic!("{e}\nhostapd's log:\n{}", hostapd.process.output()));
    let start = wait_for_accounting(&server, "Acct-Status-Type = Start", 1);
    assert!(start.contains("User-Name = \"02005e000001\"") && start.contains("switch-1"), "{start}");

    disconnect(&aaa, "10.254.0.2:3799", "Calling-Station-Id = 02-00-5E-00-00-01");
    wait_for_accounting(&server, "Acct-Status-Type = Stop", 1);
    drop(supplicant);
}

#[test]
fn radsecproxy_carries_udp_over_tls() {
    let programs = [&FreeRadius::PROGRAMS[..], &RadsecProxy::PROGRAMS].concat();
    let Some(mut lab) = Lab::try_new(&programs).unwrap() else { return };
    let aaa = lab.namespace("aaa").unwrap();
    let pem = Certificates::make(&lab, "127.0.0.1").unwrap();
    let setup = FreeRadiusSetup { radsec: Some((2083, pem.clone())), ..setup(Ipv4Addr::LOCALHOST) };
    let server = FreeRadius::in_lab(&lab, &aaa, &setup).unwrap();
    let proxy = RadsecProxySetup {
        listen: "127.0.0.1:11812".parse().unwrap(),
        secret: SECRET.into(),
        server: "127.0.0.1:2083".parse().unwrap(),
        authority: pem.authority,
        certificate: pem.client.certificate,
        key: pem.client.key,
    };
    let mut radsec = RadsecProxy::start(&lab, Some(&aaa), &proxy).unwrap();
    radsec.wait_connected().unwrap();
    let ask = |kind, attributes| radclient(Some(&aaa), proxy.listen, kind, SECRET, attributes);
    let accept = ask("auth", "User-Name = device-1, User-Password = pass")
        .unwrap_or_else(|e| panic!("{e}\n{}\n{}", radsec.process.output(), server.process.output()));
    assert!(accept.contains("10.100.0.42"), "{accept}");
    ask("acct", "Acct-Status-Type = Start, Acct-Session-Id = s1, User-Name = device-1").unwrap();
    wait_for_accounting(&server, "s1", 1);
}

/// The load generator and the simulated gateway against a server that neither they nor Fleetward were written for.
#[test]
fn load_and_gateway_are_understood_by_freeradius() {
    let Some(mut lab) = Lab::try_new(&FreeRadius::PROGRAMS).unwrap() else { return };
    let aaa = lab.namespace("aaa").unwrap();
    let sims: Vec<Account> = (0..2000)
        .map(|index| Account {
            password: "none".into(),
            ..account(&fleet::msisdn(index).reveal(), Some(fleet::address(index)))
        })
        .collect();
    let setup = FreeRadiusSetup { accounts: sims, ..setup(Ipv4Addr::LOCALHOST) };
    let server = FreeRadius::in_lab(&lab, &aaa, &setup).unwrap();
    let (auth, acct) = (setup.listen.auth_addr(), setup.listen.acct_addr());
    // Any time will do: the Event-Timestamp has to be plausible, not true.
    let clock: Clock = Arc::new(|| Timestamp(1_795_000_000_000));
    let bounds =
        |load| Load { requests: Some(4000), sims: 2000, window: 16, require_message_authenticator: false, ..load };

    let load = bounds(Load::admission(auth, Secret::new(SECRET), clock.clone()));
    let report = aaa.enter(move || load.run()).unwrap().unwrap();
    assert_eq!((report.requests, report.rejected, report.lost, report.bad), (4000, 0, 0, 0), "{report:?}");

    let load = bounds(Load::accounting(acct, Secret::new(SECRET), clock.clone()));
    let report = aaa.enter(move || load.run()).unwrap().unwrap();
    assert_eq!((report.requests, report.lost, report.bad), (4000, 0, 0), "{report:?}");
    let detail = wait_for_accounting(&server, "Acct-Status-Type = Start", 2000);
    assert_eq!(detail.matches("Acct-Status-Type = Interim-Update").count(), 2000);
    assert_eq!(detail.matches("3GPP-IMSI = \"26299").count(), 4000);

    let sim = Fleet::new(1, 20).members[0].sim.clone();
    let ip = aaa.enter(move || {
        let mut nas = Nas::bind("gw", Ipv4Addr::LOCALHOST.into(), 0, Secret::new(SECRET), clock).unwrap();
        nas.aim(auth, acct);
        let session = nas.attach(sim, Entry::Asks, [10, 0, 0, 1].into()).unwrap();
        let admitted = |event: &Event| if let Event::Admitted(a) = event { Some(a.ip) } else { None };
        let ip = nas.wait_for(LIMIT, admitted).unwrap();
        nas.traffic(session, 6_000_000_000, 1);
        nas.detach(session, 1).unwrap();
        let closed = |event: &Event| matches!(event, Event::Closed(..)).then_some(());
        assert!(nas.wait_for(LIMIT, closed).unwrap().is_some());
        ip
    });
    assert_eq!(ip.unwrap(), Some(Some(fleet::address(0))));
    assert!(server.accounting().contains("Acct-Input-Gigawords = 1"));
}

/// Prints what the generator and FreeRADIUS cost. `cargo test --release … -- --ignored --nocapture what_load_costs`
#[test]
#[ignore = "a measurement; takes a minute and means something only in a release build"]
fn what_load_costs() {
    let Some(mut lab) = Lab::try_new(&FreeRadius::PROGRAMS).unwrap() else { return };
    for (round, storage) in [Storage::Nothing, Storage::Detail, Storage::DetailSynced].into_iter().enumerate() {
        let aaa = lab.namespace("aaa").unwrap();
        let folder = lab.subfolder(&format!("freeradius-{round}")).unwrap();
        let name = |index| Account { password: "none".into(), ..account(&fleet::msisdn(index).reveal(), None) };
        let setup =
            FreeRadiusSetup { accounts: (0..10_000).map(name).collect(), storage, ..setup(Ipv4Addr::LOCALHOST) };
        let server = FreeRadius::start(&folder, Some(&aaa), &setup).unwrap();
        let clock: Clock = Arc::new(|| Timestamp(1_795_000_000_000));
        let secret = || Secret::new(SECRET);
        let accounting = Load::accounting(setup.listen.acct_addr(), secret(), clock.clone());
        let admission = Load::admission(setup.listen.auth_addr(), secret(), clock.clone());
        for (what, load) in [("accounting", accounting), ("admission", admission)] {
            let requests = if storage == Storage::DetailSynced { 20_000 } else { 100_000 };
            let load = Load { requests: Some(requests), window: 8, require_message_authenticator: false, ..load };
            let before = server.process.cpu_time().unwrap();
            let report = aaa.enter(move || load.run()).unwrap().unwrap();
            let cpu = server.process.cpu_time().unwrap().saturating_sub(before).as_secs_f64();
            let per_100k = 100_000.0 / report.requests as f64;
            let (server_cpu, own_cpu) = (cpu * per_100k, report.cpu_s * per_100k);
            eprintln!("{storage:?} {what}: server {server_cpu:.2} CPU-s/100k, generator {own_cpu:.2}; {report:?}");
        }
    }
}

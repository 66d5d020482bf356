//! A VPN gateway (IKEv1, XAuth with PAP, user-space ESP): a device logs in through us, gets its fixed address, carries
//! more than it should, is cut off, and its Stop proves it.

use std::time::{Duration, Instant};

use fleetward_testkit::daemons::{Lab, Namespace, ServerAddress, StrongSwan, VpnClient, VpnGatewaySetup};

use crate::server::{Fleetward, PASSWORD, SECRET, SOON, Setup};

/// strongSwan matches on User-Name alone.
const RADIUS: &str = r#"  authentication: ["10.254.0.1:1812"]
  accounting: ["10.254.0.1:1813"]
  logins: secrets/logins
  clients:
    - name: vpn-1
      address: 10.254.0.2
      secret: { file: secrets/gateway }
      identity: user-name
      disconnect: { to: "10.254.0.2:3799", secret: { file: secrets/gateway }, keys: [[user-name]] }
"#;

const RULE: &str = "rule: more-than-a-router-needs
title: A router carries more than it needs
watch: { used: { sum: bytes, over: 1h } }
when: used > 50 kB
severity: high
respond: [disconnect]
mode: enforce
expected: At most 50 kB an hour
observed: \"{used} within an hour\"
advice: Look at what is behind the router.
tests:
  - { given: [{ bytes: 60 kB }], expect: alarm }
";

/// No server may ask for interims more often (RFC 2869 §5.16).
const MODEL: &str = "model: router\ntitle: A router\ninterim_secs: 60\n";
/// Until an interim has come for sure.
const AN_INTERIM: Duration = Duration::from_secs(100);

#[test]
fn strongswan_is_admitted_accounted_and_cut_off() {
    let Some(mut lab) = Lab::try_new(&StrongSwan::PROGRAMS).unwrap() else { return };
    let (aaa, gateway, device) =
        (lab.namespace("aaa").unwrap(), lab.namespace("gw").unwrap(), lab.namespace("dev").unwrap());
    lab.cable((&aaa, "gw", "10.254.0.1/24"), (&gateway, "aaa", "10.254.0.2/24")).unwrap();
    lab.cable((&gateway, "dev", "203.0.113.1/24"), (&device, "gw", "203.0.113.2/24")).unwrap();
    gateway.add_address("192.0.2.1/32").unwrap();
    let setup = Setup {
        radius: RADIUS,
        files: &[("rules/router.yaml", RULE), ("models/router.yaml", MODEL)],
        logins: &["router-1"],
        devices: "name,login,model,ip\nrouter in shed 1,router-1,router,10.100.0.42\n",
    };
    let server = Fleetward::start(&lab, &aaa, &setup);
    let (swan, peer) = peers(&lab, &gateway, &device);

    // Admitted, with the address of the inventory on the device's own TUN.
    peer.connect()
        .unwrap_or_else(|e| panic!("{e}\nthe gateway:\n{}\nthe server:\n{}", swan.process.output(), server.log()));
    assert!(swan.tunnels().unwrap().contains("10.100.0.42"), "{}", swan.tunnels().unwrap());
    assert!(addresses(&device).contains("10.100.0.42"), "{}", addresses(&device));
    let session = server.wait_for(SOON, &["sessions", "list"], |row| row["nas"] == "vpn-1");
    let expected = ("router in shed 1".into(), "10.100.0.42".into());
    assert_eq!((&session["device_name"], &session["ip"]), (&expected.0, &expected.1), "{session:#}");

    // Accounted: what goes through the tunnel is on the next interim.
    assert_eq!(device.exchange(&gateway, "192.0.2.1:7007".parse().unwrap(), 100).unwrap(), 100);
    let id = session["id"].as_str().unwrap();
    let all = ["sessions", "list", "--all"];
    let counted = server.wait_for(AN_INTERIM, &all, |row| row["id"] == id && octets(row, "bytes_up") >= 100_000);
    assert!(octets(&counted, "bytes_down") >= 100_000, "{counted:#}");

    // Found, cut off, verified.
    let finding = server.wait_for(SOON, &["findings", "list"], |row| row["rule"] == "more-than-a-router-needs");
    assert_eq!(finding["session"], serde_json::json!(["vpn-1", id]), "{finding:#}");
    let response = server.wait_for_verified_disconnect(SOON);
    assert_eq!(response["finding"], finding["id"], "{response:#}");
    let end = Instant::now() + SOON;
    while swan.tunnels().unwrap().contains("10.100.0.42") {
        assert!(Instant::now() < end, "the tunnel is still there:\n{}", swan.process.output());
    }
    assert!(!addresses(&device).contains("10.100.0.42"), "{}", addresses(&device));
    server.wait_for(SOON, &all, |row| row["id"] == id && row["ended"] == "stop");
    server.stop();
}

fn peers(lab: &Lab, gateway: &Namespace, device: &Namespace) -> (StrongSwan, StrongSwan) {
    let vpn = VpnGatewaySetup {
        outside: [203, 0, 113, 1].into(),
        inside: "192.0.2.0/24".into(),
        server: ServerAddress::new([10, 254, 0, 1].into(), SECRET),
        name: "vpn-1".into(),
        interim_secs: 60,
        dac_secret: SECRET.into(),
        psk: "group key".into(),
    };
    let client = VpnClient {
        outside: [203, 0, 113, 2].into(),
        gateway: vpn.outside,
        inside: vpn.inside.clone(),
        login: "router-1".into(),
        password: PASSWORD.into(),
        psk: vpn.psk.clone(),
    };
    (StrongSwan::gateway(lab, gateway, &vpn).unwrap(), StrongSwan::client(lab, device, &client).unwrap())
}

fn addresses(namespace: &Namespace) -> String {
    let shown = namespace.command("ip").args(["-4", "addr", "show"]).output().unwrap();
    String::from_utf8_lossy(&shown.stdout).into_owned()
}

fn octets(session: &serde_json::Value, field: &str) -> u64 {
    session[field].as_u64().unwrap_or(0)
}

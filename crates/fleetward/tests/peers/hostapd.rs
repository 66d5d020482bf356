//! A switch port (802.1X): hostapd does EAP itself and accounts to us; a person ends the session; the port closes.

use fleetward_testkit::daemons::{Hostapd, HostapdSetup, Lab, ServerAddress, Supplicant};

use crate::server::{Fleetward, SECRET, SOON, Setup};

/// hostapd names the device by its MAC address, and drops a Disconnect without Event-Timestamp and
/// Message-Authenticator silently (its configuration here insists); both are on unless they are turned off.
const RADIUS: &str = r#"  authentication: ["10.254.0.1:1812"]
  accounting: ["10.254.0.1:1813"]
  clients:
    - name: switch-1
      address: 10.254.0.2
      secret: { file: secrets/gateway }
      identity: calling-station-id
      disconnect:
        to: "10.254.0.2:3799"
        secret: { file: secrets/gateway }
        keys: [[calling-station-id, acct-session-id]]
"#;

#[test]
fn hostapd_is_accounted_and_its_port_closed() {
    let Some(mut lab) = Lab::try_new(&Hostapd::PROGRAMS).unwrap() else { return };
    let (aaa, switch, device) =
        (lab.namespace("aaa").unwrap(), lab.namespace("sw").unwrap(), lab.namespace("dev").unwrap());
    lab.cable((&aaa, "sw", "10.254.0.1/24"), (&switch, "aaa", "10.254.0.2/24")).unwrap();
    lab.cable((&switch, "port1", ""), (&device, "eth0", "")).unwrap();
    device.set_mac("eth0", "02:00:5e:00:00:01").unwrap();
    let devices = "name,login\ncamera at the gate,02-00-5E-00-00-01\n";
    let server = Fleetward::start(&lab, &aaa, &Setup { radius: RADIUS, files: &[], logins: &[], devices });
    let port = HostapdSetup {
        interface: "port1".into(),
        own_ip: [10, 254, 0, 2].into(),
        name: "switch-1".into(),
        server: ServerAddress::new([10, 254, 0, 1].into(), SECRET),
        dac: [10, 254, 0, 1].into(),
        dac_secret: SECRET.into(),
        login: "camera".into(),
        password: "camera".into(),
        interim_secs: 60,
    };
    let mut hostapd = Hostapd::start(&lab, &switch, &port).unwrap();
    let supplicant = Supplicant::start(&lab, &device, "eth0", "camera", "camera")
        .unwrap_or_else(|e| panic!("{e}\nhostapd's log:\n{}", hostapd.process.output()));

    let session = server.wait_for(SOON, &["sessions", "list"], |row| row["nas"] == "switch-1");
    assert_eq!(session["device_name"], "camera at the gate", "{session:#}");
    let id = session["id"].as_str().unwrap();
    let asked = server.ask(&["sessions", "disconnect", "switch-1", id]);
    assert_eq!(asked[0]["action"]["kind"], "disconnect", "{asked:#}");

    server.wait_for_verified_disconnect(SOON);
    hostapd.process.wait_for_line("unauthorizing port", SOON).unwrap_or_else(|e| panic!("{e}"));
    server.wait_for(SOON, &["sessions", "list", "--all"], |row| row["id"] == id && row["ended"] == "stop");
    drop(supplicant);
    server.stop();
}

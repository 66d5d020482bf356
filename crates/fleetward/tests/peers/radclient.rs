//! FreeRADIUS's radclient as two gateways: one of VPN logins (PAP, CHAP), one of SIMs.

use std::net::SocketAddr;

use fleetward_testkit::daemons::{DaemonError, Lab, Namespace, RADCLIENT, radclient};

use crate::server::{Fleetward, PASSWORD, SECRET, SOON, Setup};

const RADIUS: &str = r#"  authentication: ["10.254.0.1:1812"]
  accounting: ["10.254.0.1:1813"]
  logins: secrets/logins
  clients:
    - { name: vpn-1, address: 10.254.0.1, secret: { file: secrets/gateway }, identity: user-name }
    - { name: pgw-1, address: 10.254.0.2, secret: { file: secrets/gateway }, identity: imsi }
"#;

const DEVICES: &str = "name,imsi,login,ip
meter-1,262990000000001,,10.100.0.1
router-1,,router@example,10.100.0.2
";

/// A gateway is where its packets come from.
struct Gateway(Namespace);

impl Gateway {
    fn try_ask(&self, port: u16, kind: &str, secret: &str, attributes: &str) -> Result<String, DaemonError> {
        radclient(Some(&self.0), SocketAddr::from(([10, 254, 0, 1], port)), kind, secret, attributes)
    }

    fn ask(&self, port: u16, kind: &str, attributes: &str) -> String {
        self.try_ask(port, kind, SECRET, attributes).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The Access-Accept for these attributes.
    fn login(&self, attributes: &str) -> String {
        let answer = self.ask(1812, "auth", &format!("{attributes}, Message-Authenticator = 0x00"));
        assert!(answer.contains("Received Access-Accept"), "{answer}");
        answer
    }

    /// The Access-Reject for these attributes.
    fn refused(&self, attributes: &str) -> String {
        let attributes = format!("{attributes}, Message-Authenticator = 0x00");
        let answer = self.try_ask(1812, "auth", SECRET, &attributes).unwrap_err().to_string();
        assert!(answer.contains("Received Access-Reject"), "{answer}");
        answer
    }

    fn account(&self, who: &str, status: &str, octets: u32) {
        let counters = format!("Acct-Input-Octets = {octets}, Acct-Output-Octets = {}", octets * 2);
        let attributes = format!("{who}, Acct-Status-Type = {status}, Acct-Session-Id = 5e55, {counters}");
        let answer = self.ask(1813, "acct", &attributes);
        assert!(answer.contains("Received Accounting-Response"), "{answer}");
    }
}

#[test]
fn radclient_logs_in_and_accounts() {
    let Some(mut lab) = Lab::try_new(&[RADCLIENT]).unwrap() else { return };
    let (server, vpn, pgw) = start(&mut lab);

    // PAP and CHAP, by the passwords of the logins file; the address is the inventory's.
    let pap = vpn.login(&format!("User-Name = router@example, User-Password = {PASSWORD}"));
    assert!(pap.contains("Framed-IP-Address = 10.100.0.2") && pap.contains("Acct-Interim-Interval"), "{pap}");
    assert!(pap.contains("Message-Authenticator"), "{pap}");
    vpn.login(&format!("User-Name = router@example, CHAP-Password = {PASSWORD}"));
    vpn.refused("User-Name = router@example, User-Password = guessed");
    vpn.refused("User-Name = router@example, CHAP-Password = guessed");

    // Start, interim, Stop: the session is there, counts, and is over.
    let who = "User-Name = router@example, Framed-IP-Address = 10.100.0.2";
    vpn.account(who, "Start", 0);
    let open = server.wait_for(SOON, &["sessions", "list"], |row| row["id"] == "5e55");
    assert_eq!((&open["device_name"], &open["nas"]), (&"router-1".into(), &"vpn-1".into()), "{open:#}");
    assert_eq!(open["ip"], "10.100.0.2", "{open:#}");
    vpn.account(who, "Interim-Update", 1_000_000);
    server.wait_for(SOON, &["sessions", "list"], |row| row["bytes_up"] == 1_000_000 && row["bytes_down"] == 2_000_000);
    vpn.account(who, "Stop", 3_000_000);
    let ended = server.wait_for(SOON, &["sessions", "list", "--all"], |row| row["ended"] == "stop");
    assert_eq!(ended["bytes_down"], 6_000_000, "{ended:#}");
    assert_eq!(server.ask(&["sessions", "list"]), serde_json::json!([]));

    // A SIM is the network's word: no password.
    let sim = pgw.login("3GPP-IMSI = 262990000000001, Called-Station-Id = iot.example");
    assert!(sim.contains("Framed-IP-Address = 10.100.0.1"), "{sim}");

    // Both ports answer Status-Server (RFC 5997), each in its own way.
    let status = "Message-Authenticator = 0x00";
    assert!(pgw.ask(1812, "status", status).contains("Received Access-Accept"));
    assert!(pgw.ask(1813, "status", status).contains("Received Accounting-Response"));
    server.stop();
}

#[test]
fn radclient_is_refused_or_ignored_for_cause() {
    let Some(mut lab) = Lab::try_new(&[RADCLIENT]).unwrap() else { return };
    let (server, vpn, pgw) = start(&mut lab);

    // A SIM that nobody has put into the inventory: the peer learns "no", the operator why.
    let answer = pgw.refused("3GPP-IMSI = 262990000000999, Called-Station-Id = iot.example");
    assert!(!answer.contains("Reply-Message"), "{answer}");
    let finding = server.wait_for(SOON, &["findings", "list"], |row| row["rule"] == "rejected-unknown-sim");
    assert_eq!((&finding["severity"], &finding["state"]), (&"medium".into(), &"new".into()), "{finding:#}");
    assert_eq!(finding["expected"], "a device of the inventory", "{finding:#}");
    assert!(finding["observed"].as_str().is_some_and(|text| text.contains("not admitted")), "{finding:#}");
    let subject = finding["subject"].as_str().unwrap_or_default();
    assert!(subject.starts_with("imsi 26299") && !subject.contains("0000000"), "not masked: {finding:#}");

    // Who does not know the secret hears nothing, and neither does who leaves Message-Authenticator out
    // (CVE-2024-3596). Both at once, because radclient takes its time to believe it.
    let request = format!("User-Name = router@example, User-Password = {PASSWORD}");
    std::thread::scope(|scope| {
        let signed = format!("{request}, Message-Authenticator = 0x00");
        let account = "User-Name = router@example, Acct-Status-Type = Start, Acct-Session-Id = 0bad";
        let attempts = [(1812, "auth", signed), (1813, "acct", account.to_owned())];
        for (port, kind, attributes) in attempts {
            let vpn = &vpn;
            scope.spawn(move || is_silent(&vpn.try_ask(port, kind, "not-the-shared-secret", &attributes)));
        }
        scope.spawn(|| is_silent(&vpn.try_ask(1812, "auth", SECRET, &request)));
    });
    assert_eq!(server.ask(&["sessions", "list", "--all"]), serde_json::json!([]));
    assert!(server.log().contains("not answered"), "the log does not say so:\n{}", server.log());
    server.stop();
}

fn is_silent(answer: &Result<String, DaemonError>) {
    let answer = answer.as_ref().unwrap_err().to_string();
    assert!(answer.contains("No reply from server") && !answer.contains("Received"), "{answer}");
}

fn start(lab: &mut Lab) -> (Fleetward, Gateway, Gateway) {
    let (aaa, gateway) = (lab.namespace("aaa").unwrap(), lab.namespace("gw").unwrap());
    lab.cable((&aaa, "gw", "10.254.0.1/24"), (&gateway, "aaa", "10.254.0.2/24")).unwrap();
    let setup = Setup { radius: RADIUS, files: &[], logins: &["router@example"], devices: DEVICES };
    (Fleetward::start(lab, &aaa, &setup), Gateway(aaa), Gateway(gateway))
}

//! radsecproxy: UDP from radclient in, TLS 1.3 with a client certificate to us.

use std::net::SocketAddr;

use fleetward_testkit::daemons::{
    Certificates, DaemonError, Lab, Namespace, Pem, RADCLIENT, RadsecProxy, RadsecProxySetup, radclient,
};

use crate::server::{Fleetward, PASSWORD, SECRET, SOON, Setup};

#[test]
fn radsecproxy_carries_requests_and_a_stranger_does_not() {
    let programs = [&RadsecProxy::PROGRAMS[..], &[RADCLIENT]].concat();
    let Some(mut lab) = Lab::try_new(&programs).unwrap() else { return };
    let aaa = lab.namespace("aaa").unwrap();
    let pem = Certificates::make(&lab, "127.0.0.1").unwrap();
    // The same authority vouches for the stranger: a certificate counts only if somebody has configured it.
    let stranger = pem.issue_client("stranger").unwrap();
    let radius = format!(
        r#"  logins: secrets/logins
  radsec:
    listen: ["127.0.0.1:2083"]
    certificate: {}
    key: {}
    client_ca: {}
  clients:
    - {{ name: proxy-1, certificate: {{ san: radsec-client }}, identity: user-name }}
"#,
        pem.server.certificate.display(),
        pem.server.key.display(),
        pem.authority.display(),
    );
    let devices = "name,login,ip\nrouter-1,router@example,10.100.0.2\n";
    let setup = Setup { radius: &radius, files: &[], logins: &["router@example"], devices };
    let server = Fleetward::start(&lab, &aaa, &setup);

    let mut proxy = Proxy::start(&lab, &aaa, &pem, &pem.client, 11812);
    proxy.peer.wait_connected().unwrap();
    let login = format!("User-Name = router@example, User-Password = {PASSWORD}, Message-Authenticator = 0x00");
    let ask = |kind, attributes: &str| {
        proxy.ask(kind, attributes).unwrap_or_else(|e| panic!("{e}\nthe proxy:\n{}", proxy.peer.process.output()))
    };
    let accept = ask("auth", &login);
    assert!(accept.contains("Access-Accept") && accept.contains("10.100.0.2"), "{accept}");
    ask("acct", "Acct-Status-Type = Start, Acct-Session-Id = 5e55, User-Name = router@example");
    let session = server.wait_for(SOON, &["sessions", "list"], |row| row["id"] == "5e55");
    assert_eq!((&session["nas"], &session["device_name"]), (&"proxy-1".into(), &"router-1".into()), "{session:#}");
    ask("acct", "Acct-Status-Type = Stop, Acct-Session-Id = 5e55, User-Name = router@example");
    server.wait_for(SOON, &["sessions", "list", "--all"], |row| row["ended"] == "stop");
    drop(proxy);

    let refused = Proxy::start(&lab, &aaa, &pem, &stranger, 11813);
    let answer = refused.ask("auth", &login).unwrap_err().to_string();
    assert!(!answer.contains("Access-Accept"), "{answer}");
    assert!(server.log().contains("no client has the fingerprint"), "{}", server.log());
    drop(refused);
    server.stop();
}

struct Proxy {
    peer: RadsecProxy,
    namespace: Namespace,
    listen: SocketAddr,
}

impl Proxy {
    fn start(lab: &Lab, namespace: &Namespace, pem: &Certificates, own: &Pem, port: u16) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let setup = RadsecProxySetup {
            listen,
            secret: SECRET.into(),
            server: "127.0.0.1:2083".parse().unwrap(),
            authority: pem.authority.clone(),
            certificate: own.certificate.clone(),
            key: own.key.clone(),
        };
        let peer = RadsecProxy::start(lab, Some(namespace), &setup).unwrap();
        Self { peer, namespace: namespace.clone(), listen }
    }

    fn ask(&self, kind: &str, attributes: &str) -> Result<String, DaemonError> {
        radclient(Some(&self.namespace), self.listen, kind, SECRET, attributes)
    }
}

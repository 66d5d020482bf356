//! What speaks at the zoo's TCP ports: protocol, product, version, who may; and how long it takes to tell.

use std::time::Instant;

use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::Scope;
use fleetward_audit::speak::{At, tcp};
use fleetward_testkit::daemons::{Zoo, zoo};

/// Device, port, and what is expected: protocol, product, whether there is a version, access.
const EXPECTED: [(u8, u16, &str); 17] = [
    (10, 22, "ssh OpenSSH v asks publickey"),
    (10, 443, "http nginx v anybody tls"),
    (11, 23, "telnet - - asks password"),
    (12, 22, "ssh dropbear v asks publickey+password"),
    (13, 22, "ssh dropbear v asks publickey"),
    (13, 80, "http - - asks basic"),
    (14, 21, "ftp vsFTPd v anybody"),
    (15, 80, "http lighttpd v asks digest"),
    (16, 443, "http nginx v anybody tls"),
    (17, 1883, "mqtt mosquitto v anybody"),
    (18, 1883, "mqtt - - asks password"),
    (21, 6379, "redis redis v anybody"),
    (22, 502, "modbus Zoo PLC-1 v anybody"),
    (23, 554, "rtsp Zoo-Eye v anybody"),
    (24, 80, "http Zoo-Safe v asks basic"),
    (25, 80, "http Zoo-Fragile v anybody"),
    (26, 80, "http - - asks form"),
];

fn words(service: &Service) -> String {
    let access = match &service.access {
        Access::Unasked => "unasked".to_owned(),
        Access::Anybody => "anybody".to_owned(),
        Access::Asks { methods } => format!("asks {}", methods.join("+")),
        other => format!("{other:?}"),
    };
    let (product, version) = (service.product.as_deref().unwrap_or("-"), service.version.as_ref().map_or("-", |_| "v"));
    let tls = if service.encrypted && service.tls.is_some() { " tls" } else { "" };
    format!("{} {product} {version} {access}{tls}", service.protocol)
}

#[test]
fn each_device_says_what_it_is() {
    let Some(mut zoo) = Zoo::try_start().unwrap() else { return };
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scope = Scope::new(vec![zoo::NETWORK.parse().unwrap()], false);
            let door = Door::new(Temperament::Gentle);
            let began = Instant::now();
            let mut asking = tokio::task::JoinSet::new();
            for (at, &(number, port, _)) in EXPECTED.iter().enumerate() {
                let (door, target) = (door.clone(), scope.admit(Zoo::address(number)).unwrap());
                asking.spawn(async move { (at, tcp(At { door: &door, target, port }).await) });
            }
            let mut said = asking.join_all().await;
            said.sort_by_key(|it| it.0);
            (said.into_iter().map(|it| it.1.unwrap().unwrap()).collect::<Vec<_>>(), began.elapsed())
        })
    };
    let (services, took) = zoo.auditor().enter(ask).unwrap();
    eprintln!("{} services of the zoo told in {} ms", services.len(), took.as_millis());
    for service in &services {
        eprintln!("{}", serde_json::to_string(service).unwrap());
    }
    let said: Vec<_> = services.iter().map(words).collect();
    assert_eq!(said, EXPECTED.map(|it| it.2));
    assert_eq!((zoo.locked(), zoo.harmed()), (0, 0));
}

//! One service: whether it speaks in clear, asks nobody, or opens to a known password.

use fleetward_fleet::Severity;

use super::advice;
use super::check::{NO_AUTHENTICATION, PASSWORD_KNOWN, PLAINTEXT};
use super::fault::Fault;
use crate::fact::{Access, Service, Transport};

type At = (Transport, u16);

/// At most one of each check.
pub(super) fn faults(at: At, service: &Service) -> Vec<Fault> {
    [plaintext(at, service), nobody_asked(at, service), password(at, service)].into_iter().flatten().collect()
}

/// Credentials, or a command line, that anybody on the way can read.
fn plaintext(at: At, service: &Service) -> Option<Fault> {
    if service.encrypted || service.notes.get("starttls").is_some_and(|it| &**it == "required") {
        return None;
    }
    let asks = !matches!(service.access, Access::Unasked | Access::Anybody);
    let (severity, why) = match &*service.protocol {
        "telnet" => (Severity::High, "a command line whose passwords and commands cross the network in clear"),
        "ftp" if service.access != Access::Anybody => {
            (Severity::Medium, "passwords and files cross the network in clear")
        }
        "http" if asks && !is_digest_only(service) => {
            (Severity::Medium, "whoever can read the network reads the log-in and has the device")
        }
        "http" if asks => (Severity::Low, "the password itself is hashed, but sessions and settings are not protected"),
        "mqtt" | "redis" | "amqp" if asks => (Severity::Medium, "whoever can read the network reads the credentials"),
        "rtsp" if asks => (Severity::Low, "the pictures and, with basic, the log-in cross the network in clear"),
        "snmp" if is_community(service) => (Severity::Medium, "the community is the password, and is in each packet"),
        _ => return None,
    };
    let observed = format!("{} without encryption{}", spoken(service), evidence(service));
    let advice = advice::encrypt(service);
    Some(Fault::new(&PLAINTEXT, Some(at), severity, why).words(observed, advice))
}

/// What changes or tells something without asking who one is.
fn nobody_asked(at: At, service: &Service) -> Option<Fault> {
    if service.access != Access::Anybody {
        return None;
    }
    let (severity, why) = match &*service.protocol {
        "telnet" | "adb" | "ssh" => (Severity::Critical, "a command line for everybody who can reach it"),
        "vnc" => (Severity::Critical, "the screen, the keyboard and the mouse for everybody who can reach it"),
        "redis" => (Severity::Critical, "everybody may read and write all data, and often run commands with it"),
        "modbus" | "s7" | "bacnet" | "opcua" | "opc-ua" => {
            (Severity::High, "everybody may read and often write what the process does; the protocol knows no log-in")
        }
        "mqtt" | "amqp" => (Severity::High, "everybody may listen to all messages and send commands"),
        "rtsp" => (Severity::High, "everybody may watch"),
        "ftp" | "tftp" => (Severity::Medium, "everybody may read files; firmware and settings often lie there"),
        "coap" => (Severity::Medium, "everybody may list its resources; whether they can be written was not tried"),
        "upnp" | "ssdp" if is_gateway(service) => (Severity::Medium, "everybody inside may open ports to the outside"),
        _ => return None,
    };
    let observed = format!("{} answered without asking for anything{}", spoken(service), evidence(service));
    let advice = advice::authenticate(service);
    Some(Fault::new(&NO_AUTHENTICATION, Some(at), severity, why).words(observed, advice))
}

/// By which rule, of which account; never the password.
fn password(at: At, service: &Service) -> Option<Fault> {
    let rule = match &service.access {
        Access::Opened { by, account, .. } if account.is_empty() => format!("rule {by}"),
        Access::Opened { by, account, .. } => format!("rule {by} with the account {account:?}"),
        _ if service.protocol.as_ref() == "snmp" => {
            format!("a community everybody tries first ({})", well_known(service)?)
        }
        _ => return None,
    };
    let (severity, why) = match &*service.protocol {
        "telnet" | "ssh" | "adb" => (Severity::Critical, "worms try it first, and it gives a command line"),
        "snmp" if !service.notes.contains_key("writable") => {
            (Severity::High, "it tells addresses, routes and software; seldom more")
        }
        _ => (Severity::High, "worms and neighbours try it first; what the service may do, everybody may"),
    };
    let observed = format!("{} was opened by {rule}", spoken(service));
    let fault = Fault::new(&PASSWORD_KNOWN, Some(at), severity, why).words(observed, advice::password(service));
    Some(match &service.access {
        Access::Opened { by, account, .. } => fault.resting_on(format!("{by} {account}")),
        _ => fault,
    })
}

fn well_known(service: &Service) -> Option<&'static str> {
    let communities = service.notes.get("communities")?;
    ["public", "private"].into_iter().find(|known| communities.split([',', ' ']).any(|it| it == *known))
}

fn is_community(service: &Service) -> bool {
    matches!(service.access, Access::Opened { .. }) || service.notes.contains_key("communities")
}

fn is_digest_only(service: &Service) -> bool {
    matches!(&service.access, Access::Asks { methods } if methods.iter().all(|it| &**it == "digest"))
        || service.notes.get("methods").is_some_and(|it| &**it == "digest")
}

/// It says itself that it is an Internet gateway.
fn is_gateway(service: &Service) -> bool {
    let says = |text: &str| text.contains("InternetGatewayDevice") || text.contains("WANIPConnection");
    says(&service.evidence) || service.notes.values().any(|text| says(text))
}

fn spoken(service: &Service) -> String {
    let product = service.product.as_deref().map(|product| format!(" ({product})")).unwrap_or_default();
    format!("{}{product}", service.protocol)
}

fn evidence(service: &Service) -> String {
    if service.evidence.is_empty() { String::new() } else { format!(": {}", service.evidence) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checks, host};
    use super::*;

    fn judged(protocol: &str, access: Access, encrypted: bool) -> Vec<String> {
        checks(&host(Transport::Tcp, 1, Service { protocol: protocol.into(), access, encrypted, ..Service::default() }))
    }

    fn asks(method: &str) -> Access {
        Access::Asks { methods: vec![method.into()] }
    }

    fn opened() -> Access {
        Access::Opened { by: "empty".into(), account: "root".into(), fingerprint: "0f".into() }
    }

    #[test]
    fn plaintext_management() {
        assert_eq!(judged("telnet", asks("password"), false), ["plaintext-management"]);
        assert_eq!(judged("http", asks("basic"), false), ["plaintext-management"]);
        assert_eq!(judged("mqtt", Access::Held { attempts: 2 }, false), ["plaintext-management"]);
        assert!(judged("http", asks("basic"), true).is_empty());
        assert!(judged("http", Access::Anybody, false).is_empty(), "a page for everybody has nothing to hide");
        assert!(judged("ssh", asks("password"), false).is_empty(), "it encrypts itself");
    }

    #[test]
    fn services_that_ask_nobody() {
        for protocol in ["redis", "modbus", "mqtt", "rtsp", "coap", "adb", "ftp", "vnc"] {
            assert_eq!(judged(protocol, Access::Anybody, false), ["no-authentication"], "{protocol}");
            assert!(!judged(protocol, asks("password"), true).contains(&"no-authentication".to_owned()));
        }
        assert!(judged("ssdp", Access::Anybody, false).is_empty(), "to be found is its purpose");
    }

    #[test]
    fn a_password_that_is_known_and_one_that_held() {
        assert_eq!(judged("ssh", opened(), false), ["password-known"]);
        assert!(judged("ssh", Access::Held { attempts: 9 }, false).is_empty());
        assert!(judged("ssh", Access::Locks { attempts: 2 }, false).is_empty());
    }

    #[test]
    fn communities() {
        let with = |list: &str| {
            let notes = [("communities".into(), list.into())].into();
            checks(&host(Transport::Udp, 161, Service { protocol: "snmp".into(), notes, ..Service::default() }))
        };
        assert_eq!(with("public"), ["plaintext-management", "password-known"]);
        assert_eq!(with("k3q9"), ["plaintext-management"]);
        assert!(judged("snmp", Access::Unasked, false).is_empty(), "version 3 alone");
    }
}

//! What the gateway can close that the device cannot: the step by which somebody does it, in the words of this program.

use fleetward_fleet::{Allow, GuardMode, NetworkProfile, Peer, Role, Severity};

use super::check::NOT_IN_PROFILE;
use super::fault::Fault;
use super::surface;
use crate::fact::{Host, Transport};

/// Below this a port is not closed for it: a certificate that signed itself wants another certificate.
const CLOSES_FROM: Severity = Severity::Medium;
/// From this on somebody may not want to wait for that.
const CUTS_OFF_FROM: Severity = Severity::High;

/// The offer for a fault at a port of a device that has a model; the gateway enforces what models' profiles say.
pub(crate) fn offer(host: &Host, profile: Option<&NetworkProfile>, fault: &Fault) -> Option<String> {
    let (model, at) = (host.model.as_deref()?, fault.port?);
    if fault.severity < CLOSES_FROM && *fault.check != *NOT_IN_PROFILE.name {
        return None;
    }
    let port = format!("{}/{}", if at.0 == Transport::Tcp { "tcp" } else { "udp" }, at.1);
    let step = match profile {
        None => format!(
            "learn what the model needs (`fleetward learn --model {model} --journal --out models/{model}.yaml`), set \
             `mode: enforce` under its `network:`, then `fleetward reload`: calls to {port} are dropped"
        ),
        Some(profile) => {
            listed(at, profile).map_or_else(|| unlisted(model, &port, profile), |it| narrow(model, &port, it))
        }
    };
    let cut = host.device.as_deref().filter(|_| fault.severity >= CUTS_OFF_FROM);
    let cut = cut.map(|device| format!("; until then `fleetward devices quarantine {device}` cuts the device off"));
    Some(format!("at the gateway: {step}{}", cut.unwrap_or_default()))
}

/// The item by which somebody may call it there.
fn listed(at: (Transport, u16), profile: &NetworkProfile) -> Option<&Allow> {
    profile.allow.iter().find(|allow| surface::is_called(allow, at))
}

fn unlisted(model: &str, port: &str, profile: &NetworkProfile) -> String {
    match profile.mode {
        GuardMode::Audit => format!(
            "the profile of {model} lets nobody call {port}: set `mode: enforce` under its `network:`, then \
             `fleetward reload`, and it is dropped"
        ),
        GuardMode::Enforce => format!(
            "calls to {port} are dropped already (the profile of {model} enforces), so it was reached beside the gateway \
             or from it; `fleetward enforce --layers` says what stands between"
        ),
    }
}

fn narrow(model: &str, port: &str, allow: &Allow) -> String {
    let who = match &allow.peer {
        Peer::Name(name) => name.to_string(),
        Peer::Net(net) => net.to_string(),
        Peer::Model(model) => format!("devices of model {model}"),
        Peer::Role(role) => word(*role),
    };
    format!(
        "the profile of {model} lets {who} call {port}: if that is not needed, take the item out of `network.allow`, set \
         `mode: enforce`, then `fleetward reload`, and it is dropped"
    )
}

/// As profiles write it.
fn word(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::Timestamp;

    use super::super::{faults, tests::host};
    use super::*;
    use crate::fact::{Access, Service};

    fn camera() -> Host {
        let telnet = Service { protocol: "telnet".into(), access: Access::Anybody, ..Service::default() };
        let (device, model) = (Some("cam-1".into()), Some("camera".into()));
        Host { device, model, ..host(Transport::Tcp, 23, telnet) }
    }

    /// The offers for what is wrong with the camera, by check.
    fn offers(host: &Host, profile: &str) -> Vec<(String, Option<String>)> {
        let profile: Option<NetworkProfile> = (!profile.is_empty()).then(|| serde_json::from_str(profile).unwrap());
        let found = faults(host, profile.as_ref(), Timestamp(0));
        assert!(!found.is_empty());
        found.iter().map(|fault| (fault.check.to_string(), offer(host, profile.as_ref(), fault))).collect()
    }

    fn said(host: &Host, profile: &str, words: &[&str]) {
        for (check, offer) in offers(host, profile) {
            let offer = offer.unwrap_or_default();
            assert!(words.iter().all(|word| offer.contains(word)), "{check}: {offer}");
        }
    }

    #[test]
    fn the_step_is_the_one_that_this_profile_needs() {
        said(&camera(), "", &["fleetward learn --model camera", "`mode: enforce`", "tcp/23"]);
        said(&camera(), r#"{ "allow": [] }"#, &["lets nobody call tcp/23", "`mode: enforce`", "fleetward reload"]);
        said(&camera(), r#"{ "mode": "enforce", "allow": [] }"#, &["dropped already", "fleetward enforce --layers"]);
        let controller = r#"{ "role": "controller", "protocol": "tcp", "ports": ["23"], "begins": "in" }"#;
        said(
            &camera(),
            &format!(r#"{{ "allow": [{controller}] }}"#),
            &["lets controller call tcp/23", "take the item out"],
        );
    }

    #[test]
    fn what_cannot_wait_is_cut_off_and_what_needs_no_closing_is_not() {
        let of = |check: &str| offers(&camera(), r#"{ "allow": [] }"#).into_iter().find(|it| it.0 == check).unwrap().1;
        assert!(of("no-authentication").unwrap().contains("fleetward devices quarantine cam-1"));
        assert!(!of("port-not-in-profile").unwrap().contains("quarantine"), "low, and yet it can be closed");
        let certificate =
            Fault::new(&super::super::check::CERTIFICATE_SELF, Some((Transport::Tcp, 443)), Severity::Info, "");
        assert_eq!(offer(&camera(), None, &certificate), None);
        let stranger = Host { model: None, ..camera() };
        assert!(offers(&stranger, "").iter().all(|(_, offer)| offer.is_none()), "no model, no profile to write");
    }
}

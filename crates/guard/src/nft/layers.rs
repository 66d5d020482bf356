//! Which layers stand between a device and the Internet, and which are missing: what was looked at, and honestly what was not.

use fleetward_fleet::{GuardMode, NetworkProfile};
use serde::Serialize;

use super::site::{Member, OnBreach, Site};
use super::{Features, Probe};

/// How a layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It holds.
    InForce,
    /// It tells and lets pass.
    Audit,
    /// It is not there.
    Missing,
    /// Nobody looked: it may be there.
    NotMeasured,
    /// This device has no such way.
    NotApplicable,
}

/// One layer, for one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Which.
    pub layer: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// Why that is said, in words.
    pub why: String,
}

/// What was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The site.
    pub site: &'a Site,
    /// What the kernel can.
    pub features: &'a Features,
    /// The rules are in the kernel now.
    pub loaded: bool,
    /// The server's layer is in the kernel now.
    pub server: bool,
    /// The device's SIM: `None`, it has none; otherwise whether its model states modules, networks or access points.
    pub sim: Option<bool>,
    /// The profile of its model.
    pub profile: Option<&'a NetworkProfile>,
    /// Each of the bridge's ports is isolated from the others by the bridge itself (`bridge link set dev X isolated on`).
    pub isolated_ports: bool,
}

/// The layers of one device, from the device outwards.
pub fn layers(member: &Member, facts: &Facts<'_>) -> Vec<Layer> {
    let layer = |layer, (standing, why): (Standing, String)| Layer { layer, standing, why };
    vec![
        layer(
            "wireless isolation",
            (
                Standing::NotMeasured,
                "frames inside one BSS never reach this machine: set ap_isolate=1 in hostapd".into(),
            ),
        ),
        layer("switch isolation", switch(facts)),
        layer("bridge isolation", bridge(facts)),
        layer("address binding", binding(member, facts)),
        layer("profile firewall", profile(member, facts)),
        layer("names at the resolver", names(facts)),
        layer("egress limits", limits(facts)),
        layer("SIM and APN policy", sim(facts)),
        layer("server-side limits", server(facts)),
    ]
}

fn switch(facts: &Facts<'_>) -> (Standing, String) {
    if facts.isolated_ports {
        return (Standing::InForce, "the bridge's ports are isolated from each other".into());
    }
    (
        Standing::NotMeasured,
        "a switch's own silicon forwards without asking: private VLANs, or a VLAN for each device".into(),
    )
}

fn bridge(facts: &Facts<'_>) -> (Standing, String) {
    if facts.site.ports.is_empty() {
        return (
            Standing::NotMeasured,
            "no bridge ports are stated (enforce.ports): devices may reach each other on their link".into(),
        );
    }
    if !facts.features.has(Probe::Bridge) {
        return (Standing::Missing, Probe::Bridge.without().into());
    }
    let kind = if facts.features.has(Probe::BridgeConntrack) { "by connection" } else { "stateless" };
    loaded(facts, Standing::InForce, format!("between {} ports, {kind}", facts.site.ports.len()))
}

fn binding(member: &Member, facts: &Facts<'_>) -> (Standing, String) {
    let standing = match facts.site.spoofing {
        OnBreach::Off => return (Standing::Missing, "enforce.spoofing is off".into()),
        OnBreach::Audit => Standing::Audit,
        OnBreach::Drop => Standing::InForce,
    };
    match (member.mac.is_unknown(), member.ips.is_empty()) {
        (true, _) => (Standing::NotApplicable, "no hardware address is known; the reverse path is checked".into()),
        (false, true) => (Standing::Missing, "no address of it is known yet".into()),
        (false, false) => {
            loaded(facts, standing, format!("{} addresses are its own and nobody else's", member.ips.len()))
        }
    }
}

fn profile(member: &Member, facts: &Facts<'_>) -> (Standing, String) {
    let Some(model) = &member.model else { return (Standing::Missing, "it has no model".into()) };
    let Some(profile) = facts.profile else {
        return (Standing::Missing, format!("the model {model} has no network profile (fleetward learn)"));
    };
    let things = profile.allow.len();
    match profile.mode {
        GuardMode::Enforce => {
            loaded(facts, Standing::InForce, format!("{things} things are allowed to {model}, the rest is dropped"))
        }
        GuardMode::Audit => loaded(
            facts,
            Standing::Audit,
            format!("{things} things are allowed to {model}, the rest is told and passes"),
        ),
    }
}

fn names(facts: &Facts<'_>) -> (Standing, String) {
    match (facts.site.redirect_dns && facts.features.has(Probe::Nat), facts.site.refuse_secure_dns) {
        (true, true) => loaded(
            facts,
            Standing::InForce,
            "every question goes to the given resolver; encrypted ones are refused".into(),
        ),
        (true, false) => loaded(
            facts,
            Standing::Audit,
            "questions in clear go to the given resolver; encrypted ones pass it by".into(),
        ),
        (false, _) => {
            (Standing::Missing, "a device may ask any resolver that its profile allows (enforce.redirect_dns)".into())
        }
    }
}

fn limits(facts: &Facts<'_>) -> (Standing, String) {
    let (rate, most) = (facts.site.syn_per_second, facts.site.connections);
    if rate == 0 && most == 0 {
        return (Standing::Missing, "no limits are stated (enforce.syn_per_second, enforce.connections)".into());
    }
    loaded(facts, Standing::InForce, format!("{rate} new connections a second, {most} at once (0: no limit)"))
}

fn sim(facts: &Facts<'_>) -> (Standing, String) {
    match facts.sim {
        None => (Standing::NotApplicable, "it has no SIM in the inventory".into()),
        Some(true) => (
            Standing::InForce,
            "its SIM is admitted by us, in the modules, networks or access points of its model".into(),
        ),
        Some(false) => (Standing::Missing, "its model states no modules, networks or access points".into()),
    }
}

fn server(facts: &Facts<'_>) -> (Standing, String) {
    if facts.server {
        return (Standing::InForce, "limits for each source on this machine's services, the fleet first".into());
    }
    (Standing::NotMeasured, "no limits on this machine (enforce.server); other servers were not looked at".into())
}

fn loaded(facts: &Facts<'_>, standing: Standing, why: String) -> (Standing, String) {
    if facts.loaded {
        (standing, why)
    } else {
        (Standing::Missing, "the firewall is not loaded (fleetward enforce)".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_to_hold_that_is_not_loaded() {
        let site = Site { ports: vec!["p1".into()], spoofing: OnBreach::Drop, syn_per_second: 20, ..Site::default() };
        let member = Member {
            mac: fleetward_fleet::Mac([2, 0, 0, 0, 0, 1]),
            ips: vec![[10, 0, 0, 2].into()],
            model: Some("camera".into()),
        };
        let profile = NetworkProfile { mode: GuardMode::Enforce, ..NetworkProfile::default() };
        let features = Features::all();
        let mut facts = Facts {
            site: &site,
            features: &features,
            loaded: false,
            server: false,
            sim: None,
            profile: Some(&profile),
            isolated_ports: false,
        };
        assert!(layers(&member, &facts).iter().all(|it| it.standing != Standing::InForce));
        facts.loaded = true;
        let holding: Vec<&str> = layers(&member, &facts)
            .into_iter()
            .filter(|it| it.standing == Standing::InForce)
            .map(|it| it.layer)
            .collect();
        assert_eq!(holding, ["bridge isolation", "address binding", "profile firewall", "egress limits"]);
    }
}

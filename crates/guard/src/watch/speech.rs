//! What conversations say: names past the given resolver, places on lists, secrets in clear, foreign TLS.

use std::net::IpAddr;

use fleetward_fleet::SignKind;
use fleetward_packet::{Application, Flow, Time, Told};

use super::device::{fold, is_one};
use super::{DAY, End, Subject, Watch, is_known_resolver, text_key};
use crate::hosts::Hosts;
use crate::survey::is_public;

/// Resolvers over HTTPS by name, so that the commonest are noticed without any list.
const KNOWN_DOH: [&str; 8] = [
    "cloudflare-dns.com",
    "dns.adguard-dns.com",
    "dns.google",
    "dns.nextdns.io",
    "dns.quad9.net",
    "doh.opendns.com",
    "mozilla.cloudflare-dns.com",
    "one.one.one.one",
];

impl Watch {
    pub(super) fn told(&mut self, flow: &Flow, told: &Told, hosts: &Hosts) {
        let time = flow.last;
        if let Told::Lease { mac, ip, .. } = told {
            self.leased(flow, *mac, *ip, hosts);
        }
        self.each(flow, hosts, |watch, end| {
            let Self { devices, out, .. } = watch;
            let device = devices.entry(end.key).or_default();
            match told {
                Told::Answer { addresses, .. } => device.has_names |= end.side.is_out() && !addresses.is_empty(),
                Told::Question { asked, .. } if end.side.is_out() => watch.asked(end, time, asked),
                Told::CredentialsInClear { by, how } => {
                    let who = if end.side.is_out() { "sends" } else { "is sent" };
                    let observed =
                        format!("{who} credentials unencrypted over {} ({how}), {}", by.name(), end.side.place());
                    let key = u64::from(*by as u8) << 32 ^ fold(end.side.peer.ip);
                    let expected = "credentials pass encrypted".to_owned();
                    device.say(&end.side, time, SignKind::CredentialsInClear, key, 7 * DAY, 1, expected, observed, out);
                }
                Told::Login { by, ok: false } => device.refused(&end.side, time, *by, out),
                Told::ClientHello(shape) if end.side.is_out() => {
                    let Some(model) = end.model else { return };
                    if !watch.models.knows_tls(model, shape) {
                        let key = shape.ciphers.iter().fold(7, |key: u64, it| key.wrapping_mul(31) ^ u64::from(*it));
                        let expected = format!("TLS software that {} is known to have", watch.models.name(model));
                        let (suites, versions) = (shape.ciphers.len(), shape.versions.len());
                        let observed = format!(
                            "a TLS client of another make ({suites} suites, {versions} versions offered), to {}",
                            end.side.place()
                        );
                        watch.novel(end, time, SignKind::ForeignTls, key, 1, expected, observed);
                    }
                }
                _ => {}
            }
        });
    }

    /// A resolver that nobody gave it.
    pub(super) fn resolver(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let side = &end.side;
        let how = match (side.flow.protocol, side.port()) {
            (6 | 17, 53) => "DNS",
            (6, 853) => "DNS over TLS",
            (17, 853) => "DNS over QUIC",
            (6, 443) if is_known_resolver(side.peer.ip) => "DNS over HTTPS",
            _ => return,
        };
        let is_stated = !hosts.resolvers.is_empty() || !hosts.routers.is_empty();
        // Where there is a profile, it judges.
        if end.model.is_some() && side.port() != 443 || side.fits || !side.is_out() || !is_one(side.peer) || !is_stated
        {
            return;
        }
        if hosts.is_resolver(side.peer) || matches!(side.subject, Subject::Mac(_)) {
            return;
        }
        let observed = format!("asks names by {how} of {}", side.peer.ip);
        self.bypass(end, time, fold(side.peer.ip), observed);
    }

    fn bypass(&mut self, end: &End<'_>, time: Time, key: u64, observed: String) {
        let Self { devices, out, .. } = self;
        let device = devices.entry(end.key).or_default();
        let expected = "names are asked of the given resolver".to_owned();
        device.say(&end.side, time, SignKind::DnsBypass, key, 7 * DAY, 1, expected, observed, out);
    }

    /// Where it goes is on a list.
    pub(super) fn place_on_a_list(&mut self, end: &End<'_>, time: Time) {
        let Some(name) = end.side.name().filter(|_| end.side.is_out()) else { return };
        let is_doh = KNOWN_DOH.contains(&name) || self.settings.doh.find(name).is_some();
        if is_doh && matches!(end.side.port(), 443 | 853) && !end.side.fits {
            let observed = format!("asks names by DNS over HTTPS of {}", end.side.place());
            self.bypass(end, time, text_key(name), observed);
        }
        let listed = self.settings.trackers.find(name).map(Box::<str>::from);
        self.tracked(end, time, name, listed);
    }

    fn asked(&mut self, end: &End<'_>, time: Time, asked: &str) {
        let listed = self.settings.trackers.find(asked).map(Box::<str>::from);
        self.tracked(end, time, asked, listed);
    }

    fn tracked(&mut self, end: &End<'_>, time: Time, name: &str, listed: Option<Box<str>>) {
        let Some(listed) = listed else { return };
        let Self { devices, out, .. } = self;
        let expected = "no contact to places on the operator's list".to_owned();
        let observed = format!("looks for {name}, which is on the list of trackers (as {listed})");
        let device = devices.entry(end.key).or_default();
        device.say(&end.side, time, SignKind::Tracker, text_key(&listed), 7 * DAY, 1, expected, observed, out);
    }

    /// Unencrypted, where encryption exists.
    pub(super) fn in_clear(&mut self, end: &End<'_>, time: Time) {
        let side = &end.side;
        let Some(by) = side.flow.application else { return };
        let remote = is_public(side.peer.ip);
        let instead = match by {
            Application::Telnet => "SSH",
            Application::Ftp if remote => "SFTP or HTTPS",
            Application::Http if remote => "HTTPS",
            Application::Mqtt if remote => "MQTT over TLS",
            Application::Smtp if remote && side.port() != 465 => "SMTP over TLS",
            Application::Tftp => "HTTPS",
            _ => return,
        };
        if !side.is_answered() || !side.is_out() {
            return;
        }
        let Self { devices, out, .. } = self;
        let device = devices.entry(end.key).or_default();
        let observed = format!("speaks {} unencrypted with {}", by.name(), side.place());
        let expected = format!("{instead} in its place");
        // Once for a protocol: it is a property of the device, not an event.
        device.say(side, time, SignKind::Plaintext, u64::from(by as u8), 30 * DAY, 1, expected, observed, out);
    }

    /// An address that no name had led to, called by a device whose names are seen.
    pub(super) fn without_a_name(&mut self, end: &End<'_>, time: Time) {
        let side = &end.side;
        let is_service = matches!(side.flow.protocol, 6 | 17) && !matches!(side.port(), 53 | 123 | 443);
        if side.has_profile || !side.is_out() || !side.is_answered() || side.name().is_some() || !is_service {
            return;
        }
        let is_remote = is_public(side.peer.ip) && matches!(side.peer.ip, IpAddr::V4(_) | IpAddr::V6(_));
        let Self { devices, out, .. } = self;
        let device = devices.entry(end.key).or_default();
        if !is_remote || !side.flow.begun || !device.knows_names_for(time) {
            return;
        }
        let observed = format!("calls {}; no name had led there", side.place());
        let expected = "places are found by their names".to_owned();
        let key = fold(side.peer.ip) ^ u64::from(side.port()) << 40;
        device.say(side, time, SignKind::HardCodedAddress, key, 30 * DAY, 1, expected, observed, out);
    }
}

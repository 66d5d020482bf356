//! The responder's configuration and what the rest of the server does for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use fleetward_detect::{Engine, SessionFilter, SessionView};
use fleetward_fleet::{Body, DeviceChange, DeviceId, DeviceState, Observation, Secret, SessionKey, SessionVanished};
use fleetward_journal::Handle;
use fleetward_respond::channel::{
    ChannelConfig, MailConfig, MailSecurity, Roots, SyslogConfig, SyslogTransport, WebhookConfig,
};
use fleetward_respond::dac::{Key, NasProfile, SessionTarget};
use fleetward_respond::machine::{Outcome, Settings as Bounds};
use fleetward_respond::{Config, Hooks, Responder, ResponseEvent};
use fleetward_store::{Lookup, Store};
use serde_saphyr::Spanned;

use super::events::{Event, Events};
use super::{Record, replay, ticks, translate};
use crate::clock;
use crate::config::{Channel, Client, Disconnect, DisconnectKey, IdentityKind, OPS, Problem, Settings};

/// The responder, once it is there: it starts after the journal's replay, outputs come before.
pub(super) type Late = Arc<OnceLock<Responder>>;

/// What the hooks need.
pub(super) struct Hands {
    /// The firewall, where there is one.
    pub(super) wall: Option<super::enforce::Door>,
    pub(super) journal: Handle<Record>,
    pub(super) engine: Arc<Engine>,
    pub(super) store: Store,
    pub(super) events: Events,
    /// Gateways that may be asked by User-Name alone: there other sessions of the name are counted.
    pub(super) by_name_alone: Vec<Box<str>>,
    /// Gateways whose devices are known by Calling-Station-Id.
    pub(super) by_station: Vec<Box<str>>,
}

/// Starts the responder; it takes up what an earlier process left unfinished.
pub(super) fn start(settings: &Settings, hands: Hands) -> anyhow::Result<Responder> {
    let nases = nases(settings);
    let automation = settings.config.automation;
    let bounds = Bounds {
        fleet_per_hour: automation.devices_per_hour,
        group_percent: automation.percent_of_group,
        alarm_channels: settings
            .config
            .channels
            .keys()
            .filter(|name| *name == OPS)
            .map(|name| name.as_str().into())
            .collect(),
        ..Bounds::default()
    };
    let config = Config { settings: bounds, nases, channels: channels(settings)?, ..Config::default() };
    let store = hands.store.clone();
    Responder::start(config, store, Arc::new(hands), clock::shared()).context("cannot start responses")
}

/// What is wrong with channels, seen without telling anybody anything.
pub(super) fn unusable(settings: &Settings) -> Vec<Problem> {
    let wrong = |(name, channel): (&String, &Spanned<Channel>)| {
        let error = match channel_config(settings, name, &channel.value) {
            Ok(config) => fleetward_respond::channel::Channel::new(config).err()?.to_string(),
            Err(error) => format!("{error:#}"),
        };
        Some(settings.problem(channel.referenced, format!("channel {name}: {error}")))
    };
    settings.config.channels.iter().filter_map(wrong).collect()
}

/// The gateways that match on User-Name alone.
pub(super) fn by_name_alone(settings: &Settings) -> Vec<Box<str>> {
    let alone = |disconnect: &Disconnect| disconnect.keys.iter().any(|keys| is_name_alone(keys));
    let clients = settings.config.radius.clients.iter();
    clients.filter(|client| client.disconnect.as_ref().is_some_and(alone)).map(name).collect()
}

/// User-Name is all that names the session; what names the gateway does not tell sessions apart.
fn is_name_alone(keys: &[DisconnectKey]) -> bool {
    use DisconnectKey::{NasIdentifier, NasIpAddress, UserName};
    keys.contains(&UserName) && keys.iter().all(|key| matches!(key, UserName | NasIdentifier | NasIpAddress))
}

/// The gateways whose devices are known by Calling-Station-Id: a MAC address, mostly.
pub(super) fn by_station(settings: &Settings) -> Vec<Box<str>> {
    let clients = settings.config.radius.clients.iter();
    clients.filter(|client| client.identity == IdentityKind::CallingStationId).map(name).collect()
}

fn name(client: &Client) -> Box<str> {
    client.name.value.as_str().into()
}

fn nases(settings: &Settings) -> Vec<NasProfile> {
    let clients = settings.config.radius.clients.iter().zip(&settings.disconnect_secrets);
    let profile = |(client, secret): (&Client, &Option<Secret>)| {
        let (disconnect, secret) = (client.disconnect.as_ref()?, secret.as_ref()?);
        let mut profile = NasProfile::new(name(client), disconnect.to.0, secret.clone());
        profile.key_sets = disconnect.keys.iter().map(|keys| keys.iter().copied().map(key).collect()).collect();
        profile.nas_ip = Some(disconnect.to.0.ip());
        profile.nas_identifier = Some(name(client));
        profile.event_timestamp = disconnect.event_timestamp;
        profile.message_authenticator = disconnect.message_authenticator;
        profile.user_name_may_end_others = disconnect.shared_user_names;
        profile.deadline = disconnect.deadline.0;
        Some(profile)
    };
    clients.filter_map(profile).collect()
}

fn key(key: DisconnectKey) -> Key {
    match key {
        DisconnectKey::AcctSessionId => Key::AcctSessionId,
        DisconnectKey::AcctMultiSessionId => Key::AcctMultiSessionId,
        DisconnectKey::UserName => Key::UserName,
        DisconnectKey::Imsi => Key::Imsi,
        DisconnectKey::Nsapi => Key::Nsapi,
        DisconnectKey::FramedIpAddress => Key::FramedIp,
        DisconnectKey::CallingStationId => Key::CallingStationId,
        DisconnectKey::CalledStationId => Key::CalledStationId,
        DisconnectKey::NasIdentifier => Key::NasIdentifier,
        DisconnectKey::NasIpAddress => Key::NasIpAddress,
    }
}

fn channels(settings: &Settings) -> anyhow::Result<Vec<(Box<str>, ChannelConfig)>> {
    let config = |(name, channel): (&String, &Spanned<Channel>)| {
        let config = channel_config(settings, name, &channel.value).with_context(|| format!("channel {name}"))?;
        Ok((name.as_str().into(), config))
    };
    settings.config.channels.iter().map(config).collect()
}

fn channel_config(settings: &Settings, name: &str, channel: &Channel) -> anyhow::Result<ChannelConfig> {
    let secret = settings.channel_secrets.iter().find(|(of, _)| of == name).map(|(_, secret)| secret.clone());
    Ok(match channel {
        Channel::Webhook { url, .. } => ChannelConfig::Webhook(WebhookConfig {
            url: url.clone(),
            secret: secret.context("a webhook has a secret")?,
            roots: Roots::Native,
        }),
        Channel::Mail { server, from, to, user, .. } => {
            let (host, port) = host_and_port(server, 587)?;
            ChannelConfig::Mail(MailConfig {
                security: mail_security(&host, port),
                host,
                port,
                roots: Roots::Native,
                login: user.clone().zip(secret),
                from: from.clone(),
                to: to.clone(),
            })
        }
        Channel::Syslog { to, ca, tls } => {
            let (host, port) = host_and_port(to, 6514)?;
            let transport =
                if *tls { SyslogTransport::Tls(roots(settings, ca.as_deref())?) } else { SyslogTransport::Tcp };
            ChannelConfig::Syslog(SyslogConfig { host, port, transport, hostname: hostname() })
        }
    })
}

/// Port 465 is TLS from the first octet (RFC 8314), everything else STARTTLS; only loopback is spoken to in clear.
fn mail_security(host: &str, port: u16) -> MailSecurity {
    match (port, host) {
        (465, _) => MailSecurity::Tls,
        (_, "localhost" | "127.0.0.1" | "::1") => MailSecurity::Plain,
        _ => MailSecurity::StartTls,
    }
}

fn roots(settings: &Settings, ca: Option<&std::path::Path>) -> anyhow::Result<Roots> {
    let Some(ca) = ca else { return Ok(Roots::Native) };
    let path = settings.path(ca);
    let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Roots::Pem(Secret::new(pem)))
}

fn host_and_port(text: &str, default: u16) -> anyhow::Result<(String, u16)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.starts_with('[') => {
            let port = port.parse().with_context(|| format!("{text:?} has no port after the colon"))?;
            Ok((host.trim_matches(['[', ']']).to_owned(), port))
        }
        _ => Ok((text.to_owned(), default)),
    }
}

fn hostname() -> String {
    let name = nix::sys::utsname::uname().ok().and_then(|system| system.nodename().to_str().map(str::to_owned));
    name.unwrap_or_else(|| "fleetward".to_owned())
}

impl Hooks for Hands {
    fn change_device(&self, device: DeviceId, state: DeviceState, by: &str) -> Outcome {
        let mut known = match self.store.device(&Lookup::Id(device)) {
            Ok(Some(known)) => known,
            Ok(None) => return Outcome::Refused("the inventory does not have this device".into()),
            Err(error) => return Outcome::Retry(error.to_string()),
        };
        known.state = state;
        let change = DeviceChange { device: known, removed: false, by: by.into() };
        match self.journal.append_wait(vec![ticks::entry(0, replay::observation(change, clock::now()))]) {
            Ok(_) => Outcome::Done(format!("{} in the inventory", state.name())),
            Err(refused) => Outcome::Retry(refused.to_string()),
        }
    }

    fn isolate(&self, device: DeviceId, cut: bool) -> Outcome {
        let Some(wall) = &self.wall else {
            return Outcome::Refused("this server has no firewall: see the section `enforce` of fleetward.yaml".into());
        };
        wall.isolate(device, cut)
    }

    fn vanish(&self, session: &SessionKey) {
        let found = self.engine.find_session(session).ok().flatten();
        let now = clock::now();
        let observation = Observation {
            event_time: now,
            observed_at: now,
            source: session.nas.clone(),
            device: found.map_or(DeviceId(0), |session| session.device),
            identity: None,
            body: Body::SessionVanished(SessionVanished { key: session.clone() }),
        };
        if let Err(refused) = self.journal.append_wait(vec![ticks::entry(0, observation)]) {
            tracing::warn!(%refused, "a vanished session was not recorded; the response is tried again");
        }
    }

    fn target(&self, session: &SessionKey) -> Option<SessionTarget> {
        let found = self.engine.find_session(session).ok().flatten().filter(|found| found.ended.is_none())?;
        let same = if self.by_name_alone.contains(&session.nas) { self.same_user_name(&found) } else { 1 };
        let mut target = translate::target(&found, same);
        if target.calling_station_id.is_none() && self.by_station.contains(&session.nas) {
            target.calling_station_id = self.login(found.device);
        }
        Some(target)
    }

    fn event(&self, event: ResponseEvent) {
        match event {
            ResponseEvent::Changed(response) => self.events.publish(&Event::Response(Box::new((*response).clone()))),
            ResponseEvent::Raised(finding) => self.events.publish(&Event::Finding(Box::new((*finding).clone()))),
            ResponseEvent::Note { finding, device, text } => tracing::info!(%finding, %device, "{text}"),
        }
    }
}

impl Hands {
    /// The login of a device of the inventory. Without it a key set that wants it is passed over, as one that lacks a value.
    fn login(&self, device: DeviceId) -> Option<Box<str>> {
        self.store.device(&Lookup::Id(device)).ok().flatten()?.login
    }

    /// Open sessions at this gateway with this session's User-Name, itself included.
    fn same_user_name(&self, session: &SessionView) -> u32 {
        let filter = SessionFilter { nas: Some(session.nas.clone()), open: Some(true), ..SessionFilter::default() };
        let mut count = 0;
        let mut cursor = None;
        while let Ok(page) = self.engine.sessions(&filter, cursor, 1000) {
            count += page.items.iter().filter(|other| other.user_name == session.user_name).count();
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        u32::try_from(count.max(1)).unwrap_or(u32::MAX)
    }
}

/// How long the inventory's projection may take before an answer says that it is still under way.
pub(super) const PROJECTION_PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::{DisconnectKey as Key, is_name_alone};

    #[test]
    fn the_gateways_own_names_do_not_tell_sessions_apart() {
        assert!(is_name_alone(&[Key::UserName]));
        assert!(is_name_alone(&[Key::NasIdentifier, Key::UserName, Key::NasIpAddress]));
        assert!(!is_name_alone(&[Key::UserName, Key::AcctSessionId]));
        assert!(!is_name_alone(&[Key::NasIdentifier]));
    }
}

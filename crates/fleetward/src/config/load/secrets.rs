//! What the configuration keeps in files of their own: secrets of gateways and channels, logins. What is not to be had is a problem of
//! the place that refers to it.

use fleetward_fleet::Secret;
use serde_saphyr::{Location, Spanned};

use super::super::Channel;
use super::super::secret::{self, SecretRef};
use super::super::types::{Certificate, Client, Config, PasswordKind};
use super::{Loader, Problem};

impl Loader<'_> {
    /// The secret; where it is not to be had, that is a problem of the place that refers to it.
    fn fetch(&mut self, secret: &Spanned<SecretRef>, least: usize, of: &str) -> Option<Secret> {
        let fetched = secret.value.fetch(&self.base, least);
        fetched.map_err(|error| self.problem(secret.referenced, format!("{of}: {error}"))).ok()
    }

    pub(super) fn client_secrets(&mut self, config: &Config) -> Vec<Secret> {
        let mut seen = Vec::new();
        let mut secrets = Vec::new();
        for client in &config.radius.clients {
            let Spanned { value: name, referenced: at, .. } = &client.name;
            if seen.contains(&name) {
                let message =
                    format!("client {name:?} is there twice; sessions are named by client, so names must differ");
                self.problem(*at, message);
            }
            seen.push(name);
            if client.address.is_some() == client.certificate.is_some() {
                self.problem(*at, format!("client {name:?} needs one of `address` (UDP) and `certificate` (RadSec)"));
            }
            if let Some(Err(error)) = client.certificate.as_ref().map(Certificate::fingerprint) {
                self.problem(*at, format!("client {name:?}: {error}"));
            }
            match (&client.secret, client.address) {
                (Some(secret), _) => secrets.extend(self.fetch(secret, 16, &format!("client {name:?}"))),
                // RFC 6614 §2.3: over TLS the secret is "radsec".
                (None, None) => secrets.push(Secret::new("radsec")),
                (None, Some(_)) => self.problem(*at, format!("client {name:?} has no `secret`")),
            }
            if client.disconnect.is_none() {
                self.warnings.push(format!("client {name} has no `disconnect`: misuse there is reported, not stopped"));
            }
        }
        secrets
    }

    pub(super) fn disconnect_secrets(&mut self, config: &Config) -> Vec<Option<Secret>> {
        let mut secrets = Vec::new();
        for client in &config.radius.clients {
            let Some(disconnect) = &client.disconnect else {
                secrets.push(None);
                continue;
            };
            let Client { name, .. } = client;
            if disconnect.keys.iter().any(Vec::is_empty) || disconnect.keys.is_empty() {
                let message = format!("client {:?}: `disconnect.keys` needs at least one set with one key", name.value);
                self.problem(name.referenced, message);
            }
            secrets.push(self.fetch(&disconnect.secret, 16, &format!("client {:?}, disconnect", name.value)));
        }
        secrets
    }

    pub(super) fn channel_secrets(&mut self, config: &Config) -> Vec<(String, Secret)> {
        let mut secrets = Vec::new();
        for (name, channel) in &config.channels {
            let (reference, least) = match &channel.value {
                Channel::Webhook { secret, .. } => (Some(secret), 24),
                Channel::Mail { password, .. } => (password.as_ref(), 1),
                Channel::Syslog { .. } => (None, 0),
            };
            let secret = reference.and_then(|reference| self.fetch(reference, least, &format!("channel {name:?}")));
            secrets.extend(secret.map(|secret| (name.clone(), secret)));
        }
        secrets
    }

    /// Logins, where a gateway asks for their passwords: without any it refuses everybody.
    pub(super) fn logins(&mut self, config: &Config) -> Vec<(String, Secret)> {
        let logins = self.read_logins(config);
        let radius = &config.radius;
        let asks = |client: &&Client| client.password() == PasswordKind::Required && logins.is_empty();
        let admits = !radius.authentication.is_empty() || radius.radsec.is_some();
        for client in radius.clients.iter().filter(asks).filter(|_| admits) {
            self.warnings.push(format!(
                "client {} asks for passwords and there is no login: it refuses everybody; name a file of `login:password` lines \
                 under `radius.logins`, or write `password: network` where the network itself has checked",
                client.name.value
            ));
        }
        logins
    }

    fn read_logins(&mut self, config: &Config) -> Vec<(String, Secret)> {
        let Some(path) = &config.radius.logins else { return Vec::new() };
        let path = self.base.join(path);
        let bytes = match secret::read_private(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.problem(Location::UNKNOWN, format!("radius.logins: {error}"));
                return Vec::new();
            }
        };
        let mut logins = Vec::new();
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(':') {
                Some((login, password)) if !login.is_empty() && password.len() >= 12 => {
                    logins.push((login.to_owned(), Secret::new(password)));
                }
                _ => self.problems.push(Problem {
                    file: path.clone(),
                    at: Some((number as u64 + 1, 1)),
                    message: "expected `login:password` with a password of at least 12 characters".into(),
                }),
            }
        }
        logins
    }
}

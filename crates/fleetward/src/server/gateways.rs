//! Gateways as the configuration names them, in the words of the RADIUS server.

use anyhow::Context;
use fleetward_aaa as aaa;
use fleetward_fleet::Secret;

use crate::config::{Client, IdentityKind, PasswordKind, Settings};

/// What the RADIUS server is started with.
pub(super) fn radius(settings: &Settings) -> anyhow::Result<aaa::Config> {
    let config = &settings.config.radius;
    let clients =
        config.clients.iter().zip(&settings.client_secrets).filter_map(|(client, secret)| gateway(client, secret));
    let logins = settings.logins.iter().map(|(login, password)| (login.as_str().into(), password.clone()));
    Ok(aaa::Config {
        auth: config.authentication.iter().map(|at| at.0).collect(),
        acct: config.accounting.iter().map(|at| at.0).collect(),
        radsec: radsec(settings)?,
        clients: clients.collect(),
        logins: logins.collect(),
        threads: config.threads.max(1),
        receive_buffer: usize::try_from(config.receive_buffer.0).unwrap_or(usize::MAX),
        ..aaa::Config::default()
    })
}

/// `None` for a client without address and certificate, which the check of the configuration has refused.
fn gateway(client: &Client, secret: &Secret) -> Option<aaa::Client> {
    let peer = match (&client.certificate, client.net()) {
        (Some(certificate), _) => aaa::Peer::Certificate {
            // Checked when the configuration was read.
            fingerprint: certificate.fingerprint().ok().flatten(),
            dns: certificate.san.as_deref().map(Into::into),
        },
        (None, Some(net)) => aaa::Peer::Net(net),
        (None, None) => return None,
    };
    Some(aaa::Client {
        name: client.name.value.as_str().into(),
        peer,
        secret: secret.clone(),
        identity: match client.identity {
            IdentityKind::Imsi => aaa::IdentityFrom::Imsi,
            IdentityKind::UserName => aaa::IdentityFrom::UserName,
            IdentityKind::CallingStationId => aaa::IdentityFrom::CallingStationId,
        },
        password: match client.password() {
            PasswordKind::Network => aaa::PasswordPolicy::NetworkAuthenticated,
            PasswordKind::Required => aaa::PasswordPolicy::Required,
        },
        legacy_pap_without_ma: client.legacy_pap_without_ma,
    })
}

fn radsec(settings: &Settings) -> anyhow::Result<Option<aaa::RadSecConfig>> {
    let Some(radsec) = &settings.config.radius.radsec else { return Ok(None) };
    let read = |path: &std::path::Path| {
        let path = settings.path(path);
        std::fs::read(&path).with_context(|| format!("radius.radsec: cannot read {}", path.display()))
    };
    let key = Secret::new(read(&radsec.key)?);
    let listen = radsec.listen.iter().map(|at| at.0).collect();
    Ok(Some(aaa::RadSecConfig::new(listen, read(&radsec.certificate)?, key, read(&radsec.client_ca)?)))
}

//! HTTP POST with a JSON body, signed as Standard Webhooks 1.0 has it: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`.
//!
//! A receiver checks the signature, refuses timestamps that are minutes off, and keeps ids to ignore a message that comes
//! again: it may, after a restart or when the answer was lost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetward_fleet::{Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::{ChannelError, Notification, Roots, TIMEOUT, Undelivered, is_loopback, tls};

/// What a webhook is made of.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Where to: `https://…`; `http://` to loopback only.
    pub url: String,
    /// The signing secret, base64, with or without the prefix `whsec_`; 24 to 64 octets decoded.
    pub secret: Secret,
    /// Whom to trust.
    pub roots: Roots,
}

/// A webhook, ready to use.
pub struct Webhook {
    url: String,
    key: Secret,
    agent: Agent,
}

impl Webhook {
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, ChannelError> {
        let uri: ureq::http::Uri =
            config.url.parse().map_err(|error| ChannelError::Invalid { what: "url", why: format!("{error}") })?;
        let host = uri.host().unwrap_or_default();
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_loopback(host) => false,
            Some("http") => return Err(ChannelError::Unencrypted(format!("http://{host}"))),
            _ => return Err(ChannelError::Invalid { what: "url", why: "https:// is expected".into() }),
        };
        let mut settings = Agent::config_builder()
            .https_only(encrypted)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("fleetward/", env!("CARGO_PKG_VERSION")));
        if encrypted {
            let certificates: Vec<_> =
                config.roots.certificates()?.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .unversioned_rustls_crypto_provider(tls::provider())
                .root_certs(RootCerts::new_with_certs(&certificates))
                .build();
            settings = settings.tls_config(tls);
        }
        let agent = settings.build().new_agent();
        Ok(Self { url: config.url.clone(), key: key(&config.secret)?, agent })
    }

    pub(super) fn deliver(&self, notification: &Notification, now: Timestamp) -> Result<String, Undelivered> {
        let body = serde_json::to_vec(notification).map_err(|error| Undelivered::Never(error.to_string()))?;
        let secs = now.secs();
        let sent = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &notification.id)
            .header("webhook-timestamp", secs.to_string())
            .header("webhook-signature", signature(&self.key, &notification.id, secs, &body))
            .send(&body[..]);
        let status = sent.map_err(|error| Undelivered::Later(error.to_string()))?.status();
        match status.as_u16() {
            200..=299 => Ok(format!("answered {status}")),
            // Standard Webhooks: 410 Gone means "stop". A redirect is not followed: the target was configured.
            410 | 300..=399 | 400 | 401 | 403 | 404 | 405 | 413 | 415 | 422 => {
                Err(Undelivered::Never(format!("answered {status}")))
            }
            _ => Err(Undelivered::Later(format!("answered {status}"))),
        }
    }
}

impl std::fmt::Debug for Webhook {
    /// The URL may carry a token: only its host is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.url.split('/').nth(2).unwrap_or_default();
        f.debug_struct("Webhook").field("host", &host).finish_non_exhaustive()
    }
}

/// The value of `webhook-signature`. `key` is the decoded secret; `secs` is the value of `webhook-timestamp`.
///
/// # Panics
/// Never: HMAC takes keys of every length.
pub fn signature(key: &Secret, id: &str, secs: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal()).expect("HMAC takes keys of every length");
    mac.update(format!("{id}.{secs}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn key(secret: &Secret) -> Result<Secret, ChannelError> {
    let invalid = |why: &str| ChannelError::Invalid { what: "secret", why: why.into() };
    let text = secret.reveal().trim_ascii();
    let text = text.strip_prefix(b"whsec_").unwrap_or(text);
    let key =
        STANDARD.decode(text).map_err(|_| invalid("base64 is expected (make one with: openssl rand -base64 32)"))?;
    if !(24..=64).contains(&key.len()) {
        return Err(invalid("24 to 64 octets are expected (make one with: openssl rand -base64 32)"));
    }
    Ok(Secret::new(key))
}

/// How far `webhook-timestamp` may be from the receiver's clock, as Standard Webhooks' libraries have it.
pub const SIGNATURE_TOLERANCE_SECS: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_travel_in_clear() {
        let config = |url: &str| WebhookConfig {
            url: url.into(),
            secret: Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            roots: Roots::Native,
        };
        assert!(matches!(Webhook::new(&config("http://example.com/x")), Err(ChannelError::Unencrypted(_))));
        assert!(matches!(Webhook::new(&config("ftp://127.0.0.1/x")), Err(ChannelError::Invalid { .. })));
        assert!(Webhook::new(&config("http://127.0.0.1:1/x")).is_ok());
        assert!(Webhook::new(&config("http://[::1]:1/x")).is_ok());
        let short = WebhookConfig { secret: Secret::new("c2hvcnQ="), ..config("http://127.0.0.1:1/x") };
        assert!(matches!(Webhook::new(&short), Err(ChannelError::Invalid { what: "secret", .. })));
    }

    #[test]
    fn signs_as_the_specification_does() {
        // Known answer, computed with: printf 'msg_1.1614265330.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:…
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a good secret");
        let value = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(value, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}

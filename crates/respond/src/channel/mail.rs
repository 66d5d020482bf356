//! Mail over SMTP, with STARTTLS or TLS from the first octet; in clear to loopback only.

use fleetward_fleet::{Secret, Timestamp};
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};

use super::notification::clean;
use super::{ChannelError, Notification, Roots, TIMEOUT, Undelivered, is_loopback};

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// STARTTLS, and nothing is sent without it (usually port 587).
    StartTls,
    /// TLS from the first octet (usually port 465).
    Tls,
    /// In clear; loopback only.
    Plain,
}

/// What mail is made of.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The server's name; its certificate must carry it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: MailSecurity,
    /// Whom to trust.
    pub roots: Roots,
    /// User and password, where the server wants them.
    pub login: Option<(String, Secret)>,
    /// The sender: `Fleetward <fleetward@example.com>`.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

/// Mail, ready to use.
#[derive(Debug)]
pub struct Mail {
    transport: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
    domain: String,
}

impl Mail {
    pub(super) fn new(config: &MailConfig) -> Result<Self, ChannelError> {
        if config.security == MailSecurity::Plain && !is_loopback(&config.host) {
            return Err(ChannelError::Unencrypted(format!("smtp://{}", config.host)));
        }
        if config.to.is_empty() {
            return Err(ChannelError::Invalid { what: "to", why: "at least one receiver is expected".into() });
        }
        let from = mailbox("from", &config.from)?;
        let to = config.to.iter().map(|to| mailbox("to", to)).collect::<Result<_, _>>()?;
        let domain = from.email.domain().to_owned();
        Ok(Self { transport: transport(config)?, from, to, domain })
    }

    pub(super) fn deliver(&self, notification: &Notification, _now: Timestamp) -> Result<String, Undelivered> {
        let message = self.message(notification).map_err(|error| Undelivered::Never(error.to_string()))?;
        match self.transport.send(&message) {
            Ok(response) => {
                let word = response.first_line().unwrap_or_default().to_owned();
                Ok(clean(&format!("accepted by the mail server: {} {word}", response.code()), 200))
            }
            Err(error) if error.is_permanent() => Err(Undelivered::Never(clean(&error.to_string(), 200))),
            Err(error) => Err(Undelivered::Later(clean(&error.to_string(), 200))),
        }
    }

    fn message(&self, notification: &Notification) -> Result<Message, lettre::error::Error> {
        let mut builder = Message::builder().from(self.from.clone()).subject(notification.headline());
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
            // The same id for the same response: mail programs show a message that came twice once.
            .message_id(Some(format!("<{}@{}>", notification.id, self.domain)))
            .header(ContentType::TEXT_PLAIN)
            .body(notification.text())
    }
}

fn transport(config: &MailConfig) -> Result<SmtpTransport, ChannelError> {
    let tls = match config.security {
        MailSecurity::Plain => Tls::None,
        MailSecurity::StartTls => Tls::Required(parameters(config)?),
        MailSecurity::Tls => Tls::Wrapper(parameters(config)?),
    };
    // "Dangerous" is lettre's word for a builder whose default is in clear; `tls` is stated above for every case.
    let mut builder = SmtpTransport::builder_dangerous(&config.host).port(config.port).tls(tls).timeout(Some(TIMEOUT));
    if let Some((user, password)) = &config.login {
        let password = String::from_utf8(password.reveal().to_vec())
            .map_err(|_| ChannelError::Invalid { what: "password", why: "UTF-8 is expected".into() })?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

fn parameters(config: &MailConfig) -> Result<TlsParameters, ChannelError> {
    let tls = |error: lettre::transport::smtp::Error| ChannelError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(config.host.clone()).certificate_store(CertificateStore::None);
    for der in config.roots.certificates()? {
        builder = builder.add_root_certificate(Certificate::from_der(der.to_vec()).map_err(tls)?);
    }
    builder.build().map_err(tls)
}

fn mailbox(what: &'static str, text: &str) -> Result<Mailbox, ChannelError> {
    text.parse().map_err(|error| ChannelError::Invalid { what, why: format!("{text:?} is no mail address: {error}") })
}

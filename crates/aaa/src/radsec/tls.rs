//! Certificates: ours, the authorities of the clients, and who a client's certificate says it is.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::RadSecConfig;

/// Why the certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not PEM, or empty.
    #[error("the RadSec {what} is not readable PEM: {why}")]
    Pem {
        /// Which one.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// rustls refuses them.
    #[error("the RadSec certificates cannot be used together")]
    Rustls(#[from] rustls::Error),
    /// The authorities of clients cannot be used.
    #[error("the RadSec client authorities cannot be used")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// TLS 1.3 only, client certificate required.
pub(super) fn server_config(config: &RadSecConfig) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let mut authorities = RootCertStore::empty();
    for authority in certificates(&config.client_ca_pem, "client authority")? {
        authorities.add(authority)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider)).build()?;
    let chain = certificates(&config.certificate_pem, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(config.key_pem.reveal())
        .map_err(|error| TlsError::Pem { what: "key", why: error.to_string() })?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    // No resumption: a certificate that was taken out of the configuration must not come back by a ticket.
    server.send_tls13_tickets = 0;
    Ok(server)
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: String| TlsError::Pem { what, why };
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| failed(e.to_string()))?;
    if all.is_empty() {
        return Err(failed("no certificate in it".into()));
    }
    Ok(all)
}

/// Who a certificate says it is. rustls has verified its chain, dates and possession of the key.
pub(super) struct Identity {
    pub(super) fingerprint: [u8; 32],
    pub(super) dns: Vec<String>,
}

pub(super) fn identify(certificate: &CertificateDer<'_>) -> Identity {
    let fingerprint = Sha256::digest(certificate).into();
    Identity { fingerprint, dns: dns_names(certificate).unwrap_or_default() }
}

fn dns_names(certificate: &[u8]) -> Option<Vec<String>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??.value.general_names.iter();
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    };
    Some(names.filter_map(dns).collect())
}

/// As operators write fingerprints.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("writing to a String cannot fail");
        text
    })
}

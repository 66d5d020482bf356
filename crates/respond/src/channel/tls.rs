//! TLS for channels: rustls with ring, and whom it trusts.

use std::sync::Arc;

use fleetward_fleet::Secret;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::ChannelError;

/// Whom a channel trusts.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// The operating system's trust store.
    #[default]
    Native,
    /// These certificates (PEM) and nobody else: a private authority.
    Pem(Secret),
}

impl Roots {
    /// The certificates themselves.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, ChannelError> {
        let found = match self {
            Self::Native => rustls_native_certs::load_native_certs().certs,
            Self::Pem(pem) => CertificateDer::pem_slice_iter(pem.reveal())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| ChannelError::Tls(format!("the authority's PEM cannot be read: {error}")))?,
        };
        if found.is_empty() {
            return Err(ChannelError::Tls("no trusted certificates were found; name an authority's PEM file".into()));
        }
        Ok(found)
    }
}

/// The one cryptography provider.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client configuration: TLS 1.2 or 1.3, server certificate checked.
pub(super) fn client(roots: &Roots) -> Result<Arc<ClientConfig>, ChannelError> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.certificates()?);
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| ChannelError::Tls(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

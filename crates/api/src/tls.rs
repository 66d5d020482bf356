//! Certificates: made for a first start, or loaded from the operator's files. rustls with ring, nothing older than TLS 1.2.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no certificate.
    #[error("{what} holds no certificate (a block `-----BEGIN CERTIFICATE-----`)")]
    NoCertificate {
        /// Which file.
        what: String,
    },
    /// A file holds no private key.
    #[error("{what} holds no private key (a block `-----BEGIN PRIVATE KEY-----`, not encrypted)")]
    NoKey {
        /// Which file.
        what: String,
    },
    /// Certificate and key are not for each other, or rustls does not accept them.
    #[error("certificate and key do not work together")]
    Unusable(#[source] rustls::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    SelfSigned(#[source] rcgen::Error),
}

/// Makes a key and a certificate for these names or addresses that vouches for itself: `(certificate, key)` as PEM. For
/// a first start; clients must be told its fingerprint or given the file.
pub fn self_signed(names: &[String]) -> Result<(String, String), TlsError> {
    let made = rcgen::generate_simple_self_signed(names).map_err(TlsError::SelfSigned)?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}

/// A server's configuration from a certificate chain and its key, both PEM.
pub fn from_pem(chain: &str, key: &str) -> Result<Arc<ServerConfig>, TlsError> {
    build(chain.as_bytes(), key.as_bytes(), "the chain", "the key")
}

/// The same from files.
pub fn from_files(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
    let name = |path: &Path| path.display().to_string();
    build(&read(chain)?, &read(key)?, &name(chain), &name(key))
}

fn build(chain: &[u8], key: &[u8], chain_name: &str, key_name: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().unwrap_or_default();
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { what: chain_name.to_owned() });
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey { what: key_name.to_owned() })?;
    // Named, not installed: whoever else uses rustls in this process decides for themselves.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_make_we_can_load() {
        let (chain, key) = self_signed(&["localhost".into(), "127.0.0.1".into()]).unwrap();
        assert!(from_pem(&chain, &key).is_ok());
        assert!(matches!(from_pem(&key, &key), Err(TlsError::NoCertificate { .. })));
        assert!(matches!(from_pem(&chain, &chain), Err(TlsError::NoKey { .. })));
        let (_, other) = self_signed(&["localhost".into()]).unwrap();
        assert!(matches!(from_pem(&chain, &other), Err(TlsError::Unusable(_))));
        let nowhere = Path::new("/nowhere/cert.pem");
        assert!(from_files(nowhere, nowhere).unwrap_err().to_string().contains("/nowhere/cert.pem"));
    }
}

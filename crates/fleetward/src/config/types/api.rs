//! `api:`: where the API listens, and with which certificate.

use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::super::place::Socket;

/// `api:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    pub(crate) listen: Socket,
    pub(crate) tls: Spanned<Tls>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: Socket(([127, 0, 0, 1], 8443).into()),
            tls: Spanned::new(Tls::Auto, Location::UNKNOWN, Location::UNKNOWN),
        }
    }
}

/// `api.tls:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// A self-signed certificate in the data folder.
    Auto,
    /// Plain HTTP, on loopback only.
    Off,
    /// A certificate of the operator's.
    Files {
        /// PEM, leaf first.
        certificate: PathBuf,
        /// PEM.
        key: PathBuf,
    },
}

/// How people write it; `off` is a boolean in YAML 1.1.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenTls {
    Switch(bool),
    Word(String),
    Files { certificate: PathBuf, key: PathBuf },
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("write `tls: auto`, `tls: off` or `tls: { certificate: FILE, key: FILE }`");
        match WrittenTls::deserialize(deserializer) {
            Ok(WrittenTls::Switch(true)) => Ok(Self::Auto),
            Ok(WrittenTls::Switch(false)) => Ok(Self::Off),
            Ok(WrittenTls::Word(word)) if word == "auto" => Ok(Self::Auto),
            Ok(WrittenTls::Word(word)) if word == "off" => Ok(Self::Off),
            Ok(WrittenTls::Files { certificate, key }) => Ok(Self::Files { certificate, key }),
            Ok(WrittenTls::Word(_)) | Err(_) => Err(wrong()),
        }
    }
}

//! A certificate as facts (RFC 5280), by x509-parser.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_OCSP, OidRegistry};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Extension};
use x509_parser::public_key::PublicKey;

use crate::access::hexadecimal;
use crate::fact::Certificate;

/// What stands in it; the fingerprint alone, where it is not understood.
pub(super) fn read(der: &[u8]) -> Certificate {
    let sha256 = hexadecimal(&Sha256::digest(der)).into();
    let Ok((_, it)) = X509Certificate::from_der(der) else { return Certificate { sha256, ..Certificate::default() } };
    let (key, key_bits) = key(&it);
    let (subject, issuer) = (it.subject(), it.issuer());
    Certificate {
        sha256,
        key_sha256: hexadecimal(&Sha256::digest(it.public_key().raw)).into(),
        subject: words(&subject.to_string()),
        issuer: words(&issuer.to_string()),
        names: names(&it),
        not_before: it.validity().not_before.timestamp(),
        not_after: it.validity().not_after.timestamp(),
        key,
        key_bits,
        signature: signature(&it),
        self_signed: subject.as_raw() == issuer.as_raw() && is_own_key(&it),
        revocation: revocation(&it),
    }
}

fn extensions<'a>(it: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a ParsedExtension<'a>> {
    it.extensions().iter().map(X509Extension::parsed_extension)
}

fn names(it: &X509Certificate<'_>) -> Vec<Box<str>> {
    let listed = extensions(it).filter_map(|extension| match extension {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    listed.flatten().take(MOST).filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<Box<str>> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some(words(text)),
        GeneralName::IPAddress(octets) => address(octets).map(|it| it.to_string().into()),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// Where revocation can be asked: distribution points of lists, and OCSP (RFC 5280 §4.2.1.13, §4.2.2.1).
fn revocation(it: &X509Certificate<'_>) -> Vec<Box<str>> {
    let mut found: Vec<Box<str>> = Vec::new();
    for extension in extensions(it) {
        match extension {
            ParsedExtension::CRLDistributionPoints(points) => {
                let full = points.iter().filter_map(|it| match &it.distribution_point {
                    Some(DistributionPointName::FullName(names)) => Some(names),
                    _ => None,
                });
                found.extend(full.flatten().filter_map(name));
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                let ocsp = access.accessdescs.iter().filter(|it| it.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP);
                found.extend(ocsp.filter_map(|it| name(&it.access_location)));
            }
            _ => {}
        }
    }
    found.truncate(MOST);
    found
}

/// Where the issuer's key is named, it is its own.
fn is_own_key(it: &X509Certificate<'_>) -> bool {
    let (mut own, mut authority) = (None, None);
    for extension in extensions(it) {
        match extension {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => authority = id.key_identifier.as_ref().map(|it| it.0),
            _ => {}
        }
    }
    own.is_none() || authority.is_none() || own == authority
}

/// `rsa`, `ec`, `ed25519` ..., and its length in bits.
fn key(it: &X509Certificate<'_>) -> (Box<str>, u32) {
    let public = it.public_key();
    match public.parsed() {
        Ok(PublicKey::RSA(key)) => ("rsa".into(), key.key_size() as u32),
        Ok(PublicKey::EC(_)) => ("ec".into(), curve_bits(it)),
        Ok(PublicKey::DSA(_)) => ("dsa".into(), dsa_bits(it)),
        _ => match public.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => ("ed25519".into(), 256),
            "1.3.101.113" => ("ed448".into(), 456),
            other => (other.into(), 0),
        },
    }
}

/// By the curve's name (RFC 5480 §2.1.1.1); by the length of the point, where it is not known here.
fn curve_bits(it: &X509Certificate<'_>) -> u32 {
    let curve = it.public_key().algorithm.parameters.as_ref().and_then(|it| it.as_oid().ok());
    let known = curve.and_then(|oid| {
        let oid = oid.to_id_string();
        CURVES.iter().find(|it| it.0 == oid).map(|it| it.1)
    });
    let point = it.public_key().subject_public_key.data.len() as u32;
    known.unwrap_or(point.saturating_sub(1) / 2 * 8)
}

/// Of p, the first parameter (RFC 3279 §2.3.2).
fn dsa_bits(it: &X509Certificate<'_>) -> u32 {
    let parameters = it.public_key().algorithm.parameters.as_ref();
    // A sequence of integers: its content begins with the tag and the length of p.
    let content = parameters.map(|it| it.data).unwrap_or_default();
    match content {
        [2, 0x82, high, low, ..] => (u32::from(*high) << 8 | u32::from(*low)).saturating_sub(1) * 8,
        [2, 0x81, length, ..] => u32::from(*length).saturating_sub(1) * 8,
        [2, length, ..] => u32::from(*length) * 8,
        _ => 0,
    }
}

/// `sha256WithRSAEncryption`, `ecdsa-with-SHA256`; the numbers of what has no name here.
fn signature(it: &X509Certificate<'_>) -> Box<str> {
    let oid = &it.signature_algorithm.algorithm;
    let registry = OidRegistry::default().with_x509().with_pkcs1().with_x962();
    let known = registry.get(oid).map(|it| it.sn().to_owned());
    words(&known.unwrap_or_else(|| oid.to_id_string()))
}

/// What a device wrote, as printable characters, and not more than a line of them.
fn words(text: &str) -> Box<str> {
    text.chars().map(|it| if it.is_control() { '?' } else { it }).take(256).collect::<String>().into()
}

/// Names, or addresses of lists, of one certificate.
const MOST: usize = 32;

const CURVES: [(&str, u32); 10] = [
    ("1.2.840.10045.3.1.1", 192),
    ("1.3.132.0.33", 224),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.132.0.10", 256),
    ("1.3.132.0.34", 384),
    ("1.3.132.0.35", 521),
    ("1.3.132.0.8", 160),
    ("1.3.36.3.3.2.8.1.1.7", 256),
    ("1.3.36.3.3.2.8.1.1.11", 384),
    ("1.3.36.3.3.2.8.1.1.13", 512),
];

//! The codec from outside: vectors of the RFCs, packets as gateways send them, properties.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "all/dae.rs"]
mod dae;
#[path = "all/gateway.rs"]
mod gateway;
#[path = "all/hostile.rs"]
mod hostile;
#[path = "all/properties.rs"]
mod properties;
#[path = "all/rfc2865.rs"]
mod rfc2865;
#[path = "all/rfc5997.rs"]
mod rfc5997;

/// The octets of a hex dump; anything but hex digits separates.
fn hex(dump: &str) -> Vec<u8> {
    let digits: Vec<u8> = dump.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

/// A packet with these attribute octets and no valid authenticator.
fn raw(code: u8, attributes: &[u8]) -> Vec<u8> {
    let mut bytes = vec![code, 7, 0, 0];
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(attributes);
    let length = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

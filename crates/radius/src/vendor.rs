//! Vendor-Specific (26): a vendor id and a list of sub-attributes (RFC 2865 §5.26).
//!
//! Some gateways put each sub-attribute into its own VSA, others (Nokia Flexi ISN) pack sixteen into one. Both read the same.
//! A sub-attribute of length 0 or 1, or one that runs past its VSA, ends that VSA and nothing else: see
//! [`crate::manual::sub_length_zero`].

use crate::attribute::{Attribute, Attributes};
use crate::dictionary::VENDOR_SPECIFIC;

/// Every sub-attribute of one vendor, in packet order.
#[derive(Debug, Clone)]
pub struct VendorAttributes<'a> {
    outer: Attributes<'a>,
    inner: Attributes<'a>,
    vendor: u32,
}

impl<'a> VendorAttributes<'a> {
    pub(crate) fn new(outer: Attributes<'a>, vendor: u32) -> Self {
        Self { outer, inner: Attributes::new(&[]), vendor }
    }
}

impl<'a> Iterator for VendorAttributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        loop {
            if let Some(attribute) = self.inner.next() {
                return Some(attribute);
            }
            let attribute = self.outer.next()?;
            if attribute.kind == VENDOR_SPECIFIC
                && let Some((vendor, list)) = split(attribute.value)
                && vendor == self.vendor
            {
                self.inner = Attributes::new(list);
            }
        }
    }
}

/// Vendor id and the list behind it; `None` below four octets.
pub(crate) fn split(value: &[u8]) -> Option<(u32, &[u8])> {
    let (vendor, list) = value.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*vendor), list))
}

/// The sub-attributes of one VSA's payload.
pub(crate) fn list(payload: &[u8]) -> Attributes<'_> {
    Attributes::new(payload)
}

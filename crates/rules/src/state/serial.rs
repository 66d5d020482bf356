//! As it is written and read: the octets of the block as they are.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::block::Block;
use super::{Rare, SubjectState};

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.in_use())
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Octets;
        impl Visitor<'_> for Octets {
            type Value = Block;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the octets of a block")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Block, E> {
                Block::of(bytes).ok_or_else(|| E::custom("no block of windows and values"))
            }
        }
        deserializer.deserialize_bytes(Octets)
    }
}

impl Serialize for SubjectState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.block, &self.rare).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SubjectState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (block, rare) = <(Block, Option<Box<Rare>>)>::deserialize(deserializer)?;
        Ok(Self { block, rare })
    }
}

//! What names one message and one place in a log.
//!
//! Owns message ids, epochs and positions (`protocol.md` 1.3). Never generates any: randomness comes
//! from outside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// The longest message id, in bytes.
pub const MESSAGE_ID_BYTES_MAX: usize = 64;

/// A message's name, chosen by its sender (UUIDv7 recommended) or made by the hub.
///
/// 1 to 64 visible ASCII characters. It is the sender's idempotency key within a room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MessageId(SmolStr);

/// Why a text is not a message id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to {MESSAGE_ID_BYTES_MAX} visible ASCII characters")]
pub struct IdError;

impl MessageId {
    /// Parses an id as a client chose it; nothing is folded.
    pub fn new(text: &str) -> Result<Self, IdError> {
        // Without an early end, so that the compiler makes vector instructions of it.
        let visible = text.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MESSAGE_ID_BYTES_MAX || !visible {
            return Err(IdError);
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// One life of a store: random, and another one whenever a store is created or restored, so that a
/// client never "resumes" into a log that is not the one it read.
///
/// On the wire it is 16 hexadecimal digits, since JavaScript cannot hold 64 bits in a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("an epoch is 16 hexadecimal digits"))
    }
}

/// A place in a room's log: everything up to and including `seq`, in one life of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// Which log.
    pub epoch: Epoch,
    /// The entry's number in the room, from 1; 0 is the place before the first entry.
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii_and_bounded() {
        assert!(MessageId::new("0197c1f0-3b0a-7cc0-8000-0a0b0c0d0e0f").is_ok());
        assert!(MessageId::new(&"x".repeat(64)).is_ok());
        for bad in ["", " ", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(MessageId::new(bad), Err(IdError), "{bad:?}");
        }
    }

    #[test]
    fn an_epoch_survives_json() {
        let epoch = Epoch(u64::MAX - 7);
        let json = serde_json::to_string(&epoch).unwrap();
        assert_eq!(json, "\"fffffffffffffff8\"");
        assert_eq!(serde_json::from_str::<Epoch>(&json).unwrap(), epoch);
    }
}

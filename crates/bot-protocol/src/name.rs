//! Names of bots and rooms, and what a person may type to mean one of them.
//!
//! Owns the one grammar of names (`protocol.md` 1.3). Never looks anything up: whether a name exists
//! is the hub's business.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Between the parts of a direct-message room's name: `dm:<a>:<b>`.
const DIRECT_PREFIX: &str = "dm:";

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name must not be empty")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("a name has at most {NAME_BYTES_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the grammar, and where it stands (in bytes, from 0).
    #[error(
        "`{found}` at position {at} is not allowed in a name: use a-z, 0-9, `.`, `_`, `-`, \
         starting with a letter or digit"
    )]
    BadCharacter {
        /// The first character that does not fit.
        found: char,
        /// Its byte position.
        at: usize,
    },
}

/// Folds to lower case and checks `[a-z0-9][a-z0-9._-]{0,63}`. ASCII only: two names that look the
/// same are the same.
fn normalise(text: &str) -> Result<SmolStr, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong(text.len()));
    }
    // As nearly every name is, and without a branch per byte.
    let is_inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let is_folded = text.bytes().fold(true, |all, byte| all & is_inner(byte));
    if is_folded && text.as_bytes()[0].is_ascii_alphanumeric() {
        return Ok(SmolStr::new(text));
    }
    for (at, found) in text.char_indices() {
        let inner = at > 0 && matches!(found, '.' | '_' | '-');
        if !found.is_ascii_alphanumeric() && !inner {
            return Err(NameError::BadCharacter { found, at });
        }
    }
    Ok(SmolStr::new(text.to_ascii_lowercase()))
}

/// The name of a bot: who a token belongs to, and who stands in `from`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BotId(SmolStr);

impl BotId {
    /// Parses a name; capital letters are folded.
    pub fn new(text: &str) -> Result<Self, NameError> {
        normalise(text).map(Self)
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for BotId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a room: an ordinary name, or `dm:<a>:<b>` for two bots, sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoomName(SmolStr);

impl RoomName {
    /// Parses a room name; of a direct-message room both ids are checked and sorted, so that
    /// `dm:b:a` and `dm:a:b` are one room.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let Some(pair) = text.strip_prefix(DIRECT_PREFIX) else {
            return normalise(text).map(Self);
        };
        let (left, right) = pair
            .split_once(':')
            .ok_or(NameError::BadCharacter { found: ':', at: DIRECT_PREFIX.len() - 1 })?;
        Ok(Self::direct(&BotId::new(left)?, &BotId::new(right)?))
    }

    /// The room of a direct conversation between two bots (or of a bot with itself).
    pub fn direct(one: &BotId, other: &BotId) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self(SmolStr::new(format!("{DIRECT_PREFIX}{first}:{second}")))
    }

    /// The two bots of a direct-message room, sorted; `None` for an ordinary room.
    pub fn direct_pair(&self) -> Option<(BotId, BotId)> {
        let (first, second) = self.0.strip_prefix(DIRECT_PREFIX)?.split_once(':')?;
        Some((BotId(SmolStr::new(first)), BotId(SmolStr::new(second))))
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BotId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// What somebody typed to say where a message goes: `#room`, `@bot`, or a bare name that means
/// whichever of the two has it, if only one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `@bot`: a direct message.
    Bot(BotId),
    /// `#room`, or `dm:a:b`.
    Room(RoomName),
    /// A bare name: to be resolved against what exists, never guessed.
    Bare(SmolStr),
}

impl Target {
    /// Parses `#room`, `@bot`, `dm:a:b` or a bare name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(bot) = text.strip_prefix('@') {
            return BotId::new(bot).map(Self::Bot);
        }
        if let Some(room) = text.strip_prefix('#') {
            return RoomName::new(room).map(Self::Room);
        }
        if text.starts_with(DIRECT_PREFIX) {
            return RoomName::new(text).map(Self::Room);
        }
        normalise(text).map(Self::Bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_room(text: &str, expected: Result<&str, NameError>) {
        let parsed = RoomName::new(text);
        assert_eq!(parsed.as_ref().map(RoomName::as_str), expected.as_ref().copied(), "{text:?}");
    }

    #[test]
    fn names_are_folded_and_bounded() {
        check_room("Marlbot-Pelouse", Ok("marlbot-pelouse"));
        check_room("a", Ok("a"));
        check_room("", Err(NameError::Empty));
        check_room(&"a".repeat(65), Err(NameError::TooLong(65)));
        check_room(".hidden", Err(NameError::BadCharacter { found: '.', at: 0 }));
        check_room("with space", Err(NameError::BadCharacter { found: ' ', at: 4 }));
        check_room("реlouse", Err(NameError::BadCharacter { found: 'р', at: 0 }));
    }

    #[test]
    fn a_name_that_only_looks_like_another_is_none() {
        // Cyrillic, Greek, full-width, an accent, a zero-width space, a soft hyphen, a direction, a ligature.
        for twin in [
            "pelоuse",
            "pelοuse",
            "ｐelouse",
            "peloúse",
            "pel\u{200b}ouse",
            "pel\u{ad}ouse",
            "\u{202e}esuolep",
            "pelou\u{fb06}e",
        ] {
            let refused = BotId::new(twin);
            assert!(
                matches!(refused, Err(NameError::BadCharacter { .. })),
                "{twin:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_direct_room_has_one_name_whoever_writes_it() {
        check_room("dm:pelouse:marlbot", Ok("dm:marlbot:pelouse"));
        check_room("dm:Marlbot:pelouse", Ok("dm:marlbot:pelouse"));
        check_room("dm:marlbot", Err(NameError::BadCharacter { found: ':', at: 2 }));
        check_room("dm:a:b:c", Err(NameError::BadCharacter { found: ':', at: 1 }));
    }

    #[test]
    fn a_target_says_which_kind_it_means() {
        assert_eq!(Target::parse("@Pelouse"), BotId::new("pelouse").map(Target::Bot));
        assert_eq!(Target::parse("#lab"), RoomName::new("lab").map(Target::Room));
        assert_eq!(Target::parse("lab"), Ok(Target::Bare("lab".into())));
        assert_eq!(Target::parse("#"), Err(NameError::Empty));
    }
}

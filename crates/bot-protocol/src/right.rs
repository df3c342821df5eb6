//! What a bot may do in one room.
//!
//! Owns the four rights and their set, and what a hub says of them. Never says who has which: that is the hub's to know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::word::{Open, Word as _, words};

words! {
    /// One thing that a member may do in a room.
    pub enum Right {
        /// It is delivered what is said, and may read it back.
        Read = "read",
        /// It may say something.
        Post = "post",
        /// What it says may ask others for work: acts that begin a conversation.
        Request = "request",
        /// It may invite others into the room.
        Invite = "invite",
    }
}

impl Right {
    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Post => 2,
            Self::Request => 4,
            Self::Invite => 8,
        }
    }
}

/// A set of rights; on the wire a list of their names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Right>", into = "Vec<Right>")]
pub struct Rights(u8);

/// Not a list of rights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RightsError {
    /// A word is none of the four.
    #[error("`{0}` is none of read, post, request, invite")]
    Unknown(String),
    /// Nothing is in it.
    #[error("a list of rights names at least one of read, post, request, invite")]
    Empty,
}

impl Rights {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// What a member has unless somebody said otherwise: everything but inviting others. Also what
    /// every member of the original hub could do.
    pub const USUAL: Self = Self(0b0111);

    /// Whether a right is in it.
    pub const fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// The set with one right more.
    #[must_use]
    pub const fn with(self, right: Right) -> Self {
        Self(self.0 | right.bit())
    }

    /// Whether all of these are in another set, too.
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The rights in it, in order.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.iter().copied().filter(move |right| self.has(*right))
    }

    /// As one number, for stores.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The way back; bits that stand for nothing are left out.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1111)
    }
}

impl From<Vec<Right>> for Rights {
    fn from(rights: Vec<Right>) -> Self {
        rights.into_iter().collect()
    }
}

impl From<Rights> for Vec<Right> {
    fn from(rights: Rights) -> Self {
        rights.iter().collect()
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<T: IntoIterator<Item = Right>>(rights: T) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

impl FromStr for Rights {
    type Err = RightsError;

    fn from_str(text: &str) -> Result<Self, RightsError> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let rights = words
            .map(|word| Right::from_name(word).ok_or_else(|| RightsError::Unknown(word.into())));
        let rights = rights.collect::<Result<Self, _>>()?;
        if rights == Self::NONE { Err(RightsError::Empty) } else { Ok(rights) }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, right) in self.iter().enumerate() {
            write!(f, "{}{right}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// Rights as a hub names them, which may know more of them than this program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline))]
#[serde(transparent)]
pub struct Granted(pub Vec<Open<Right>>);

impl Granted {
    /// Those that this program knows.
    pub fn rights(&self) -> Rights {
        self.0.iter().filter_map(Open::known).collect()
    }
}

impl From<Rights> for Granted {
    fn from(rights: Rights) -> Self {
        Self(rights.iter().map(Open::Known).collect())
    }
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, right) in self.0.iter().enumerate() {
            write!(f, "{}{right}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Rights {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rights".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Vec<Right>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_and_written_as_names() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let read = text.parse::<Rights>();
            let told = read.map(|it| it.to_string()).map_err(|error| error.to_string());
            assert_eq!(told.as_deref().map_err(String::as_str), expected, "{text}");
        };
        check("read", Ok("read"));
        check("invite, post,read", Ok("read,post,invite"));
        check("read,read", Ok("read"));
        check("read,write", Err("`write` is none of read, post, request, invite"));
        check("", Err("a list of rights names at least one of read, post, request, invite"));
        check(",", Err("a list of rights names at least one of read, post, request, invite"));
    }

    #[test]
    fn on_the_wire_a_set_is_a_list() {
        assert_eq!(serde_json::to_string(&Rights::USUAL).unwrap(), r#"["read","post","request"]"#);
        let read: Rights = serde_json::from_str(r#"["invite","read"]"#).unwrap();
        assert_eq!(read.to_string(), "read,invite");
        assert!(serde_json::from_str::<Rights>(r#"["write"]"#).is_err());
    }

    #[test]
    fn a_right_that_only_the_hub_knows_is_shown_and_grants_nothing_here() {
        let granted: Granted = serde_json::from_str(r#"["read","whisper","post"]"#).unwrap();
        assert_eq!(granted.to_string(), "read,whisper,post");
        assert_eq!(granted.rights().to_string(), "read,post");
        assert_eq!(serde_json::to_string(&granted).unwrap(), r#"["read","whisper","post"]"#);
        assert_eq!(Granted::from(Rights::USUAL).rights(), Rights::USUAL);
    }

    #[test]
    fn a_set_comes_back_from_its_number() {
        for bits in 0..16 {
            assert_eq!(Rights::from_bits(bits).bits(), bits);
        }
        assert_eq!(Rights::from_bits(0xff).bits(), 0x0f);
        assert!(Rights::NONE.within(Rights::USUAL) && Rights::USUAL.within(Rights::USUAL));
        assert!(!Rights::USUAL.with(Right::Invite).within(Rights::USUAL));
    }
}

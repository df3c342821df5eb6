//! Closed lists of words, and how a newer hub may add to one.
//!
//! Owns what becomes of a word that one side does not know. A client keeps, shows and skips it
//! ([`Open`]); a hub sends a newer word only to those who said that they know it ([`Word::for_caps`]).
//! From a client, an unknown word is an error: the lists themselves read nothing else.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// One word out of a list.
pub trait Word: Copy + Eq + 'static {
    /// Every word, in the order of the list.
    const ALL: &'static [Self];

    /// The word on the wire.
    fn name(self) -> &'static str;

    /// Who knows the word, if it was added after the first release.
    fn newer(self) -> Option<Newer<Self>>;

    /// The word with that name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.name() == name)
    }

    /// The word as a connection may be told it: the nearest older one where it does not know this one.
    fn for_caps(self, knows: impl Fn(&str) -> bool) -> Self {
        let mut word = self;
        // An older word stands before the newer ones in its list, so that this ends.
        while let Some(newer) = word.newer().filter(|newer| !knows(newer.cap)) {
            word = newer.older;
        }
        word
    }
}

/// What makes a word safe to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer<T> {
    /// Connections with this capability know the word.
    pub cap: &'static str,
    /// What the others are told.
    pub older: T,
}

/// Defines a closed list of words: an enum and the names of its variants on the wire.
///
/// A word that is added later names the capability of those that know it, and what the others get:
/// `Quota = "quota" (cap "ranges", else Retention)`.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $vis:vis enum $enum:ident {
            $(
                $(#[$variant_doc:meta])*
                $variant:ident = $name:literal $((cap $cap:literal, else $older:ident))?,
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $vis enum $enum {
            $($(#[$variant_doc])* #[serde(rename = $name)] $variant,)*
        }

        impl $enum {
            /// Every word, in the order of the list.
            $vis const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            $vis const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl $crate::word::Word for $enum {
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                Self::name(self)
            }

            fn newer(self) -> Option<$crate::word::Newer<Self>> {
                $($(
                    if self == Self::$variant {
                        return Some($crate::word::Newer { cap: $cap, older: Self::$older });
                    }
                )?)*
                None
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use words;

/// A word from a hub that may be newer than this program.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open<T> {
    /// It is in the list.
    Known(T),
    /// It is not. Kept as it came.
    Unknown(SmolStr),
}

impl<T: Word> Open<T> {
    /// The word, if this program knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Unknown(_) => None,
        }
    }

    /// The word as it stands on the wire. Another program wrote it: [`fmt::Display`] is for terminals.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word.name(),
            Self::Unknown(word) => word,
        }
    }

    /// See [`Word::for_caps`]; what is not known came from another hub and is passed on.
    pub fn limit_to(&mut self, knows: impl Fn(&str) -> bool) {
        if let Self::Known(word) = self {
            *word = word.for_caps(knows);
        }
    }
}

impl<T> From<T> for Open<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: Word> PartialEq<T> for Open<T> {
    fn eq(&self, word: &T) -> bool {
        self.known() == Some(*word)
    }
}

impl<T: fmt::Debug> fmt::Debug for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(word) => word.fmt(f),
            Self::Unknown(word) => write!(f, "Unknown({word:?})"),
        }
    }
}

/// The longest unknown word that is shown, in characters.
const SHOWN_MAX: usize = 64;

impl<T: Word> fmt::Display for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(word) => f.pad(word.name()),
            // It goes to a terminal, so that only what is visible may be in it.
            Self::Unknown(word) => {
                let shown = word.chars().take(SHOWN_MAX);
                f.pad(&SmolStr::from_iter(
                    shown.map(|c| if c.is_ascii_graphic() { c } else { '?' }),
                ))
            }
        }
    }
}

impl<T: Word> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Word> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(T::from_name(&text).map_or_else(|| Self::Unknown(SmolStr::new(&text)), Self::Known))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Open<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Open{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [known, { "type": "string" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        /// A list that has grown twice.
        enum Colour {
            /// From the beginning.
            Red = "red",
            /// Came with `warm`.
            Orange = "orange" (cap "warm", else Red),
            /// Came with `fine`.
            Amber = "amber" (cap "fine", else Orange),
        }
    }

    #[test]
    fn a_newer_word_is_only_said_to_those_who_know_it() {
        let check = |word: Colour, caps: &[&str], expected: &str| {
            assert_eq!(word.for_caps(|cap| caps.contains(&cap)).name(), expected, "{caps:?}");
        };
        check(Colour::Amber, &["warm", "fine"], "amber");
        check(Colour::Amber, &["fine"], "amber");
        check(Colour::Amber, &["warm"], "orange");
        check(Colour::Amber, &[], "red");
        check(Colour::Orange, &[], "red");
        check(Colour::Red, &[], "red");
    }

    #[test]
    fn a_word_that_is_not_known_is_kept_and_shown() {
        let check = |json: &str, known: Option<Colour>, shown: &str| {
            let word: Open<Colour> = serde_json::from_str(json).expect(json);
            assert_eq!((word.known(), word.to_string().as_str()), (known, shown));
            assert_eq!(serde_json::to_string(&word).expect("a word is JSON"), json);
            assert_eq!(known.is_some_and(|known| word == known), known.is_some());
            assert!(word != Colour::Red);
        };
        check(r#""amber""#, Some(Colour::Amber), "amber");
        check(r#""mauve""#, None, "mauve");
        check("\"\\u001b[31m\u{202e}\"", None, "?[31m?");
        check(r#""""#, None, "");
        let long = format!("\"{}\"", "m".repeat(500));
        check(&long, None, &"m".repeat(64));
    }

    #[test]
    fn what_came_from_another_hub_is_limited_only_if_it_is_known() {
        let check = |json: &str, expected: &str| {
            let mut word: Open<Colour> = serde_json::from_str(json).expect(json);
            word.limit_to(|cap| cap == "warm");
            assert_eq!(word.as_str(), expected);
        };
        check(r#""amber""#, "orange");
        check(r#""mauve""#, "mauve");
    }

    #[test]
    fn from_a_client_only_the_words_of_the_list_are_taken() {
        assert_eq!(serde_json::from_str::<Colour>(r#""red""#).ok(), Some(Colour::Red));
        let refused = serde_json::from_str::<Colour>(r#""mauve""#).expect_err("it is not in it");
        assert!(refused.to_string().contains("unknown variant `mauve`"), "{refused}");
    }
}

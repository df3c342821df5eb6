//! Short texts on one line, and the words by which a bot is found.
//!
//! Owns their bounds. Never says what one means, nor how a screen shows it: a text may hold characters
//! that cannot be seen.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

/// The longest [`OneLine`], in characters.
pub const ONE_LINE_CHARS_MAX: usize = 280;

/// The longest [`Skill`], in bytes.
pub const SKILL_BYTES_MAX: usize = 32;

/// So many skills one bot has at most.
pub const SKILLS_MAX: usize = 16;

/// Why a text is no [`OneLine`], or no [`Skill`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It has so many characters.
    #[error("it has at most {ONE_LINE_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// It holds a control character at this byte.
    #[error("it is one line, and there is a control character at byte {0}")]
    Control(usize),
    /// It is no word of the form of a skill.
    #[error("a skill has 1 to {SKILL_BYTES_MAX} of a-z, 0-9 and `-`, as in `code-review`")]
    Skill,
    /// There are so many skills.
    #[error("a bot has at most {SKILLS_MAX} skills, these are {0}")]
    TooMany(usize),
}

/// A text on one line: what a bot is for, or why somebody did something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneLine(SmolStr);

impl OneLine {
    /// A text within the bounds. What stands around it is no part of it.
    pub fn new(text: &str) -> Result<Self, LineError> {
        let text = text.trim();
        if let Some(at) = text.find(char::is_control) {
            return Err(LineError::Control(at));
        }
        match text.chars().count() {
            count if count > ONE_LINE_CHARS_MAX => Err(LineError::TooLong(count)),
            _ => Ok(Self(text.into())),
        }
    }

    /// The text, unless it is empty.
    #[must_use]
    pub fn into_text(self) -> Option<SmolStr> {
        Some(self.0).filter(|text| !text.is_empty())
    }
}

impl std::str::FromStr for OneLine {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for OneLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// One word for what a bot can do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Skill(SmolStr);

impl Skill {
    /// A word of that form.
    pub fn new(text: &str) -> Result<Self, LineError> {
        let is_inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_word = !text.is_empty() && text.len() <= SKILL_BYTES_MAX;
        (is_word && text.bytes().all(is_inner)).then(|| Self(text.into())).ok_or(LineError::Skill)
    }
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Skill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// What a bot can do: each word once, in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Skills(#[cfg_attr(feature = "schema", schemars(length(max = 16)))] Vec<Skill>);

impl Skills {
    /// So many words, each of them once.
    pub fn new(words: Vec<Skill>) -> Result<Self, LineError> {
        let mut skills: Vec<Skill> = Vec::new();
        for word in words {
            if !skills.contains(&word) {
                skills.push(word);
            }
            if skills.len() > SKILLS_MAX {
                return Err(LineError::TooMany(skills.len()));
            }
        }
        Ok(Self(skills))
    }

    /// The words.
    pub fn into_words(self) -> impl Iterator<Item = SmolStr> {
        self.0.into_iter().map(|skill| skill.0)
    }
}

/// Words with commas between them; no words at all are none.
impl std::str::FromStr for Skills {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Self::new(words.map(Skill::new).collect::<Result<_, _>>()?)
    }
}

impl<'de> Deserialize<'de> for Skills {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_bounds_and_nothing_around_it() {
        let check = |text: &str, expected: Result<Option<&str>, LineError>| {
            let line = text.parse::<OneLine>().map(OneLine::into_text);
            let line = line.as_ref().map(Option::as_deref).map_err(Clone::clone);
            assert_eq!(line, expected, "{text:?}");
        };
        check(" reads the news \n", Ok(Some("reads the news")));
        check("  ", Ok(None));
        check("a\nb", Err(LineError::Control(1)));
        check("a\u{1b}[31m", Err(LineError::Control(1)));
        check(&"ü".repeat(ONE_LINE_CHARS_MAX), Ok(Some(&"ü".repeat(ONE_LINE_CHARS_MAX))));
        let long = "ü".repeat(ONE_LINE_CHARS_MAX + 1);
        check(&long, Err(LineError::TooLong(ONE_LINE_CHARS_MAX + 1)));
    }

    #[test]
    fn skills_are_few_short_words_and_each_is_there_once() {
        let check = |text: &str, expected: Result<&[&str], LineError>| {
            let skills = text.parse::<Skills>().map(|it| it.into_words().collect::<Vec<_>>());
            assert_eq!(skills, expected.map(|it| it.iter().map(|it| (*it).into()).collect()));
        };
        check("rust, code-review,rust", Ok(&["rust", "code-review"]));
        check("", Ok(&[]));
        check("Rust", Err(LineError::Skill));
        check("a b", Err(LineError::Skill));
        check(&"k".repeat(SKILL_BYTES_MAX + 1), Err(LineError::Skill));
        let named: Skills = serde_json::from_str(r#"["rust","rust"]"#).expect("words");
        assert_eq!(named.0.iter().map(Skill::to_string).collect::<Vec<_>>(), ["rust"]);
        let many: Vec<String> = (0..=SKILLS_MAX).map(|number| format!("s{number}")).collect();
        check(&many.join(","), Err(LineError::TooMany(SKILLS_MAX + 1)));
    }
}

//! Mistakes in a configuration, with their places.
//!
//! Owns how a mistake is reported: place, path, what is wrong, and a hint. Never prints a token: a key of
//! `tokens` is a [`Segment::Secret`] and is shown redacted.

use std::fmt;
use std::sync::Arc;

use super::token::redact;

/// How many errors are printed; the others are counted.
const PRINTED_MAX: usize = 20;

/// How many characters of an unknown key are printed.
const KEY_CHARS_MAX: usize = 40;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody: the built-in default.
    Default,
    /// A configuration file, by the path that was given.
    File(Arc<str>),
    /// An environment variable, by name.
    Env(Arc<str>),
    /// A command-line flag, as it is spelt.
    Flag(Arc<str>),
}

/// The source of a value and its place; line and column count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who said it.
    pub source: Source,
    /// Line and column, where the source is a text.
    pub place: Option<Place>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

impl Origin {
    /// The origin of a built-in default.
    pub const DEFAULT: Self = Self { source: Source::Default, place: None };

    pub(super) fn of(source: &Source) -> Self {
        Self { source: source.clone(), place: None }
    }

    pub(super) fn at(source: &Source, place: Place) -> Self {
        Self { source: source.clone(), place: Some(place) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name) | Self::Flag(name) => f.write_str(name),
            Self::Env(name) => write!(f, "${name}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => write!(f, "{}:{line}:{column}", self.source),
            None => write!(f, "{}", self.source),
        }
    }
}

/// One step from the root of the configuration to a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    Key(String),
    Secret(String),
    Index(usize),
}

/// The path from the root to a value: `tokens.toke….botId`, `listen[1]`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(pub(super) Vec<Segment>);

impl Path {
    pub(super) fn then(&self, segment: Segment) -> Self {
        let mut longer = self.clone();
        longer.0.push(segment);
        longer
    }

    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Segment::Key(key.to_owned()))
    }

    /// Whether a value at this path may be part of a secret and must not be quoted.
    pub(super) fn is_secret(&self) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Secret(_)))
    }
}

/// From names of settings, separated by dots. Only for fixed keys, never for names of rooms or tokens.
impl From<&str> for Path {
    fn from(dotted: &str) -> Self {
        Self(dotted.split('.').map(|key| Segment::Key(key.to_owned())).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            match segment {
                Segment::Key(key) => write!(f, "{dot}{}", printable_key(key))?,
                Segment::Secret(secret) => write!(f, "{dot}{}", redact(secret))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A key in printable form: short, without control characters, and in quotes if it contains a dot.
pub(super) fn printable_key(key: &str) -> String {
    let mut shown: String = key.chars().take(KEY_CHARS_MAX).flat_map(char::escape_debug).collect();
    if key.chars().nth(KEY_CHARS_MAX).is_some() {
        shown.push('…');
    }
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '…');
    if shown.is_empty() || !shown.chars().all(plain) { format!("\"{shown}\"") } else { shown }
}

/// One mistake or warning: the place, what is wrong, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub origin: Origin,
    /// The setting it concerns, tokens redacted; empty where the text as a whole is meant.
    pub path: String,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// What to do about it; never empty.
    pub hint: String,
}

impl Problem {
    pub(super) fn new(
        origin: &Origin,
        path: &Path,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.clone(),
            path: path.to_string(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Problem {
    /// `config.json5:7:17 tokens.toke….botid: unknown key`, and a line with the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.path.is_empty() { "" } else { " " };
        writeln!(f, "{}{space}{}: {}", self.origin, self.path, self.message)?;
        write!(f, "  hint: {}", self.hint)
    }
}

/// Why a configuration was refused: all mistakes, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The mistakes in the order of the file; never empty.
    pub errors: Vec<Problem>,
    /// The warnings.
    pub warnings: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.errors.iter().take(PRINTED_MAX).enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        match self.errors.len().saturating_sub(PRINTED_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_keys_and_never_a_token() {
        let path = Path::from("tokens").then(Segment::Secret("token-for-marlbot".into()));
        assert_eq!(path.key("botid").to_string(), "tokens.toke….botid");
        assert_eq!(Path::from("listen").then(Segment::Index(1)).to_string(), "listen[1]");
        assert_eq!(Path::from("rooms").key("a.b").key("open").to_string(), "rooms.\"a.b\".open");
        assert_eq!(Path::default().key("\u{1b}[31m").to_string(), "\"\\u{1b}[31m\"");
    }
}

//! Why a text is not a block, and where.
//!
//! Owns the sentences. Never decides whether something is wrong.

use std::fmt;

use super::{FIELDS_MAX, Key, Kind, TEXT_BYTES_MAX};

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No fenced text at all.
    NoFence,
    /// The first fenced text does not begin with a header.
    NoHeader,
    /// Longer than [`TEXT_BYTES_MAX`].
    TooLong,
    /// A fence that opens and does not close.
    NotClosed,
    /// A header with a word that is no [`Kind`].
    UnknownKind,
    /// A header without an arrow.
    NoArrow,
    /// A header without `@name`.
    NoRecipient,
    /// A header without `]` at the end of its line.
    HeaderNotClosed,
    /// A field that every act, or every act of this kind, must have.
    Missing(Kind, Key),
    /// More than [`FIELDS_MAX`] field lines.
    TooManyFields,
}

impl Problem {
    /// Whether the text does not even try to be a block: chat, or other code.
    pub fn is_not_a_block(self) -> bool {
        matches!(self, Self::NoFence | Self::NoHeader)
    }

    /// A word for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFence | Self::NoHeader => "not_a_block",
            Self::TooLong => "too_long",
            Self::NotClosed => "fence_not_closed",
            Self::UnknownKind => "unknown_kind",
            Self::NoArrow => "no_arrow",
            Self::NoRecipient => "no_recipient",
            Self::HeaderNotClosed => "header_not_closed",
            Self::Missing(..) => "missing_field",
            Self::TooManyFields => "too_many_fields",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoFence => "put the block between two lines of three backticks",
            Self::NoHeader => "a block begins with a line like `[REQUEST → @Name]`",
            Self::TooLong => "split the message with `bot-hub proto split`",
            Self::NotClosed => {
                "end the block with a line of three backticks; a platform may have cut the message"
            }
            Self::UnknownKind => {
                "the kinds are REQUEST, RESPONSE, CLARIFY, HANDOFF and BROADCAST, in capitals"
            }
            Self::NoArrow => "put `→` or `->` between the kind and the name",
            Self::NoRecipient => "write `@` and one word, for example `@Mantis` or `@all`",
            Self::HeaderNotClosed => "end the first line of the block with `]`",
            Self::Missing(_, Key::From) => "say who sends it: `From: YourName`",
            Self::Missing(_, Key::RequestId) => {
                "name the conversation: `RequestId: yourname-abc123`"
            }
            Self::Missing(Kind::Response, _) => "add `Result: …` or `Status: done`",
            Self::Missing(..) => "add the line; a key stands at the very start of its line",
            Self::TooManyFields => "put long lists into one field",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFence => f.write_str("there is no fenced text"),
            Self::NoHeader => f.write_str("the first fenced text is not a block"),
            Self::TooLong => write!(f, "the text is longer than {TEXT_BYTES_MAX} bytes"),
            Self::NotClosed => f.write_str("the fence is not closed: expected three backticks"),
            Self::UnknownKind => f.write_str("expected the kind of act"),
            Self::NoArrow => f.write_str("expected an arrow `→`"),
            Self::NoRecipient => f.write_str("expected a recipient `@name`"),
            Self::HeaderNotClosed => f.write_str("expected `]`"),
            Self::Missing(Kind::Response, Key::Result) => {
                f.write_str("RESPONSE: expected a line `Result:` or `Status:`")
            }
            Self::Missing(kind, key) => write!(f, "{kind}: expected a line `{key}:`"),
            Self::TooManyFields => write!(f, "a block has at most {FIELDS_MAX} field lines"),
        }
    }
}

/// A problem and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

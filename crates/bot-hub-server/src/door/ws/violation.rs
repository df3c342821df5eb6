//! The rules of the framing that a peer can break, each with its close code.
//!
//! Owns the reasons in close frames. Never closes a connection.

use super::CloseCode;
use super::utf8::NotUtf8;

/// A rule that the peer broke. Its text is the reason in the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Violation {
    #[error("frame is not masked: a client must mask what it sends")]
    Unmasked,
    #[error("reserved bits are set: no extension was negotiated")]
    ReservedBits,
    #[error("unknown frame opcode")]
    UnknownOpcode,
    #[error("control frame is fragmented")]
    FragmentedControl,
    #[error("control frame is longer than 125 bytes")]
    LongControl,
    #[error("frame length is not written in the shortest form")]
    LongLength,
    #[error("continuation of no message")]
    NothingToContinue,
    #[error("new message inside a fragmented one")]
    Interleaved,
    #[error("binary messages are not taken; send JSON as text")]
    Binary,
    #[error("text is not valid UTF-8")]
    NotUtf8,
    #[error("message is larger than the limit")]
    TooLarge,
    #[error("message has too many fragments")]
    TooManyFragments,
    #[error("malformed close frame")]
    BadClose(CloseCode),
}

impl Violation {
    /// The code to close with.
    #[must_use]
    pub const fn code(self) -> CloseCode {
        match self {
            Self::Binary => CloseCode::UNSUPPORTED,
            Self::NotUtf8 => CloseCode::BAD_UTF8,
            Self::TooLarge => CloseCode::TOO_LARGE,
            Self::TooManyFragments => CloseCode::POLICY,
            Self::BadClose(code) => code,
            _ => CloseCode::PROTOCOL,
        }
    }
}

impl From<NotUtf8> for Violation {
    fn from(NotUtf8: NotUtf8) -> Self {
        Self::NotUtf8
    }
}

//! Close codes and the payload of a close frame. Never decides when to close.

use std::fmt;

/// Why a connection is closed, as the number that travels in the close frame.
///
/// 1000–2999 are the WebSocket protocol's own (RFC 6455 section 7.4 and its registry), 3000–3999 are
/// registered by libraries, 4000–4999 are an application's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Everything was said.
    pub const NORMAL: Self = Self(1000);
    /// The hub or the program behind the connection ends.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the framing.
    pub const PROTOCOL: Self = Self(1002);
    /// The peer sent a kind of message that is not taken (binary).
    pub const UNSUPPORTED: Self = Self(1003);
    /// Text that is not UTF-8.
    pub const BAD_UTF8: Self = Self(1007);
    /// The peer broke a rule that has no code of its own (too many control frames).
    pub const POLICY: Self = Self(1008);
    /// A message above the limit.
    pub const TOO_LARGE: Self = Self(1009);
    /// The hub restarts; come back.
    pub const RESTART: Self = Self(1012);
    /// The hub has no room now; come back later.
    pub const TRY_LATER: Self = Self(1013);
    /// The peer did not authenticate in time.
    pub const AUTH_TIMEOUT: Self = Self(4001);
    /// The token is not accepted.
    pub const BAD_TOKEN: Self = Self(4002);
    /// The bot was disabled or removed, or its token revoked.
    pub const REVOKED: Self = Self(4003);
    /// The peer does not read what it is sent.
    pub const TOO_SLOW: Self = Self(4008);
    /// A newer connection of the same bot took over.
    pub const REPLACED: Self = Self(4009);
    /// Nothing was heard of the peer for too long.
    pub const SILENT: Self = Self(4010);
    /// Too many failed authentications from the peer's address.
    pub const THROTTLED: Self = Self(4029);

    /// Whether the code may appear in a close frame: 1004–1006 and 1015 are only ever reported
    /// locally, and what no one registered must not be sent.
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// What a close frame said. No payload at all is allowed and means no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// The peer's code, one that [`CloseCode::may_be_sent`].
    pub code: Option<CloseCode>,
    /// The peer's words. Untrusted text: escape it before it reaches a log.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// Reads a close frame's payload. `Err` is the code to answer a malformed one with.
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, CloseCode> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            let empty = Self { code: None, reason: "" };
            return if payload.is_empty() { Ok(empty) } else { Err(CloseCode::PROTOCOL) };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.may_be_sent() {
            return Err(CloseCode::PROTOCOL);
        }
        let reason = std::str::from_utf8(reason).map_err(|_| CloseCode::BAD_UTF8)?;
        Ok(Self { code: Some(code), reason })
    }
}

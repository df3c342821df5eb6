//! Depth: how many steps a conversation has gone, and how many it may go.
//!
//! Owns the arithmetic that ends loops. Never decides who may raise a limit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::build::BuildError;

/// The limit that a conversation starts with.
pub const DEPTH_MAX_DEFAULT: u32 = 5;

/// The highest limit that `build` writes: a limit that nobody ever reaches is none.
pub const DEPTH_MAX_LIMIT: u32 = 99;

/// `current/max`: this is step `current` of at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Depth {
    /// The step, from 1.
    pub current: u32,
    /// The limit.
    pub max: u32,
}

impl Default for Depth {
    fn default() -> Self {
        Self { current: 1, max: DEPTH_MAX_DEFAULT }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.current, self.max)
    }
}

impl Depth {
    /// Reads `n/m`. Numbers beyond `u32` stay at its top, so that they end a conversation instead
    /// of starting it again.
    pub fn parse(text: &str) -> Option<Self> {
        let (current, max) = text.split_once('/')?;
        Some(Self { current: number(current)?, max: number(max)? })
    }

    /// The depth of a reply to a message of this depth.
    #[must_use]
    pub fn next(self) -> Self {
        Self { current: self.current.saturating_add(1), max: self.max }
    }

    /// Whether only a RESPONSE may be sent at this depth.
    pub fn is_exhausted(self) -> bool {
        self.current >= self.max
    }

    /// Refuses what must not be sent: nonsense for everybody, exhausted depth for all but a
    /// RESPONSE. A RESPONSE may stand one above the limit, as the reply to the last step.
    pub(super) fn check(self, kind: Kind) -> Result<(), BuildError> {
        let sane = self.current >= 1 && (1..=DEPTH_MAX_LIMIT).contains(&self.max);
        if kind == Kind::Response {
            let sane = sane && self.current <= DEPTH_MAX_LIMIT + 1;
            return if sane { Ok(()) } else { Err(BuildError::DepthNonsense(self)) };
        }
        if !sane {
            return Err(BuildError::DepthNonsense(self));
        }
        if self.is_exhausted() {
            return Err(BuildError::DepthReached { depth: self, kind });
        }
        Ok(())
    }
}

fn number(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, u32)>) {
        let expected = expected.map(|(current, max)| Depth { current, max });
        assert_eq!(Depth::parse(text), expected, "{text:?}");
    }

    #[test]
    fn depth_is_two_numbers_and_nothing_else() {
        check("1/5", Some((1, 5)));
        check("05/005", Some((5, 5)));
        check("1/99999999999999999999", Some((1, u32::MAX)));
        for text in ["", "/", "1/", "/5", "+1/5", "1 / 5", "-1/5", "1/5/9", "one/five"] {
            check(text, None);
        }
    }

    #[track_caller]
    fn check_send(kind: Kind, current: u32, max: u32, expected: &str) {
        let verdict = Depth { current, max }.check(kind).map_err(|error| error.to_string());
        assert_eq!(verdict.err().unwrap_or_default(), expected);
    }

    #[test]
    fn only_a_response_may_be_sent_at_the_limit() {
        check_send(Kind::Request, 4, 5, "");
        for kind in [Kind::Request, Kind::Clarify, Kind::Handoff, Kind::Broadcast] {
            for current in [5, 6, 1000] {
                let expected = format!(
                    "Depth limit reached ({current}/5). Cannot send {kind}. \
                     Must send RESPONSE instead."
                );
                check_send(kind, current, 5, &expected);
            }
        }
        check_send(Kind::Response, 5, 5, "");
        check_send(Kind::Response, 6, 5, "");
    }

    #[test]
    fn nonsense_is_refused_for_everybody() {
        for kind in Kind::ALL {
            for (current, max) in [(0, 5), (5, 0), (0, 0), (1, 100), (1, u32::MAX)] {
                let expected = format!(
                    "Depth {current}/{max} makes no sense: count from 1, \
                     with a limit between 1 and 99"
                );
                check_send(kind, current, max, &expected);
            }
        }
    }

    #[test]
    fn a_reply_is_one_step_deeper_and_never_wraps() {
        assert_eq!(Depth { current: 1, max: 5 }.next(), Depth { current: 2, max: 5 });
        let top = Depth { current: u32::MAX, max: 5 };
        assert_eq!(top.next(), top);
    }
}

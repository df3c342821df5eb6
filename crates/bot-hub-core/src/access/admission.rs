//! Who is let in with a token, and when somebody who guesses has to wait.
//!
//! Owns the judgement at the door. A bot is never locked out by somebody else's failures: the rate limit is on
//! the address, and a token that nobody can guess passes it.

use core::net::IpAddr;

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;

use super::Access;
use super::record::SecretHash;

/// A token that somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Its hash.
    pub hash: SecretHash,
    /// Whether it could be guessed.
    pub strength: Strength,
}

/// Whether somebody could guess a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Nobody can.
    Strong,
    /// It is short: guessing has to be slow.
    Guessable,
}

/// Who came in, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Whose token it is.
    pub bot: BotId,
    /// The token's hash.
    pub token: SecretHash,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has that token.
    Unknown,
    /// The bot or the token is disabled.
    Disabled,
    /// Too many failures from this address; not before so many milliseconds.
    Throttled(u64),
}

impl Access {
    /// Lets somebody in, or not.
    pub fn authenticate(
        &mut self,
        shown: Presented,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Pass, Refusal> {
        let found = self.registry.tokens.get(&shown.hash).filter(|token| token.lasts(now));
        // A bot that shares an address with somebody who fails comes in all the same, unless its token can
        // be guessed: such a token is what the rate limit protects.
        let is_limited = found.is_none() || shown.strength == Strength::Guessable;
        if let Some(wait_ms) = self.guesses.wait(from, now).filter(|_| is_limited) {
            return Err(Refusal::Throttled(wait_ms));
        }
        let Some(token) = found else {
            self.guesses.failed(from, now);
            return Err(Refusal::Unknown);
        };
        if !self.registry.is_enabled(token) {
            return Err(Refusal::Disabled);
        }
        Ok(Pass { bot: token.record.bot.clone(), token: shown.hash })
    }
}

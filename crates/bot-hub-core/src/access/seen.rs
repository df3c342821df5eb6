//! What happens by itself: bots come and go, tokens end, the file names somebody new.
//!
//! Owns what is written down of that. Nobody waits for an answer.

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;

use super::{Access, AccessWrite, BotRecord, Decision};

/// That a bot was here on a side connection is known as exactly as this.
const ASIDE_MS: u64 = 60_000;

impl Access {
    /// A bot came or went. Side connections may come many times in a second, as commands do: it is not
    /// written down every time. It is known here at once, since the next change of the bot writes it too.
    pub fn saw(&mut self, bot: &BotId, reads: bool, now: Timestamp) -> Option<AccessWrite> {
        let known = self.registry.record(bot).and_then(|record| record.last_seen);
        if !reads && known.is_some_and(|at| now.since(at) < ASIDE_MS) {
            return None;
        }
        self.registry.seen(bot, now);
        Some(AccessWrite::Seen(bot.clone(), now))
    }

    /// When to ask for tokens that have ended.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        self.registry.tokens.next_end()
    }

    /// Forgets the tokens that have ended, and returns whose they were. It is the time that ends a token, and
    /// not the store: it is worth nothing here from that moment on, whether the store forgets it or not.
    pub fn end_tokens(&mut self, now: Timestamp) -> Decision<Vec<BotId>> {
        let over = self.registry.tokens.take_ended(now);
        let writes = over.iter().map(|token| AccessWrite::ForgetToken(token.hash)).collect();
        self.decide(writes, over.into_iter().map(|token| token.bot).collect())
    }

    /// From the first time that the file names a bot, the store knows it; and a token that the file names is
    /// in the file alone. What the store does not take is tried again when it takes something, and at the next
    /// reload or start.
    pub fn record_declared(&mut self, now: Timestamp) -> Decision<()> {
        let bots = self.registry.unrecorded().into_iter();
        let bots = bots.map(|bot| AccessWrite::Bot(BotRecord::new(bot, now)));
        let tokens =
            self.registry.tokens.doubled.iter().map(|hash| AccessWrite::ForgetToken(*hash));
        let writes = bots.chain(tokens).collect();
        self.decide(writes, ())
    }
}

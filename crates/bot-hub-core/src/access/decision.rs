//! What a rule decides.
//!
//! Owns the form of a decision: what is to be written, and the answer once it is stored.

use super::{Access, AccessWrite, BotRecord};

/// Writes for the store, in one batch, and what is true once they are committed.
#[must_use = "its names are on their way until the writes are applied or given up"]
#[derive(Debug)]
pub struct Decision<A> {
    /// What is to be written.
    pub writes: Vec<AccessWrite>,
    /// What to answer then.
    pub answer: A,
}

impl<A> Decision<A> {
    /// The same with another answer.
    pub fn map<B>(self, answer: impl FnOnce(A) -> B) -> Decision<B> {
        Decision { writes: self.writes, answer: answer(self.answer) }
    }
}

impl Access {
    /// Decides: what the writes are about is on its way from now on.
    pub(super) fn decide<A>(&mut self, writes: Vec<AccessWrite>, answer: A) -> Decision<A> {
        for write in &writes {
            match write {
                AccessWrite::Bot(BotRecord { bot, .. }) | AccessWrite::ForgetBot(bot, _) => {
                    self.registry.begin_change(bot.clone());
                }
                AccessWrite::Invite(invite) => self.invites.begin_change(&invite.id),
                // What concerns tokens comes with their bot.
                _ => {}
            }
        }
        Decision { writes, answer }
    }
}

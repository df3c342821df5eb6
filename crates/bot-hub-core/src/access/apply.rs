//! What a write changes here, once it is stored.
//!
//! Owns the one way in which access changes by operations, of this hub and of any other, and at the start.
//! Applying a write needs nothing but the write: what an operation did to tokens is in its writes.

use bot_protocol::name::BotId;

use super::{Access, AccessWrite, BotRecord};

/// What follows from a write for connections that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The bot may do other things now, and some of its tokens may be worth nothing.
    Changed(BotId),
    /// There is no such bot any more.
    Gone(BotId),
}

impl Access {
    /// The store has committed a write.
    pub fn apply(&mut self, write: &AccessWrite) -> Option<Followed> {
        self.end_change(write);
        match write {
            AccessWrite::Bot(record) => self.registry.keep(record.clone()),
            AccessWrite::ForgetBot(bot, _) => {
                self.former.seal(bot.clone());
                self.registry.forget(bot);
                return Some(Followed::Gone(bot.clone()));
            }
            AccessWrite::Token(token) => self.registry.keep_token(token),
            AccessWrite::RevokeTokens(bot) => self.registry.revoke(bot),
            AccessWrite::ExpireTokens(bot, at) => self.registry.end_tokens_at(bot, *at),
            AccessWrite::ForgetToken(hash) => {
                return self.registry.forget_token(*hash).map(Followed::Changed);
            }
            AccessWrite::Invite(invite) => self.invites.keep(invite),
            AccessWrite::ForgetInvite(id) => self.invites.forget(id),
            AccessWrite::Seen(bot, at) => self.registry.seen(bot, *at),
        }
        changes(write).cloned().map(Followed::Changed)
    }

    /// The store has refused these writes: what they are about is free again.
    pub fn give_up(&mut self, writes: &[AccessWrite]) {
        for write in writes {
            self.end_change(write);
        }
    }

    fn end_change(&mut self, write: &AccessWrite) {
        match write {
            AccessWrite::Bot(BotRecord { bot, .. }) | AccessWrite::ForgetBot(bot, _) => {
                self.registry.end_change(bot);
            }
            AccessWrite::Invite(invite) => self.invites.end_change(&invite.id),
            _ => {}
        }
    }
}

/// Whose tokens or rights a write changes.
const fn changes(write: &AccessWrite) -> Option<&BotId> {
    match write {
        AccessWrite::Bot(record) => Some(&record.bot),
        AccessWrite::Token(token) => Some(&token.bot),
        AccessWrite::RevokeTokens(bot) | AccessWrite::ExpireTokens(bot, _) => Some(bot),
        _ => None,
    }
}

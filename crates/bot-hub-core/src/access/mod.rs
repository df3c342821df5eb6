//! Who may come in: bots, their tokens, invites, and names that are taken.
//!
//! Owns every rule about that. A rule either refuses, or decides: then it says what is to be written, and the
//! answer that is true once that is stored. The engine sends the writes to the store, gives each of them to
//! [`Access::apply`] when they are committed, and gives all of them to [`Access::give_up`] when they are not.
//! Nothing changes in any other way, besides by the configuration, by the time, and by two things that are
//! known here at once: the local operator's token, and that a bot was seen. So another program that applies the
//! same writes says the same of every token that is stored.
//!
//! From a decision until its writes are applied or given up, the names and invites in it are *on their way*: a
//! name is taken, and no second decision is made about the same bot or invite.
//!
//! Never holds a token or a code: they come as hashes. Never reads a clock:
//! the time is an argument. What is asked about rooms is asked of [`Rooms`].

mod accounts;
mod admission;
mod apply;
mod claim;
mod confusables;
mod decision;
mod former;
mod invites;
mod names;
mod record;
mod registry;
mod rooms;
mod seen;
mod throttle;
mod tokens;

use std::collections::BTreeSet;

use bot_protocol::name::{BotId, RoomName};

pub use self::accounts::NewToken;
pub use self::admission::{Pass, Presented, Refusal, Strength};
pub use self::apply::Followed;
pub use self::claim::{Claim, ClaimRefusal};
pub use self::decision::Decision;
pub use self::invites::Invited;
pub use self::record::{
    AccessWrite, BotRecord, ClaimRecord, InviteRecord, SecretHash, TokenRecord,
};
pub use self::registry::{Registry, Reread};
pub use self::rooms::Rooms;
pub use self::throttle::network_of;
pub use self::tokens::Origin;

use self::former::Former;
use self::invites::Book;
use self::throttle::Throttle;

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Access {
    registry: Registry,
    invites: Book,
    former: Former,
    /// Wrong tokens, by where they came from.
    guesses: Throttle,
}

/// What the configuration says about who may come in.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Tokens, hashed; whose they are; whether they are disabled.
    pub tokens: Vec<(SecretHash, BotId, bool)>,
    /// Who may operate the hub.
    pub operators: Vec<BotId>,
    /// Members of its rooms, who may be yet to come.
    pub expected: BTreeSet<BotId>,
    /// So many wrong tokens in a minute from one address.
    pub failures_per_minute: u32,
}

impl Access {
    /// Remembers what is stored: as if it were written once more.
    pub fn restore(
        &mut self,
        bots: Vec<BotRecord>,
        tokens: Vec<TokenRecord>,
        invites: Vec<InviteRecord>,
    ) {
        let bots = bots.into_iter().map(AccessWrite::Bot);
        let tokens = tokens.into_iter().map(AccessWrite::Token);
        let invites = invites.into_iter().map(|it| AccessWrite::Invite(Box::new(it)));
        for write in bots.chain(tokens).chain(invites) {
            self.apply(&write);
        }
    }

    /// Remembers the names that there were: every name that the store has, the rooms, and who was removed.
    pub fn restore_names<'a>(
        &mut self,
        names: Vec<BotId>,
        rooms: impl IntoIterator<Item = &'a RoomName>,
        removed: impl IntoIterator<Item = &'a BotId>,
    ) {
        self.former = Former::restore(names, rooms, removed);
    }

    /// Replaces what came from the configuration. Returns whom that may concern.
    pub fn configure(&mut self, declared: Declared) -> Reread {
        self.former.expect(declared.expected);
        self.guesses.per_address = declared.failures_per_minute;
        self.registry.configure(declared.tokens, declared.operators)
    }

    /// Accepts the token of the one who uses the command line on this machine, until this process ends.
    pub fn accept_local_operator(&mut self, token: SecretHash, bot: BotId) {
        self.registry.accept_local_operator(token, bot);
    }

    /// What is known of bots and their tokens.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }
}

#[cfg(test)]
mod tests;

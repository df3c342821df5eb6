//! Every token by its hash.
//!
//! Owns which tokens a bot has, and when they end. Never decides who comes in: a bot may be disabled.

use std::collections::{BTreeMap, BTreeSet};

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;

use super::record::{SecretHash, TokenRecord};

/// Where a token or a bot is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file; the command line cannot change it.
    Config,
    /// In the store, made at run time.
    Store,
    /// In this process only: the local operator's.
    Process,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) record: TokenRecord,
    pub(super) origin: Origin,
    pub(super) disabled: bool,
}

impl Token {
    /// One that has no end, and of which nothing else is known.
    pub(super) const fn endless(bot: BotId, hash: SecretHash, origin: Origin) -> Self {
        let (created_at, expires_at) = (Timestamp(0), None);
        let record = TokenRecord { bot, hash, created_at, expires_at };
        Self { record, origin, disabled: false }
    }

    /// Whether it has not ended yet.
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.record.expires_at.is_none_or(|at| at > now)
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    all: FxHashMap<SecretHash, Token>,
    /// Which tokens a bot has, so that no question about one bot takes a look at those of all.
    held: BTreeMap<BotId, Vec<SecretHash>>,
    /// Tokens that the store has and the file as well, until the store has forgotten them: the file alone says
    /// how long they are good. The store would accept them again at the next start.
    pub(super) doubled: BTreeSet<SecretHash>,
    /// Tokens that end, by when. A token of which the end was moved forward is listed once for each end.
    ends: BTreeSet<(Timestamp, SecretHash)>,
}

impl Tokens {
    /// Accepts a token from now on. It may have been another bot's. What the file says of a token holds
    /// before what the store says, and that of this process before both.
    pub(super) fn put(&mut self, token: Token) {
        let hash = token.record.hash;
        match (self.all.get(&hash).map(|it| it.origin), token.origin) {
            (Some(Origin::Process), Origin::Config | Origin::Store) => return,
            (Some(Origin::Config), Origin::Store) => {
                self.doubled.insert(hash);
                return;
            }
            (Some(Origin::Store), Origin::Config) => {
                self.doubled.insert(hash);
            }
            _ => {}
        }
        self.drop(hash);
        self.held.entry(token.record.bot.clone()).or_default().push(hash);
        self.ends.extend(token.record.expires_at.map(|at| (at, hash)));
        self.all.insert(hash, token);
    }

    /// Forgets a token that is written down there.
    pub(super) fn drop_of(&mut self, origin: Origin, hash: SecretHash) -> Option<Token> {
        self.all.get(&hash).filter(|token| token.origin == origin)?;
        self.drop(hash)
    }

    fn drop(&mut self, hash: SecretHash) -> Option<Token> {
        let token = self.all.remove(&hash)?;
        if let Some(held) = self.held.get_mut(&token.record.bot) {
            held.retain(|other| *other != hash);
            if held.is_empty() {
                self.held.remove(&token.record.bot);
            }
        }
        Some(token)
    }

    pub(super) fn get(&self, hash: &SecretHash) -> Option<&Token> {
        self.all.get(hash)
    }

    pub(super) fn of(&self, bot: &BotId) -> impl Iterator<Item = &Token> {
        let held = self.held.get(bot).into_iter().flatten();
        held.filter_map(|hash| self.all.get(hash))
    }

    /// Who has which tokens, by name.
    pub(super) fn holders(&self) -> &BTreeMap<BotId, Vec<SecretHash>> {
        &self.held
    }

    /// Those of a bot that were made at run time.
    pub(super) fn made_for(&self, bot: &BotId) -> impl Iterator<Item = &TokenRecord> {
        self.of(bot).filter(|token| token.origin == Origin::Store).map(|token| &token.record)
    }

    /// The tokens of a bot that were made at run time end then, unless they end sooner.
    pub(super) fn end_at(&mut self, bot: &BotId, at: Timestamp) {
        let made: Vec<SecretHash> = self.made_for(bot).map(|it| it.hash).collect();
        for hash in made {
            let Some(token) = self.all.get_mut(&hash) else { continue };
            token.record.end_at(at);
            self.ends.extend(token.record.expires_at.map(|at| (at, hash)));
        }
    }

    /// Forgets the tokens of a bot that were made at run time.
    pub(super) fn revoke(&mut self, bot: &BotId) {
        let made: Vec<SecretHash> = self.made_for(bot).map(|it| it.hash).collect();
        for hash in made {
            self.drop(hash);
        }
    }

    /// When to ask for tokens that have ended.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Forgets the tokens that have ended, and returns them.
    pub(super) fn take_ended(&mut self, now: Timestamp) -> Vec<TokenRecord> {
        let mut over = Vec::new();
        while self.ends.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, hash)) = self.ends.pop_first() else { break };
            // One that was revoked, or given anew without an end, is only listed still.
            if self.all.get(&hash).is_some_and(|token| !token.lasts(now)) {
                over.extend(self.drop(hash).map(|token| token.record));
            }
        }
        over
    }
}

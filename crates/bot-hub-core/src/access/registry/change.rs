//! How the registry changes: by the configuration, and by writes that are stored.
//!
//! Decides nothing.

use std::collections::BTreeSet;

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;

use super::{Registry, Reread};
use crate::access::confusables;
use crate::access::record::{BotRecord, SecretHash, TokenRecord};
use crate::access::tokens::{Origin, Token};

impl Registry {
    /// Replaces what came from the configuration. Returns whom that may concern.
    ///
    /// A bot that arrives while the file begins to name it has come before it was named: it is there
    /// with both tokens, as it would be if the file had been read a moment later.
    pub(in crate::access) fn configure(
        &mut self,
        tokens: Vec<(SecretHash, BotId, bool)>,
        operators: Vec<BotId>,
    ) -> Reread {
        let before = std::mem::take(&mut self.of_file);
        let hashes = before.iter().chain(tokens.iter().map(|(hash, ..)| hash));
        let holders = hashes.filter_map(|hash| Some(&self.tokens.get(hash)?.record.bot));
        let named = tokens.iter().map(|(_, bot, _)| bot).chain(&operators);
        let bots = holders.chain(named).chain(&self.config_operators).cloned();
        let bots: BTreeSet<BotId> = bots.collect();
        let guests: Vec<BotId> = bots.iter().filter(|bot| self.is_guest(bot)).cloned().collect();
        for hash in before {
            self.tokens.drop_of(Origin::Config, hash);
        }
        for (hash, bot, disabled) in tokens {
            self.accept(Token { disabled, ..Token::endless(bot, hash, Origin::Config) });
            self.of_file.push(hash);
        }
        self.config_operators = operators;
        let vouched = guests.into_iter().filter(|bot| !self.is_guest(bot)).collect();
        Reread { bots, vouched }
    }

    pub(in crate::access) fn accept_local_operator(&mut self, token: SecretHash, bot: BotId) {
        self.local_operator = Some(bot.clone());
        self.accept(Token::endless(bot, token, Origin::Process));
    }

    fn accept(&mut self, token: Token) {
        self.note_appearance(&token.record.bot);
        self.tokens.put(token);
    }

    /// Accepts a token that is in the store.
    pub(in crate::access) fn keep_token(&mut self, token: &TokenRecord) {
        self.accept(Token { record: token.clone(), origin: Origin::Store, disabled: false });
    }

    pub(in crate::access) fn end_tokens_at(&mut self, bot: &BotId, at: Timestamp) {
        self.tokens.end_at(bot, at);
    }

    /// Forgets the tokens of a bot that were made at run time.
    pub(in crate::access) fn revoke(&mut self, bot: &BotId) {
        self.tokens.revoke(bot);
    }

    /// Forgets a token that is in the store. Returns whose it was.
    pub(in crate::access) fn forget_token(&mut self, hash: SecretHash) -> Option<BotId> {
        self.tokens.doubled.remove(&hash);
        self.tokens.drop_of(Origin::Store, hash).map(|token| token.record.bot)
    }

    /// A bot, or a change of one, is on its way to the store, until [`end_change`](Self::end_change).
    pub(in crate::access) fn begin_change(&mut self, bot: BotId) {
        self.alike_coming.entry(confusables::of(&bot)).or_insert_with(|| bot.clone());
        self.changing.insert(bot);
    }

    /// The store took it, or refused it.
    pub(in crate::access) fn end_change(&mut self, bot: &BotId) {
        if self.changing.remove(bot) {
            let appearance = confusables::of(bot);
            if self.alike_coming.get(&appearance) == Some(bot) {
                self.alike_coming.remove(&appearance);
            }
        }
    }

    /// Keeps a bot's record. It may have been seen since the record was made.
    pub(in crate::access) fn keep(&mut self, record: BotRecord) {
        let seen = self.bots.get(&record.bot).and_then(|known| known.last_seen);
        let last_seen = record.last_seen.max(seen);
        self.note_appearance(&record.bot);
        self.bots.insert(record.bot.clone(), BotRecord { last_seen, ..record });
    }

    /// A bot is connected, or was until now.
    pub(in crate::access) fn seen(&mut self, bot: &BotId, at: Timestamp) {
        if let Some(record) = self.bots.get_mut(bot) {
            record.last_seen = record.last_seen.max(Some(at));
        }
    }

    /// Forgets a bot that was made at run time.
    pub(in crate::access) fn forget(&mut self, bot: &BotId) {
        self.revoke(bot);
        self.bots.remove(bot);
    }

    fn note_appearance(&mut self, bot: &BotId) {
        self.alike.entry(confusables::of(bot)).or_insert_with(|| bot.clone());
    }
}

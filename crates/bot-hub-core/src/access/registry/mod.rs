//! Bots: who is known here, and what each may do at all.
//!
//! Owns records and tokens of bots. Answers everybody's questions about them; only [`super::Access`] changes
//! them, by `change`. A bot is never locked out by somebody else's failures.

mod change;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bot_protocol::frame::operator::Page;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::admission::Pass;
use super::record::{BotRecord, SecretHash, TokenRecord};
use super::tokens::{Origin, Token, Tokens};
use crate::io::Standing;

/// Whom another configuration may concern.
#[derive(Debug)]
pub struct Reread {
    /// Everybody whom the old one or the new one names.
    pub bots: BTreeSet<BotId>,
    /// Of these, who came by an invite and is no guest any more.
    pub vouched: Vec<BotId>,
}

/// Bots and tokens.
#[derive(Debug, Default)]
pub struct Registry {
    pub(super) tokens: Tokens,
    /// The tokens of the configuration.
    of_file: Vec<SecretHash>,
    /// A bot of each appearance.
    alike: FxHashMap<String, BotId>,
    /// Bots made at run time, and those of the configuration that were changed there.
    bots: BTreeMap<BotId, BotRecord>,
    /// Bots of which something is on its way to the store. A new one's name is taken from then on.
    changing: BTreeSet<BotId>,
    /// One of them of each appearance: two who come at once must not look alike either.
    alike_coming: FxHashMap<String, BotId>,
    /// Bots of the configuration that may operate the hub.
    config_operators: Vec<BotId>,
    /// The one who uses the command line on this machine.
    local_operator: Option<BotId>,
}

impl Registry {
    /// Whether somebody who came in before may still come in: as the same bot, with the same token.
    #[must_use]
    pub fn is_good(&self, pass: &Pass, now: Timestamp) -> bool {
        let token = self.tokens.get(&pass.token).filter(|token| token.record.bot == pass.bot);
        token.is_some_and(|token| self.opens(token, now))
    }

    fn opens(&self, token: &Token, now: Timestamp) -> bool {
        self.is_enabled(token) && token.lasts(now)
    }

    /// Whether neither the token nor its bot is disabled. The owner of the hub is who can read its data
    /// directory: no record shuts out the token of this process.
    pub(super) fn is_enabled(&self, token: &Token) -> bool {
        let record = self.bots.get(&token.record.bot);
        let is_switched_off = || record.is_some_and(|bot| bot.disabled);
        !token.disabled && (token.origin == Origin::Process || !is_switched_off())
    }

    /// What a bot may do at all.
    #[must_use]
    pub fn standing(&self, bot: &BotId, now: Timestamp) -> Standing {
        Standing {
            operator: self.is_operator(bot),
            guest: self.is_guest(bot),
            shut_out: !self.tokens.of(bot).any(|token| self.opens(token, now)),
            last_seen: self.bots.get(bot).and_then(|it| it.last_seen),
        }
    }

    /// Whether a bot may operate the hub.
    #[must_use]
    pub fn is_operator(&self, bot: &BotId) -> bool {
        self.config_operators.contains(bot)
            || self.local_operator.as_ref() == Some(bot)
            || self.bots.get(bot).is_some_and(|it| it.operator)
    }

    /// Whether a bot came by an invite.
    #[must_use]
    pub fn is_guest(&self, bot: &BotId) -> bool {
        // Whom the file names, whoever wrote the file vouches for.
        let is_vouched = || self.is_operator(bot) || self.token_count_of(bot, Origin::Config) > 0;
        self.bots.get(bot).is_some_and(|it| it.guest) && !is_vouched()
    }

    /// A bot's record, if it was made or changed at run time.
    #[must_use]
    pub fn record(&self, bot: &BotId) -> Option<&BotRecord> {
        self.bots.get(bot)
    }

    /// Whether something about the bot is on its way to the store.
    #[must_use]
    pub fn is_changing(&self, bot: &BotId) -> bool {
        self.changing.contains(bot)
    }

    /// Whether no new bot can have that name: there is one, or one is on its way to the store.
    #[must_use]
    pub fn is_taken(&self, bot: &BotId) -> bool {
        self.origin(bot).is_some() || self.is_changing(bot)
    }

    /// Where a bot comes from.
    #[must_use]
    pub fn origin(&self, bot: &BotId) -> Option<Origin> {
        let of = |origin| self.tokens.of(bot).any(|it| it.origin == origin);
        match () {
            () if of(Origin::Process) => Some(Origin::Process),
            () if of(Origin::Config) => Some(Origin::Config),
            () if of(Origin::Store) || self.bots.contains_key(bot) => Some(Origin::Store),
            () => None,
        }
    }

    /// How many tokens a bot has.
    #[must_use]
    pub fn token_count(&self, bot: &BotId) -> usize {
        self.tokens.of(bot).count()
    }

    /// How many tokens of a bot are written down there.
    #[must_use]
    pub fn token_count_of(&self, bot: &BotId, origin: Origin) -> usize {
        self.tokens.of(bot).filter(|token| token.origin == origin).count()
    }

    /// Tokens of a bot that were made at run time and may be kept: those that were prepared, and the one
    /// that has no end, as after a `bot_keep_token` of which the answer was lost. What ends by an overlap
    /// does not come back.
    #[must_use]
    pub fn tokens_to_keep(&self, bot: &BotId, now: Timestamp) -> Vec<SecretHash> {
        let may_be_kept =
            |it: &&TokenRecord| it.expires_at.is_none_or(|at| it.is_prepared() && at > now);
        self.tokens.made_for(bot).filter(may_be_kept).map(|it| it.hash).collect()
    }

    /// Every bot, sorted.
    #[must_use]
    pub fn names(&self) -> BTreeSet<BotId> {
        self.tokens.holders().keys().chain(self.bots.keys()).cloned().collect()
    }

    /// A page of them, and where the next one begins.
    #[must_use]
    pub fn page(&self, wish: &Page) -> (Vec<BotId>, Option<SmolStr>) {
        let limit = wish.lines();
        let from = Bound::Excluded(wish.after.as_deref().unwrap_or(""));
        let range = (from, Bound::Unbounded);
        // A bot that is in both comes twice. One name more than the page holds shows that there is more.
        let holders = self.tokens.holders().range::<str, _>(range);
        let holders = holders.map(|(bot, _)| bot).take(limit + 1);
        let recorded = self.bots.range::<str, _>(range).map(|(bot, _)| bot).take(limit + 1);
        let mut names: Vec<&BotId> = holders.chain(recorded).collect();
        names.sort_unstable();
        names.dedup();
        let is_cut = names.len() > limit;
        names.truncate(limit);
        let next = names.last().filter(|_| is_cut).map(|last| SmolStr::new(last.as_str()));
        (names.into_iter().cloned().collect(), next)
    }

    /// A bot that is here, is about to be, or was since the start, and that a reader takes for what looks like
    /// this.
    pub(super) fn alike(&self, appearance: &str) -> Option<&BotId> {
        self.alike.get(appearance).or_else(|| self.alike_coming.get(appearance))
    }

    /// Bots of the file that nothing is stored of yet. One that is taken out of the file must not be
    /// forgotten at the next start: its name stays its own, and what is for it waits.
    pub(super) fn unrecorded(&self) -> BTreeSet<BotId> {
        let of_file = self.of_file.iter().filter_map(|hash| self.tokens.get(hash));
        let of_file = of_file.filter(|token| token.origin == Origin::Config);
        let bots = of_file.map(|token| &token.record.bot);
        let is_new = |bot: &&BotId| !self.bots.contains_key(*bot) && !self.changing.contains(*bot);
        bots.filter(is_new).cloned().collect()
    }
}

//! Who may come in: bots, tokens, and the brake on guessing.
//!
//! Owns authentication. Holds hashes of tokens and never a token; tokens of the configuration file are
//! hashed when it is read. A bot is never locked out by somebody else's failures: the brake is on the
//! address, and a token that nobody can guess passes it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;

use bot_hub_core::io::Standing;
use bot_protocol::frame::operator::Page;
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use subtle::ConstantTimeEq;

use super::confusables;
use super::credential::is_mistyped;
use super::throttle::Throttle;
use crate::config::is_weak;
use bot_hub_store::{BotRecord, TokenRecord};

pub use super::credential::{Kind, TokenHash, hash_token, make_token};

/// How long a token that was prepared waits to be kept.
pub(super) const PREPARED_MS: u64 = 5 * 60_000;

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
struct TokenEntry {
    hash: TokenHash,
    bot: BotId,
    origin: Origin,
    disabled: bool,
    /// From when on it is worth nothing.
    expires_at: Option<Timestamp>,
    /// It ends because nobody has kept it yet, and for no other reason.
    is_prepared: bool,
}

/// Who came in, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Whose token it is.
    pub bot: BotId,
    /// The token's hash.
    pub token: TokenHash,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has that token.
    Unknown,
    /// Nobody has that token, and nobody can: its checksum is wrong.
    Mistyped,
    /// The bot or the token is disabled.
    Disabled,
    /// Too many failures from this address; not before so many milliseconds.
    Throttled(u64),
}

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
    tokens: FxHashMap<TokenHash, TokenEntry>,
    /// Which tokens a bot has, so that no question about one bot takes a look at those of all.
    held: BTreeMap<BotId, Vec<TokenHash>>,
    /// The tokens of the configuration.
    of_file: Vec<TokenHash>,
    /// A bot of each appearance.
    alike: FxHashMap<String, BotId>,
    /// Bots made at run time, and those of the configuration that were changed there.
    bots: BTreeMap<BotId, BotRecord>,
    /// Bots of which something is on its way to the store. A new one's name is taken from then on.
    changing: BTreeSet<BotId>,
    /// Bots of the configuration that may operate the hub.
    config_operators: Vec<BotId>,
    /// Whoever uses the command line on this machine.
    local_operator: Option<BotId>,
    throttle: Throttle,
    /// Tokens that end, by when. A token of which the end was moved forward is listed once for each end.
    ends: BTreeSet<(Timestamp, TokenHash)>,
}

impl Registry {
    /// What the store remembers.
    pub fn restore(&mut self, bots: Vec<BotRecord>, tokens: Vec<TokenRecord>) {
        for record in bots {
            self.note_appearance(&record.bot);
            self.bots.insert(record.bot.clone(), record);
        }
        for token in tokens {
            self.keep_token(&token);
        }
    }

    /// Replaces what came from the configuration. Returns whom that may concern.
    ///
    /// A bot that arrives while the file begins to name it has come before it was named: it is there
    /// with both tokens, as it would be if the file had been read a moment later.
    pub fn configure(
        &mut self,
        tokens: impl IntoIterator<Item = (TokenHash, BotId, bool)>,
        operators: Vec<BotId>,
        failures_per_minute: u32,
    ) -> Reread {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let before = std::mem::take(&mut self.of_file);
        let hashes = before.iter().chain(tokens.iter().map(|(hash, ..)| hash));
        let holders = hashes.filter_map(|hash| Some(&self.tokens.get(hash)?.bot));
        let named = tokens.iter().map(|(_, bot, _)| bot).chain(&operators);
        let bots = holders.chain(named).chain(&self.config_operators).cloned();
        let bots: BTreeSet<BotId> = bots.collect();
        let guests: Vec<BotId> = bots.iter().filter(|bot| self.is_guest(bot)).cloned().collect();
        for hash in before {
            self.drop_token(hash);
        }
        for (hash, bot, disabled) in tokens {
            self.accept(hash, bot, Origin::Config, disabled);
            self.of_file.push(hash);
        }
        self.config_operators = operators;
        self.throttle.per_address = failures_per_minute;
        let vouched = guests.into_iter().filter(|bot| !self.is_guest(bot)).collect();
        Reread { bots, vouched }
    }

    /// Bots of the file that nothing is stored of yet. One that is taken out of the file must not be
    /// forgotten at the next start: its name stays its own, and what is for it waits.
    pub fn unrecorded(&self) -> BTreeSet<BotId> {
        let of_file = self.of_file.iter().filter_map(|hash| self.tokens.get(hash));
        let bots = of_file.map(|entry| &entry.bot);
        let is_new = |bot: &&BotId| !self.bots.contains_key(*bot) && !self.changing.contains(*bot);
        bots.filter(is_new).cloned().collect()
    }

    fn drop_token(&mut self, hash: TokenHash) -> Option<TokenEntry> {
        let entry = self.tokens.remove(&hash)?;
        if let Some(held) = self.held.get_mut(&entry.bot) {
            held.retain(|other| *other != hash);
            if held.is_empty() {
                self.held.remove(&entry.bot);
            }
        }
        Some(entry)
    }

    fn tokens_of(&self, bot: &BotId) -> impl Iterator<Item = &TokenEntry> {
        let held = self.held.get(bot).into_iter().flatten();
        held.filter_map(|hash| self.tokens.get(hash))
    }

    /// Accepts a token from now on.
    pub fn accept(&mut self, hash: TokenHash, bot: BotId, origin: Origin, disabled: bool) {
        if origin == Origin::Process {
            self.local_operator = Some(bot.clone());
        }
        // It may have been another bot's.
        self.drop_token(hash);
        self.note_appearance(&bot);
        self.held.entry(bot.clone()).or_default().push(hash);
        let (expires_at, is_prepared) = (None, false);
        let entry = TokenEntry { hash, bot, origin, disabled, expires_at, is_prepared };
        self.tokens.insert(hash, entry);
    }

    /// Accepts a token that is in the store.
    pub fn keep_token(&mut self, token: &TokenRecord) {
        self.accept(token.hash, token.bot.clone(), Origin::Store, false);
        if let Some(entry) = self.tokens.get_mut(&token.hash) {
            entry.expires_at = token.expires_at;
            entry.is_prepared = token.expires_at == Some(token.created_at + PREPARED_MS);
        }
        self.ends.extend(token.expires_at.map(|at| (at, token.hash)));
    }

    /// The tokens of a bot that were made at run time end then, unless they end sooner.
    pub fn expire_at(&mut self, bot: &BotId, at: Timestamp) {
        for hash in self.made_at_run_time(bot) {
            let Some(entry) = self.tokens.get_mut(&hash) else { continue };
            if entry.expires_at.is_none_or(|sooner| at < sooner) {
                entry.expires_at = Some(at);
                entry.is_prepared = false;
                self.ends.insert((at, hash));
            }
        }
    }

    fn made_at_run_time(&self, bot: &BotId) -> Vec<TokenHash> {
        let own = self.tokens_of(bot).filter(|entry| entry.origin == Origin::Store);
        own.map(|entry| entry.hash).collect()
    }

    /// Tokens of a bot that were made at run time and may be kept: those that were prepared, and the one
    /// that has no end, as after a `bot_keep_token` of which the answer was lost. What ends by an overlap
    /// does not come back.
    pub fn tokens_to_keep(&self, bot: &BotId, now: Timestamp) -> Vec<TokenHash> {
        let own = self.tokens_of(bot).filter(|entry| entry.origin == Origin::Store);
        let kept =
            own.filter(|entry| entry.expires_at.is_none_or(|at| entry.is_prepared && at > now));
        kept.map(|entry| entry.hash).collect()
    }

    /// When to ask for tokens that have ended.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Forgets the tokens that have ended, and returns them.
    pub fn take_expired(&mut self, now: Timestamp) -> Vec<Pass> {
        let mut over = Vec::new();
        while self.ends.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, hash)) = self.ends.pop_first() else { break };
            let ends_at = self.tokens.get(&hash).and_then(|entry| entry.expires_at);
            // One that was revoked, or given anew without an end, is only listed still.
            if ends_at.is_some_and(|at| at <= now) {
                let entry = self.drop_token(hash);
                over.extend(entry.map(|it| Pass { bot: it.bot, token: hash }));
            }
        }
        over
    }

    /// Forgets the tokens of a bot that were made at run time.
    pub fn revoke(&mut self, bot: &BotId) {
        for hash in self.made_at_run_time(bot) {
            self.drop_token(hash);
        }
    }

    /// Lets somebody in, or not.
    pub fn authenticate(
        &mut self,
        token: &Secret,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Pass, Refusal> {
        let hash = hash_token(token.expose());
        let entry = self.tokens.get(&hash).filter(|entry| entry.hash.ct_eq(&hash).into());
        let entry = entry.filter(|entry| entry.expires_at.is_none_or(|at| at > now));
        // A bot that shares an address with somebody who fails comes in all the same, unless its token can
        // be guessed: such a token is what the brake protects.
        let brake = self.throttle.wait(address, now);
        if let Some(wait_ms) = brake.filter(|_| entry.is_none() || is_weak(token.expose())) {
            return Err(Refusal::Throttled(wait_ms));
        }
        let Some(entry) = entry else {
            self.throttle.failed(address, now);
            let is_mistyped = is_mistyped(token.expose());
            return Err(if is_mistyped { Refusal::Mistyped } else { Refusal::Unknown });
        };
        if !self.is_enabled(entry) {
            return Err(Refusal::Disabled);
        }
        Ok(Pass { bot: entry.bot.clone(), token: hash })
    }

    /// Whether somebody who came in before may still come in: as the same bot, with the same token.
    pub fn is_good(&self, pass: &Pass, now: Timestamp) -> bool {
        let entry = self.tokens.get(&pass.token).filter(|entry| entry.bot == pass.bot);
        entry.is_some_and(|entry| self.opens(entry, now))
    }

    fn opens(&self, entry: &TokenEntry, now: Timestamp) -> bool {
        self.is_enabled(entry) && entry.expires_at.is_none_or(|at| at > now)
    }

    /// Whether neither the token nor its bot is disabled. The owner of the hub is who can read its data
    /// directory: no record shuts out the token of this process.
    fn is_enabled(&self, entry: &TokenEntry) -> bool {
        let is_switched_off = || self.bots.get(&entry.bot).is_some_and(|bot| bot.disabled);
        !entry.disabled && (entry.origin == Origin::Process || !is_switched_off())
    }

    /// What a bot may do at all.
    pub fn standing(&self, bot: &BotId, now: Timestamp) -> Standing {
        Standing {
            operator: self.is_operator(bot),
            guest: self.is_guest(bot),
            shut_out: !self.tokens_of(bot).any(|entry| self.opens(entry, now)),
            last_seen: self.bots.get(bot).and_then(|it| it.last_seen),
        }
    }

    /// Whether a bot may operate the hub.
    pub fn is_operator(&self, bot: &BotId) -> bool {
        self.config_operators.contains(bot)
            || self.local_operator.as_ref() == Some(bot)
            || self.bots.get(bot).is_some_and(|it| it.operator)
    }

    /// Whether a bot came by an invite.
    pub fn is_guest(&self, bot: &BotId) -> bool {
        // Whom the file names, whoever wrote the file vouches for.
        let is_vouched = || self.is_operator(bot) || self.token_count_of(bot, Origin::Config) > 0;
        self.bots.get(bot).is_some_and(|it| it.guest) && !is_vouched()
    }

    /// A bot's record, if it was made or changed at run time.
    pub fn record(&self, bot: &BotId) -> Option<&BotRecord> {
        self.bots.get(bot)
    }

    /// A bot, or a change of one, is on its way to the store, until [`end_change`](Self::end_change).
    pub fn begin_change(&mut self, bot: BotId) {
        self.changing.insert(bot);
    }

    /// The store took it, or refused it.
    pub fn end_change(&mut self, bot: &BotId) {
        self.changing.remove(bot);
    }

    /// Whether something about the bot is on its way to the store.
    pub fn is_changing(&self, bot: &BotId) -> bool {
        self.changing.contains(bot)
    }

    /// Whether no new bot can have that name: there is one, or one is on its way to the store.
    pub fn is_taken(&self, bot: &BotId) -> bool {
        self.origin(bot).is_some() || self.is_changing(bot)
    }

    /// Keeps a bot's record.
    pub fn keep(&mut self, record: BotRecord) {
        let seen = self.bots.get(&record.bot).and_then(|known| known.last_seen);
        let last_seen = record.last_seen.max(seen);
        self.note_appearance(&record.bot);
        self.bots.insert(record.bot.clone(), BotRecord { last_seen, ..record });
    }

    /// A bot is connected, or was until now.
    pub fn seen(&mut self, bot: &BotId, at: Timestamp) {
        if let Some(record) = self.bots.get_mut(bot) {
            record.last_seen = record.last_seen.max(Some(at));
        }
    }

    /// Forgets a bot that was made at run time.
    pub fn forget(&mut self, bot: &BotId) {
        self.revoke(bot);
        self.bots.remove(bot);
    }

    /// Where a bot comes from.
    pub fn origin(&self, bot: &BotId) -> Option<Origin> {
        let of = |origin| self.tokens_of(bot).any(|it| it.origin == origin);
        match () {
            () if of(Origin::Process) => Some(Origin::Process),
            () if of(Origin::Config) => Some(Origin::Config),
            () if of(Origin::Store) || self.bots.contains_key(bot) => Some(Origin::Store),
            () => None,
        }
    }

    /// How many tokens a bot has.
    pub fn token_count(&self, bot: &BotId) -> usize {
        self.tokens_of(bot).count()
    }

    /// How many tokens of a bot are written down there.
    pub fn token_count_of(&self, bot: &BotId, origin: Origin) -> usize {
        self.tokens_of(bot).filter(|entry| entry.origin == origin).count()
    }

    fn note_appearance(&mut self, bot: &BotId) {
        self.alike.entry(confusables::of(bot)).or_insert_with(|| bot.clone());
    }

    /// A bot that is here, or was since the start, and that a reader takes for what looks like this.
    pub fn alike(&self, appearance: &str) -> Option<&BotId> {
        self.alike.get(appearance)
    }

    /// Every bot, sorted.
    pub fn names(&self) -> BTreeSet<BotId> {
        self.held.keys().chain(self.bots.keys()).cloned().collect()
    }

    /// A page of them, and where the next one begins.
    pub fn page(&self, wish: &Page) -> (Vec<BotId>, Option<SmolStr>) {
        let limit = wish.lines();
        let from = Bound::Excluded(wish.after.as_deref().unwrap_or(""));
        let range = (from, Bound::Unbounded);
        // A bot that is in both comes twice. One name more than the page holds shows that there is more.
        let holders = self.held.range::<str, _>(range).map(|(bot, _)| bot).take(limit + 1);
        let recorded = self.bots.range::<str, _>(range).map(|(bot, _)| bot).take(limit + 1);
        let mut names: Vec<&BotId> = holders.chain(recorded).collect();
        names.sort_unstable();
        names.dedup();
        let is_cut = names.len() > limit;
        names.truncate(limit);
        let next = names.last().filter(|_| is_cut).map(|last| SmolStr::new(last.as_str()));
        (names.into_iter().cloned().collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(name: &str) -> BotId {
        BotId::new(name).unwrap()
    }

    fn registry() -> Registry {
        let mut registry = Registry::default();
        let tokens =
            [(hash_token("good"), bot("ana"), false), (hash_token("off"), bot("bob"), true)];
        registry.configure(tokens, vec![bot("ana")], 3);
        registry
    }

    #[test]
    fn a_token_names_its_bot() {
        let mut registry = registry();
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut check = |token: &str, expected: Result<&str, Refusal>| {
            let found =
                registry.authenticate(&Secret::new(token), home, Timestamp(0)).map(|it| it.bot);
            assert_eq!(found, expected.map(bot), "{token}");
        };
        check("good", Ok("ana"));
        check("off", Err(Refusal::Disabled));
        check("goo", Err(Refusal::Unknown));
    }

    #[test]
    fn guessing_is_braked_per_address_and_not_per_bot() {
        let mut registry = registry();
        let strong = hash_token("a-token-that-nobody-guesses");
        registry.accept(strong, bot("cleo"), Origin::Store, false);
        let attacker = IpAddr::from([203, 0, 113, 9]);
        let mut check = |address: IpAddr, token: &str, at: u64, expected: Result<&str, Refusal>| {
            let found =
                registry.authenticate(&Secret::new(token), address, Timestamp(at)).map(|it| it.bot);
            assert_eq!(found, expected.map(bot), "{token} at {at}");
        };
        for at in 0..3 {
            check(attacker, "guess", at, Err(Refusal::Unknown));
        }
        check(attacker, "good", 10, Err(Refusal::Throttled(59_990)));
        check(attacker, "a-token-that-nobody-guesses", 10, Ok("cleo"));
        check(IpAddr::from([127, 0, 0, 1]), "good", 10, Ok("ana"));
        check(attacker, "good", 60_000, Ok("ana"));
    }

    #[test]
    fn a_reload_takes_away_what_the_file_no_longer_gives() {
        let mut registry = registry();
        registry.accept(hash_token("made"), bot("cleo"), Origin::Store, false);
        registry.configure([(hash_token("other"), bot("ana"), false)], vec![], 3);
        assert!(registry.standing(&bot("bob"), Timestamp(0)).shut_out);
        assert!(!registry.standing(&bot("ana"), Timestamp(0)).shut_out);
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut enter = |token| {
            let entered = registry.authenticate(&Secret::new(token), home, Timestamp(0));
            entered.map(|pass| pass.bot)
        };
        assert_eq!(enter("good"), Err(Refusal::Unknown));
        assert_eq!(enter("other"), Ok(bot("ana")));
        assert_eq!(enter("made"), Ok(bot("cleo")));
    }

    #[test]
    fn the_token_of_the_process_makes_an_operator() {
        let mut registry = registry();
        registry.accept(hash_token("local"), bot("operator"), Origin::Process, false);
        assert!(registry.is_operator(&bot("operator")));
        assert!(registry.is_operator(&bot("ana")));
        assert!(!registry.is_operator(&bot("bob")));
    }

    #[test]
    fn no_record_shuts_out_whoever_uses_the_command_line_of_this_machine() {
        let mut registry = registry();
        let (disabled, created_at) = (true, Timestamp(0));
        let record = BotRecord {
            bot: bot("operator"),
            operator: false,
            disabled,
            guest: false,
            created_at,
            last_seen: None,
        };
        registry.restore(vec![record], vec![]);
        registry.accept(hash_token("local"), bot("operator"), Origin::Process, false);
        registry.accept(hash_token("made"), bot("operator"), Origin::Store, false);
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut enter = |token| {
            let entered = registry.authenticate(&Secret::new(token), home, Timestamp(0));
            entered.map(|pass| pass.bot)
        };
        assert_eq!(enter("local"), Ok(bot("operator")));
        assert_eq!(enter("made"), Err(Refusal::Disabled));
        assert!(!registry.standing(&bot("operator"), Timestamp(0)).shut_out);
    }

    #[test]
    fn a_token_that_ends_opens_no_door_from_then_on() {
        let mut registry = registry();
        registry.accept(hash_token("old"), bot("cleo"), Origin::Store, false);
        registry.expire_at(&bot("cleo"), Timestamp(10));
        registry.accept(hash_token("new"), bot("cleo"), Origin::Store, false);
        assert_eq!(registry.next_expiry(), Some(Timestamp(10)));
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut enter = |token, at| registry.authenticate(&Secret::new(token), home, Timestamp(at));
        assert!(enter("old", 9).is_ok() && enter("new", 9).is_ok());
        assert_eq!(enter("old", 10), Err(Refusal::Unknown));
        assert!(enter("new", 10).is_ok());
        assert_eq!(registry.take_expired(Timestamp(9)), []);
        let over = registry.take_expired(Timestamp(10));
        assert_eq!(over, [Pass { bot: bot("cleo"), token: hash_token("old") }]);
        assert_eq!((registry.next_expiry(), registry.token_count(&bot("cleo"))), (None, 1));
    }
    #[test]
    fn names_come_in_pages_whoever_gave_them() {
        let mut registry = registry();
        registry.accept(hash_token("made"), bot("cleo"), Origin::Store, false);
        registry.accept(hash_token("more"), bot("dora"), Origin::Process, false);
        let check = |after: Option<&str>, limit: u32, expected: &[&str], next: Option<&str>| {
            let wish = Page { after: after.map(Into::into), limit: Some(limit) };
            let (names, found) = registry.page(&wish);
            let names: Vec<&str> = names.iter().map(BotId::as_str).collect();
            assert_eq!((&names[..], found.as_deref()), (expected, next), "{wish:?}");
        };
        check(None, 2, &["ana", "bob"], Some("bob"));
        check(Some("bob"), 2, &["cleo", "dora"], None);
        check(Some("bo"), 0, &["bob"], Some("bob"));
        check(Some("dora"), 9, &[], None);
    }

    #[test]
    fn a_reload_concerns_whom_the_file_names_before_and_after() {
        let mut registry = registry();
        registry.accept(hash_token("made"), bot("cleo"), Origin::Store, false);
        registry.accept(hash_token("taken"), bot("dora"), Origin::Store, false);
        let tokens = [(hash_token("taken"), bot("eve"), false)];
        let Reread { bots, vouched } = registry.configure(tokens, vec![bot("fay")], 3);
        let expected = ["ana", "bob", "dora", "eve", "fay"].map(bot);
        assert_eq!((bots, vouched), (expected.into(), vec![]));
        assert_eq!(registry.names(), ["cleo", "eve"].map(bot).into());
    }

    #[test]
    fn a_token_that_was_taken_away_does_not_end_once_more() {
        let mut registry = registry();
        registry.accept(hash_token("old"), bot("cleo"), Origin::Store, false);
        registry.expire_at(&bot("cleo"), Timestamp(10));
        registry.expire_at(&bot("cleo"), Timestamp(5));
        registry.revoke(&bot("cleo"));
        assert_eq!(registry.take_expired(Timestamp(20)), []);
        assert_eq!(registry.next_expiry(), None);
    }
}

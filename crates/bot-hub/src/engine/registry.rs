//! Who may come in: bots, tokens, and the brake on guessing.
//!
//! Owns authentication. Holds hashes of tokens and never a token; tokens of the configuration file are
//! hashed when it is read. A bot is never locked out by somebody else's failures: the brake is on the
//! address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::store::{BotRecord, TokenRecord};

/// SHA-256 of a token. Tokens that the hub makes are 256 random bits, so no slower hash is needed; a
/// slow one would only make it cheap to keep the hub busy.
pub type TokenHash = [u8; 32];

/// The hash under which a token is known.
pub fn hash_token(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// A new token: a prefix that secret scanners can know, and 256 random bits in base 32.
pub fn make_token(prefix: &str) -> Result<Secret, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    let mut text = prefix.to_owned();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in random {
        bits = (bits << 8) | u32::from(byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count) as usize & 31]));
        }
    }
    Ok(Secret::new(text))
}

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

/// Bots and tokens.
#[derive(Debug, Default)]
pub struct Registry {
    tokens: FxHashMap<TokenHash, TokenEntry>,
    /// Bots made at run time, and those of the configuration that were changed there.
    bots: BTreeMap<BotId, BotRecord>,
    /// Bots of the configuration that may operate the hub.
    config_operators: Vec<BotId>,
    /// Whoever uses the command line on this machine.
    local_operator: Option<BotId>,
    throttle: Throttle,
}

impl Registry {
    /// What the store remembers.
    pub fn restore(&mut self, bots: Vec<BotRecord>, tokens: Vec<TokenRecord>) {
        self.bots.extend(bots.into_iter().map(|record| (record.bot.clone(), record)));
        for token in tokens {
            self.accept(token.hash, token.bot, Origin::Store, false);
        }
    }

    /// Replaces what came from the configuration. Returns the bots that lost all their tokens by it.
    pub fn configure(
        &mut self,
        tokens: impl IntoIterator<Item = (TokenHash, BotId, bool)>,
        operators: Vec<BotId>,
        failures_per_minute: u32,
    ) -> Vec<BotId> {
        let before: Vec<BotId> = self.names().into_iter().collect();
        self.tokens.retain(|_, entry| entry.origin != Origin::Config);
        for (hash, bot, disabled) in tokens {
            self.accept(hash, bot, Origin::Config, disabled);
        }
        self.config_operators = operators;
        self.throttle.failures_per_minute = failures_per_minute;
        before.into_iter().filter(|bot| !self.has_token(bot)).collect()
    }

    /// Accepts a token from now on.
    pub fn accept(&mut self, hash: TokenHash, bot: BotId, origin: Origin, disabled: bool) {
        if origin == Origin::Process {
            self.local_operator = Some(bot.clone());
        }
        self.tokens.insert(hash, TokenEntry { hash, bot, origin, disabled });
    }

    /// Forgets the tokens of a bot that were made at run time.
    pub fn revoke(&mut self, bot: &BotId) {
        self.tokens.retain(|_, entry| entry.origin != Origin::Store || entry.bot != *bot);
    }

    /// Lets somebody in, or not.
    pub fn authenticate(
        &mut self,
        token: &Secret,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<BotId, Refusal> {
        if let Some(wait_ms) = self.throttle.wait(address, now) {
            return Err(Refusal::Throttled(wait_ms));
        }
        let hash = hash_token(token.expose());
        let entry = self.tokens.get(&hash).filter(|entry| entry.hash.ct_eq(&hash).into());
        let Some(entry) = entry else {
            self.throttle.failed(address, now);
            return Err(Refusal::Unknown);
        };
        if entry.disabled || self.bots.get(&entry.bot).is_some_and(|bot| bot.disabled) {
            return Err(Refusal::Disabled);
        }
        Ok(entry.bot.clone())
    }

    /// Whether a bot may operate the hub.
    pub fn is_operator(&self, bot: &BotId) -> bool {
        self.config_operators.contains(bot)
            || self.local_operator.as_ref() == Some(bot)
            || self.bots.get(bot).is_some_and(|it| it.operator)
    }

    /// A bot's record, if it was made or changed at run time.
    pub fn record(&self, bot: &BotId) -> Option<&BotRecord> {
        self.bots.get(bot)
    }

    /// Keeps a bot's record.
    pub fn keep(&mut self, record: BotRecord) {
        self.bots.insert(record.bot.clone(), record);
    }

    /// Forgets a bot that was made at run time.
    pub fn forget(&mut self, bot: &BotId) {
        self.revoke(bot);
        self.bots.remove(bot);
    }

    /// Where a bot comes from.
    pub fn origin(&self, bot: &BotId) -> Option<Origin> {
        let of = |origin| self.tokens.values().any(|it| it.bot == *bot && it.origin == origin);
        match () {
            () if of(Origin::Process) => Some(Origin::Process),
            () if of(Origin::Config) => Some(Origin::Config),
            () if of(Origin::Store) || self.bots.contains_key(bot) => Some(Origin::Store),
            () => None,
        }
    }

    /// How many tokens a bot has.
    pub fn token_count(&self, bot: &BotId) -> usize {
        self.tokens.values().filter(|entry| entry.bot == *bot).count()
    }

    /// Every bot, sorted.
    pub fn names(&self) -> std::collections::BTreeSet<BotId> {
        self.tokens.values().map(|entry| &entry.bot).chain(self.bots.keys()).cloned().collect()
    }

    fn has_token(&self, bot: &BotId) -> bool {
        self.tokens.values().any(|entry| entry.bot == *bot && !entry.disabled)
    }
}

/// Addresses remembered at most. When more have failed, the oldest memory goes first: that many
/// addresses at once are an attack that an address list cannot stop anyway.
const ADDRESSES_MAX: usize = 10_000;

/// The window in which failures are counted.
const WINDOW_MS: u64 = 60_000;

/// Counts failures per address (an IPv6 address counts as its /64).
#[derive(Debug, Default)]
struct Throttle {
    failures_per_minute: u32,
    addresses: BTreeMap<u128, (Timestamp, u32)>,
}

impl Throttle {
    fn wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        let (since, failures) = self.addresses.get(&key(address))?;
        let elapsed = now.since(*since);
        (*failures >= self.failures_per_minute && elapsed < WINDOW_MS).then(|| WINDOW_MS - elapsed)
    }

    fn failed(&mut self, address: IpAddr, now: Timestamp) {
        if self.addresses.len() >= ADDRESSES_MAX {
            self.addresses.retain(|_, (since, _)| now.since(*since) < WINDOW_MS);
            if self.addresses.len() >= ADDRESSES_MAX {
                self.addresses.pop_first();
            }
        }
        let (since, failures) = self.addresses.entry(key(address)).or_insert((now, 0));
        if now.since(*since) >= WINDOW_MS {
            (*since, *failures) = (now, 0);
        }
        *failures += 1;
    }
}

fn key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & (u128::MAX << 64),
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
        assert_eq!(registry.configure(tokens, vec![bot("ana")], 3), vec![]);
        registry
    }

    #[test]
    fn a_token_names_its_bot() {
        let mut registry = registry();
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut check = |token: &str, expected: Result<&str, Refusal>| {
            let found = registry.authenticate(&Secret::new(token), home, Timestamp(0));
            assert_eq!(found, expected.map(bot), "{token}");
        };
        check("good", Ok("ana"));
        check("off", Err(Refusal::Disabled));
        check("goo", Err(Refusal::Unknown));
    }

    #[test]
    fn guessing_is_braked_per_address_and_not_per_bot() {
        let mut registry = registry();
        let attacker = IpAddr::from([203, 0, 113, 9]);
        let mut check = |address: IpAddr, token: &str, at: u64, expected: Result<&str, Refusal>| {
            let found = registry.authenticate(&Secret::new(token), address, Timestamp(at));
            assert_eq!(found, expected.map(bot), "{token} at {at}");
        };
        for at in 0..3 {
            check(attacker, "guess", at, Err(Refusal::Unknown));
        }
        check(attacker, "good", 10, Err(Refusal::Throttled(59_990)));
        check(IpAddr::from([127, 0, 0, 1]), "good", 10, Ok("ana"));
        check(attacker, "good", 60_000, Ok("ana"));
    }

    #[test]
    fn a_reload_takes_away_what_the_file_no_longer_gives() {
        let mut registry = registry();
        registry.accept(hash_token("made"), bot("cleo"), Origin::Store, false);
        let orphans = registry.configure([(hash_token("other"), bot("ana"), false)], vec![], 3);
        assert_eq!(orphans, vec![bot("bob")]);
        let home = IpAddr::from([127, 0, 0, 1]);
        let mut enter = |token| registry.authenticate(&Secret::new(token), home, Timestamp(0));
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
    fn tokens_are_long_and_never_the_same() {
        let one = make_token("bh_bot_").unwrap();
        assert_eq!(one.expose().len(), "bh_bot_".len() + 51);
        assert_ne!(one, make_token("bh_bot_").unwrap());
    }

    #[test]
    fn every_character_of_a_token_may_be_any_of_the_alphabet() {
        let tokens: Vec<Secret> = (0..1_000).map(|_| make_token("").unwrap()).collect();
        for at in 0..51 {
            let seen = tokens.iter().map(|token| token.expose().as_bytes()[at]);
            let seen: std::collections::BTreeSet<u8> = seen.collect();
            assert_eq!(seen.len(), 32, "at {at}");
            assert!(seen.iter().all(|it| matches!(it, b'a'..=b'z' | b'2'..=b'7')), "at {at}");
        }
    }
}

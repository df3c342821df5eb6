//! What stands around the rules: a store, rooms, another hub, and one that starts from the store.
//!
//! Owns the proof that writes are enough. After every commit a second hub, which has only ever applied the same
//! writes, must say of every token, bot and invite what the first one says; and so must a third one, which has
//! just started with what is stored.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bot_hub_core::access::{
    Access, AccessWrite, BotRecord, Decision, Declared, Followed, InviteRecord, Origin, Pass,
    Rooms, SecretHash, TokenRecord,
};
use bot_protocol::code::Code;
use bot_protocol::frame::operator::Page;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

pub(crate) const NOON: Timestamp = Timestamp(1_000_000_000);

/// Rooms with their members. A member may invite, and an operator may in all of them.
#[derive(Debug, Default)]
pub(crate) struct House {
    pub(crate) rooms: BTreeMap<RoomName, Vec<BotId>>,
    pub(crate) full: BTreeSet<RoomName>,
    pub(crate) is_closing: bool,
}

impl Rooms for House {
    fn take_newcomers(&self) -> Result<(), ErrorFrame> {
        if self.is_closing { Err(ErrorFrame::new(Code::ShuttingDown)) } else { Ok(()) }
    }

    fn may_invite(
        &mut self,
        by: &BotId,
        is_operator: bool,
        rooms: &[RoomName],
        _: Rights,
    ) -> Result<(), ErrorFrame> {
        let is_member = |room| self.rooms.get(room).is_some_and(|members| members.contains(by));
        let may = is_operator || rooms.iter().all(is_member);
        if may { Ok(()) } else { Err(ErrorFrame::new(Code::NotAMember)) }
    }

    fn missing(&self, rooms: &[RoomName]) -> Vec<RoomName> {
        rooms.iter().filter(|room| !self.rooms.contains_key(*room)).cloned().collect()
    }

    fn first_members(&self, rooms: &[RoomName], count_max: usize) -> Vec<BotId> {
        let known = rooms.iter().filter_map(|room| self.rooms.get(room));
        known.flatten().take(count_max).cloned().collect()
    }

    fn have_space(&self, rooms: &[RoomName]) -> Result<(), ErrorFrame> {
        let is_full = rooms.iter().any(|room| self.full.contains(room));
        if is_full { Err(ErrorFrame::new(Code::RoomFull)) } else { Ok(()) }
    }

    fn names_a_room(&self, id: &BotId) -> bool {
        self.rooms.keys().any(|room| room.as_str() == id.as_str())
    }

    fn is_known(&self, id: &BotId) -> bool {
        self.names_a_room(id) || self.rooms.values().flatten().any(|member| member == id)
    }
}

/// What is stored, as every store keeps it.
#[derive(Debug, Default)]
struct Shelf {
    bots: BTreeMap<BotId, BotRecord>,
    tokens: BTreeMap<SecretHash, TokenRecord>,
    invites: BTreeMap<String, InviteRecord>,
    removed: BTreeSet<BotId>,
    /// Names that were somebody's before stores knew when a bot ended.
    heard: BTreeSet<BotId>,
}

impl Shelf {
    fn write(&mut self, write: &AccessWrite) {
        match write.clone() {
            AccessWrite::Bot(record) => drop(self.bots.insert(record.bot.clone(), record)),
            AccessWrite::ForgetBot(bot, _) => {
                self.bots.remove(&bot);
                self.tokens.retain(|_, token| token.bot != bot);
                self.removed.insert(bot);
            }
            AccessWrite::Token(token) => drop(self.tokens.insert(token.hash, token)),
            AccessWrite::RevokeTokens(bot) => self.tokens.retain(|_, token| token.bot != bot),
            AccessWrite::ExpireTokens(bot, at) => {
                self.tokens.values_mut().filter(|it| it.bot == bot).for_each(|it| it.end_at(at));
            }
            AccessWrite::ForgetToken(hash) => drop(self.tokens.remove(&hash)),
            AccessWrite::Invite(it) => drop(self.invites.insert(it.id.to_string(), *it)),
            AccessWrite::ForgetInvite(id) => drop(self.invites.remove(id.as_str())),
            AccessWrite::Seen(bot, at) => {
                if let Some(record) = self.bots.get_mut(&bot) {
                    record.last_seen = record.last_seen.max(Some(at));
                }
            }
        }
    }
}

/// Writes on their way, with the answer that is true after them.
pub(crate) type OnItsWay = (Vec<AccessWrite>, String);

pub(crate) struct Bench {
    pub(crate) now: Timestamp,
    pub(crate) access: Access,
    pub(crate) house: House,
    pub(crate) on_its_way: VecDeque<OnItsWay>,
    declared: Declared,
    local: Option<SecretHash>,
    replica: Access,
    shelf: Shelf,
    /// Every token that was ever named.
    pub(crate) tokens: BTreeMap<String, SecretHash>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let mut bench = Self {
            now: NOON,
            access: Access::default(),
            house: House::default(),
            on_its_way: VecDeque::new(),
            declared: Declared::default(),
            local: None,
            replica: Access::default(),
            shelf: Shelf::default(),
            tokens: BTreeMap::new(),
        };
        let ops = BotId::new("ops").unwrap();
        let tokens = vec![(bench.token("o1"), ops.clone(), false)];
        let operators = vec![ops];
        let declared = Declared { tokens, operators, ..Declared::default() };
        bench.declare(Declared { failures_per_minute: 3, ..declared });
        bench
    }

    /// The hash that stands for a token or a code: its own letters.
    pub(crate) fn token(&mut self, name: &str) -> SecretHash {
        let mut hash = [0; 32];
        hash[..name.len()].copy_from_slice(name.as_bytes());
        self.tokens.insert(name.to_owned(), hash);
        hash
    }

    pub(crate) fn declare(&mut self, declared: Declared) {
        self.access.configure(declared.clone());
        self.replica.configure(declared.clone());
        self.declared = declared;
    }

    /// The owner of the machine has that token.
    pub(crate) fn accept_local(&mut self, token: &str) {
        let token = self.token(token);
        self.local = Some(token);
        for access in [&mut self.access, &mut self.replica] {
            access.accept_local_operator(token, local_operator());
        }
    }

    /// The store takes the oldest writes. Returns the answer, and what follows.
    pub(crate) fn commit(&mut self) -> (String, Vec<Followed>) {
        let (writes, answer) = self.on_its_way.pop_front().expect("something is on its way");
        let mut followed = Vec::new();
        for write in &writes {
            self.shelf.write(write);
            self.replica.apply(write);
            followed.extend(self.access.apply(write));
        }
        followed.dedup();
        self.compare();
        let is_here = |bot| self.access.registry().origin(bot) == Some(Origin::Config);
        if followed.iter().any(|it| matches!(it, Followed::Gone(bot) if is_here(bot))) {
            self.record_declared();
        }
        (answer, followed)
    }

    /// The store has that name from long ago, and the program starts.
    pub(crate) fn remember(&mut self, name: BotId) {
        self.shelf.heard.insert(name);
        self.restart();
    }

    /// What the file names and the store does not know is on its way to it.
    pub(crate) fn record_declared(&mut self) {
        let Decision { writes, .. } = self.access.record_declared(self.now);
        if !writes.is_empty() {
            self.on_its_way.push_back((writes, "the bots of the file are known".to_owned()));
        }
    }

    pub(crate) fn refuse(&mut self) {
        let (writes, _) = self.on_its_way.pop_front().expect("something is on its way");
        self.access.give_up(&writes);
        self.compare_tokens(&self.restored());
    }

    /// The program starts again: what was on its way is gone.
    pub(crate) fn restart(&mut self) {
        self.on_its_way.clear();
        self.access = self.restored();
        self.compare();
    }

    fn restored(&self) -> Access {
        let mut access = Access::default();
        access.restore(
            self.shelf.bots.values().cloned().collect(),
            self.shelf.tokens.values().cloned().collect(),
            self.shelf.invites.values().cloned().collect(),
        );
        let names = self.shelf.removed.union(&self.shelf.heard).cloned().collect();
        access.restore_names(names, &[], &self.shelf.removed);
        if let Some(token) = self.local {
            access.accept_local_operator(token, local_operator());
        }
        access.configure(self.declared.clone());
        access
    }

    fn compare(&self) {
        let restored = self.restored();
        self.compare_tokens(&restored);
        assert_eq!(self.records_of(&restored), self.records_of(&self.replica));
        // A bot is seen, and a token ends, before that is stored.
        if self.on_its_way.is_empty() {
            assert_eq!(self.records_of(&self.access), self.records_of(&self.replica));
        }
    }

    fn compare_tokens(&self, restored: &Access) {
        assert_eq!(self.tokens_of(restored), self.tokens_of(&self.replica));
        assert_eq!(self.tokens_of(&self.access), self.tokens_of(&self.replica));
    }

    /// What somebody says of every token, now and later.
    fn tokens_of(&self, access: &Access) -> Vec<String> {
        let registry = access.registry();
        let mut said = Vec::new();
        for bot in registry.names() {
            for (name, &token) in &self.tokens {
                let pass = Pass { bot: bot.clone(), token };
                let opens = [0, 1, 60, 299, 300, 599, 600, 3_600]
                    .map(|seconds| registry.is_good(&pass, self.now + seconds * 1_000));
                let may_be_kept = registry.tokens_to_keep(&bot, self.now).contains(&token);
                if opens.contains(&true) || may_be_kept {
                    said.push(format!("{name} of {bot}: {opens:?}, may be kept: {may_be_kept}"));
                }
            }
        }
        said
    }

    fn records_of(&self, access: &Access) -> Vec<String> {
        let registry = access.registry();
        let of = |bot: &BotId| {
            let tokens = registry.token_count(bot);
            let standing = registry.standing(bot, self.now);
            format!("{bot}: {:?} {tokens} {standing:?}", registry.record(bot))
        };
        let ops = BotId::new("ops").unwrap();
        let invites = access.list_invites(&ops, &Page::default(), self.now).invites;
        let bots = registry.names();
        bots.iter().map(of).chain(invites.iter().map(|it| format!("{it:?}"))).collect()
    }
}

fn local_operator() -> BotId {
    BotId::new("operator").unwrap()
}

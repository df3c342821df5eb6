//! A brain with a model store and readers around it, and a log of everything that it did.
//!
//! Owns the invariants that hold in every run, whatever the script: see [`Bench::carry_out`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bot_hub_core::Hub;
use bot_hub_core::change::{Answer, Change, Outcome, Query};
use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Circumstances, ConnId, Hello, Input, Output, Ticket};
use bot_hub_core::pause::PauseKey;
use bot_hub_core::settings::Settings;
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{Joined, Left};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use crate::show;
use crate::store::Store;

/// When every run begins.
pub(crate) const START: Timestamp = Timestamp(1_000_000);

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) hub: Hub,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    pub(crate) peers: Vec<Peer>,
    pub(crate) bots: BTreeSet<BotId>,
    pub(crate) holds_writes: bool,
    pub(crate) holds_reads: bool,
    pub(crate) shows_store: bool,
    pub(crate) shows_frames: bool,
    pub(crate) log: Vec<String>,
    /// A brain that makes no change, and hears of all that are committed.
    pub(crate) shadow: Option<Hub>,
    /// The pauses that hold, as the hub says.
    pauses: BTreeSet<PauseKey>,
    /// Those of one step belong together.
    changes: VecDeque<Vec<Change>>,
    /// Questions, and what the store found if it has looked already.
    queries: VecDeque<(Ticket, Query, Option<Answer>)>,
    starts: u64,
    /// Ids that the hub made, and what a transcript calls them: the start, and which one of it.
    made: Vec<(String, String)>,
    made_since_start: u64,
}

/// One connection as its client sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) label: String,
    pub(crate) conn: ConnId,
    pub(crate) hello: Hello,
    pub(crate) is_open: bool,
    /// Entries handed to it.
    pub(crate) handed: u64,
    pub(crate) probe: Option<u64>,
    pub(crate) inbox: Vec<Seen>,
    /// What it said, by id, and how often.
    pub(crate) said: BTreeMap<String, u32>,
    last: BTreeMap<RoomName, u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Entry(Entry, Circumstances),
    Frame(Box<ServerFrame>),
}

/// Whether a pause holds a member.
fn holds(pauses: &BTreeSet<PauseKey>, room: &RoomName, bot: &BotId) -> bool {
    pauses.iter().any(|key| {
        let is_there = key.room.as_ref().is_none_or(|it| it == room);
        is_there && key.bot.as_ref().is_none_or(|it| it == bot)
    })
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        let store = Store::new(Epoch(0xe0));
        let hub = Hub::new(START, &[1; 32], settings.clone(), store.snapshot());
        Self::around(hub, store, START, settings)
    }

    /// What stands around a brain that others have filled.
    pub(crate) fn around(hub: Hub, store: Store, now: Timestamp, settings: Settings) -> Self {
        Self {
            hub,
            store,
            now,
            settings,
            peers: Vec::new(),
            bots: BTreeSet::new(),
            holds_writes: false,
            holds_reads: false,
            shows_store: false,
            shows_frames: false,
            log: Vec::new(),
            shadow: None,
            pauses: BTreeSet::new(),
            changes: VecDeque::new(),
            queries: VecDeque::new(),
            starts: 1,
            made: Vec::new(),
            made_since_start: 0,
        }
    }

    pub(crate) fn bot(&mut self, bot: BotId) {
        self.bots.insert(bot.clone());
        self.input(Input::BotAdded(bot));
    }

    pub(crate) fn open(&mut self, label: &str, hello: Hello) {
        self.bots.insert(hello.bot.clone());
        let conn = ConnId(self.peers.len() as u64 + 1);
        self.peers.push(Peer {
            label: label.to_owned(),
            conn,
            hello: hello.clone(),
            is_open: true,
            handed: 0,
            probe: None,
            inbox: Vec::new(),
            said: BTreeMap::new(),
            last: BTreeMap::new(),
        });
        self.input(Input::Opened { conn, hello });
    }

    /// The newest connection with that label.
    pub(crate) fn peer(&mut self, label: &str) -> &mut Peer {
        let peer = self.peers.iter_mut().rfind(|peer| peer.label == label);
        peer.unwrap_or_else(|| panic!("nobody opened `{label}`"))
    }

    /// One input, and what follows from it as far as the store is not held.
    pub(crate) fn input(&mut self, input: Input) {
        self.step(input);
        self.serve();
    }

    fn step(&mut self, input: Input) {
        if let Input::Proven { conn, probe } = input
            && let Some(peer) = self.peers.iter_mut().find(|peer| peer.conn == conn)
        {
            peer.probe.take_if(|open| *open == probe);
        }
        self.hub.handle(self.now, input);
        let mut changes = Vec::new();
        while let Some(output) = self.hub.poll() {
            self.show(&output);
            match output {
                Output::Change(change) => changes.push(change),
                output => self.carry_out(output),
            }
        }
        if !changes.is_empty() {
            self.changes.push_back(changes);
        }
        assert!(self.hub.deadline() > self.now, "the hub would be woken for ever");
    }

    /// What the registry does: the bot ends in one batch with what waited for it.
    pub(crate) fn forget(&mut self, bot: &BotId) {
        for change in self.hub.partings_of(bot) {
            self.store.apply(&change);
        }
        self.store.forget(bot, self.hub.moment());
        self.pauses.retain(|key| key.bot.as_ref() != Some(bot));
    }

    /// Lets the store work off what it was asked, unless it is held.
    pub(crate) fn serve(&mut self) {
        loop {
            if !self.holds_writes && !self.changes.is_empty() {
                self.commit(usize::MAX);
            } else if !self.holds_reads && !self.queries.is_empty() {
                self.answer(false);
            } else {
                return;
            }
        }
    }

    /// Commits the changes of the oldest steps in one batch.
    pub(crate) fn commit(&mut self, steps: usize) {
        let steps = steps.min(self.changes.len());
        let batch: Vec<Change> = self.changes.drain(..steps).flatten().collect();
        let outcomes: Vec<Outcome> = batch.iter().map(|it| self.store.apply(it)).collect();
        self.cast_shadow(batch.into_iter().zip(outcomes.clone()).collect());
        self.step(Input::Committed { outcomes });
    }

    /// Somebody else makes these changes, in one batch.
    pub(crate) fn commit_elsewhere(&mut self, batch: Vec<Change>) {
        let commit = |it: Change| {
            let outcome = self.store.apply_elsewhere(&it);
            (it, outcome)
        };
        let batch: Vec<(Change, Outcome)> = batch.into_iter().map(commit).collect();
        self.cast_shadow(batch.clone());
        self.input(Input::CommittedElsewhere { batch });
    }

    /// The shadow hears of what is committed. Whatever it asks for is refused.
    fn cast_shadow(&mut self, batch: Vec<(Change, Outcome)>) {
        let Some(shadow) = &mut self.shadow else { return };
        shadow.handle(self.now, Input::CommittedElsewhere { batch });
        let outputs = std::iter::from_fn(|| shadow.poll());
        let count = outputs.filter(|it| matches!(it, Output::Change(_))).count();
        if count > 0 {
            shadow.handle(self.now, Input::Refused { count, code: Code::StorageFailed });
            assert!(shadow.poll().is_none(), "what is refused is tried again later");
        }
    }

    /// Refuses the changes of the oldest steps.
    pub(crate) fn refuse(&mut self, steps: usize, code: Code) {
        let steps = steps.min(self.changes.len());
        let count = self.changes.drain(..steps).flatten().count();
        self.step(Input::Refused { count, code });
    }

    /// Lets the store look up what it was asked, and keep the answers.
    pub(crate) fn read(&mut self) {
        for (_, query, answer) in &mut self.queries {
            answer.get_or_insert_with(|| self.store.answer(query));
        }
    }

    /// Answers the oldest question, or fails to.
    pub(crate) fn answer(&mut self, fails: bool) {
        let Some((ticket, query, known)) = self.queries.pop_front() else { return };
        let found = || known.unwrap_or_else(|| self.store.answer(&query));
        let answer = if fails { Answer::Failed } else { found() };
        self.step(Input::Answered { ticket, answer });
    }

    pub(crate) fn close(&mut self, label: &str) {
        // Whatever is overdue may still be said to it.
        self.input(Input::Tick);
        let peer = self.peer(label);
        peer.is_open = false;
        let conn = peer.conn;
        self.input(Input::Closed { conn });
    }

    /// What was not committed is lost, every connection ends, and another brain starts.
    pub(crate) fn restart(&mut self) {
        self.changes.clear();
        self.queries.clear();
        for peer in &mut self.peers {
            peer.is_open = false;
        }
        self.starts += 1;
        self.made_since_start = 0;
        let key = [u8::try_from(self.starts).expect("few starts"); 32];
        self.pauses = self.store.snapshot().pauses.iter().map(PauseKey::of).collect();
        self.hub = Hub::new(self.now, &key, self.settings.clone(), self.store.snapshot());
        for bot in self.bots.clone() {
            self.input(Input::BotAdded(bot));
        }
        self.input(Input::Tick);
    }

    /// Lets time pass, waking the hub when it wants to be woken.
    pub(crate) fn pass(&mut self, millis: u64) {
        let until = self.now + millis;
        while self.hub.deadline() <= until {
            self.now = self.now.max(self.hub.deadline());
            self.input(Input::Tick);
        }
        self.now = until;
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Change(_) => unreachable!("changes are collected by step"),
            Output::Act { .. } | Output::ActAwaits { .. } => {}
            Output::Pause { line, on } => {
                let key = PauseKey::of(&line);
                if on {
                    self.pauses.insert(key)
                } else {
                    self.pauses.remove(&key)
                };
            }
            Output::Query { ticket, query } => self.queries.push_back((ticket, query, None)),
            Output::Send { conn, frame } => {
                // A room that was left and entered again is read from its new beginning.
                if let ServerFrame::Joined(Joined { room, .. })
                | ServerFrame::Left(Left { room, .. }) = &*frame
                {
                    self.open_peer(conn).last.remove(room);
                }
                self.open_peer(conn).inbox.push(Seen::Frame(frame));
            }
            Output::Ack { conn, ack } => {
                self.open_peer(conn).inbox.push(Seen::Frame(Box::new(ServerFrame::Ack(ack))));
            }
            Output::Deliver { entry, to, circumstances } => {
                assert!(self.store.holds(&entry), "delivered before it was committed: {entry:?}");
                assert!(!to.is_empty(), "delivered to nobody");
                assert_eq!(circumstances.age_ms, self.now.since(entry.draft.sent_at));
                for conn in to {
                    let peer = self.open_peer(conn);
                    let (bot, side) = (peer.hello.bot.clone(), peer.hello.side);
                    let last = peer.last.insert(entry.draft.room.clone(), entry.seq);
                    assert!(last < Some(entry.seq), "out of order for {}: {entry:?}", peer.label);
                    peer.handed += 1;
                    peer.inbox.push(Seen::Entry(entry.clone(), circumstances));
                    let is_paused = holds(&self.pauses, &entry.draft.room, &bot);
                    assert!(side || !is_paused, "{bot} is paused and was handed {entry:?}");
                }
            }
            Output::Probe { conn, number } => {
                let peer = self.open_peer(conn);
                assert_eq!(peer.probe.replace(number), None, "two probes at once");
            }
            Output::Close { conn, .. } => self.open_peer(conn).is_open = false,
        }
    }

    /// **Invariant:** nothing is sent to a connection that is gone.
    fn open_peer(&mut self, conn: ConnId) -> &mut Peer {
        let peer = self.peers.iter_mut().find(|peer| peer.conn == conn).expect("it was opened");
        assert!(peer.is_open, "something was sent to {}, which is gone", peer.label);
        peer
    }

    fn show(&mut self, output: &Output) {
        let label = |conn: &ConnId| {
            let peer = self.peers.iter().find(|peer| peer.conn == *conn).expect("it was opened");
            (peer.label.as_str(), peer.hello.plain)
        };
        let mut lines = show::output(output, self.shows_frames, label);
        if let Output::Change(Change::Append(draft)) = output
            && show::is_made_by_hub(&draft.id)
        {
            self.made_since_start += 1;
            let called = format!("{:016x}-{}", 0xab * self.starts, self.made_since_start);
            self.made.push((draft.id.to_string(), called));
        }
        for (id, called) in &self.made {
            lines = lines.replace(id.as_str(), called);
        }
        if self.shows_store || !lines.starts_with("store ") {
            self.log.push(lines);
        }
    }
}

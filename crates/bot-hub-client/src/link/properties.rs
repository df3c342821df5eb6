//! Properties that hold whatever happens to the connection.
//!
//! A model of a hub (two logs and two cursors) and one link, with frames in transit between them. A random
//! script decides who acts next, and when everything in transit is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bot_protocol::code::Code;
use bot_protocol::frame::client::{Auth, ClientFrame, Message, Receipt};
use bot_protocol::frame::server::{Ack, AuthOk, ErrorFrame, Membership, Pong, ServerFrame};
use bot_protocol::id::{Epoch, MessageId, Position};
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::options::Acknowledge;

/// One move of the script.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The application sends to room 0 or 1.
    Send(usize),
    /// Another bot sends a message there.
    Say(usize),
    /// The hub handles one frame.
    Hub(Mood),
    /// The link receives one frame.
    Link,
    /// The application takes one event.
    Take,
    /// The attempt to connect succeeds or not.
    Open(bool),
    /// Everything in transit is lost.
    Drop,
    /// The hub delivers what waits.
    Page,
    /// The hub repeats unreceived entries.
    Redeliver,
    /// A backup replaces the hub's store and holds only so many entries of each log.
    Restore(usize),
    /// Time passes.
    Wait(u64),
}

/// How the hub answers a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Store,
    Later,
    Never,
}

#[derive(Debug, Default)]
struct Log {
    /// Whether the client sent it, and its id.
    entries: Vec<(bool, MessageId)>,
    cursor: usize,
    received: BTreeSet<usize>,
    done: BTreeSet<MessageId>,
    /// Delivered on this connection up to this index.
    delivered: usize,
}

struct World {
    now: u64,
    link: Link,
    logs: [Log; 2],
    up: VecDeque<ClientFrame>,
    down: VecDeque<ServerFrame>,
    connecting: bool,
    greeted: bool,
    events: VecDeque<(u64, Event)>,
    next_id: u32,
    sent: [Vec<MessageId>; 2],
    results: BTreeMap<MessageId, Vec<Result<Ack, SendError>>>,
    seen: [Vec<MessageId>; 2],
    postponed: bool,
    epoch: Epoch,
    /// Messages that the hub never stores.
    refused: BTreeSet<MessageId>,
}

impl World {
    fn new(seed: u64, acknowledge: Acknowledge) -> Self {
        let auth = Auth { caps: Some(vec!["ack".into()]), ..Auth::default() };
        let positions = BTreeMap::new();
        let config =
            Config { auth, acknowledge, positions, unacked_max: 1_000, ask_timeout_ms: 10_000 };
        Self {
            now: 0,
            link: Link::new(config, seed),
            logs: [Log::default(), Log::default()],
            up: VecDeque::new(),
            down: VecDeque::new(),
            connecting: false,
            greeted: false,
            events: VecDeque::new(),
            next_id: 0,
            sent: [Vec::new(), Vec::new()],
            results: BTreeMap::new(),
            seen: [Vec::new(), Vec::new()],
            postponed: false,
            epoch: Epoch(1),
            refused: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(room) => self.send(room),
            Step::Say(room) => {
                let id = self.new_id();
                self.logs[room].entries.push((false, id));
                self.deliver(room);
            }
            Step::Hub(mood) => {
                if let Some(frame) = self.up.pop_front() {
                    self.hub(frame, mood);
                }
            }
            Step::Link => {
                if let Some(frame) = self.down.pop_front() {
                    self.input(Input::Frame(Box::new(frame)));
                }
            }
            Step::Take => self.take(),
            Step::Open(works) if self.connecting => {
                self.connecting = false;
                let failed = Input::Closed(Why::Unreachable("refused".to_owned()));
                self.input(if works { Input::Opened } else { failed });
            }
            Step::Open(_) => {}
            Step::Drop => {
                self.cut();
                if !self.connecting {
                    self.input(Input::Closed(Why::Broken("cut".to_owned())));
                }
            }
            Step::Page => {
                self.deliver(0);
                self.deliver(1);
            }
            Step::Redeliver => {
                for room in 0..2 {
                    self.logs[room].delivered = self.logs[room].cursor;
                    self.deliver(room);
                }
            }
            Step::Restore(kept) => {
                self.step(Step::Drop);
                self.epoch.0 += 1;
                for log in &mut self.logs {
                    log.entries.truncate(kept);
                    log.cursor = log.cursor.min(kept / 2);
                    log.received.retain(|at| *at < log.cursor);
                }
            }
            Step::Wait(ms) => {
                self.now += ms;
                self.input(Input::Tick);
            }
        }
    }

    fn cut(&mut self) {
        self.up.clear();
        self.down.clear();
        self.greeted = false;
    }

    fn new_id(&mut self) -> MessageId {
        self.next_id += 1;
        MessageId::new(&format!("m{}", self.next_id)).unwrap()
    }

    fn send(&mut self, room: usize) {
        let id = self.new_id();
        self.sent[room].push(id.clone());
        let text = "x".to_owned();
        let message = Message { room: Some(name(room)), text, ..Message::default() };
        self.input(Input::Send { id, message: Box::new(message) });
    }

    fn take(&mut self) {
        let Some((number, event)) = self.events.pop_front() else { return };
        if let Event::Message(message) = event {
            let id = message.id.clone().unwrap();
            self.seen[index(&message.room)].push(id.clone());
            if self.link.config.acknowledge == Acknowledge::Manual {
                let state = if id.as_str().ends_with('7') { "received" } else { "done" };
                let json = format!(
                    r#"{{"type":"receipt","room":"{}","id":"{id}","state":"{state}"}}"#,
                    message.room
                );
                let receipt = ClientFrame::decode(json.as_bytes(), &Limits::default()).unwrap();
                self.input(Input::Tell(Box::new(receipt)));
            }
        }
        self.input(Input::Taken(number));
    }

    fn input(&mut self, input: Input) {
        self.link.handle(Timestamp(self.now), input);
        while let Some(output) = self.link.poll() {
            match output {
                Output::Connect => self.connecting = true,
                Output::Frame(frame) => self.up.push_back(*frame),
                Output::Disconnect => self.cut(),
                Output::Event { number, event } => self.events.push_back((number, event)),
                Output::Sent { id, result } => self.results.entry(id).or_default().push(result),
                Output::Waiting { .. } => {}
                Output::Answer { .. } | Output::Ended(_) => panic!("nobody asked, nothing ended"),
            }
        }
    }

    fn hub(&mut self, frame: ClientFrame, mood: Mood) {
        match frame {
            ClientFrame::Auth(auth) => self.greet(auth),
            ClientFrame::Message(message) => self.store(&message, mood),
            ClientFrame::Receipt(receipt) => self.receipt(&receipt),
            ClientFrame::Ping(_) => {
                self.down.push_back(ServerFrame::Pong(Pong { at: None, slowed: None }));
            }
            other => panic!("nobody sent {other:?}"),
        }
    }

    fn greet(&mut self, auth: Auth) {
        self.greeted = true;
        let resume = auth.resume.expect("this is no side connection");
        for (room, position) in resume {
            if position.epoch != self.epoch {
                continue;
            }
            let log = &mut self.logs[index(&room)];
            log.cursor = log.cursor.max(usize::try_from(position.seq).unwrap());
        }
        let membership = |room: usize| {
            let position = Position { epoch: self.epoch, seq: self.logs[room].cursor as u64 };
            let head = self.logs[room].entries.len() as u64;
            Membership { room: name(room), position, head, can: None }
        };
        self.down.push_back(ServerFrame::AuthOk(AuthOk {
            caps: Some(vec!["ack".into()]),
            epoch: Some(self.epoch),
            rooms: Some(vec![membership(0), membership(1)]),
            ..AuthOk::default()
        }));
        for log in &mut self.logs {
            // Entries received out of order are forgotten with the connection.
            log.received.clear();
            log.delivered = log.cursor;
        }
    }

    fn store(&mut self, message: &Message, mood: Mood) {
        let (id, room) = (message.id.clone().unwrap(), index(message.room.as_ref().unwrap()));
        let known = self.logs[room].entries.iter().position(|(own, known)| *own && *known == id);
        let mood = if self.refused.contains(&id) { Mood::Never } else { mood };
        if known.is_none() && mood != Mood::Store {
            self.refused.extend((mood == Mood::Never).then(|| id.clone()));
            self.postponed |= mood == Mood::Later;
            let code = if mood == Mood::Later { Code::Overloaded } else { Code::Expired };
            let error = ErrorFrame::new(code).about(id.as_str());
            return self.down.push_back(ServerFrame::Error(error));
        }
        let at = known.unwrap_or_else(|| {
            self.logs[room].entries.push((true, id.clone()));
            self.logs[room].entries.len() - 1
        });
        self.down.push_back(ServerFrame::Ack(Ack {
            room: name(room),
            id: Some(id),
            seq: Some(at as u64 + 1),
            delivered: 0,
            queued: None,
            duplicate: known.is_some(),
            dropped: None,
        }));
        self.deliver(room);
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let log = &mut self.logs[index(&receipt.room)];
        match (&receipt.id, receipt.seq) {
            (Some(id), _) => {
                let at = log.entries.iter().position(|(own, known)| !own && known == id);
                // A restored store may not know it. A receipt for an entry that was neither delivered on
                // this connection nor passed by the cursor is ignored.
                let Some(at) = at.filter(|at| *at < log.delivered.max(log.cursor)) else { return };
                log.received.insert(at);
                if receipt.state == ReceiptState::Done {
                    log.done.insert(id.clone());
                }
            }
            (None, seq) => log.cursor = log.cursor.max(usize::try_from(seq.unwrap()).unwrap()),
        }
        let dealt_with = |log: &Log| {
            log.entries
                .get(log.cursor)
                .is_some_and(|(own, _)| *own || log.received.contains(&log.cursor))
        };
        while dealt_with(log) {
            log.cursor += 1;
        }
    }

    fn deliver(&mut self, room: usize) {
        let log = &mut self.logs[room];
        if !self.greeted {
            return;
        }
        for (at, (own, id)) in log.entries.iter().enumerate().skip(log.delivered) {
            if !own && !log.received.contains(&at) {
                self.down.push_back(delivery(room, at, id));
            }
        }
        log.delivered = log.entries.len();
    }

    /// Runs until nothing changes any more, on a working network.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            for step in
                [Step::Open(true), Step::Hub(Mood::Store), Step::Page, Step::Link, Step::Take]
            {
                self.step(step);
            }
            let quiet = self.up.is_empty() && self.down.is_empty() && self.events.is_empty();
            let silent = self.link.outbox.is_empty() && self.greeted;
            if quiet && silent {
                return;
            }
            if quiet {
                let deadline = self.link.deadline().expect("it is not over");
                self.now = self.now.max(deadline.0);
                self.step(Step::Wait(0));
            }
        }
        panic!("it does not settle: {:?}", self.link);
    }

    /// After a restore, much may be lost. Still no message is seen twice, none in the log is missed, none
    /// is seen out of order, and none stays unacknowledged.
    fn check_restored(&self) {
        for (log, seen) in self.logs.iter().zip(&self.seen) {
            let once: BTreeSet<_> = seen.iter().collect();
            assert_eq!(once.len(), seen.len(), "once each: {seen:?}");
            let others = log.entries.iter().filter(|(own, _)| !own).map(|(_, id)| id);
            let kept: Vec<_> = others.collect();
            let seen: Vec<_> = seen.iter().filter(|id| kept.contains(id)).collect();
            assert_eq!(seen, kept, "in order, and all that there is");
            let unreceived = log.entries.iter().skip(log.cursor).find(|(own, _)| !own);
            assert_eq!(unreceived, None, "everything taken was acknowledged");
        }
        for id in self.sent.iter().flatten() {
            assert_eq!(self.results[id].len(), 1, "{id} ends exactly once");
        }
    }

    fn check(&self) {
        for room in 0..2 {
            let log = &self.logs[room];
            let ids = |own: bool| -> Vec<MessageId> {
                let matching = log.entries.iter().filter(|(of, _)| *of == own);
                matching.map(|(_, id)| id.clone()).collect()
            };
            assert_eq!(self.seen[room], ids(false), "once each, in order, and all of them");
            let mut stored = Vec::new();
            for id in &self.sent[room] {
                let results = self.results.get(id).map_or(&[][..], Vec::as_slice);
                assert_eq!(results.len(), 1, "{id} ends exactly once: {results:?}");
                if results[0].is_ok() {
                    stored.push(id.clone());
                }
            }
            if self.link.config.acknowledge == Acknowledge::Manual {
                let told = self.seen[room].iter().filter(|id| !id.as_str().ends_with('7'));
                assert_eq!(told.cloned().collect::<BTreeSet<_>>(), log.done, "no receipt is lost");
            }
            let mut in_log = ids(true);
            if self.postponed {
                in_log.sort();
                stored.sort();
            }
            assert_eq!(stored, in_log, "acknowledged is stored, once, in order");
            let unreceived =
                log.entries.iter().enumerate().skip(log.cursor).find(|(_, entry)| !entry.0);
            assert_eq!(unreceived, None, "everything taken was acknowledged");
        }
    }
}

fn name(room: usize) -> RoomName {
    RoomName::new(["lab", "den"][room]).unwrap()
}

fn index(room: &RoomName) -> usize {
    usize::from(room.as_str() == "den")
}

fn delivery(room: usize, at: usize, id: &MessageId) -> ServerFrame {
    let json = format!(
        r#"{{"type":"message","room":"{}","from":"other","text":"x","id":"{id}","seq":{}}}"#,
        name(room),
        at + 1
    );
    ServerFrame::decode(json.as_bytes()).unwrap().unwrap()
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize).prop_map(Step::Send),
        4 => (0..2_usize).prop_map(Step::Say),
        12 => Just(Step::Hub(Mood::Store)),
        1 => Just(Step::Hub(Mood::Later)),
        1 => Just(Step::Hub(Mood::Never)),
        12 => Just(Step::Link),
        6 => Just(Step::Take),
        6 => Just(Step::Open(true)),
        1 => Just(Step::Open(false)),
        2 => Just(Step::Drop),
        6 => Just(Step::Page),
        1 => Just(Step::Redeliver),
        6 => (0..2_000_u64).prop_map(Step::Wait),
        1 => (0..60_000_u64).prop_map(Step::Wait),
    ]
}

fn play(steps: &[Step], seed: u64, manual: bool) -> World {
    let acknowledge = if manual { Acknowledge::Manual } else { Acknowledge::Automatic };
    let mut world = World::new(seed, acknowledge);
    for &step in steps {
        world.step(step);
    }
    world.settle();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_ends_once_and_is_seen_once_in_order(
        steps in prop::collection::vec(any_step(), 0..300),
        seed: u64,
        manual: bool,
    ) {
        play(&steps, seed, manual).check();
    }

    #[test]
    fn a_restored_store_makes_nothing_appear_twice_or_vanish_again(
        steps in prop::collection::vec(
            prop_oneof![40 => any_step(), 1 => (0..20_usize).prop_map(Step::Restore)],
            0..300,
        ),
        seed: u64,
        manual: bool,
    ) {
        play(&steps, seed, manual).check_restored();
    }
}

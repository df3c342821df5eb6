//! A conversation over the real brain: everybody says what the script says, as soon as what caused it was delivered.
//!
//! The governor hears of every message when it is committed. Whom it pauses is handed nothing in that room: the entries stay
//! with the reader unread, so that its cursor stands still and its window fills, as a pause does it. When it is released it
//! is handed what waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use bot_hub_core::Hub;
use bot_hub_core::change::{Change, Outcome, Snapshot};
use bot_hub_core::entry::Entry;
use bot_hub_core::governor::{
    BotIx, By, Cause, Decision, Governor, Heard, Limits, Preset, RoomIx, Rule, Said,
};
use bot_hub_core::io::{Caps, ConnId, Hello, Input, Output};
use bot_hub_core::settings::Settings;
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::client::{Message, Receipt};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;

use crate::score::{Claim, Line, Trace};
use crate::store::Store;

/// When every conversation begins: midnight.
const START: Timestamp = Timestamp(20_000 * 24 * 3_600_000);

/// What clients say of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Causes {
    /// Nothing: the hub finds them out.
    Inferred,
    /// They name them in `cause`.
    Named,
}

/// What became of a conversation.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// When each line was said, after the beginning.
    pub(crate) said: Vec<Option<u64>>,
    pub(crate) trips: Vec<(u64, Rule, usize)>,
    pub(crate) releases: usize,
    /// Entries that still wait for a reader in the end.
    pub(crate) waiting: u64,
    pub(crate) refusals: u64,
}

/// Plays a conversation; without a governor nothing is paused.
pub(crate) fn play(trace: &Trace, causes: Causes, governor: Option<Governor>) -> Played {
    Stage::new(trace, causes, governor).run()
}

pub(crate) fn usual() -> Option<Governor> {
    Some(Governor::new(Limits::default(), Preset::Normal))
}

#[derive(Debug)]
struct Stage<'a> {
    trace: &'a Trace,
    causes: Causes,
    hub: Hub,
    store: Store,
    governor: Option<Governor>,
    now: Timestamp,
    /// What is to be said: when, in which order, and which line.
    plan: BinaryHeap<Reverse<(Timestamp, u64, usize)>>,
    planned: u64,
    bots: Vec<BotId>,
    rooms: Vec<RoomName>,
    /// By bot, then by room.
    readers: Vec<Vec<Reader>>,
    /// By line: what it causes.
    answers: Vec<Vec<usize>>,
    /// By line: its number in its room, and when it was said.
    places: Vec<Option<(u64, Timestamp)>>,
    /// By room and number: its line.
    lines: BTreeMap<(usize, u64), usize>,
    /// The line that is on its way to the store.
    speaking: Option<usize>,
    paused: BTreeSet<(Option<RoomIx>, BotIx)>,
    played: Played,
}

/// A bot in a room.
#[derive(Debug, Default)]
struct Reader {
    /// Handed to its connection and not read, because it is paused.
    unread: VecDeque<Entry>,
    /// The newest entry before it came.
    came: u64,
    /// The newest entry that it read.
    heard: u64,
    /// Entries that it has still something to say to, and how much.
    open: BTreeMap<u64, usize>,
    acked: u64,
}

impl<'a> Stage<'a> {
    fn new(trace: &'a Trace, causes: Causes, governor: Option<Governor>) -> Self {
        let names =
            |of: fn(&Line) -> &str| -> BTreeSet<&str> { trace.lines.iter().map(of).collect() };
        let bots: Vec<BotId> =
            names(|it| &it.from).into_iter().map(|it| BotId::new(it).expect("a name")).collect();
        let rooms: Vec<RoomName> =
            names(|it| &it.room).into_iter().map(|it| RoomName::new(it).expect("a name")).collect();
        let mut answers = vec![Vec::new(); trace.lines.len()];
        for (at, line) in trace.lines.iter().enumerate() {
            if let Some(cause) = line.cause {
                answers[cause].push(at);
            }
        }
        let readers = bots.iter().map(|_| rooms.iter().map(|_| Reader::default()).collect());
        // What is written is written at once here.
        let settings = Settings { outstanding_bytes_max: usize::MAX, ..Settings::default() };
        let hub = Hub::new(START, &[1; 32], settings, Snapshot::default());
        let mut stage = Self {
            trace,
            causes,
            hub,
            store: Store::default(),
            governor,
            now: START,
            plan: BinaryHeap::new(),
            planned: 0,
            readers: readers.collect(),
            bots,
            rooms,
            answers,
            places: vec![None; trace.lines.len()],
            lines: BTreeMap::new(),
            speaking: None,
            paused: BTreeSet::new(),
            played: Played { said: vec![None; trace.lines.len()], ..Played::default() },
        };
        stage.enter();
        for (at, line) in trace.lines.iter().enumerate() {
            if line.cause.is_none() {
                stage.plan(START + line.at, at);
            }
        }
        stage
    }

    /// Everybody is a member of every room, and there. Persons only speak.
    fn enter(&mut self) {
        for (at, bot) in self.bots.clone().into_iter().enumerate() {
            let line =
                self.trace.lines.iter().find(|it| it.from == bot.as_str()).expect("it speaks");
            let rights = if line.reads { Rights::USUAL } else { Rights::from_iter([Right::Post]) };
            self.input(Input::BotAdded(bot.clone()));
            for room in self.rooms.clone() {
                self.input(Input::RoomNeeded { room, closed: false });
            }
            let rooms = self.rooms.clone();
            self.input(Input::LetIn { bot: bot.clone(), rooms, rights });
            let caps = Caps { ack: true, ..Caps::default() };
            let side = line.is_person;
            let resume = (!side).then(BTreeMap::new);
            let hello = Hello { bot, operator: false, plain: false, side, caps, resume };
            self.input(Input::Opened { conn: ConnId(at as u64), hello });
        }
    }

    fn plan(&mut self, at: Timestamp, line: usize) {
        self.planned += 1;
        self.plan.push(Reverse((at, self.planned, line)));
    }

    fn run(mut self) -> Played {
        loop {
            let next = self.plan.peek().map(|Reverse((at, ..))| *at);
            let wake = self.governor.as_ref().and_then(Governor::deadline);
            match (next, wake) {
                (next, Some(wake)) if next.is_none_or(|next| wake <= next) => {
                    self.now = wake.max(self.now);
                    let decisions = self.governor.as_mut().expect("it woke us").tick(self.now);
                    self.carry_out(decisions);
                }
                (Some(_), _) => {
                    let Reverse((at, _, line)) = self.plan.pop().expect("there is one");
                    self.now = at.max(self.now);
                    self.say(line);
                }
                (None, _) => break,
            }
        }
        self.played.waiting = self.waiting();
        self.played
    }

    /// Entries of others between what a reader has read and the end.
    fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for (bot, rooms) in self.readers.iter().enumerate() {
            let name = self.bots[bot].as_str();
            let reads =
                self.trace.lines.iter().any(|it| it.from == name && it.reads && !it.is_person);
            for (room, reader) in rooms.iter().enumerate().filter(|_| reads) {
                let seqs = reader.heard + 1..=self.store.head(&self.rooms[room]);
                let of_others =
                    |seq: &u64| self.trace.lines[self.lines[&(room, *seq)]].from != name;
                waiting += seqs.filter(of_others).count() as u64;
            }
        }
        waiting
    }

    fn say(&mut self, at: usize) {
        let line = &self.trace.lines[at];
        let (bot, room) = (self.bot_of(line), self.room_of(line));
        if !line.is_person
            && let Some(governor) = &mut self.governor
            && let Err(slow) = governor.may_say(self.now, ix_room(room), ix_bot(bot))
        {
            self.played.refusals += 1;
            return self.plan(self.now + slow.retry_after_ms, at);
        }
        let message = Message {
            room: Some(self.rooms[room].clone()),
            to: None,
            text: line.text.clone(),
            id: Some(id_of(at)),
            reply_to: line.reply.map(id_of),
            thread: None,
            expires_at: None,
            act: None,
            meta: None,
        };
        self.speaking = Some(at);
        let frame = ClientFrame::Message(message);
        self.input(Input::Frame { conn: ConnId(bot as u64), frame });
        assert_eq!(self.speaking, None, "{}: line {at} was not taken", self.trace.name);
        if let Some((cause, _)) = line.cause.and_then(|it| self.places[it]) {
            let there = self.room_of(&self.trace.lines[line.cause.expect("it has one")]);
            self.settle(bot, there, cause);
        }
    }

    /// One input, and everything that follows from it.
    fn input(&mut self, input: Input) {
        self.hub.handle(self.now, input);
        loop {
            let (mut changes, mut outputs) = (Vec::new(), Vec::new());
            while let Some(output) = self.hub.poll() {
                match output {
                    Output::Change(change) => changes.push(change),
                    output => outputs.push(output),
                }
            }
            if changes.is_empty() && outputs.is_empty() {
                return;
            }
            if !changes.is_empty() {
                let outcomes: Vec<Outcome> =
                    changes.iter().map(|it| self.store.apply(it)).collect();
                let appended = changes.iter().zip(&outcomes);
                let appended: Vec<u64> = appended
                    .filter_map(|it| match it {
                        (Change::Append(_), Outcome::Appended { seq }) => Some(*seq),
                        _ => None,
                    })
                    .collect();
                // First the governor: who is paused now is not handed this entry any more.
                appended.into_iter().for_each(|seq| self.committed(seq));
                self.hub.handle(self.now, Input::Committed { outcomes });
            }
            for output in outputs {
                match output {
                    Output::Query { ticket, query } => {
                        let answer = self.store.answer(&query);
                        self.hub.handle(self.now, Input::Answered { ticket, answer });
                    }
                    Output::Deliver { entry, to, circumstances } => {
                        to.into_iter().for_each(|it| self.deliver(it, &entry, circumstances.late));
                    }
                    _ => {}
                }
            }
        }
    }

    fn committed(&mut self, seq: u64) {
        let at = self.speaking.take().expect("somebody speaks");
        let line = &self.trace.lines[at];
        let (bot, room) = (self.bot_of(line), self.room_of(line));
        self.places[at] = Some((seq, self.now));
        self.lines.insert((room, seq), at);
        self.played.said[at] = Some(self.now.since(START));
        let reply = line.reply.map(id_of);
        let id = id_of(at);
        let heard = |room: usize| self.heard(bot, room);
        let said = Said {
            room: ix_room(room),
            seq,
            from: ix_bot(bot),
            by: if line.is_person { By::Person } else { By::Bot { payer: ix_bot(bot) } },
            heard: line.reads.then(|| heard(room)),
            others: self.bots.len() as u32 - 1,
            id: id.as_str(),
            reply_to: reply.as_ref().map(MessageId::as_str),
            cause: self.cause(at),
            notice: line.notice,
            text: &line.text,
        };
        let elsewhere: Vec<(RoomIx, Heard)> = (0..self.rooms.len())
            .filter(|it| *it != room)
            .map(|it| (ix_room(it), heard(it)))
            .collect();
        let Some(governor) = &mut self.governor else { return };
        let mut decisions = governor.said(self.now, &said, elsewhere.into_iter());
        decisions.extend(governor.spent(self.now, ix_bot(bot), line.usd_micro));
        self.carry_out(decisions);
    }

    fn heard(&self, bot: usize, room: usize) -> Heard {
        let reader = &self.readers[bot][room];
        Heard { after: reader.came, to: reader.heard }
    }

    /// What a client that names causes says, be it true or not.
    fn cause(&self, at: usize) -> Cause {
        if self.causes == Causes::Inferred {
            return Cause::Unknown;
        }
        let line = &self.trace.lines[at];
        let named = match &line.claim {
            Claim::Truth => line.cause,
            Claim::Always(of) => Some(*of),
            Claim::Newest(name) => {
                let room = self.room_of(line);
                let heard = self.readers[self.bot_of(line)][room].heard;
                let before = self.lines.range((room, 0)..=(room, heard));
                before.rev().map(|(_, of)| *of).find(|of| self.trace.lines[*of].from == *name)
            }
        };
        let Some((named, (seq, _))) = named.and_then(|it| Some((it, self.places[it]?))) else {
            return Cause::Nothing;
        };
        let room = self.room_of(&self.trace.lines[named]);
        Cause::Entry { room: ix_room(room), seq, heard: self.heard(self.bot_of(line), room) }
    }

    fn deliver(&mut self, to: ConnId, entry: &Entry, late: bool) {
        let bot = usize::try_from(to.0).expect("few connections");
        let room = self.rooms.iter().position(|it| *it == entry.draft.room).expect("a room");
        if self.is_paused(bot, room) {
            self.readers[bot][room].unread.push_back(entry.clone());
        } else {
            self.read(bot, room, entry, if late { Wait::Log } else { Wait::None });
        }
    }

    fn is_paused(&self, bot: usize, room: usize) -> bool {
        [Some(ix_room(room)), None].iter().any(|it| self.paused.contains(&(*it, ix_bot(bot))))
    }

    /// A bot reads an entry, and will say what it causes.
    fn read(&mut self, bot: usize, room: usize, entry: &Entry, wait: Wait) {
        let seq = entry.seq;
        let reader = &mut self.readers[bot][room];
        reader.heard = seq;
        if wait != Wait::None
            && let Some(governor) = &mut self.governor
        {
            governor.handed_late(self.now, ix_room(room), ix_bot(bot), seq - 1, seq);
        }
        let cause = self.lines[&(room, seq)];
        let (_, said_at) = self.places[cause].expect("it was said");
        let mut left = 0;
        for at in self.answers[cause].clone() {
            let line = &self.trace.lines[at];
            if line.from != self.bots[bot].as_str() {
                continue;
            }
            if line.stale_ms.is_some_and(|max| self.now.since(said_at) > max) {
                continue;
            }
            left += 1;
            let takes = line.at - self.trace.lines[cause].at;
            // It takes its time from when it could begin.
            let begins = if wait == Wait::Pause { self.now } else { said_at };
            self.plan((begins + takes).max(self.now), at);
        }
        if left > 0 {
            let comes = self.trace.newcomers.contains(self.bots[bot].as_str());
            let reader = &mut self.readers[bot][room];
            if comes && reader.came == 0 {
                reader.came = seq - 1;
            }
            reader.open.insert(seq, left);
        }
        self.acknowledge(bot, room);
    }

    /// It has said one of the things that an entry made it say.
    fn settle(&mut self, bot: usize, room: usize, seq: u64) {
        let open = &mut self.readers[bot][room].open;
        let left = open.get_mut(&seq).expect("it answers what it read");
        *left -= 1;
        if *left == 0 {
            open.remove(&seq);
        }
        self.acknowledge(bot, room);
    }

    fn acknowledge(&mut self, bot: usize, room: usize) {
        let reader = &mut self.readers[bot][room];
        let to = reader.open.keys().next().map_or(reader.heard, |first| first - 1);
        if to <= reader.acked {
            return;
        }
        reader.acked = to;
        let receipt = Receipt {
            room: self.rooms[room].clone(),
            id: None,
            from: None,
            seq: Some(to),
            state: ReceiptState::Received,
            reason: None,
            reply: None,
        };
        let frame = ClientFrame::Receipt(receipt);
        self.input(Input::Frame { conn: ConnId(bot as u64), frame });
    }

    fn carry_out(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            match decision {
                Decision::Pause(trip) => {
                    let at = self.now.since(START);
                    self.played.trips.push((at, trip.why.rule, trip.bots.len()));
                    self.paused.extend(trip.bots.iter().map(|it| (trip.room, it.bot)));
                }
                Decision::Resume(release) => {
                    self.played.releases += 1;
                    self.paused.remove(&(release.room, release.bot));
                    let bot = release.bot.0 as usize;
                    (0..self.rooms.len()).for_each(|room| self.catch_up(bot, room));
                }
                Decision::Warn(_) => {}
            }
        }
    }

    /// It is handed what waits.
    fn catch_up(&mut self, bot: usize, room: usize) {
        while !self.is_paused(bot, room)
            && let Some(entry) = self.readers[bot][room].unread.pop_front()
        {
            self.read(bot, room, &entry, Wait::Pause);
        }
    }

    fn bot_of(&self, line: &Line) -> usize {
        self.bots.iter().position(|it| it.as_str() == line.from).expect("everybody is known")
    }

    fn room_of(&self, line: &Line) -> usize {
        self.rooms.iter().position(|it| it.as_str() == line.room).expect("every room is known")
    }
}

/// Why an entry was not handed over when it was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    None,
    /// Its reader's window was full.
    Log,
    /// Its reader was paused.
    Pause,
}

fn ix_bot(at: usize) -> BotIx {
    BotIx(u32::try_from(at).expect("few bots"))
}

fn ix_room(at: usize) -> RoomIx {
    RoomIx { place: u32::try_from(at).expect("few rooms"), life: 0 }
}

fn id_of(line: usize) -> MessageId {
    MessageId::new(&format!("m{line}")).expect("an id")
}

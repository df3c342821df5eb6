//! Random work for a store, from a seed, and what has to come of it.
//!
//! The memory store is the model: both get the same batches, so both must say the same.

use std::sync::Arc;

use bot_hub_core::change::{
    Answer, Change, DroppedRange, Loss, Query, ReceiptRecord, Recipients, Remains, Removal, Span,
};
use bot_hub_core::entry::{Draft, Entry, Extras};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::record::{
    Record, RecordKind, RecordOrder, RecordPage, RecordQuery, RecordWrite,
};
use bot_hub_store::{Loaded, Reader, Store, Write};
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

pub(crate) const ROOMS: [&str; 3] = ["lab", "den", "dm:ann:bob"];
pub(crate) const BOTS: [&str; 3] = ["ann", "bob", "cat"];

pub(crate) const KINDS: [RecordKind; 2] =
    [RecordKind::named("held"), RecordKind::named("held_back")];

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

pub(crate) fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

pub(crate) fn draft(name: &str, from: &str, id: &str, text: &str, sent_at: u64) -> Arc<Draft> {
    Arc::new(Draft {
        room: room(name),
        from: bot(from),
        id: MessageId::new(id).unwrap(),
        text: text.into(),
        sent_at: Timestamp(sent_at),
        extras: None,
    })
}

/// What makes the rooms that everything else happens in.
pub(crate) fn rooms() -> Vec<Write> {
    let create = |name: &&str| Change::CreateRoom { room: room(name), closed: false };
    ROOMS.iter().map(create).map(Write::Change).collect()
}

/// Random batches, one after the other.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) rng: Rng,
    clock: u64,
    ids: u64,
    /// Rooms that were made, at most.
    made: u64,
}

impl Work {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng(seed), clock: 0, ids: 0, made: ROOMS.len() as u64 }
    }

    pub(crate) fn batch(&mut self, writes_max: u64) -> Vec<Write> {
        (0..=self.rng.below(writes_max)).flat_map(|_| self.writes()).collect()
    }

    fn writes(&mut self) -> Vec<Write> {
        if self.rng.below(100) == 0 { self.removal() } else { vec![self.write()] }
    }

    /// A room goes and is made again, and some of what is left of one goes.
    fn removal(&mut self) -> Vec<Write> {
        let room = room(self.rng.one_of(&ROOMS));
        let remains = Remains(1 + self.rng.below(self.made));
        self.made += 1;
        let changes = [
            Change::RemoveRoom { room: room.clone(), why: Removal::Asked },
            Change::CreateRoom { room, closed: false },
            Change::Clear { remains, entries_max: 12 },
        ];
        changes.into_iter().map(Write::Change).collect()
    }

    fn write(&mut self) -> Write {
        match self.rng.below(12) {
            0 => Write::Record(self.record()),
            _ => Write::Change(self.change()),
        }
    }

    fn record(&mut self) -> RecordWrite {
        let kind = KINDS[self.rng.below(2) as usize].clone();
        let key = format!("{}/{}", self.rng.one_of(&ROOMS), self.rng.below(8));
        let length = match self.rng.below(8) {
            0 => 9_000,
            _ => self.rng.below(300),
        };
        let value = vec![self.rng.below(256) as u8; length as usize];
        let action = self.rng.below(6);
        match action {
            0 => RecordWrite::Remove(kind, key.into()),
            1 => RecordWrite::Add(Record::new(kind, key, value).unwrap()),
            _ => RecordWrite::Put(Record::new(kind, key, value).unwrap()),
        }
    }

    fn change(&mut self) -> Change {
        // Far enough apart that no two marks are one.
        self.clock += 1_000;
        let at = Timestamp(self.clock);
        let (name, who) = (room(self.rng.one_of(&ROOMS)), bot(self.rng.one_of(&BOTS)));
        match self.rng.below(24) {
            0 => Change::Join { room: name, bot: who },
            1 if self.rng.below(4) == 0 => Change::Leave { room: name, bot: who, why: Loss::Left },
            2..=4 => {
                let seq = self.seq();
                Change::Cursor { room: name, bot: who, seq, state: ReceiptState::Received, at }
            }
            5..=6 => Change::Delivered { room: name, bot: who, seq: self.seq(), at },
            7 => Change::Receipt(self.receipt(name, who, at)),
            8 => {
                let from = self.seq();
                let to = from + self.rng.below(3);
                let range = DroppedRange { from, to, reason: Loss::BufferLimit };
                Change::Drop { room: name, bot: who, range, at }
            }
            9 => {
                let entries = Some(10 + self.rng.below(20));
                let retain = Retention { age_ms: None, entries, bytes: Some(60_000) };
                Change::Trim { room: name, retain, now: at, entries_max: 12 }
            }
            10 => {
                let bits = u8::try_from(self.rng.below(16)).unwrap();
                Change::Grant { room: name, bot: who, rights: Rights::from_bits(bits) }
            }
            _ => Change::Append(self.draft(name, who)),
        }
    }

    /// Somewhere near where the rooms are by now.
    fn seq(&mut self) -> u64 {
        1 + self.rng.below(self.ids / 3 + 2)
    }

    fn receipt(&mut self, room: RoomName, bot: BotId, at: Timestamp) -> ReceiptRecord {
        let seq = self.seq();
        let state = [ReceiptState::Started, ReceiptState::Done][self.rng.below(2) as usize];
        ReceiptRecord { room, seq, bot, state, at, reason: Some("because".into()), reply: None }
    }

    fn draft(&mut self, room: RoomName, from: BotId) -> Arc<Draft> {
        // One in eight says an earlier thing again, mostly in another way.
        let again = self.rng.below(8) == 0;
        let number = if again { self.rng.below(self.ids + 1) } else { self.ids + 1 };
        self.ids = self.ids.max(number);
        let length = match self.rng.below(12) {
            0 => 9_000,
            _ => self.rng.below(300),
        };
        let text = format!("{number}:{}", "x".repeat(length as usize));
        let extras = (self.rng.below(6) == 0).then(|| {
            let expires_at = Some(Timestamp(self.clock + 5));
            Box::new(Extras { expires_at, thread: Some("t".into()), ..Extras::default() })
        });
        let id = MessageId::new(&format!("0197c1f0-3b0a-7cc0-8000-{number:012x}")).unwrap();
        Arc::new(Draft { room, from, id, text, sent_at: Timestamp(self.clock), extras })
    }

    /// The newest id, and one that is somewhere in the past.
    pub(crate) fn ids(&mut self) -> [MessageId; 2] {
        let past = self.rng.below(self.ids + 1);
        [self.ids, past].map(|number| {
            MessageId::new(&format!("0197c1f0-3b0a-7cc0-8000-{number:012x}")).unwrap()
        })
    }
}

/// Now and then: a redaction of something that the model has.
pub(crate) fn redaction(work: &mut Work, model: &dyn Store) -> Option<Write> {
    if work.rng.below(3) > 0 {
        return None;
    }
    let name = room(work.rng.one_of(&ROOMS));
    let span = Span::Before(work.seq() + 1);
    let query = Query::Page { room: name.clone(), span, entries_max: 1, bytes_max: 1 };
    let Answer::Page(page) = model.reader().ok()?.answer(&query) else { return None };
    let Entry { seq, draft } = page.entries.into_iter().next()?;
    let why = (work.rng.below(2) == 0).then(|| "a key".into());
    let redaction = Redaction { at: Timestamp(work.clock), by: bot("op"), why };
    let (from, id) = (draft.from.clone(), draft.id.clone());
    Some(Write::Change(Change::Redact { room: name, seq, from, id, redaction }))
}

/// A model that has seen what was acknowledged.
pub(crate) fn model() -> MemoryStore {
    let mut model = MemoryStore::new().unwrap();
    model.commit(&rooms()).unwrap();
    model
}

fn load(store: &mut dyn Store) -> Result<Loaded, String> {
    let mut loaded = store.load().map_err(|error| error.to_string())?;
    let of_store = std::mem::take(&mut loaded.snapshot.epoch);
    for room in &mut loaded.snapshot.rooms {
        room.epoch = Epoch(room.epoch.0.wrapping_sub(of_store.0));
    }
    // Each clears away in steps of its own.
    loaded.snapshot.remains.clear();
    Ok(loaded)
}

fn ask(reader: &mut dyn Reader, query: &Query) -> Result<Answer, String> {
    match reader.answer(query) {
        Answer::Failed => Err(format!("no answer to {query:?}")),
        answer => Ok(answer),
    }
}

/// Everything of a kind.
pub(crate) fn records(
    reader: &mut dyn Reader,
    kind: &RecordKind,
    order: RecordOrder,
) -> Result<RecordPage, String> {
    let all = RecordQuery { order, bytes_max: u32::MAX, ..RecordQuery::all(kind.clone()) };
    reader.records(&all).map_err(|error| error.to_string())
}

/// Says where a store differs from the model: in what a start reads, in a log, in a record, or in what is
/// known of one of `ids`.
pub(crate) fn compare(
    store: &mut dyn Store,
    model: &mut dyn Store,
    ids: &[MessageId],
) -> Result<(), String> {
    let (mut found, mut expected) = (load(store)?, load(model)?);
    // Which names are taken for good: a store may know more of them, also of what it refused, never fewer.
    let (names, must) = (std::mem::take(&mut found.names), std::mem::take(&mut expected.names));
    if let Some(missing) = must.iter().find(|name| !names.contains(name)) {
        return Err(format!("the name `{missing}` is forgotten"));
    }
    if found != expected {
        return Err(format!("loaded\n {found:?}\n instead of\n {expected:?}"));
    }
    let reader = |store: &dyn Store| store.reader().map_err(|error| error.to_string());
    let (mut one, mut other) = (reader(store)?, reader(model)?);
    let page = |name: &&str| Query::Page {
        room: room(name),
        span: Span::After(0),
        entries_max: 10_000,
        bytes_max: u32::MAX,
    };
    let find = |id: &MessageId| Query::Find {
        id: id.clone(),
        from: None,
        room: None,
        recipients: Recipients::ALL,
    };
    for query in ROOMS.iter().map(page).chain(ids.iter().map(find)) {
        let (found, expected) = (ask(one.as_mut(), &query)?, ask(other.as_mut(), &query)?);
        if found != expected {
            return Err(format!("{query:?}:\n {found:?}\n instead of\n {expected:?}"));
        }
    }
    for (kind, order) in KINDS.iter().zip([RecordOrder::Ascending, RecordOrder::Descending]) {
        let found = records(one.as_mut(), kind, order)?;
        let expected = records(other.as_mut(), kind, order)?;
        if found != expected {
            return Err(format!("records:\n {found:?}\n instead of\n {expected:?}"));
        }
    }
    Ok(())
}

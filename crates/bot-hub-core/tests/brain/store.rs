//! A store in memory that keeps the promises written in `change.rs`, and can be damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bot_hub_core::change::{
    Answer, Change, DroppedRange, Expiring, Found, LOCATED_MAX, Located, MemberRecord, Outcome,
    Page, Query, ReceiptRecord, Recipients, Remains, Removed, RoomRecord, Snapshot, Span,
};
use bot_hub_core::entry::{Draft, Entry};
use bot_hub_core::pause::PauseKey;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::pause::PauseLine;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) epoch: Epoch,
    rooms: BTreeMap<RoomName, Room>,
    /// What removed rooms left behind.
    remains: BTreeMap<Remains, Room>,
    /// What was ever committed to rooms that were removed since, for the checks.
    buried: Vec<(RoomName, BTreeMap<u64, Arc<Draft>>)>,
    /// How many rooms were made.
    made: u64,
    /// How many there were when the first one was removed.
    before: Option<u64>,
    /// Bots that were removed, and when.
    ended: BTreeMap<BotId, Timestamp>,
    pauses: BTreeMap<PauseKey, PauseLine>,
}

#[derive(Clone, Debug, Default)]
struct Room {
    number: u64,
    closed: bool,
    retain: Option<Retention>,
    head: u64,
    entries: BTreeMap<u64, Arc<Draft>>,
    /// What redacted entries said, for the answer to their ids.
    said: BTreeMap<u64, Arc<Draft>>,
    /// Everything that was ever committed, for the checks.
    committed: BTreeMap<u64, Arc<Draft>>,
    corrupt: BTreeSet<u64>,
    members: BTreeMap<BotId, Place>,
    /// Bot, state, after which seq and up to which, when: in the order of their arrival.
    marks: Vec<(BotId, ReceiptState, u64, u64, Timestamp)>,
    receipts: BTreeMap<(u64, BotId, ReceiptState), ReceiptRecord>,
    dropped: BTreeMap<(BotId, u64), (DroppedRange, Timestamp)>,
    /// Bot, after which entry and up to which: what it took elsewhere, for the checks.
    taken_elsewhere: Vec<(BotId, u64, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    rights: Rights,
    since: u64,
    cursor: u64,
    /// As far as the brain under test has brought it.
    own: u64,
}

impl Store {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self { epoch, ..Self::default() }
    }

    pub(crate) fn apply(&mut self, change: &Change) -> Outcome {
        match change {
            Change::CreateRoom { room, closed } => self.create(room, *closed),
            Change::RemoveRoom { room, .. } => self.remove(room),
            Change::Clear { remains, entries_max } => self.clear(*remains, *entries_max as usize),
            Change::Pause(line) => {
                self.pauses.insert(PauseKey::of(line), PauseLine::clone(line));
                Outcome::Done
            }
            Change::Resume(key) => {
                self.pauses.remove(key);
                Outcome::Done
            }
            _ if named(change).is_some_and(|room| !self.rooms.contains_key(room)) => {
                without(change)
            }
            Change::Append(draft) => self.room(&draft.room).append(draft),
            Change::WasSaid(draft) => {
                let room = self.rooms.get(&draft.room);
                room.and_then(|room| room.known(draft)).unwrap_or(Outcome::Unsaid)
            }
            Change::Trim { room, retain, now, entries_max } => {
                self.room(room).trim(retain, *now, *entries_max as usize)
            }
            Change::Redact { room, seq, from, id, redaction } => {
                self.room(room).redact(*seq, (from, id), redaction)
            }
            Change::Receipt(record) if self.room(&record.room).is_late(record) => Outcome::Late,
            other => {
                self.note(other);
                Outcome::Done
            }
        }
    }

    /// Somebody else makes a change.
    pub(crate) fn apply_elsewhere(&mut self, change: &Change) -> Outcome {
        match change {
            Change::Cursor { room, bot, seq, state, at } => {
                let room = self.room(room);
                let seq = room.head.min(*seq);
                if let Some(place) = room.members.get(bot).copied().filter(|it| it.since < seq) {
                    room.taken_elsewhere.push((bot.clone(), place.cursor, seq));
                    room.cursor(bot, seq, *state, *at);
                }
                Outcome::Done
            }
            Change::Receipt(it) => {
                let outcome = self.apply(change);
                let taken = (it.bot.clone(), it.seq - 1, it.seq);
                self.room(&it.room).taken_elsewhere.push(taken);
                outcome
            }
            _ => self.apply(change),
        }
    }

    pub(crate) fn is_taken_elsewhere(&self, room: &RoomName, bot: &BotId, seq: u64) -> bool {
        let mut taken = self.rooms.get(room).into_iter().flat_map(|it| &it.taken_elsewhere);
        taken.any(|(by, after, to)| by == bot && (after + 1..=*to).contains(&seq))
    }

    /// The cursor of a member that reads.
    pub(crate) fn reads_from(&self, room: &RoomName, bot: &BotId) -> Option<u64> {
        let place = self.rooms.get(room)?.members.get(bot)?;
        Some(place.cursor).filter(|_| place.rights.has(Right::Read))
    }

    pub(crate) fn has_room(&self, name: &RoomName) -> bool {
        self.rooms.contains_key(name)
    }

    pub(crate) fn head(&self, name: &RoomName) -> u64 {
        self.rooms.get(name).map_or(0, |it| it.head)
    }

    fn note(&mut self, change: &Change) {
        match change.clone() {
            Change::Retain { room, retain } => self.room(&room).retain = Some(retain),
            Change::Join { room, bot } => {
                let room = self.room(&room);
                let rights = Rights::USUAL;
                let place = Place { rights, since: room.head, cursor: room.head, own: room.head };
                room.members.entry(bot).or_insert(place);
            }
            Change::Grant { room, bot, rights } => {
                let room = self.room(&room);
                let Some(place) = room.members.get_mut(&bot) else { return };
                if place.rights.has(Right::Read) != rights.has(Right::Read) {
                    (place.since, place.cursor, place.own) = (room.head, room.head, room.head);
                }
                place.rights = rights;
            }
            Change::Leave { room, bot, .. } => {
                self.room(&room).members.remove(&bot);
            }
            Change::Cursor { room, bot, seq, state, at } => {
                let room = self.room(&room);
                assert!(seq <= room.head, "a cursor beyond the head");
                let Some(place) = room.members.get_mut(&bot) else { return };
                if seq <= place.since {
                    // From before it began to read anew.
                    return;
                }
                assert!(seq >= place.own, "the cursor of {bot} went back");
                place.own = seq;
                room.cursor(&bot, seq, state, at);
            }
            Change::Delivered { room, bot, seq, at } => {
                self.room(&room).marks.push((bot, ReceiptState::Delivered, 0, seq, at));
            }
            Change::Receipt(record) => {
                let key = (record.seq, record.bot.clone(), record.state);
                self.room(&record.room).receipts.entry(key).or_insert(record);
            }
            Change::Drop { room, bot, range, at } => {
                let room = self.room(&room);
                let range = DroppedRange { to: range.to.min(room.head), ..range };
                if range.from > range.to {
                    return;
                }
                let dropped = &mut room.dropped;
                let known = dropped.entry((bot, range.from)).or_insert((range, at));
                known.0.to = known.0.to.max(range.to);
            }
            Change::Append(_)
            | Change::WasSaid(_)
            | Change::CreateRoom { .. }
            | Change::Redact { .. }
            | Change::RemoveRoom { .. }
            | Change::Clear { .. }
            | Change::Trim { .. }
            | Change::Pause(_)
            | Change::Resume(_) => unreachable!(),
        }
    }

    fn create(&mut self, name: &RoomName, closed: bool) -> Outcome {
        let made = &mut self.made;
        let room = self.rooms.entry(name.clone()).or_insert_with(|| {
            *made += 1;
            Room { number: *made, closed, ..Room::default() }
        });
        let number = room.number;
        Outcome::Made { epoch: self.epoch_of(number) }
    }

    /// As the stores do it: rooms that were made before the first removal have the store's epoch.
    fn epoch_of(&self, number: u64) -> Epoch {
        match self.before {
            Some(before) if number > before => Epoch(self.epoch.0 + 0x100 * number),
            _ => self.epoch,
        }
    }

    fn remove(&mut self, name: &RoomName) -> Outcome {
        let Some(room) = self.rooms.remove(name) else { return Outcome::Done };
        self.before = self.before.or(Some(self.made));
        self.pauses.retain(|key, _| key.room.as_ref() != Some(name));
        let remains = Remains(room.number);
        self.buried.push((name.clone(), room.committed.clone()));
        self.remains.insert(remains, room);
        Outcome::RoomRemoved { remains }
    }

    fn clear(&mut self, remains: Remains, entries_max: usize) -> Outcome {
        let Some(room) = self.remains.get_mut(&remains) else {
            return Outcome::Cleared { removed: Vec::new(), more: false };
        };
        let mut removed = Vec::new();
        while removed.len() < entries_max
            && let Some((seq, it)) = room.entries.pop_first()
        {
            let (from, id, sent_at, bytes) =
                (it.from.clone(), it.id.clone(), it.sent_at, it.size() as u64);
            removed.push(Removed { seq, from, id, sent_at, bytes });
        }
        let more = !room.entries.is_empty();
        if !more {
            self.remains.remove(&remains);
        }
        Outcome::Cleared { removed, more }
    }

    /// Whether everything of the rooms that were removed is cleared away.
    pub(crate) fn is_clear(&self) -> bool {
        self.remains.is_empty()
    }

    fn room(&mut self, name: &RoomName) -> &mut Room {
        self.rooms.entry(name.clone()).or_default()
    }

    pub(crate) fn forget(&mut self, bot: &BotId, at: Timestamp) {
        self.ended.insert(bot.clone(), at);
        self.rooms.values_mut().for_each(|room| {
            room.members.remove(bot);
        });
    }

    pub(crate) fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Page { room, span, entries_max, bytes_max } => {
                let page = self
                    .rooms
                    .get(room)
                    .map(|room| room.page(*span, *entries_max as usize, *bytes_max as usize));
                Answer::Page(page.unwrap_or_default())
            }
            Query::Locate { room, id, from, by } => {
                let room = self.rooms.get(room);
                let found = room.map(|room| room.locate(id, from.as_ref(), by));
                Answer::Located(found.unwrap_or_default())
            }
            Query::Find { id, from, room: only, recipients } => {
                let rooms = self.rooms.iter();
                let rooms = rooms.filter(|(name, _)| only.as_ref().is_none_or(|it| it == *name));
                let mut found: Vec<Found> = rooms
                    .flat_map(|(name, room)| room.find(name, id, from.as_ref(), recipients))
                    .collect();
                found.sort_by_key(|it| it.sent_at);
                Answer::Found(found)
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let ended = self.ended.iter().map(|(bot, at)| (bot.clone(), *at)).collect();
        let pauses = self.pauses.values().cloned().collect();
        let remains = self.remains.keys().copied().collect();
        let epoch = self.epoch;
        let mut snapshot = Snapshot { epoch, remains, ended, pauses, ..Snapshot::default() };
        for (name, room) in &self.rooms {
            snapshot
                .rooms
                .push(RoomRecord { epoch: self.epoch_of(room.number), ..room.record(name) });
            snapshot.expiring.extend(room.expiring(name));
        }
        snapshot
    }

    /// Flips a bit of an entry, if it is there.
    pub(crate) fn damage(&mut self, room: &RoomName, seq: u64) {
        if let Some(room) = self.rooms.get_mut(room).filter(|it| it.entries.contains_key(&seq)) {
            room.corrupt.insert(seq);
        }
    }

    /// Loses an entry without a trace, as a log that was cut short does.
    pub(crate) fn vanish(&mut self, room: &RoomName, seq: u64) {
        self.room(room).entries.remove(&seq);
    }

    /// Whether that very entry is committed, and not redacted since.
    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        let draft = &entry.draft;
        let is_redacted =
            self.rooms.get(&draft.room).is_some_and(|it| it.said.contains_key(&entry.seq));
        let holds = match (self.committed(&draft.room).get(&entry.seq), draft.redaction()) {
            (Some(said), Some(redaction)) => {
                is_redacted && said.redact(redaction.clone()) == **draft
            }
            (said, None) => !is_redacted && said == Some(draft),
            (None, _) => false,
        };
        holds || self.held(entry)
    }

    /// Whether a room of that name which was removed since had it.
    fn held(&self, entry: &Entry) -> bool {
        let draft = &entry.draft;
        let was = |said: &Arc<Draft>| match draft.redaction() {
            Some(redaction) => said.redact(redaction.clone()) == **draft,
            None => said == draft,
        };
        let of_room = self.buried.iter().filter(|(name, _)| *name == draft.room);
        of_room.filter_map(|(_, life)| life.get(&entry.seq)).any(was)
    }

    /// Everything that was ever committed to a room, also what was removed since.
    pub(crate) fn committed(&self, room: &RoomName) -> &BTreeMap<u64, Arc<Draft>> {
        static NOTHING: BTreeMap<u64, Arc<Draft>> = BTreeMap::new();
        self.rooms.get(room).map_or(&NOTHING, |room| &room.committed)
    }

    /// The same of that room and of every earlier one with its name.
    pub(crate) fn lives(
        &self,
        room: &RoomName,
    ) -> impl Iterator<Item = &BTreeMap<u64, Arc<Draft>>> {
        let buried = self.buried.iter().filter(move |(name, _)| name == room);
        buried.map(|(_, life)| life).chain([self.committed(room)])
    }

    /// Every membership of one that reads: room, bot, the room's head when it joined.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&RoomName, &BotId, u64)> {
        self.rooms.iter().flat_map(|(name, room)| {
            let reading = room.members.iter().filter(|(_, place)| place.rights.has(Right::Read));
            reading.map(move |(bot, place)| (name, bot, place.since))
        })
    }
}

/// The room that must be there for a change.
fn named(change: &Change) -> Option<&RoomName> {
    match change {
        Change::Append(draft) | Change::WasSaid(draft) => Some(&draft.room),
        Change::Receipt(record) => Some(&record.room),
        Change::CreateRoom { .. }
        | Change::RemoveRoom { .. }
        | Change::Clear { .. }
        | Change::Pause(_)
        | Change::Resume(_) => None,
        Change::Retain { room, .. }
        | Change::Join { room, .. }
        | Change::Grant { room, .. }
        | Change::Leave { room, .. }
        | Change::Cursor { room, .. }
        | Change::Delivered { room, .. }
        | Change::Drop { room, .. }
        | Change::Redact { room, .. }
        | Change::Trim { room, .. } => Some(room),
    }
}

/// What becomes of a change whose room was removed. **Invariant:** the brain asks for nothing that would be
/// refused for that.
fn without(change: &Change) -> Outcome {
    match change {
        Change::Append(_) | Change::Join { .. } | Change::Retain { .. } => {
            panic!("there is no such room: {change:?}")
        }
        Change::WasSaid(_) | Change::Redact { .. } => Outcome::Unsaid,
        Change::Trim { .. } => {
            Outcome::Trimmed { removed: Vec::new(), more: false, oldest_at: None }
        }
        _ => Outcome::Done,
    }
}

impl Room {
    fn append(&mut self, draft: &Arc<Draft>) -> Outcome {
        if let Some(outcome) = self.known(draft) {
            return outcome;
        }
        self.head += 1;
        self.entries.insert(self.head, draft.clone());
        self.committed.insert(self.head, draft.clone());
        Outcome::Appended { seq: self.head }
    }

    fn cursor(&mut self, bot: &BotId, seq: u64, state: ReceiptState, at: Timestamp) {
        let Some(place) = self.members.get_mut(bot) else { return };
        self.marks.push((bot.clone(), state, place.cursor, seq, at));
        place.cursor = place.cursor.max(seq);
    }

    fn said(&self, seq: u64, bot: &BotId) -> Vec<ReceiptState> {
        let own = self.receipts.keys().filter(|(at, by, _)| (*at, by) == (seq, bot));
        own.map(|(_, _, state)| *state).collect()
    }

    fn is_late(&self, record: &ReceiptRecord) -> bool {
        let ended = self.dropped.iter().any(|((bot, _), (range, _))| {
            *bot == record.bot
                && range.reason.ends_reading()
                && (range.from..=range.to).contains(&record.seq)
        });
        ended || !record.state.may_follow_all(self.said(record.seq, &record.bot))
    }

    fn locate(&self, id: &MessageId, from: Option<&BotId>, by: &BotId) -> Vec<Located> {
        let meant = |it: &&Arc<Draft>| it.id == *id && from.is_none_or(|from| *from == it.from);
        let hits = self.entries.iter().filter(|(_, it)| meant(it)).take(LOCATED_MAX);
        hits.map(|(&seq, it)| {
            let (from, sent_at) = (it.from.clone(), it.sent_at);
            Located { seq, from, sent_at, said: self.said(seq, by) }
        })
        .collect()
    }

    fn known(&self, draft: &Draft) -> Option<Outcome> {
        let same = |kept: &&Arc<Draft>| kept.from == draft.from && kept.id == draft.id;
        let (seq, kept) = self.entries.iter().find(|(_, kept)| same(kept))?;
        let said = self.said.get(seq).unwrap_or(kept);
        Some(match said.says_the_same(draft) {
            true => Outcome::Duplicate { seq: *seq, sent_at: kept.sent_at },
            false => Outcome::Conflict,
        })
    }

    fn redact(
        &mut self,
        seq: u64,
        (from, id): (&BotId, &MessageId),
        redaction: &Redaction,
    ) -> Outcome {
        let is_meant = |it: &&mut Arc<Draft>| it.from == *from && it.id == *id;
        let is_damaged = self.corrupt.contains(&seq);
        match self.entries.get_mut(&seq).filter(is_meant).filter(|_| !is_damaged) {
            None => Outcome::Unsaid,
            Some(kept) if kept.redaction().is_some() => Outcome::Late,
            Some(kept) => {
                let bytes = kept.size() as u64;
                let left = Arc::new(kept.redact(redaction.clone()));
                self.said.insert(seq, std::mem::replace(kept, left));
                Outcome::Redacted { bytes }
            }
        }
    }

    fn trim(&mut self, retain: &Retention, now: Timestamp, entries_max: usize) -> Outcome {
        let mut removed = Vec::new();
        while let Some((&seq, oldest)) = self.entries.first_key_value() {
            let old = retain.age_ms.is_some_and(|age| now.since(oldest.sent_at) > age);
            let many = retain.entries.is_some_and(|max| self.entries.len() as u64 > max);
            if !(old || many || retain.bytes.is_some_and(|max| self.bytes() > max)) {
                break;
            }
            if removed.len() == entries_max {
                let oldest_at = Some(oldest.sent_at);
                return Outcome::Trimmed { removed, more: true, oldest_at };
            }
            let (from, id, sent_at) = (oldest.from.clone(), oldest.id.clone(), oldest.sent_at);
            removed.push(Removed { seq, from, id, sent_at, bytes: oldest.size() as u64 });
            self.entries.pop_first();
        }
        let oldest_at = self.entries.values().next().map(|oldest| oldest.sent_at);
        Outcome::Trimmed { removed, more: false, oldest_at }
    }

    fn bytes(&self) -> u64 {
        self.entries.values().map(|draft| draft.size() as u64).sum()
    }

    fn page(&self, span: Span, entries_max: usize, bytes_max: usize) -> Page {
        let (mut page, mut bytes, mut taken) = (Page::default(), 0, 0);
        let mut candidates: Vec<_> = match span {
            Span::After(seq) => self.entries.range(seq + 1..).collect(),
            Span::Before(seq) => self.entries.range(..seq).rev().collect(),
        };
        for (&seq, draft) in candidates.drain(..) {
            if taken == entries_max || bytes >= bytes_max {
                page.more = true;
                break;
            }
            (taken, bytes) = (taken + 1, bytes + draft.size());
            match self.corrupt.contains(&seq) {
                true => page.corrupt.push(seq),
                false => page.entries.push(Entry { seq, draft: draft.clone() }),
            }
        }
        page.entries.sort_by_key(|entry| entry.seq);
        page.corrupt.sort_unstable();
        page
    }

    fn find(
        &self,
        name: &RoomName,
        id: &MessageId,
        from: Option<&BotId>,
        part: &Recipients,
    ) -> Vec<Found> {
        let meant = |it: &Arc<Draft>| it.id == *id && from.is_none_or(|from| *from == it.from);
        let hits = self.entries.iter().filter(|(_, it)| meant(it));
        hits.map(|(&seq, draft)| {
            let mut receipts = self.fate(name, seq);
            let known: BTreeSet<BotId> = receipts.iter().map(|it| it.bot.clone()).collect();
            let known = known.into_iter().chain(self.members.keys().cloned());
            let known: BTreeSet<BotId> = known.collect();
            let after =
                |bot: &BotId| part.after.as_ref().is_none_or(|at| bot.as_str() > at.as_str());
            let mut bots: Vec<BotId> = known.into_iter().filter(after).collect();
            let is_cut = bots.len() > part.max as usize;
            bots.truncate(part.max as usize);
            receipts.retain(|it| bots.contains(&it.bot));
            Found {
                room: name.clone(),
                seq,
                from: draft.from.clone(),
                sent_at: draft.sent_at,
                redaction: draft.redaction().cloned(),
                receipts,
                next: bots.last().filter(|_| is_cut).map(|bot| bot.as_str().into()),
                bots,
            }
        })
        .collect()
    }

    fn fate(&self, name: &RoomName, seq: u64) -> Vec<ReceiptRecord> {
        let mut known = BTreeMap::new();
        let learn = |known: &mut BTreeMap<_, _>, bot: &BotId, state, at| {
            let (room, bot) = (name.clone(), bot.clone());
            let key = (bot.clone(), state);
            let record = ReceiptRecord { room, seq, bot, state, at, reason: None, reply: None };
            known.entry(key).or_insert(record);
        };
        for (bot, state, after, upto, at) in &self.marks {
            if (after + 1..=*upto).contains(&seq)
                && self.members.get(bot).is_none_or(|it| it.since < seq)
            {
                learn(&mut known, bot, *state, *at);
            }
        }
        for ((bot, _), (range, at)) in &self.dropped {
            if (range.from..=range.to).contains(&seq) {
                let (room, bot, state) = (name.clone(), bot.clone(), range.reason.state());
                let (at, reason) = (*at, Some(range.reason.word().to_owned()));
                let record =
                    ReceiptRecord { room, seq, bot: bot.clone(), state, at, reason, reply: None };
                known.insert((bot, state), record);
            }
        }
        for ((_, bot, state), record) in self.receipts.iter().filter(|((at, ..), _)| *at == seq) {
            known.insert((bot.clone(), *state), record.clone());
        }
        known.into_values().collect()
    }

    fn record(&self, name: &RoomName) -> RoomRecord {
        let first = self.entries.first_key_value();
        let members = self.members.iter().map(|(bot, place)| MemberRecord {
            bot: bot.clone(),
            since: place.since,
            rights: place.rights,
            cursor: place.cursor,
            waiting_since: self.entries.range(place.cursor + 1..).next().map(|it| it.1.sent_at),
            received: (self.receipts.keys())
                .filter(|(seq, of, state)| {
                    of == bot && *seq > place.cursor && *state == ReceiptState::Received
                })
                .map(|(seq, ..)| *seq)
                .collect(),
            dropped: (self.dropped.iter())
                .filter(|((of, _), (range, _))| of == bot && range.to > place.cursor)
                .map(|(_, (range, _))| *range)
                .collect(),
        });
        RoomRecord {
            room: name.clone(),
            epoch: Epoch::default(),
            closed: self.closed,
            retain: self.retain,
            head: self.head,
            first: first.map_or(self.head + 1, |(&seq, _)| seq),
            bytes: self.bytes(),
            oldest_at: first.map(|(_, draft)| draft.sent_at),
            members: members.collect(),
        }
    }

    fn expiring(&self, name: &RoomName) -> Vec<Expiring> {
        let awaited = |seq: u64, from: &BotId| {
            self.members.iter().any(|(bot, place)| bot != from && place.cursor < seq)
        };
        let entries = self.entries.iter().filter(|(seq, draft)| awaited(**seq, &draft.from));
        entries
            .filter_map(|(&seq, draft)| {
                let (from, id) = (draft.from.clone(), draft.id.clone());
                Some(Expiring { room: name.clone(), seq, from, id, at: draft.expires_at()? })
            })
            .collect()
    }
}

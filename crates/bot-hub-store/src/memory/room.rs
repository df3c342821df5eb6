//! One room in memory.
//!
//! Owns its entries, members, marks, receipts and dropped ranges. Never looks at another room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bot_hub_core::change::{
    Change, DroppedRange, Expiring, Found, LOCATED_MAX, Located, MemberRecord, Outcome, Page,
    ReceiptRecord, Removed, RoomRecord, Span,
};
use bot_hub_core::entry::{Draft, Entry, Extras};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use crate::rule::{self, Kept, Run};

#[derive(Debug)]
pub(super) struct Room {
    pub(super) number: u64,
    closed: bool,
    retain: Option<Retention>,
    /// The seq of the oldest entry in `entries`.
    first: u64,
    entries: VecDeque<Stored>,
    bytes: u64,
    /// Maps the hash of an id to the lower half of the entry's seq. Every message touches this table twice
    /// at random places, so its entries have only four bytes: then the tables of many rooms fit into a
    /// cache. Different senders rarely choose the same id. The hash has a random key, because clients
    /// choose the ids.
    ids: HashTable<u32>,
    seeds: RandomState,
    members: FxHashMap<BotId, Member>,
    /// Marks outlive memberships, as the entries do.
    marks: FxHashMap<BotId, Marks>,
    /// By redacted entry: a hash of what it said.
    redacted: BTreeMap<u64, u64>,
    receipts: BTreeMap<u64, BTreeMap<(BotId, ReceiptState), ReceiptRecord>>,
    dropped: BTreeMap<(BotId, u64), (DroppedRange, Timestamp)>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    rights: Rights,
    since: u64,
    cursor: u64,
}

#[derive(Debug, Default)]
struct Marks {
    delivered: VecDeque<Run>,
    received: VecDeque<Run>,
}

/// The room that a change is about.
pub(super) fn name_in(change: &Change) -> Option<&RoomName> {
    match change {
        Change::Append(draft) | Change::WasSaid(draft) => Some(&draft.room),
        Change::Receipt(receipt) => Some(&receipt.room),
        Change::CreateRoom { room, .. }
        | Change::RemoveRoom { room, .. }
        | Change::Retain { room, .. }
        | Change::Join { room, .. }
        | Change::Grant { room, .. }
        | Change::Leave { room, .. }
        | Change::Cursor { room, .. }
        | Change::Delivered { room, .. }
        | Change::Drop { room, .. }
        | Change::Redact { room, .. }
        | Change::Trim { room, .. } => Some(room),
        Change::Clear { .. } | Change::Pause(_) | Change::Resume(_) => None,
    }
}

/// What becomes of a change without its room.
pub(super) fn without_it(change: &Change) -> Outcome {
    match change {
        Change::WasSaid(_) | Change::Redact { .. } => Outcome::Unsaid,
        Change::Trim { .. } => {
            Outcome::Trimmed { removed: Vec::new(), more: false, oldest_at: None }
        }
        _ => Outcome::Done,
    }
}

/// An entry, and the hash of its id in `ids`.
#[derive(Debug)]
struct Stored {
    entry: Entry,
    hash: u64,
}

impl Stored {
    /// The hash rules out most other entries, whose ids then need not be fetched from memory.
    fn is(&self, hash: u64, id: &MessageId, from: &BotId) -> bool {
        self.hash == hash && self.entry.draft.id == *id && self.entry.draft.from == *from
    }
}

impl Room {
    pub(super) fn new(number: u64, closed: bool) -> Self {
        Self {
            number,
            closed,
            retain: None,
            first: 1,
            entries: VecDeque::new(),
            bytes: 0,
            ids: HashTable::new(),
            seeds: RandomState::new(),
            members: FxHashMap::default(),
            marks: FxHashMap::default(),
            redacted: BTreeMap::new(),
            receipts: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
    }

    pub(super) fn was_said(&self, draft: &Draft) -> Outcome {
        self.known(self.seeds.hash_one(&draft.id), draft).unwrap_or(Outcome::Unsaid)
    }

    pub(super) fn apply(&mut self, change: &Change) -> Outcome {
        match change {
            Change::Append(draft) => return self.append(draft),
            Change::WasSaid(draft) => return self.was_said(draft),
            Change::Trim { retain, now, entries_max, .. } => {
                return self.trim(retain, *now, *entries_max);
            }
            Change::Redact { seq, from, id, redaction, .. } => {
                return self.redact(*seq, (from, id), redaction);
            }
            Change::CreateRoom { .. }
            | Change::RemoveRoom { .. }
            | Change::Clear { .. }
            | Change::Pause(_)
            | Change::Resume(_) => {}
            Change::Retain { retain, .. } => self.retain = Some(*retain),
            Change::Join { bot, .. } => {
                let head = self.head();
                let joined = Member { rights: Rights::USUAL, since: head, cursor: head };
                self.members.entry(bot.clone()).or_insert(joined);
            }
            Change::Grant { bot, rights, .. } => {
                let head = self.head();
                if let Some(member) = self.members.get_mut(bot) {
                    if member.rights.has(Right::Read) != rights.has(Right::Read) {
                        (member.since, member.cursor) = (head, head);
                    }
                    member.rights = *rights;
                }
            }
            Change::Leave { bot, .. } => self.leave(bot),
            Change::Cursor { bot, seq, state, at, .. } => {
                // A client may claim any seq, but it cannot have received more than there is.
                let seq = self.head().min(*seq);
                if let Some(member) = self.members.get_mut(bot) {
                    let before = member.cursor;
                    member.cursor = member.cursor.max(seq);
                    self.mark(bot, *state, before, seq, *at);
                }
            }
            Change::Delivered { bot, seq, at, .. } => {
                self.mark(bot, ReceiptState::Delivered, 0, self.head().min(*seq), *at);
            }
            Change::Receipt(receipt) => {
                if (self.first..=self.head()).contains(&receipt.seq) {
                    let said = self.said_of(receipt.seq, &receipt.bot);
                    if !receipt.state.may_follow_all(said)
                        || self.was_dropped_at_the_end(receipt.seq, &receipt.bot)
                    {
                        return Outcome::Late;
                    }
                    let of_entry = self.receipts.entry(receipt.seq).or_default();
                    let key = (receipt.bot.clone(), receipt.state);
                    of_entry.insert(key, receipt.clone());
                }
            }
            Change::Drop { bot, range, at, .. } => {
                let range = DroppedRange { to: range.to.min(self.head()), ..*range };
                if range.from <= range.to {
                    let key = (bot.clone(), range.from);
                    let known = self.dropped.entry(key).or_insert((range, *at));
                    known.0.to = known.0.to.max(range.to);
                }
            }
        }
        Outcome::Done
    }

    pub(super) fn leave(&mut self, bot: &BotId) {
        self.members.remove(bot);
    }

    fn head(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    fn append(&mut self, draft: &Arc<Draft>) -> Outcome {
        let hash = self.seeds.hash_one(&draft.id);
        if let Some(outcome) = self.known(hash, draft) {
            return outcome;
        }
        let seq = self.head() + 1;
        let (entries, first) = (&self.entries, self.first);
        self.ids.insert_unique(hash, seq as u32, |&low| entries[index(first, low)].hash);
        self.bytes += draft.size() as u64;
        self.entries.push_back(Stored { entry: Entry { seq, draft: Arc::clone(draft) }, hash });
        Outcome::Appended { seq }
    }

    /// The outcome for an id that the sender has used before.
    fn known(&self, hash: u64, draft: &Draft) -> Option<Outcome> {
        let Entry { seq, draft: known } = self.said(hash, &draft.id, &draft.from)?;
        let is_same = match self.redacted.get(seq) {
            Some(said) => self.hash_of(draft) == *said,
            None => known.says_the_same(draft),
        };
        Some(match is_same {
            true => Outcome::Duplicate { seq: *seq, sent_at: known.sent_at },
            false => Outcome::Conflict,
        })
    }

    /// Takes out what an entry says; only a hash of it stays, for the answer to its id.
    fn redact(
        &mut self,
        seq: u64,
        (from, id): (&BotId, &MessageId),
        redaction: &Redaction,
    ) -> Outcome {
        let said = self.at(seq).map(|entry| Arc::clone(&entry.draft));
        let Some(said) = said.filter(|it| it.id == *id && it.from == *from) else {
            return Outcome::Unsaid;
        };
        if said.redaction().is_some() {
            return Outcome::Late;
        }
        let (hash, bytes) = (self.hash_of(&said), said.size() as u64);
        self.redacted.insert(seq, hash);
        let at = index(self.first, seq as u32);
        self.entries[at].entry.draft = Arc::new(said.redact(redaction.clone()));
        self.bytes -= bytes;
        Outcome::Redacted { bytes }
    }

    /// A hash of what a message says, whenever it was said.
    fn hash_of(&self, draft: &Draft) -> u64 {
        let extras = draft.extras.as_deref().cloned().unwrap_or_default();
        let json = |json: Option<Opaque>| json.map(|json| json.as_json().to_owned());
        let Extras { reply_to, thread, expires_at, act, meta, redacted: _ } = extras;
        let body = (&draft.text, reply_to, thread, expires_at, json(act), json(meta));
        self.seeds.hash_one(body)
    }

    /// The entry that a sender wrote with an id.
    fn said(&self, hash: u64, id: &MessageId, from: &BotId) -> Option<&Entry> {
        let stored = |low: u32| &self.entries[index(self.first, low)];
        let low = self.ids.find(hash, |&low| stored(low).is(hash, id, from))?;
        Some(&stored(*low).entry)
    }

    /// Moves a mark. `before` is the old cursor: an earlier mark covers the entries up to there.
    fn mark(&mut self, bot: &BotId, state: ReceiptState, before: u64, seq: u64, at: Timestamp) {
        let Some(member) = self.members.get(bot) else { return };
        let floor = match state {
            ReceiptState::Delivered => member.since,
            _ => member.since.max(before),
        };
        let marks = match self.marks.get_mut(bot) {
            Some(marks) => marks,
            None => self.marks.entry(bot.clone()).or_default(),
        };
        let runs = marks.of(state);
        let last = runs.back_mut();
        if seq <= last.as_ref().map_or(0, |run| run.upto).max(floor) {
            return;
        }
        let next = Run::after(last.as_deref(), floor, seq, at);
        if !last.is_some_and(|run| run.absorb(floor, seq, at)) {
            runs.push_back(next);
        }
    }

    fn trim(&mut self, retain: &Retention, now: Timestamp, entries_max: u32) -> Outcome {
        let mut removed = Vec::new();
        let mut more = false;
        while let Some(oldest) = self.entries.front() {
            let kept = Kept { entries: self.entries.len() as u64, bytes: self.bytes };
            if !rule::removes(retain, kept, oldest.entry.draft.sent_at, now) {
                break;
            }
            if removed.len() == entries_max as usize {
                more = true;
                break;
            }
            removed.extend(self.remove_oldest());
        }
        if !removed.is_empty() {
            self.forget_before_first();
        }
        let oldest_at = self.entries.front().map(|oldest| oldest.entry.draft.sent_at);
        Outcome::Trimmed { removed, more, oldest_at }
    }

    fn remove_oldest(&mut self) -> Option<Removed> {
        let Stored { entry: Entry { seq, draft }, hash } = self.entries.pop_front()?;
        self.first = seq + 1;
        self.bytes -= draft.size() as u64;
        let removed = Removed {
            seq,
            from: draft.from.clone(),
            id: draft.id.clone(),
            sent_at: draft.sent_at,
            bytes: draft.size() as u64,
        };
        if let Ok(known) = self.ids.find_entry(hash, |&low| low == seq as u32) {
            known.remove();
        }
        Some(removed)
    }

    /// Removes receipts, marks and ranges of removed entries.
    fn forget_before_first(&mut self) {
        let first = self.first;
        self.receipts = self.receipts.split_off(&first);
        self.redacted = self.redacted.split_off(&first);
        for marks in self.marks.values_mut() {
            marks.forget_before(first);
        }
        self.marks.retain(|_, marks| !marks.is_empty());
        let members = &self.members;
        self.dropped.retain(|(bot, _), (range, _)| {
            range.to >= first || members.get(bot).is_some_and(|member| range.to > member.cursor)
        });
    }

    fn at(&self, seq: u64) -> Option<&Entry> {
        let index = seq.checked_sub(self.first)?;
        self.entries.get(usize::try_from(index).ok()?).map(|it| &it.entry)
    }

    pub(super) fn page(&self, span: Span, entries_max: usize, bytes_max: usize) -> Page {
        let mut page = Page::default();
        let entries = self.entries.iter().map(|it| &it.entry);
        match span {
            Span::After(seq) => {
                let from = seq.saturating_add(1).max(self.first);
                let start = usize::try_from(from - self.first).unwrap_or(usize::MAX);
                let rest = entries.skip(start);
                page.more = fill(&mut page.entries, rest, entries_max, bytes_max);
            }
            Span::Before(seq) => {
                let kept = seq.saturating_sub(self.first).min(self.entries.len() as u64);
                let rest = entries.take(usize::try_from(kept).unwrap_or(usize::MAX));
                page.more = fill(&mut page.entries, rest.rev(), entries_max, bytes_max);
                page.entries.reverse();
            }
        }
        page
    }

    /// Whether an entry was dropped because the bot's membership ended. No later range begins within such a
    /// range.
    /// range.
    fn was_dropped_at_the_end(&self, seq: u64, bot: &BotId) -> bool {
        let before = self.dropped.range((bot.clone(), 0)..=(bot.clone(), seq)).next_back();
        before.is_some_and(|(_, (range, _))| range.reason.ends_reading() && range.to >= seq)
    }

    /// The receipts that a bot gave for an entry.
    fn said_of(&self, seq: u64, bot: &BotId) -> Vec<ReceiptState> {
        let ladder = (bot.clone(), ReceiptState::Stored)..=(bot.clone(), ReceiptState::Dead);
        let of_entry = self.receipts.get(&seq).into_iter();
        of_entry.flat_map(|of_entry| of_entry.range(ladder.clone())).map(|it| it.0.1).collect()
    }

    /// The entries with an id, of one sender or of all, in no particular order.
    fn with_id(&self, id: &MessageId, from: Option<&BotId>) -> impl Iterator<Item = &Entry> {
        let hash = self.seeds.hash_one(id);
        let same = self.ids.iter_hash(hash).map(|&low| &self.entries[index(self.first, low)].entry);
        same.filter(move |it| it.draft.id == *id && from.is_none_or(|from| *from == it.draft.from))
    }

    pub(super) fn locate(&self, id: &MessageId, from: Option<&BotId>, by: &BotId) -> Vec<Located> {
        let located = |it: &Entry| {
            let (from, sent_at) = (it.draft.from.clone(), it.draft.sent_at);
            Located { seq: it.seq, from, sent_at, said: self.said_of(it.seq, by) }
        };
        let mut found: Vec<_> = self.with_id(id, from).take(LOCATED_MAX).map(located).collect();
        found.sort_by_key(|it| it.seq);
        found
    }

    pub(super) fn find(&self, name: &RoomName, id: &MessageId, from: Option<&BotId>) -> Vec<Found> {
        self.with_id(id, from).filter_map(|entry| self.found(name, entry)).collect()
    }

    fn found(&self, name: &RoomName, entry: &Entry) -> Option<Found> {
        let seq = entry.seq;
        let mut receipts = BTreeMap::new();
        let plain = |bot: &BotId, state, at| ReceiptRecord {
            room: name.clone(),
            seq,
            bot: bot.clone(),
            state,
            at,
            reason: None,
            reply: None,
        };
        for (bot, marks) in &self.marks {
            for (state, at) in marks.passed(seq) {
                receipts.insert((bot.clone(), state), plain(bot, state, at));
            }
        }
        for ((bot, _), (range, at)) in &self.dropped {
            if (range.from..=range.to).contains(&seq) {
                let (state, reason) = (range.reason.state(), Some(range.reason.word().to_owned()));
                let record = ReceiptRecord { reason, ..plain(bot, state, *at) };
                receipts.insert((bot.clone(), state), record);
            }
        }
        if let Some(of_entry) = self.receipts.get(&seq) {
            receipts.extend(of_entry.clone());
        }
        let known = receipts.keys().map(|(bot, _)| bot).chain(self.members.keys());
        let known: BTreeSet<&BotId> = known.collect();
        Some(Found {
            room: name.clone(),
            seq,
            from: entry.draft.from.clone(),
            sent_at: entry.draft.sent_at,
            redaction: entry.draft.redaction().cloned(),
            bots: known.into_iter().cloned().collect(),
            next: None,
            receipts: receipts.into_values().collect(),
        })
    }

    /// Takes out some of a removed room. Everything else is small, or no more than some numbers for each of
    /// what is taken out here.
    pub(super) fn clear(&mut self, entries_max: usize) -> Vec<Removed> {
        let mut removed = Vec::new();
        while removed.len() < entries_max
            && let Some(oldest) = self.remove_oldest()
        {
            removed.push(oldest);
        }
        let rest = entries_max - removed.len();
        for _ in 0..rest {
            self.receipts.pop_first();
            self.dropped.pop_first();
        }
        removed
    }

    /// Whether a removed room can be dropped at once.
    pub(super) fn is_clear(&self) -> bool {
        self.entries.is_empty() && self.receipts.is_empty() && self.dropped.is_empty()
    }

    pub(super) fn record(&self, name: &RoomName, epoch: Epoch) -> RoomRecord {
        let mut members: Vec<_> =
            self.members.iter().map(|(bot, member)| self.member(bot, member)).collect();
        members.sort_by(|one, other| one.bot.cmp(&other.bot));
        RoomRecord {
            room: name.clone(),
            epoch,
            closed: self.closed,
            retain: self.retain,
            head: self.head(),
            first: self.first,
            bytes: self.bytes,
            oldest_at: self.entries.front().map(|it| it.entry.draft.sent_at),
            members,
        }
    }

    fn member(&self, bot: &BotId, member: &Member) -> MemberRecord {
        let next = self.at((member.cursor + 1).max(self.first));
        let ranges = self.dropped.iter().filter(|((of, _), _)| of == bot);
        let received = (bot.clone(), ReceiptState::Received);
        let ahead = self.receipts.range(member.cursor + 1..);
        MemberRecord {
            bot: bot.clone(),
            since: member.since,
            rights: member.rights,
            cursor: member.cursor,
            waiting_since: next.map(|entry| entry.draft.sent_at),
            received: ahead.filter(|it| it.1.contains_key(&received)).map(|it| *it.0).collect(),
            dropped: ranges
                .map(|(_, (range, _))| *range)
                .filter(|range| range.to > member.cursor)
                .collect(),
        }
    }

    pub(super) fn expiring(&self, name: &RoomName) -> Vec<Expiring> {
        let awaited = |entry: &Entry| {
            let others = self.members.iter().filter(|(bot, _)| **bot != entry.draft.from);
            others.into_iter().any(|(_, member)| member.cursor < entry.seq)
        };
        let found = self.entries.iter().map(|it| &it.entry).filter_map(|entry| {
            let at = entry.draft.expires_at()?;
            let (from, id) = (entry.draft.from.clone(), entry.draft.id.clone());
            awaited(entry).then(|| Expiring { room: name.clone(), seq: entry.seq, from, id, at })
        });
        found.collect()
    }
}

impl Marks {
    fn of(&mut self, state: ReceiptState) -> &mut VecDeque<Run> {
        match state {
            ReceiptState::Delivered => &mut self.delivered,
            _ => &mut self.received,
        }
    }

    fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.received.is_empty()
    }

    fn forget_before(&mut self, first: u64) {
        for runs in [&mut self.delivered, &mut self.received] {
            while runs.front().is_some_and(|run| run.upto < first) {
                runs.pop_front();
            }
        }
    }

    fn passed(&self, seq: u64) -> impl Iterator<Item = (ReceiptState, Timestamp)> {
        let at = |runs: &VecDeque<Run>| {
            let run = runs.get(runs.partition_point(|run| run.upto < seq))?;
            (run.start <= seq).then_some(run.at)
        };
        let both = [
            (ReceiptState::Delivered, at(&self.delivered)),
            (ReceiptState::Received, at(&self.received)),
        ];
        both.into_iter().filter_map(|(state, at)| Some((state, at?)))
    }
}

/// The index of an entry, from the lower half of its seq. Unique, because fewer than 2^32 entries are kept.
fn index(first: u64, low: u32) -> usize {
    low.wrapping_sub(first as u32) as usize
}

/// Takes entries until a bound is reached; returns whether there were more.
fn fill<'a>(
    into: &mut Vec<Entry>,
    mut from: impl Iterator<Item = &'a Entry>,
    entries_max: usize,
    bytes_max: usize,
) -> bool {
    let mut bytes = 0;
    while into.len() < entries_max {
        let Some(entry) = from.next() else { return false };
        into.push(entry.clone());
        bytes += entry.draft.size();
        if bytes >= bytes_max {
            break;
        }
    }
    from.next().is_some()
}

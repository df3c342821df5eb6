//! What happened, and whether it was allowed to.
//!
//! Owns the promises: each fact is checked when it occurs, and the rest at the end. It sees more than
//! any party: what the store committed, what the hub put on a wire, what an application saw. Never
//! looks into the brain.

use std::collections::{BTreeMap, BTreeSet};

use bot_hub_core::change::{Change, Loss, Outcome};
use bot_hub_core::entry::Entry;
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::answer::EntryRedacted;
use bot_protocol::frame::server::{
    Ack, Gap, GapReason, HistoryPage, REDACTED, Receipt, StatusReport,
};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::word::{Open, Word};

use super::said::{Said, is_received};

/// An entry as the store took it.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) from: BotId,
    pub(crate) id: MessageId,
    pub(crate) text: String,
    pub(crate) expires_at: Option<u64>,
    shown: Shown,
    /// Its sender repeated it after the log had forgotten the first one. Readers that remember that
    /// one deduplicate, others do not.
    again: bool,
}

/// What may be shown of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// What its sender said.
    AsSaid,
    /// It is redacted, and nobody was told so yet.
    Either,
    /// An operator was told that it is redacted.
    Redacted,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<Logged>,
    /// The oldest that is kept.
    first: u64,
}

impl Log {
    pub(crate) fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Logged> {
        self.entries.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }
}

/// One bot in one room, as far as anybody can know.
#[derive(Debug, Default)]
struct Reader {
    member: bool,
    /// The head when it became a member: what came before is not for it.
    since: u64,
    /// What its application has seen.
    seen: BTreeSet<u64>,
    last_seen: u64,
    /// What it was told that it will not get.
    gaps: Vec<(u64, u64)>,
    /// What the hub handed to any of its connections.
    handed: BTreeSet<u64>,
    /// What went onto a wire.
    wired: BTreeSet<u64>,
    /// What its client took responsibility for.
    taken: BTreeSet<u64>,
    /// What the store was told to be lost.
    recorded: BTreeSet<u64>,
    /// What it said that it dealt with after that had been recorded: its sender may hear of both in any
    /// order.
    late: BTreeSet<u64>,
    /// What ended with a membership.
    parted: BTreeSet<u64>,
    /// What an operator skipped.
    skipped: BTreeSet<u64>,
    /// The last thing that senders were told of each entry.
    told: BTreeMap<u64, ReceiptState>,
}

/// What somebody wanted to say.
#[derive(Debug)]
struct Wish {
    from: BotId,
    refused: Option<String>,
    stored: u32,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    logs: BTreeMap<RoomName, Log>,
    readers: BTreeMap<(BotId, RoomName), Reader>,
    /// By its text, which no two messages share.
    wishes: BTreeMap<String, Wish>,
    places: BTreeMap<String, (RoomName, u64)>,
    pub(crate) said: Said,
    buffer_max: Option<u64>,
    pub(crate) violation: Option<String>,
    pub(crate) counts: Counts,
}

/// That something happened at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
    pub(crate) seen: u64,
    pub(crate) gaps: u64,
    pub(crate) receipts: u64,
    pub(crate) crashes: u64,
    pub(crate) refusals: u64,
    pub(crate) redacted: u64,
}

impl History {
    pub(crate) fn new(buffer_max: Option<u32>) -> Self {
        Self { buffer_max: buffer_max.map(u64::from), ..Self::default() }
    }

    /// Only the first violation counts: the others may follow from it.
    pub(crate) fn object(&mut self, rule: &str, what: impl Into<String>) {
        self.violation.get_or_insert_with(|| format!("{rule}: {}", what.into()));
    }

    pub(crate) fn head(&self, room: &RoomName) -> u64 {
        self.logs.get(room).map_or(0, Log::head)
    }

    pub(crate) fn place_of(&self, text: &str) -> Option<&(RoomName, u64)> {
        self.places.get(text)
    }

    /// What was said there, whether or not it is redacted by now.
    pub(crate) fn said_at(&self, room: &RoomName, seq: u64) -> Option<String> {
        self.logs.get(room).and_then(|log| log.get(seq)).map(|it| it.text.clone())
    }

    fn reader(&mut self, bot: &BotId, room: &RoomName) -> &mut Reader {
        self.readers.entry((bot.clone(), room.clone())).or_default()
    }

    // What the store did.

    pub(crate) fn committed(&mut self, change: &Change, outcome: &Outcome) {
        match (change, outcome) {
            (Change::CreateRoom { room, .. }, _) => {
                self.logs.entry(room.clone()).or_insert_with(|| Log { first: 1, ..Log::default() });
            }
            (Change::Append(draft), Outcome::Appended { seq }) => {
                let text = draft.text.clone();
                let again = self.places.get(&text).map(|place| place.1);
                let log = self.logs.entry(draft.room.clone()).or_default();
                let expected = log.head() + 1;
                log.entries.push(Logged {
                    from: draft.from.clone(),
                    id: draft.id.clone(),
                    text: text.clone(),
                    expires_at: draft.expires_at().map(|at| at.0),
                    shown: Shown::AsSaid,
                    again: again.is_some(),
                });
                // An id is remembered as long as its entry is kept.
                let twice = again.is_some_and(|seq| seq >= log.first);
                self.counts.stored += 1;
                self.places.insert(text.clone(), (draft.room.clone(), *seq));
                if *seq != expected {
                    self.object("numbering", format!("{} #{seq} after {expected}", draft.room));
                }
                self.stored(&text, twice);
            }
            (Change::Append(_), Outcome::Duplicate { .. }) => self.counts.duplicates += 1,
            (Change::Join { room, bot }, _) => self.joined(room, bot),
            (Change::Leave { room, bot, .. }, _) => self.reader(bot, room).member = false,
            (Change::Drop { room, bot, range, .. }, _) => {
                let to = range.to.min(self.head(room));
                let reader = self.reader(bot, room);
                reader.recorded.extend(range.from..=to);
                if range.reason == Loss::Skipped {
                    reader.skipped.extend(range.from..=to);
                }
                if matches!(range.reason, Loss::Kicked | Loss::Left | Loss::Removed | Loss::NoRight)
                {
                    reader.parted.extend(range.from..=to);
                }
            }
            (Change::Receipt(it), _) if is_off(it.state) => {
                self.reader(&it.bot, &it.room).recorded.insert(it.seq);
            }
            (Change::Redact { room, seq, .. }, Outcome::Redacted { .. }) => {
                self.counts.redacted += 1;
                self.show(room, *seq, Shown::Either);
            }
            (Change::Trim { room, .. }, Outcome::Trimmed { removed, .. }) => {
                if let (Some(log), Some(last)) = (self.logs.get_mut(room), removed.last()) {
                    log.first = last.seq + 1;
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, room: &RoomName, seq: u64, shown: Shown) {
        let log = self.logs.get_mut(room);
        if let Some(entry) = log.and_then(|log| log.entries.get_mut(seq as usize - 1)) {
            entry.shown = shown;
        }
    }

    /// An operator was told that an entry is redacted.
    pub(crate) fn redaction_told(&mut self, told: &EntryRedacted) {
        self.show(&told.room, told.seq, Shown::Redacted);
    }

    /// Whether that may be shown of an entry.
    fn may_show(&mut self, room: &RoomName, seq: u64, text: &str) -> bool {
        let kept = self.logs.get(room).and_then(|log| log.get(seq));
        let Some((shown, said)) = kept.map(|kept| (kept.shown, kept.text == text)) else {
            return false;
        };
        if said && shown == Shown::Redacted {
            self.object("redacted and shown", format!("{room} #{seq}"));
        }
        said || (text == REDACTED && shown != Shown::AsSaid)
    }

    /// A page of the log.
    pub(crate) fn read_back(&mut self, page: &HistoryPage) {
        for entry in &page.entries {
            let seq = entry.seq.unwrap_or_default();
            if !self.may_show(&page.room, seq, &entry.text) {
                self.object("read and not committed", format!("{} #{seq}", page.room));
            }
        }
    }

    fn stored(&mut self, text: &str, twice: bool) {
        let Some(wish) = self.wishes.get_mut(text) else {
            return self.object("invention", format!("nobody said `{text}`"));
        };
        wish.stored += 1;
        if twice {
            self.object("stored twice", text);
        }
    }

    fn joined(&mut self, room: &RoomName, bot: &BotId) {
        let head = self.logs.get(room).map_or(0, Log::head);
        let reader = self.reader(bot, room);
        if !reader.member {
            reader.member = true;
            reader.since = head;
            reader.last_seen = head;
        }
    }

    // What the hub did.

    /// It was killed, and may have forgotten what it had not written down.
    pub(crate) fn crashed(&mut self) {
        self.counts.crashes += 1;
        self.said.crashed();
        for reader in self.readers.values_mut() {
            reader.told.retain(|seq, _| reader.recorded.contains(seq));
        }
    }

    pub(crate) fn handed(&mut self, now: u64, bot: &BotId, entry: &Entry) {
        let (room, seq) = (&entry.draft.room, entry.seq);
        let kept = self.logs.get(room).and_then(|log| log.get(seq));
        let same =
            kept.is_some_and(|kept| kept.id == entry.draft.id && kept.from == entry.draft.from);
        let expired = kept.and_then(|kept| kept.expires_at).is_some_and(|at| at <= now);
        // Receipts name an id: what its sender was told may be the fate of the first one.
        let again = kept.is_some_and(|kept| kept.again);
        if !same || !self.may_show(room, seq, &entry.draft.text) {
            self.object("delivered and not committed", format!("{room} #{seq} to {bot}"));
        }
        if *bot == entry.draft.from {
            self.object("echo", format!("{room} #{seq} to its sender {bot}"));
        }
        let reader = self.reader(bot, room);
        reader.handed.insert(seq);
        let told = reader.told.get(&seq).copied().filter(|&state| is_off(state));
        if let Some(state) = told.filter(|_| !again) {
            self.object("false receipt", format!("{room} #{seq}: {bot} gets it after `{state}`"));
        }
        let said = self.said.most(&(room.clone(), seq, bot.clone()));
        if let Some(state) = said.filter(|&state| is_received(state)).filter(|_| !again) {
            self.object("taken back", format!("{room} #{seq}: {bot} gets it after `{state}`"));
        }
        if expired {
            self.object("expired", format!("{room} #{seq} to {bot} after its time"));
        }
    }

    pub(crate) fn wired(&mut self, bot: &BotId, room: &RoomName, seq: u64) {
        self.reader(bot, room).wired.insert(seq);
    }

    pub(crate) fn acked(&mut self, to: &BotId, ack: &Ack) {
        let (Some(id), Some(seq)) = (&ack.id, ack.seq) else { return };
        let kept = self.logs.get(&ack.room).and_then(|log| log.get(seq));
        // Who dealt with a message that was forgotten and is said again has reported it by its id.
        let counts_more = kept.is_some_and(|kept| kept.expires_at.is_some() || kept.again);
        if !kept.is_some_and(|kept| kept.id == *id && kept.from == *to) {
            return self.object("acknowledged and not committed", format!("{id} of {to}"));
        }
        let handed = |reader: &&Reader| reader.handed.contains(&seq);
        let of_room = self.readers.iter().filter(|((_, room), _)| *room == ack.room);
        let handed = of_room.map(|(_, reader)| reader).filter(handed).count();
        if ack.delivered as usize > handed && !(ack.duplicate && counts_more) {
            let text = format!("{id} of {to}: delivered {} of {handed}", ack.delivered);
            self.object("false ack", text);
        }
    }

    pub(crate) fn gap_sent(&mut self, now: u64, to: &BotId, gap: &Gap) {
        self.counts.gaps += 1;
        for seq in gap.from_seq..=gap.to_seq {
            if let Err(why) = self.is_lost(now, to, &gap.room, seq, known(&gap.reason)) {
                let text = format!("{} #{seq} for {to} ({:?}): {why}", gap.room, gap.reason);
                self.object("false gap", text);
            }
        }
    }

    /// Whether it is true that the bot can no longer get this entry, for that reason.
    fn is_lost(
        &self,
        now: u64,
        bot: &BotId,
        room: &RoomName,
        seq: u64,
        reason: GapReason,
    ) -> Result<(), &'static str> {
        let (log, reader) = (&self.logs[room], self.readers.get(&(bot.clone(), room.clone())));
        let Some(entry) = log.get(seq) else { return Err("no such entry") };
        let Some(reader) = reader else { return Err("no member") };
        // Whether the bot had it already, the hub cannot always know.
        if entry.from == *bot || seq <= reader.since || reader.seen.contains(&seq) {
            return Ok(());
        }
        let expired = entry.expires_at.is_some_and(|at| at <= now);
        let trimmed = seq < log.first;
        let full = self.buffer_max.is_some_and(|max| seq + max <= log.head());
        let skipped = reader.skipped.contains(&seq);
        // A range that grew has one reason, though its parts may have several.
        let ok = match reason {
            // Who does not know the word `skipped` is told another.
            GapReason::Retention | GapReason::BufferLimit => trimmed || full || skipped,
            GapReason::Skipped => skipped,
            GapReason::Dead => trimmed || full || reader.wired.contains(&seq),
            GapReason::Expired => expired,
            GapReason::Corrupt | GapReason::Epoch => false,
        };
        if ok || expired { Ok(()) } else { Err("it could still be delivered") }
    }

    pub(crate) fn receipt_sent(&mut self, now: u64, to: &BotId, receipt: &Receipt) {
        self.counts.receipts += 1;
        let seqs = self.seqs_of(&receipt.room, &receipt.id);
        let state = known(&receipt.state);
        let told = |seq: &u64| self.is_true(now, &receipt.room, *seq, &receipt.bot, state);
        let from = |seq: &u64| self.logs[&receipt.room].get(*seq).is_some_and(|it| it.from == *to);
        let Some(&seq) = seqs.iter().rev().filter(|seq| from(seq)).find(|seq| told(seq)) else {
            let Receipt { room, bot, state, .. } = receipt;
            return self.object("false receipt", format!("{room} {seqs:?}: {bot} `{state}`"));
        };
        let reader = self.reader(&receipt.bot, &receipt.room);
        reader.told.insert(seq, state);
        if is_received(state) && reader.recorded.contains(&seq) {
            reader.late.insert(seq);
        }
        let is_late = is_off(state) && reader.late.contains(&seq);
        // Which of two copies of a message is meant, nobody can tell by its id.
        if seqs.len() == 1 && !is_late {
            let about = (receipt.room.clone(), seq, receipt.bot.clone());
            let said = self.said.tell(now, about, state);
            self.says_no_less(&receipt.room, seq, &receipt.bot, state, said);
        }
    }

    fn says_no_less(
        &mut self,
        room: &RoomName,
        seq: u64,
        bot: &BotId,
        state: ReceiptState,
        said: Result<(), ReceiptState>,
    ) {
        if let Err(before) = said {
            self.object("taken back", format!("{room} #{seq}: {bot} `{state}` after `{before}`"));
        }
    }

    pub(crate) fn status_sent(&mut self, now: u64, to: &BotId, report: &StatusReport) {
        let (room, seq) = (&report.room, report.seq);
        let asked_at = self.said.answered(to, &report.id);
        for recipient in &report.recipients {
            let (bot, state) = (&recipient.bot, known(&recipient.state));
            let said = self.said.answer(asked_at, &(room.clone(), seq, bot.clone()), state);
            // A full buffer may have pushed it out after it was written. Nobody says so until that is stored.
            let head = self.logs[room].head();
            let is_pushed_out = self.buffer_max.is_some_and(|max| seq + max <= head);
            if !(said == Err(ReceiptState::Delivered) && is_pushed_out) {
                self.says_no_less(room, seq, bot, state, said);
            }
            let dead = recipient.state == ReceiptState::Dead;
            for step in &recipient.steps {
                if dead && step.state == ReceiptState::Dropped {
                    // It says the same in other words.
                    continue;
                }
                self.claim(now, &report.room, report.seq, &recipient.bot, known(&step.state));
            }
        }
    }

    fn claim(&mut self, now: u64, room: &RoomName, seq: u64, bot: &BotId, state: ReceiptState) {
        if !self.is_true(now, room, seq, bot, state) {
            self.object("false receipt", format!("{room} #{seq}: {bot} `{state}`"));
        }
    }

    /// Whether `bot` has come so far with an entry.
    fn is_true(
        &self,
        now: u64,
        room: &RoomName,
        seq: u64,
        bot: &BotId,
        state: ReceiptState,
    ) -> bool {
        let (log, reader) = (&self.logs[room], self.readers.get(&(bot.clone(), room.clone())));
        let (Some(entry), Some(reader)) = (log.get(seq), reader) else { return false };
        match state {
            ReceiptState::Stored => true,
            // Marks pass over what expired, and on a full disk nobody can write down that it did.
            ReceiptState::Delivered if entry.expires_at.is_some_and(|at| at <= now) => true,
            ReceiptState::Delivered | ReceiptState::Dead => reader.wired.contains(&seq),
            ReceiptState::Expired => entry.expires_at.is_some_and(|at| at <= now),
            ReceiptState::Dropped => {
                let full = self.buffer_max.is_some_and(|max| seq + max <= log.head());
                seq < log.first || full || reader.parted.contains(&seq)
            }
            ReceiptState::Declined if reader.skipped.contains(&seq) => true,
            // Its client remembers an id that the log has forgotten.
            _ if entry.again => {
                self.seqs_of(room, &entry.id).iter().any(|seq| reader.taken.contains(seq))
            }
            _ => reader.taken.contains(&seq),
        }
    }

    // What bots did.

    pub(crate) fn wished(&mut self, from: &BotId, text: &str) {
        let wish = Wish { from: from.clone(), refused: None, stored: 0 };
        self.wishes.insert(text.to_owned(), wish);
    }

    /// A sender learned that its message is stored.
    pub(crate) fn believed_stored(&mut self, text: &str) {
        if self.wishes.get(text).is_none_or(|wish| wish.stored == 0) {
            self.object("acknowledged and not committed", text);
        }
    }

    /// A sender learned that its message is not stored, for good.
    pub(crate) fn believed_refused(&mut self, text: &str, why: &str) {
        self.counts.refusals += 1;
        if why == "paused" {
            // Of one copy. Another one may be on its way, and the pause over when it comes.
            return;
        }
        if let Some(wish) = self.wishes.get_mut(text) {
            wish.refused = Some(why.to_owned());
        }
        if let Some((room, seq)) = self.places.get(text)
            && *seq >= self.logs[room].first
        {
            self.object("refused and committed", format!("{text} ({why})"));
        }
    }

    /// An application sees an entry. `lost` is what a seed client is told instead of a gap.
    pub(crate) fn saw(
        &mut self,
        now: u64,
        bot: &BotId,
        room: &RoomName,
        seq: u64,
        lost: Option<u64>,
    ) {
        let holes = self.holes(now, bot, room, seq);
        let again = self.logs[room].get(seq).is_some_and(|entry| entry.again);
        let reader = self.reader(bot, room);
        if seq <= reader.since || !reader.seen.insert(seq) {
            // Of an earlier membership, or once more.
            return;
        }
        // A message that the log holds twice, a client passes on once, wherever it meets it.
        let (last, ordered) = (reader.last_seen, seq > reader.last_seen || again);
        let was_lost = reader.gaps.iter().any(|&(from, to)| (from..=to).contains(&seq));
        reader.last_seen = reader.last_seen.max(seq);
        if lost.is_some_and(|lost| lost >= holes.len() as u64) {
            reader.gaps.extend(holes.iter().map(|&hole| (hole, hole)));
        } else if !holes.is_empty() {
            let text =
                format!("{bot} sees {room} #{seq} after #{last} without {holes:?} (told {lost:?})");
            self.object("silent gap", text);
        }
        if was_lost {
            self.object("lost and delivered", format!("{bot} sees {room} #{seq}"));
        }
        if !ordered {
            self.object("out of order", format!("{bot} sees {room} #{seq} after #{last}"));
        }
        self.counts.seen += 1;
    }

    /// What a bot should have seen before `seq` and was not told to be lost.
    fn holes(&self, now: u64, bot: &BotId, room: &RoomName, seq: u64) -> Vec<u64> {
        let Some(reader) = self.readers.get(&(bot.clone(), room.clone())) else { return vec![] };
        let log = &self.logs[room];
        let missing = (reader.last_seen.max(reader.since) + 1..seq).filter(|&seq| {
            let entry = log.get(seq).expect("seen, so committed");
            let told = reader.gaps.iter().any(|&(from, to)| (from..=to).contains(&seq));
            let expired = entry.expires_at.is_some_and(|at| at <= now);
            entry.from != *bot && !told && !expired && !entry.again
        });
        missing.collect()
    }

    /// The hub hears what a client took, and what it asks.
    pub(crate) fn heard(&mut self, now: u64, bot: &BotId, frame: &ClientFrame) {
        match frame {
            ClientFrame::Status(status) => self.said.asks(now, bot, &status.id),
            ClientFrame::Auth(auth) => {
                for (room, position) in auth.resume.iter().flatten() {
                    let reader = self.reader(bot, room);
                    // Naming a position is taking responsibility for everything up to it.
                    reader.taken.extend(reader.since + 1..=position.seq);
                }
            }
            _ => {}
        }
    }

    fn seqs_of(&self, room: &RoomName, id: &MessageId) -> Vec<u64> {
        let entries = self.logs.get(room).map_or(&[][..], |log| &log.entries);
        (1..).zip(entries).filter(|(_, it)| it.id == *id).map(|it| it.0).collect()
    }

    pub(crate) fn told_gap(&mut self, bot: &BotId, gap: &Gap) {
        self.reader(bot, &gap.room).gaps.push((gap.from_seq, gap.to_seq));
    }

    /// A client takes responsibility for one entry.
    pub(crate) fn took(&mut self, bot: &BotId, room: &RoomName, seq: u64) {
        self.reader(bot, room).taken.insert(seq);
    }

    /// The same, for an entry that the application knows by its id.
    pub(crate) fn took_id(&mut self, bot: &BotId, room: &RoomName, id: &MessageId) {
        let seqs = self.seqs_of(room, id);
        self.reader(bot, room).taken.extend(seqs);
    }

    /// What is still owed to readers when nothing goes wrong any more.
    /// A seed client has no frame for a gap: it is told with the next entry that there is.
    pub(crate) fn owed(&self, now: u64, is_seed: impl Fn(&BotId) -> bool) -> Option<String> {
        for ((bot, room), reader) in self.readers.iter().filter(|(_, reader)| reader.member) {
            let head = self.logs.get(room).map_or(0, Log::head);
            let mut holes = self.holes(now, bot, room, head + 1);
            if is_seed(bot) {
                let lost = |&seq: &u64| self.is_lost(now, bot, room, seq, GapReason::Dead).is_ok();
                holes.retain(|seq| !lost(seq) && !reader.skipped.contains(seq));
            }
            if !holes.is_empty() {
                return Some(format!(
                    "{bot} never gets {room} {holes:?} (last #{})",
                    reader.last_seen
                ));
            }
        }
        None
    }

    /// Checks what can only be known at the end.
    pub(crate) fn finish(&mut self) {
        // What is not kept any more is not known any more either.
        let kept = |text: &String| {
            self.places.get(text).is_some_and(|(room, seq)| *seq >= self.logs[room].first)
        };
        let mut wishes = self.wishes.iter();
        let wrong = wishes.find(|(text, wish)| wish.refused.is_some() && kept(text));
        if let Some((text, wish)) = wrong {
            let text = format!("`{text}` of {} ({:?})", wish.from, wish.refused);
            self.object("refused and committed", text);
        }
    }
}

/// Whether it says that the recipient will never get the entry.
/// The hub under test has no words of which this program does not know.
fn known<T: Word>(word: &Open<T>) -> T {
    word.known().expect("a word of this build")
}

fn is_off(state: ReceiptState) -> bool {
    matches!(state, ReceiptState::Expired | ReceiptState::Dropped | ReceiptState::Dead)
}

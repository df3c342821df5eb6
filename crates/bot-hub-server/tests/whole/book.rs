//! What happened, and whether it was allowed to.
//!
//! Owns the promises as somebody outside can check them: what the store committed, what senders were
//! told, what readers saw. Never looks into the hub.

use std::collections::{BTreeMap, BTreeSet};

use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::entry::Draft;
use bot_hub_core::pause::PauseKey;
use bot_protocol::frame::server::{Ack, Delivery, Gap, HistoryPage, REDACTED, Receipt, Redacted};
use bot_protocol::name::RoomName;
use bot_protocol::receipt::ReceiptState;

type Place = (String, u64);

#[derive(Debug)]
struct Logged {
    /// How many changes were committed before it.
    order: u64,
    from: String,
    id: String,
    text: String,
    is_redacted: bool,
}

/// One bot in one room.
#[derive(Debug, Default)]
struct Reader {
    seen: BTreeSet<u64>,
    gaps: Vec<(u64, u64)>,
    /// The last that its present process saw.
    last: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    logs: BTreeMap<String, Vec<Logged>>,
    /// By id. There are several where retention made the hub forget the first one before its sender
    /// heard of it: the sender repeats it, and readers that remember it pass over the second.
    places: BTreeMap<String, Vec<Place>>,
    readers: BTreeMap<(String, String), Reader>,
    acked: BTreeMap<String, Place>,
    refused: BTreeSet<String>,
    /// Rooms and bots of which an operator was told that they are made.
    made: BTreeSet<String>,
    /// How many changes are committed.
    order: u64,
    /// The pauses that hold, each since which change.
    pauses: BTreeMap<PauseKey, u64>,
    /// Whether anything may be lost: by a bound on the buffer, or by retention.
    may_lose: bool,
    pub(crate) violation: Option<String>,
    pub(crate) counts: Counts,
}

/// That something happened at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) stored: u64,
    pub(crate) acked: u64,
    pub(crate) seen: u64,
    pub(crate) again: u64,
    pub(crate) gaps: u64,
    pub(crate) receipts: u64,
    pub(crate) refused: u64,
    pub(crate) pauses: u64,
    pub(crate) kills: u64,
    pub(crate) cuts: u64,
    pub(crate) redacted: u64,
    pub(crate) acts: u64,
}

impl Book {
    pub(crate) fn new(may_lose: bool) -> Self {
        Self { may_lose, ..Self::default() }
    }

    /// Only the first violation counts: the others may follow from it.
    pub(crate) fn object(&mut self, rule: &str, what: impl Into<String>) {
        self.violation.get_or_insert_with(|| format!("{rule}: {}", what.into()));
    }

    /// The store has taken a change.
    pub(crate) fn stored(&mut self, change: &Change, outcome: &Outcome) {
        self.order += 1;
        match (change, outcome) {
            (Change::Append(draft), Outcome::Appended { seq }) => self.committed(draft, *seq),
            (Change::Pause(line), _) => {
                self.counts.pauses += 1;
                self.pauses.entry(PauseKey::of(line)).or_insert(self.order);
            }
            (Change::Resume(key), _) => {
                self.pauses.remove(key);
            }
            _ => {}
        }
    }

    fn committed(&mut self, draft: &Draft, seq: u64) {
        self.counts.stored += 1;
        let (room, id) = (draft.room.to_string(), draft.id.to_string());
        let log = self.logs.entry(room.clone()).or_default();
        let expected = log.len() as u64 + 1;
        let (from, text) = (draft.from.to_string(), draft.text.clone());
        let order = self.order;
        log.push(Logged { order, from, id: id.clone(), text, is_redacted: false });
        if seq != expected {
            self.object("numbering", format!("{room} #{seq} after #{}", expected - 1));
        }
        let places = self.places.entry(id.clone()).or_default();
        places.push((room, seq));
        if places.len() > 1 && !self.may_lose {
            self.object("stored twice", &id);
        }
        if self.refused.contains(&id) {
            self.object("refused and committed", id);
        }
    }

    pub(crate) fn redacted(&mut self, room: &RoomName, seq: u64) {
        self.counts.redacted += 1;
        let log = self.logs.get_mut(room.as_str());
        if let Some(logged) = log.and_then(|log| log.get_mut(usize::try_from(seq - 1).ok()?)) {
            logged.is_redacted = true;
        }
    }

    /// A reader is told that it should remove its copy.
    pub(crate) fn told_redacted(&mut self, told: &Redacted) {
        let place = (told.room.to_string(), told.seq);
        let is_so = |it: &Logged| it.is_redacted && it.id == told.id.as_str();
        if !self.at(&place).is_some_and(is_so) {
            self.object("false redaction", format!("{place:?}"));
        }
    }

    /// After it was redacted somebody reads the log.
    pub(crate) fn read_back(&mut self, page: &HistoryPage) {
        for entry in &page.entries {
            let place = (page.room.to_string(), entry.seq.unwrap_or(0));
            let is_redacted = self.at(&place).is_some_and(|it| it.is_redacted);
            if is_redacted && *entry.text != *REDACTED {
                self.object("redacted and shown", format!("{place:?}"));
            }
        }
    }

    pub(crate) fn acked(&mut self, id: &str, ack: &Ack) {
        self.counts.acked += 1;
        let place = (ack.room.to_string(), ack.seq.unwrap_or(0));
        let logged = self.at(&place);
        if logged.is_none_or(|logged| logged.id != id) {
            self.object("acknowledged and not committed", format!("{id} at {place:?}"));
        }
        self.acked.insert(id.to_owned(), place);
    }

    pub(crate) fn refused(&mut self, id: &str) {
        self.counts.refused += 1;
        self.refused.insert(id.to_owned());
        if self.places.contains_key(id) {
            self.object("refused and committed", id);
        }
    }

    /// An operator was told that something is done.
    pub(crate) fn done(&mut self, name: &str, makes_it: bool) {
        self.counts.acts += 1;
        if makes_it {
            self.made.insert(name.to_owned());
        }
    }

    /// A hub begins with records of these.
    pub(crate) fn started_with(&mut self, recorded: &BTreeSet<String>) {
        let lost: Vec<String> = self.made.difference(recorded).cloned().collect();
        if !lost.is_empty() {
            self.object("answered and not recorded", format!("{lost:?}"));
        }
    }

    /// A bot's process begins.
    pub(crate) fn born(&mut self, bot: &str) {
        for ((_, _), reader) in self.readers.iter_mut().filter(|((it, _), _)| it == bot) {
            reader.last = 0;
        }
    }

    pub(crate) fn saw(&mut self, bot: &str, message: &Delivery) {
        let seq = message.seq.unwrap_or(0);
        let place = (message.room.to_string(), seq);
        let (from, text) = (message.from.to_string(), message.text.to_string());
        let is_text = |it: &Logged| it.text == text || (it.is_redacted && text == REDACTED);
        let same = self.at(&place).is_some_and(|it| it.from == from && is_text(it));
        let room = place.0.clone();
        let is_paused = self.was_paused_before(&place, bot);
        let reader = self.readers.entry((bot.to_owned(), room.clone())).or_default();
        let is_new = reader.seen.insert(seq);
        let in_order = seq > reader.last;
        let was_lost = reader.gaps.iter().any(|&(first, last)| (first..=last).contains(&seq));
        let before = reader.last;
        reader.last = reader.last.max(seq);
        self.counts.seen += u64::from(is_new);
        self.counts.again += u64::from(!is_new);
        let what = format!("{room} #{seq} for {bot}");
        if is_paused {
            self.object("delivered while paused", what);
        } else if !same {
            self.object("delivered and not committed", what);
        } else if from == bot {
            self.object("echo", what);
        } else if was_lost {
            self.object("lost and delivered", what);
        } else if !in_order {
            self.object("out of order or twice", format!("{what} after #{before}"));
        }
    }

    /// Whether a pause that still holds began before the entry was there: what was on its way when it began,
    /// nobody calls back.
    fn was_paused_before(&self, place: &Place, bot: &str) -> bool {
        let order = self.at(place).map_or(0, |logged| logged.order);
        self.pauses.iter().any(|(key, since)| {
            let is_room = key.room.as_ref().is_none_or(|it| it.as_str() == place.0);
            *since < order && is_room && key.bot.as_ref().is_none_or(|it| it.as_str() == bot)
        })
    }

    pub(crate) fn told_gap(&mut self, bot: &str, gap: &Gap) {
        self.counts.gaps += 1;
        let key = (bot.to_owned(), gap.room.to_string());
        let range = (gap.from_seq, gap.to_seq);
        self.readers.entry(key).or_default().gaps.push(range);
        if !self.may_lose {
            self.object("false gap", format!("{gap:?} for {bot}"));
        }
    }

    /// A sender hears what became of its message.
    pub(crate) fn told(&mut self, receipt: &Receipt) {
        self.counts.receipts += 1;
        let (id, bot) = (receipt.id.to_string(), receipt.bot.as_str());
        if !self.places.contains_key(&id) {
            return self.object("receipt for nothing", id);
        }
        if receipt.state == ReceiptState::Received && !self.has_seen(bot, &id) {
            self.object("false receipt", format!("{id}: {bot} did not take it"));
        }
    }

    /// Whether a bot saw the message, at whichever of its places.
    fn has_seen(&self, bot: &str, id: &str) -> bool {
        self.places.get(id).into_iter().flatten().any(|(room, seq)| {
            let reader = self.readers.get(&(bot.to_owned(), room.clone()));
            reader.is_some_and(|reader| reader.seen.contains(seq))
        })
    }

    fn at(&self, place: &Place) -> Option<&Logged> {
        self.logs.get(&place.0)?.get(usize::try_from(place.1.checked_sub(1)?).ok()?)
    }

    /// What some bot still has to get, or to be told that it never will.
    pub(crate) fn missing(&self, bots: &[String]) -> Option<String> {
        let none = Reader::default();
        for (room, log) in &self.logs {
            for bot in bots {
                let reader = self.readers.get(&(bot.clone(), room.clone())).unwrap_or(&none);
                for (logged, seq) in log.iter().zip(1..) {
                    let told = || reader.gaps.iter().any(|&(a, b)| (a..=b).contains(&seq));
                    if logged.from != *bot && !told() && !self.has_seen(bot, &logged.id) {
                        return Some(format!("{bot} misses {room} #{seq}"));
                    }
                }
            }
        }
        None
    }
}

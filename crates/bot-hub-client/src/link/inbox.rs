//! Received entries: each goes to the application once, and is acknowledged after it was taken.
//!
//! Owns, per room, the position to resume from, the entries that the application has not taken yet, and a
//! bounded memory of ids. The caller decides when an entry counts as taken.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bot_protocol::frame::client::Receipt;
use bot_protocol::frame::server::{Delivery, Membership};
use bot_protocol::id::{Epoch, MessageId, Position};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;

use crate::options::Acknowledge;

/// How many received ids are remembered per room. The hub repeats at most its window of 64 entries.
const REMEMBERED_MAX: usize = 1_024;

/// How many unreceived entries a room may have. A hub that respects its window never comes near it.
const PENDING_MAX: usize = 4_096;

/// Ids are unique per sender only.
type Key = (BotId, MessageId);

/// What to do with an entry that arrived.
#[derive(Debug, PartialEq)]
pub(super) enum Arrival {
    /// Deliver it to the application.
    New,
    /// The application has it already; only the receipt is repeated.
    Again(Option<Receipt>),
    /// Too many unreceived entries.
    TooMany,
}

/// The received entries of all rooms.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// The epoch of the hub's store.
    epoch: Option<Epoch>,
    /// The hub says in which rooms this bot is, and thereby each room's own epoch.
    lists_rooms: bool,
    rooms: BTreeMap<RoomName, Room>,
    acknowledge: Acknowledge,
    /// Whether the current positions were sent to the hub of this connection.
    resumed: bool,
    /// The events with a gap or with an entry that is acknowledged by taking it, in order. They map "taken
    /// up to event n" to rooms.
    given: VecDeque<(u64, RoomName)>,
}

#[derive(Debug, Default)]
struct Room {
    position: Option<Position>,
    /// The epoch of the log that numbers its entries, if the hub has said it.
    epoch: Option<Epoch>,
    /// Entries that were delivered and not received, or received behind such an entry, in the order of the
    /// log.
    pending: VecDeque<Pending>,
    /// Received ids, oldest first.
    remembered: VecDeque<Key>,
    /// All ids of `pending` and `remembered`.
    known: HashSet<Key>,
    /// Entries received after the position was sent to the hub and before the hub repeated them.
    overtaken: Vec<(Option<u64>, MessageId)>,
    /// Receipts that wait until the application has seen a gap.
    held: Vec<Receipt>,
    /// Whether the application asked to join.
    wanted: bool,
}

#[derive(Debug)]
struct Pending {
    /// The number of the event that carried it.
    event: u64,
    /// Its seq, unless the log that numbered it was replaced.
    seq: Option<u64>,
    /// `None` from hubs without ids: then nothing can be deduplicated.
    key: Option<Key>,
    received: bool,
    /// Delivered on this connection.
    fresh: bool,
    /// For a gap instead of an entry: the seq where the gap begins. It counts as received when the
    /// application takes the event.
    gap: Option<u64>,
}

impl Pending {
    fn is_meant_by(&self, receipt: &Receipt) -> bool {
        match (&receipt.id, receipt.seq) {
            (Some(id), _) => self.key.as_ref().is_some_and(|(from, own)| {
                own == id && receipt.from.as_ref().is_none_or(|named| named == from)
            }),
            (None, Some(seq)) => self.seq.is_some_and(|own| own <= seq),
            (None, None) => false,
        }
    }
}

impl Inbox {
    pub(super) fn new(positions: BTreeMap<RoomName, Position>, acknowledge: Acknowledge) -> Self {
        let room = |position: Position| Room {
            position: Some(position),
            epoch: Some(position.epoch),
            ..Room::default()
        };
        let rooms = positions.into_iter().map(|(name, position)| (name, room(position))).collect();
        Self { rooms, acknowledge, ..Self::default() }
    }

    /// The position up to which everything was received, for rooms where it is known.
    pub(super) fn positions(&self) -> BTreeMap<RoomName, Position> {
        let known = |(name, room): (&RoomName, &Room)| Some((name.clone(), room.position?));
        self.rooms.iter().filter_map(known).collect()
    }

    /// The positions to send to the hub of a new connection.
    pub(super) fn resume(&mut self) -> BTreeMap<RoomName, Position> {
        self.resumed = true;
        self.positions()
    }

    /// Takes over the epochs of the hub's store and of its rooms. Returns the positions that belong to other
    /// logs: the store was replaced, or a room was removed and made again.
    pub(super) fn enter_epoch(
        &mut self,
        epoch: Option<Epoch>,
        memberships: Option<&[Membership]>,
    ) -> Vec<(RoomName, Position)> {
        let goes_on = self.epoch.is_some() && self.epoch == epoch;
        (self.epoch, self.lists_rooms) = (epoch, memberships.is_some());
        let mut stale = Vec::new();
        for (name, room) in &mut self.rooms {
            let listed = memberships.into_iter().flatten().find(|it| it.room == *name);
            let own = listed.map(|it| it.position.epoch).or(room.epoch.filter(|_| goes_on));
            let position = room.enter(own.or(epoch));
            stale.extend(position.map(|position| (name.clone(), position)));
        }
        stale
    }

    /// The epoch of the log that numbers a room's entries. A hub that does not say it of each room has one for
    /// all of them.
    fn epoch_of(&self, name: &RoomName) -> Option<Epoch> {
        let own = self.rooms.get(name).and_then(|room| room.epoch);
        own.or(self.epoch.filter(|_| !self.lists_rooms))
    }

    /// Takes over the hub's position for this bot: another process of the bot may have received more. Returns
    /// this client's own if that belongs to another log.
    pub(super) fn adopt(&mut self, name: &RoomName, position: Position) -> Option<Position> {
        let room = self.rooms.entry(name.clone()).or_default();
        let stale = room.enter(Some(position.epoch));
        if room.position.is_none_or(|own| own.epoch != position.epoch || own.seq < position.seq) {
            room.position = Some(position);
        }
        // The hub has moved past these entries and will not deliver them again.
        let passed = |seq: Option<u64>| seq.is_some_and(|seq| seq <= position.seq);
        room.pending.iter_mut().for_each(|entry| entry.fresh |= passed(entry.seq));
        room.overtaken.retain(|(seq, _)| !passed(*seq));
        stale
    }

    /// Handles the loss of the connection: unreceived entries will be delivered again on the next one.
    pub(super) fn disconnected(&mut self) {
        self.resumed = false;
        for room in self.rooms.values_mut() {
            room.pending.iter_mut().for_each(|entry| entry.fresh = false);
            room.overtaken.clear();
            // The hub has not seen these receipts, so it delivers the entries again.
            room.held.clear();
        }
    }

    /// Whether a receipt is about an entry that the hub has still to deliver again.
    pub(super) fn is_awaited(&self, receipt: &Receipt) -> bool {
        let about = |entry: &Pending| entry.key.as_ref().map(|(_, id)| id) == receipt.id.as_ref();
        self.rooms.get(&receipt.room).is_some_and(|room| {
            let overtaken = room.overtaken.iter().any(|(_, id)| Some(id) == receipt.id.as_ref());
            overtaken || room.pending.iter().any(|entry| !entry.fresh && about(entry))
        })
    }

    pub(super) fn want(&mut self, name: &RoomName) {
        self.rooms.entry(name.clone()).or_default().wanted = true;
    }

    pub(super) fn wanted(&self) -> Vec<RoomName> {
        let wanted = |(name, room): (&RoomName, &Room)| room.wanted.then(|| name.clone());
        self.rooms.iter().filter_map(wanted).collect()
    }

    pub(super) fn forget(&mut self, name: &RoomName) {
        self.rooms.remove(name);
    }

    /// Handles an arriving entry; `event` is the number of the event that would deliver it.
    pub(super) fn arrive(&mut self, delivery: &Delivery, event: u64) -> Arrival {
        let epoch = self.epoch_of(&delivery.room);
        let room = self.rooms.entry(delivery.room.clone()).or_default();
        let key = delivery.id.clone().map(|id| (delivery.from.clone(), id));
        if let Some(key) = key.as_ref().filter(|key| room.known.contains(*key)) {
            return Arrival::Again(room.repeat(delivery, key, epoch));
        }
        if room.pending.len() >= PENDING_MAX {
            return Arrival::TooMany;
        }
        room.known.extend(key.clone());
        room.pending.push_back(Pending {
            event,
            seq: delivery.seq,
            key,
            received: false,
            fresh: true,
            gap: None,
        });
        if self.acknowledge == Acknowledge::Automatic {
            self.given.push_back((event, delivery.room.clone()));
        }
        Arrival::New
    }

    /// Records a gap that `event` reports. The hub repeats a gap on every connection until an entry behind
    /// it is received. If such a receipt were sent before the application took the gap, a crash in between
    /// would hide the gap forever.
    pub(super) fn gap(&mut self, name: &RoomName, from_seq: u64, event: u64) {
        let room = self.rooms.entry(name.clone()).or_default();
        let (seq, key, received, fresh, gap) = (None, None, false, true, Some(from_seq));
        room.pending.push_back(Pending { event, seq, key, received, fresh, gap });
        self.given.push_back((event, name.clone()));
    }

    /// Whether a receipt is about an entry behind a gap that the application has not seen.
    pub(super) fn is_behind_gap(&self, receipt: &Receipt) -> bool {
        self.rooms.get(&receipt.room).is_some_and(|room| room.is_behind_gap(receipt))
    }

    /// Holds a receipt back if it must not overtake a gap.
    pub(super) fn hold(&mut self, receipt: Receipt) -> Option<Receipt> {
        match self.rooms.get_mut(&receipt.room).filter(|room| room.is_behind_gap(&receipt)) {
            Some(room) => room.held.push(receipt),
            None => return Some(receipt),
        }
        None
    }

    /// Handles that the application took all events up to this one. Returns the receipts to send.
    pub(super) fn take(&mut self, event: u64) -> Vec<Receipt> {
        let mut touched: Vec<RoomName> = Vec::new();
        while let Some((_, name)) = self.given.pop_front_if(|(given, _)| *given <= event) {
            if !touched.contains(&name) {
                touched.push(name);
            }
        }
        let automatic = self.acknowledge == Acknowledge::Automatic;
        let mut receipts = Vec::new();
        for name in touched {
            let epoch = self.epoch_of(&name);
            let Some(room) = self.rooms.get_mut(&name) else { continue };
            room.mark(|entry| entry.event <= event && (automatic || entry.gap.is_some()));
            let seq = room.settle(epoch, self.resumed);
            receipts.append(&mut room.release());
            receipts.extend(seq.filter(|_| automatic).map(|seq| received(&name, None, Some(seq))));
        }
        receipts
    }

    /// Adds the sender of the entry to a receipt, if the application left it out and it is unambiguous: the
    /// hub refuses an id that two senders have used.
    pub(super) fn name_sender(&self, receipt: &mut Receipt) {
        let (Some(id), None, Some(room)) =
            (&receipt.id, &receipt.from, self.rooms.get(&receipt.room))
        else {
            return;
        };
        let mut senders = room.known.iter().filter(|(_, own)| own == id).map(|(from, _)| from);
        if let (Some(only), None) = (senders.next(), senders.next()) {
            receipt.from = Some(only.clone());
        }
    }

    /// Records a receipt of the application for one entry or for all entries up to one.
    pub(super) fn note(&mut self, receipt: &Receipt) {
        let epoch = self.epoch_of(&receipt.room);
        let Some(room) = self.rooms.get_mut(&receipt.room) else { return };
        room.mark(|entry| entry.is_meant_by(receipt));
        room.settle(epoch, self.resumed);
    }
}

impl Room {
    /// Another log may number the entries from now on. Returns the position if it belongs to an earlier one.
    fn enter(&mut self, epoch: Option<Epoch>) -> Option<Position> {
        if self.epoch.is_some() && self.epoch != epoch {
            self.pending.iter_mut().for_each(|entry| entry.seq = None);
        }
        self.epoch = epoch;
        self.position.take_if(|at| epoch.is_some_and(|epoch| at.epoch != epoch))
    }

    /// Judged by the order of the log: an entry of an earlier connection precedes the gap.
    fn is_behind_gap(&self, receipt: &Receipt) -> bool {
        let unseen = self.pending.iter().filter(|entry| !entry.received);
        let Some(first) = unseen.filter_map(|entry| entry.gap).min() else { return false };
        let mut meant = self.pending.iter().filter(|entry| entry.is_meant_by(receipt));
        meant.any(|entry| entry.seq.is_none_or(|seq| seq >= first))
    }

    /// Returns the receipts that need not wait any more, in order.
    fn release(&mut self) -> Vec<Receipt> {
        let held = std::mem::take(&mut self.held);
        let (waiting, free) = held.into_iter().partition(|receipt| self.is_behind_gap(receipt));
        self.held = waiting;
        free
    }

    fn mark(&mut self, which: impl Fn(&Pending) -> bool) {
        for entry in self.pending.iter_mut().filter(|entry| which(entry)) {
            entry.received = true;
        }
    }

    /// Moves the position over the received entries at its front; returns it if it moved.
    fn settle(&mut self, epoch: Option<Epoch>, resumed: bool) -> Option<u64> {
        let mut moved = None;
        while let Some(entry) = self.pending.pop_front_if(|entry| entry.received) {
            if let Some(key) = entry.key {
                if resumed && !entry.fresh {
                    self.overtaken.push((entry.seq, key.1.clone()));
                }
                self.remember(key);
            }
            moved = moved.max(entry.seq);
        }
        let seq = moved?;
        let beyond = self.position.is_none_or(|at| Some(at.epoch) != epoch || at.seq < seq);
        if let Some(epoch) = epoch.filter(|_| beyond) {
            self.position = Some(Position { epoch, seq });
        }
        beyond.then_some(seq)
    }

    fn remember(&mut self, key: Key) {
        self.remembered.push_back(key);
        if self.remembered.len() > REMEMBERED_MAX
            && let Some(oldest) = self.remembered.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Handles an entry that is known already. After a restore it may have another seq.
    fn repeat(&mut self, delivery: &Delivery, key: &Key, epoch: Option<Epoch>) -> Option<Receipt> {
        let same = |entry: &&Pending| entry.key.as_ref() == Some(key);
        let known = |entry: &Pending| same(&entry) && entry.seq == delivery.seq;
        let exact = self.pending.iter().position(known);
        let at = exact.or_else(|| self.pending.iter().position(|entry| same(&entry)));
        let received = match at {
            Some(at) if self.pending[at].seq == delivery.seq => {
                self.pending[at].fresh = true;
                self.pending[at].received
            }
            Some(at) if self.pending[at].seq.is_some() => {
                // The same log stored the message twice, because it had forgotten the first. Both have a
                // seq, and both count as received when the application takes the one event.
                let first = &self.pending[at];
                let (event, received) = (first.event, first.received);
                let (seq, key) = (delivery.seq, Some(key.clone()));
                let (fresh, gap) = (true, None);
                self.pending.push_back(Pending { event, seq, key, received, fresh, gap });
                received
            }
            Some(at) => {
                let mut entry = self.pending.remove(at)?;
                let received = entry.received;
                (entry.seq, entry.fresh) = (delivery.seq, true);
                self.pending.push_back(entry);
                received
            }
            None => {
                self.renumber(delivery.seq, key, epoch);
                true
            }
        };
        self.overtaken.retain(|(_, id)| *id != key.1);
        // A hub that hands over a known entry has begun again at an earlier one.
        let resumed = true;
        self.settle(epoch, resumed);
        received.then(|| received_again(delivery))?
    }

    /// Records the seq of a received entry in a new log, which the position has to pass.
    fn renumber(&mut self, seq: Option<u64>, key: &Key, epoch: Option<Epoch>) {
        let passed = |at: Position| Some(at.epoch) == epoch && Some(at.seq) >= seq;
        if self.position.is_some_and(passed) {
            return;
        }
        self.remembered.retain(|remembered| remembered != key);
        let (event, key, received, fresh, gap) = (0, Some(key.clone()), true, true, None);
        self.pending.push_back(Pending { event, seq, key, received, fresh, gap });
    }
}

fn received_again(delivery: &Delivery) -> Option<Receipt> {
    let receipt = received(&delivery.room, Some(delivery.id.clone()?), None);
    Some(Receipt { from: Some(delivery.from.clone()), ..receipt })
}

fn received(room: &RoomName, id: Option<MessageId>, seq: Option<u64>) -> Receipt {
    let state = ReceiptState::Received;
    Receipt { room: room.clone(), id, from: None, seq, state, reason: None, reply: None }
}

//! The hub in numbers.
//!
//! Owns what is counted over everything: exactly where that is quickly done, and in a hub with very many
//! memberships by the sweep that goes through all rooms anyway.

use bot_protocol::frame::answer::HubNumbers;
use bot_protocol::frame::pause::PauseLine;

use crate::hub::Hub;
use crate::world::{Census, Scope};

/// Memberships and rooms that are counted whenever somebody asks: a fraction of a millisecond. In a larger
/// hub the answer is what the last sweep counted.
const COUNTED_AT_ONCE_MAX: usize = 10_000;

impl Hub {
    pub(crate) fn numbers(&self) -> HubNumbers {
        let (gauges, census) = (self.gauges(), self.counted());
        HubNumbers {
            epoch: self.epoch,
            rooms: gauges.rooms,
            bots: self.world.shelves.bot_count() as u64,
            online: self.world.online as u64,
            connections: gauges.connections,
            entries: census.entries,
            waiting: gauges.waiting,
            oldest_waiting_ms: gauges.oldest_waiting_ms,
            accepted: self.stats.accepted,
            deliveries: self.stats.deliveries,
            pauses: self.world.pauses.len() as u64,
            received: self.stats.received,
            stopped: self.world.pauses.of(Scope::default()).map(|line| PauseLine::clone(line)),
            disk_left: self.disk_left,
            dropped: self.stats.dropped,
            expired: self.stats.expired,
            dead: self.stats.dead,
            corrupt: self.stats.corrupt,
            refused_changes: gauges.refused_changes,
            forgotten: self.stats.forgotten,
            retention_waits: self.age_waits.clone(),
            ahead_ms: self.newest_at.since(self.now),
        }
    }

    fn counted(&self) -> Census {
        let is_quick = self.world.memberships + self.world.rooms.len() <= COUNTED_AT_ONCE_MAX;
        if is_quick { Census::of(&self.world) } else { self.census }
    }

    /// The state of now, for metrics.
    pub fn gauges(&self) -> Gauges {
        let census = self.counted();
        Gauges {
            connections: self.world.conns.len() as u64,
            rooms: self.world.shelves.room_count() as u64,
            pending_changes: self.underway.len() as u64,
            refused_changes: self.refused_changes(),
            waiting: census.waiting,
            oldest_waiting_ms: census.waiting_since.map_or(0, |at| self.now.since(at)),
        }
    }
}

/// The state of now, in numbers that go up and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Authenticated connections.
    pub connections: u64,
    /// Rooms, without direct conversations.
    pub rooms: u64,
    /// Changes on their way to the store.
    pub pending_changes: u64,
    /// Changes that the store refused and that are tried again.
    pub refused_changes: u64,
    /// Entries that wait for some member or are not received yet, summed over members.
    pub waiting: u64,
    /// The age of the oldest of them.
    pub oldest_waiting_ms: u64,
}

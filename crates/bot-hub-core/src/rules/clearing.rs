//! What removed rooms left behind.
//!
//! Owns that it is cleared away in steps, one room after the other, with a pause in which others have their
//! turn: a room of a million entries goes like one of ten. Each step names the entries that it took, and their
//! senders are told what became of them before the next one. After a restart the rest is cleared away.

use bot_protocol::time::Timestamp;

use crate::change::{Change, Remains, Removed};
use crate::hub::Hub;
use crate::index::{Named, RoomIx};
use crate::settings::{CLEAR_PAUSE_MS, CURSOR_SAVE_MS, TRIM_ENTRIES_MAX};
use crate::waiting::{Leftover, RangeNotification, Waiter};

impl Hub {
    /// A room is gone. Its senders hear of these stretches, and of what was to be looked up for them.
    pub(crate) fn clear_away(
        &mut self,
        room: RoomIx,
        remains: Remains,
        mut told: Vec<RangeNotification>,
    ) {
        let waiting = std::mem::take(&mut self.notifications);
        let asked = self.notifications_asked.take_if(|(_, batch)| batch.room == room);
        let asked = asked.into_iter().map(|(_, batch)| batch);
        for batch in asked.chain(waiting) {
            // Of what the retention removed everything is known already.
            match batch.room == room && batch.removed.is_none() {
                true => told.extend(batch.notifications),
                false => self.notifications.push_back(batch),
            }
        }
        self.clearing.add(self.now, Leftover::new(remains, Some(room), told));
        self.next_notifications();
    }

    /// When the next step is due, once the senders of what the last one took were told.
    pub(crate) fn clear_at(&self) -> Option<Timestamp> {
        let (at, room) = self.clearing.due()?;
        let is_telling =
            room.is_some_and(|room| self.notifications.iter().any(|batch| batch.room == room));
        Some(at).filter(|_| !self.draining && !is_telling)
    }

    /// Asks for the next step.
    pub(crate) fn clear_next(&mut self) {
        for room in self.clearing.pop_cleared() {
            self.world.rooms.free(room);
        }
        if let Some(remains) = self.clearing.ask() {
            let change = Change::Clear { remains, entries_max: TRIM_ENTRIES_MAX };
            self.change(change, Named::default(), Waiter::Nobody);
        }
    }

    /// A step is done.
    pub(crate) fn cleared(&mut self, remains: Remains, removed: &[Removed], more: bool) {
        let step = self.clearing.cleared(remains, removed, more, self.now + CLEAR_PAUSE_MS);
        if let Some((room, told)) = step {
            self.tell_of_removed(room, told, removed);
        }
    }

    /// The store takes nothing: it is tried again, as other things are.
    pub(crate) fn clearing_refused(&mut self) {
        let wait = self.patience(CURSOR_SAVE_MS);
        self.clearing.refused(self.now + wait);
    }
}

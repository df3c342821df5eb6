//! What removed rooms left behind, in the order in which it is cleared away.
//!
//! Owns which step is next, and what the senders of the entries that it takes are to hear.

use std::collections::VecDeque;

use bot_protocol::time::Timestamp;

use crate::change::{Remains, Removed};
use crate::index::RoomIx;
use crate::waiting::RangeNotification;

/// What one room left behind.
#[derive(Debug)]
pub(crate) struct Leftover {
    remains: Remains,
    /// The room, unless it was removed before this start.
    room: Option<RoomIx>,
    /// What became of stretches of its log.
    told: Vec<RangeNotification>,
    is_cleared: bool,
}

impl Leftover {
    pub(crate) fn new(
        remains: Remains,
        room: Option<RoomIx>,
        told: Vec<RangeNotification>,
    ) -> Self {
        Self { remains, room, told, is_cleared: false }
    }
}

/// Everything that is to be cleared away.
#[derive(Debug, Default)]
pub(crate) struct Clearing {
    left: VecDeque<Leftover>,
    /// A step is on its way to the store.
    is_asked: bool,
    /// Not before then.
    at: Timestamp,
}

impl Clearing {
    pub(crate) fn add(&mut self, now: Timestamp, leftover: Leftover) {
        // At once would be in the middle of what follows from the removal.
        self.at = self.at.max(now + 1);
        self.left.push_back(leftover);
    }

    /// When the next step is due, and which room it is for, if it was removed since this start.
    pub(crate) fn due(&self) -> Option<(Timestamp, Option<RoomIx>)> {
        let first = self.left.front().filter(|_| !self.is_asked)?;
        Some((self.at, first.room))
    }

    /// Takes out what is cleared away, at the front.
    pub(crate) fn pop_cleared(&mut self) -> Vec<RoomIx> {
        let mut rooms = Vec::new();
        while let Some(leftover) = self.left.pop_front_if(|it| it.is_cleared) {
            rooms.extend(leftover.room);
        }
        rooms
    }

    /// The next step, which is on its way from now on.
    pub(crate) fn ask(&mut self) -> Option<Remains> {
        let first = self.left.front()?;
        self.is_asked = true;
        Some(first.remains)
    }

    /// A step took these entries. Returns what is to be told of them.
    pub(crate) fn cleared(
        &mut self,
        remains: Remains,
        removed: &[Removed],
        more: bool,
        next_at: Timestamp,
    ) -> Option<(RoomIx, Vec<RangeNotification>)> {
        let first = self.left.front_mut().filter(|it| self.is_asked && it.remains == remains)?;
        (self.is_asked, self.at) = (false, next_at);
        first.is_cleared = !more;
        let (room, last) = (first.room?, removed.last()?.seq);
        let told = first.told.iter().filter(|it| it.after < last).cloned();
        let told = told.map(|it| RangeNotification { to: it.to.min(last), ..it }).collect();
        first.told.retain(|it| it.to > last);
        first.told.iter_mut().for_each(|it| it.after = it.after.max(last));
        Some((room, told))
    }

    /// The store refused the step.
    pub(crate) fn refused(&mut self, next_at: Timestamp) {
        (self.is_asked, self.at) = (false, next_at);
    }

    /// What a room that is gone still has to tell.
    pub(crate) fn tell(&mut self, room: RoomIx, told: Vec<RangeNotification>) {
        if let Some(it) = self.left.iter_mut().find(|it| it.room == Some(room)) {
            it.told.extend(told);
        }
    }
}

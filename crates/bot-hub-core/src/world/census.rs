//! What can only be counted by a look at every membership.

use bot_protocol::time::Timestamp;

use crate::world::{Room, World};

/// What can only be counted by a look at every membership.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Census {
    pub(crate) entries: u64,
    pub(crate) waiting: u64,
    /// When the oldest entry that waits was sent.
    pub(crate) waiting_since: Option<Timestamp>,
}

impl Census {
    pub(crate) fn of(world: &World) -> Self {
        let mut census = Self::default();
        world.rooms.iter().for_each(|room| census.add(room));
        census
    }

    pub(crate) fn add(&mut self, room: &Room) {
        if !room.durable {
            return;
        }
        self.entries += room.kept();
        for member in &room.members {
            let waiting = member.waiting(room.head);
            if waiting > 0 {
                self.waiting += waiting;
                let since = self.waiting_since.into_iter().chain(member.waiting_since);
                self.waiting_since = since.min();
            }
        }
    }
}

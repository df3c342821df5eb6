//! What the store refused and the brain must not forget.

use std::collections::{BTreeSet, VecDeque};

use crate::change::Change;
use crate::index::{BotIx, RoomIx};
use crate::waiting::{Observation, RangeNotification};

#[derive(Debug, Default)]
pub(crate) struct Refused {
    pub(crate) rooms: BTreeSet<RoomIx>,
    pub(crate) joins: BTreeSet<(RoomIx, BotIx)>,
    pub(crate) observations: VecDeque<Observation>,
    /// Pauses by rules, and ends of pauses whose time is over.
    pub(crate) pauses: VecDeque<Change>,
    /// What senders hear of a position that a client named, when it is stored.
    pub(crate) claims: VecDeque<(RoomIx, BotIx, RangeNotification)>,
    /// The store took nothing since that many tries.
    pub(crate) tries: u32,
    pub(crate) fails: bool,
}

impl Refused {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many changes wait here.
    pub(crate) fn len(&self) -> usize {
        let of_places = self.rooms.len() + self.joins.len() + self.pauses.len();
        of_places + self.observations.len() + self.claims.len()
    }

    /// A bot was removed: what was refused must not make it a member after its end, nor say what the next one
    /// of its name received. Returns where it was to be a member.
    pub(crate) fn forget(&mut self, bot: BotIx) -> Vec<RoomIx> {
        self.claims.retain(|(_, claiming, _)| *claiming != bot);
        let forgotten = self.joins.extract_if(.., |(_, joining)| *joining == bot);
        forgotten.map(|(room, _)| room).collect()
    }
}

//! What is remembered of one room.
//!
//! Owns the tables and their bounds. Nothing is made for a room in which nobody speaks.

use std::hash::Hash;

use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;

use super::conversation::Conversation;
use super::log::Log;
use super::member::Member;
use super::words::Worn;
use crate::index::{BotIx, RoomIx};

/// So many rooms are remembered.
const ROOMS_MAX: usize = 4_096;

/// So many members of a room that have spoken.
const MEMBERS_MAX: usize = 1_024;

/// So many conversations that began in a room and were answered.
const CONVERSATIONS_MAX: usize = 256;

/// **Bound:** see the constants. What has been still for longest is forgotten first; who is paused is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Room {
    pub(super) log: Log,
    pub(super) members: FxHashMap<BotIx, Member>,
    /// By the entry that began it.
    pub(super) conversations: FxHashMap<u64, Conversation>,
    pub(super) worn: Worn,
    /// A person spoke last when so many messages of persons had been counted.
    pub(super) persons: u64,
    pub(super) last_at: Timestamp,
}

/// All rooms in which somebody has spoken.
pub(super) type Rooms = FxHashMap<RoomIx, Room>;

impl Room {
    pub(super) fn member(&mut self, bot: BotIx) -> &mut Member {
        if self.members.len() >= MEMBERS_MAX && !self.members.contains_key(&bot) {
            bound(&mut self.members, MEMBERS_MAX, |it| {
                let still_since = it.spoke_at.or(it.late.map(|(_, at)| at)).unwrap_or_default();
                Some(still_since).filter(|_| it.pause.is_none())
            });
        }
        self.members.entry(bot).or_default()
    }

    pub(super) fn conversation(&mut self, seq: u64) -> &mut Conversation {
        let is_full = self.conversations.len() >= CONVERSATIONS_MAX;
        if is_full && !self.conversations.contains_key(&seq) {
            bound(&mut self.conversations, CONVERSATIONS_MAX, |it| Some(it.last_at));
        }
        self.conversations.entry(seq).or_default()
    }
}

/// The room, made if it is not there yet.
pub(super) fn room_of(rooms: &mut Rooms, room: RoomIx) -> &mut Room {
    if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&room) {
        let is_paused = |it: &Room| it.members.values().any(|it| it.pause.is_some());
        bound(rooms, ROOMS_MAX, |it| Some(it.last_at).filter(|_| !is_paused(it)));
    }
    rooms.entry(room).or_default()
}

/// Makes room for one more. An eighth goes at once, so that this costs little for each.
fn bound<K: Copy + Eq + Hash + Ord, V>(
    map: &mut FxHashMap<K, V>,
    max: usize,
    still_since: impl Fn(&V) -> Option<Timestamp>,
) {
    let mut oldest: Vec<(Timestamp, K)> =
        map.iter().filter_map(|(key, it)| Some((still_since(it)?, *key))).collect();
    oldest.sort_unstable();
    for (_, key) in oldest.into_iter().take(max / 8) {
        map.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_still_for_longest_is_forgotten_and_who_is_paused_is_not() {
        let mut room = Room::default();
        for at in 0..5_000 {
            room.member(BotIx(at)).spoke_at = Some(Timestamp(u64::from(at)));
            if at == 0 {
                room.member(BotIx(0)).pause = Some(Box::default());
            }
            room.conversation(u64::from(at)).last_at = Timestamp(u64::from(at));
        }
        for at in 5_000..9_000 {
            room.member(BotIx(at)).hand_late(Timestamp(u64::from(at)), 0, 1);
        }
        assert!(room.members.len() <= MEMBERS_MAX && room.members.contains_key(&BotIx(8_999)));
        assert!(room.members.contains_key(&BotIx(0)));
        assert!(room.conversations.len() <= CONVERSATIONS_MAX);
        assert!(room.conversations.contains_key(&4_999));
    }

    #[test]
    fn rooms_have_a_bound() {
        let mut rooms = Rooms::default();
        for at in 0..10_000 {
            room_of(&mut rooms, RoomIx { place: at, life: 0 }).last_at = Timestamp(u64::from(at));
        }
        assert!(rooms.len() <= ROOMS_MAX && rooms.contains_key(&RoomIx { place: 9_999, life: 0 }));
    }
}

//! Which pauses hold, and when they end.
//!
//! Owns the look-ups: whether a member is paused costs one comparison while nothing is, and a look into four
//! sets while something is. A pause says whose cursors stand still and names no member: however many it holds,
//! it is one line here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Bound;
use std::sync::Arc;

use bot_protocol::frame::pause::PauseLine;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashSet;

use crate::index::{BotIx, RoomIx};
use crate::pause::By;

/// Whose cursors stand still: those of all members of all rooms, or fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope {
    pub(crate) room: Option<RoomIx>,
    pub(crate) bot: Option<BotIx>,
}

impl Scope {
    /// Whether every pause of `other` is one of this.
    pub(crate) fn takes_in(self, other: Self) -> bool {
        (self.room.is_none() || self.room == other.room)
            && (self.bot.is_none() || self.bot == other.bot)
    }

    pub(crate) fn member(room: RoomIx, bot: BotIx) -> Self {
        Self { room: Some(room), bot: Some(bot) }
    }

    /// The scopes that take this one in, the widest first.
    fn around(self) -> [Self; 4] {
        let Self { room, bot } = self;
        [Self::default(), Self { room, bot: None }, Self { room: None, bot }, self]
    }
}

/// Which pause; in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) scope: Scope,
    pub(crate) by: By,
}

/// How many pauses there are: of everything, of rooms, of bots and of single members, by a person and by a rule.
pub type PauseCounts = [[u64; 2]; 4];

#[derive(Debug, Default)]
pub(crate) struct Pauses {
    held: BTreeMap<Key, Arc<PauseLine>>,
    /// Those of single members, by bot.
    of_bot: BTreeSet<(BotIx, RoomIx, By)>,
    /// The scopes of all of them, for the look-up at each delivery.
    scopes: FxHashSet<Scope>,
    /// When they end; also those that were replaced or have ended since.
    ends: BinaryHeap<Reverse<(Timestamp, Key)>>,
    /// On their way to the store: the end of an older one of the same key must not be their end.
    coming: Vec<Key>,
    counts: PauseCounts,
}

impl Pauses {
    /// Whether nothing is paused.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn counts(&self) -> PauseCounts {
        self.counts
    }

    /// Whether the cursor of a member stands still.
    #[inline]
    pub(crate) fn hold(&self, room: RoomIx, bot: BotIx) -> bool {
        !self.held.is_empty() && self.is_held(room, bot)
    }

    #[cold]
    fn is_held(&self, room: RoomIx, bot: BotIx) -> bool {
        Scope::member(room, bot).around().iter().any(|scope| self.scopes.contains(scope))
    }

    /// The pause that holds a member: the widest, and of two that are as wide the one by a person.
    pub(crate) fn holding(&self, room: RoomIx, bot: BotIx) -> Option<&Arc<PauseLine>> {
        if self.hold(room, bot) { self.over(Scope::member(room, bot)) } else { None }
    }

    /// Whether a pause names this room.
    pub(crate) fn is_of_room(&self, room: RoomIx) -> bool {
        !self.within(Scope { room: Some(room), bot: None }, None, 1).is_empty()
    }

    /// The pause of exactly this scope, by a person if there are two.
    pub(crate) fn of(&self, scope: Scope) -> Option<&Arc<PauseLine>> {
        let of = |by| self.held.get(&Key { scope, by });
        of(By::Person).or_else(|| of(By::Rule))
    }

    /// The pause that holds a whole scope: its own, or a wider one. The widest.
    pub(crate) fn over(&self, scope: Scope) -> Option<&Arc<PauseLine>> {
        scope.around().into_iter().find_map(|scope| self.of(scope))
    }

    /// The pause by a person that keeps a bot from speaking, in that room or, where there is none yet, anywhere.
    pub(crate) fn silencing(&self, room: Option<RoomIx>, bot: BotIx) -> Option<&Arc<PauseLine>> {
        if self.held.is_empty() {
            return None;
        }
        let scopes = Scope { room, bot: Some(bot) }.around();
        scopes.into_iter().find_map(|scope| self.get(Key { scope, by: By::Person }))
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Arc<PauseLine>> {
        self.held.get(&key)
    }

    /// What a bot is to be told of itself, in a room or in all.
    pub(crate) fn telling(&self, scope: Scope) -> impl Iterator<Item = &Arc<PauseLine>> {
        let of = move |by| self.held.get(&Key { scope, by });
        [By::Person, By::Rule].into_iter().filter_map(of)
    }

    /// The pauses within a scope after one of them, in the order of the list; at most `max`.
    pub(crate) fn within(&self, scope: Scope, after: Option<Key>, max: usize) -> Vec<Key> {
        let is_one_bot = scope.room.is_none() && scope.bot.is_some();
        if is_one_bot {
            return self.of_one_bot(scope, after, max);
        }
        let first = Key { scope, by: By::Person };
        let from = after.map_or(Bound::Included(first), Bound::Excluded);
        let found = self.held.range((from, Bound::Unbounded)).map(|(key, _)| *key);
        found.take_while(|key| scope.takes_in(key.scope)).take(max).collect()
    }

    fn of_one_bot(&self, scope: Scope, after: Option<Key>, max: usize) -> Vec<Key> {
        let bot = scope.bot.unwrap_or(BotIx(0));
        let everywhere = [By::Person, By::Rule].map(|by| Key { scope, by });
        let everywhere = everywhere.into_iter().filter(|key| self.held.contains_key(key));
        let from = (bot, RoomIx::default(), By::Person);
        let rooms = self.of_bot.range(from..).take_while(|it| it.0 == bot);
        let in_rooms = rooms
            .map(|&(bot, room, by)| Key { scope: Scope { room: Some(room), bot: Some(bot) }, by });
        let behind = |key: &Key| after.is_none_or(|after| *key > after);
        everywhere.chain(in_rooms).filter(behind).take(max).collect()
    }

    /// A pause holds from now on, instead of an earlier one of the same key.
    pub(crate) fn insert(&mut self, key: Key, line: PauseLine) {
        if let Some(at) = line.until {
            self.ends.push(Reverse((at, key)));
        }
        if self.held.insert(key, Arc::new(line)).is_some() {
            return;
        }
        self.scopes.insert(key.scope);
        if let Scope { room: Some(room), bot: Some(bot) } = key.scope {
            self.of_bot.insert((bot, room, key.by));
        }
        *self.count(key) += 1;
    }

    /// A pause holds no more.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Arc<PauseLine>> {
        let line = self.held.remove(&key)?;
        if self.of(key.scope).is_none() {
            self.scopes.remove(&key.scope);
        }
        if let Scope { room: Some(room), bot: Some(bot) } = key.scope {
            self.of_bot.remove(&(bot, room, key.by));
        }
        *self.count(key) -= 1;
        Some(line)
    }

    fn count(&mut self, key: Key) -> &mut u64 {
        let scope = match (key.scope.room, key.scope.bot) {
            (None, None) => 0,
            (Some(_), None) => 1,
            (None, Some(_)) => 2,
            (Some(_), Some(_)) => 3,
        };
        &mut self.counts[scope][usize::from(key.by == By::Rule)]
    }

    /// When the next one ends, or a little before.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        self.ends.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes out one that is due.
    pub(crate) fn due(&mut self, now: Timestamp) -> Option<Key> {
        while self.next_end().is_some_and(|at| at <= now) {
            let Reverse((at, key)) = self.ends.pop()?;
            let is_it = self.held.get(&key).is_some_and(|line| line.until == Some(at));
            if is_it && !self.coming.contains(&key) {
                return Some(key);
            }
        }
        None
    }

    /// A pause is on its way to the store.
    pub(crate) fn comes(&mut self, key: Key) {
        self.coming.push(key);
    }

    /// It is there, or was refused.
    pub(crate) fn has_come(&mut self, key: Key) {
        if let Some(at) = self.coming.iter().position(|it| *it == key) {
            self.coming.swap_remove(at);
        }
    }

    /// The store did not take what was to replace it, or end it: it ends as it was to.
    pub(crate) fn goes_on(&mut self, key: Key) {
        if let Some(at) = self.held.get(&key).and_then(|line| line.until) {
            self.ends.push(Reverse((at, key)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(room: Option<u32>, bot: Option<u32>) -> Scope {
        Scope { room: room.map(room_ix), bot: bot.map(BotIx) }
    }

    fn room_ix(place: u32) -> RoomIx {
        RoomIx { place, life: 0 }
    }

    fn key(room: Option<u32>, bot: Option<u32>, by: By) -> Key {
        Key { scope: scope(room, bot), by }
    }

    fn line(until: Option<u64>) -> PauseLine {
        let until = until.map(Timestamp);
        PauseLine {
            bot: None,
            by: None,
            room: None,
            since: Timestamp(1),
            until,
            why: Default::default(),
        }
    }

    #[test]
    fn a_member_is_held_by_each_scope_around_it() {
        for (room, bot) in [(None, None), (Some(1), None), (None, Some(2)), (Some(1), Some(2))] {
            let mut pauses = Pauses::default();
            let [person, rule] = [By::Person, By::Rule].map(|by| key(room, bot, by));
            pauses.insert(person, line(None));
            pauses.insert(rule, line(None));
            assert!(pauses.hold(room_ix(1), BotIx(2)));
            assert_eq!(pauses.hold(room_ix(1), BotIx(3)), bot.is_none());
            assert_eq!(pauses.hold(room_ix(0), BotIx(2)), room.is_none());
            assert!(pauses.silencing(Some(room_ix(1)), BotIx(2)).is_some());
            pauses.remove(person);
            assert!(pauses.hold(room_ix(1), BotIx(2)), "the rule still pauses it");
            assert!(pauses.silencing(Some(room_ix(1)), BotIx(2)).is_none());
            pauses.remove(rule);
            assert!(!pauses.hold(room_ix(1), BotIx(2)) && pauses.is_empty());
            assert_eq!(pauses.counts(), PauseCounts::default());
        }
    }

    #[test]
    fn what_is_within_a_scope_comes_in_order_and_in_pages() {
        let mut pauses = Pauses::default();
        let all = [
            key(None, None, By::Person),
            key(None, Some(2), By::Rule),
            key(Some(1), None, By::Person),
            key(Some(1), Some(2), By::Person),
            key(Some(1), Some(2), By::Rule),
            key(Some(1), Some(3), By::Rule),
            key(Some(4), Some(2), By::Rule),
        ];
        all.iter().for_each(|&key| pauses.insert(key, line(None)));
        let check = |room, bot, expected: &[usize]| {
            let expected: Vec<Key> = expected.iter().map(|&at| all[at]).collect();
            let (mut found, mut last) = (Vec::new(), None);
            loop {
                let page = pauses.within(scope(room, bot), last, 2);
                let Some(&end) = page.last() else { break };
                last = Some(end);
                found.extend(page);
            }
            assert_eq!(found, expected, "{room:?} {bot:?}");
        };
        check(None, None, &[0, 1, 2, 3, 4, 5, 6]);
        check(Some(1), None, &[2, 3, 4, 5]);
        check(None, Some(2), &[1, 3, 4, 6]);
        check(Some(1), Some(2), &[3, 4]);
        check(Some(5), None, &[]);
    }

    #[test]
    fn a_pause_ends_when_it_was_last_said_to() {
        let mut pauses = Pauses::default();
        let [one, other] = [key(Some(1), None, By::Rule), key(Some(2), None, By::Rule)];
        pauses.insert(one, line(Some(10)));
        pauses.insert(other, line(Some(20)));
        pauses.insert(one, line(Some(30)));
        assert_eq!(pauses.due(Timestamp(15)), None);
        pauses.comes(other);
        assert_eq!(pauses.due(Timestamp(25)), None, "another one is on its way");
        pauses.has_come(other);
        pauses.goes_on(other);
        assert_eq!(pauses.due(Timestamp(25)), Some(other));
        pauses.remove(one);
        assert_eq!((pauses.due(Timestamp(99)), pauses.next_end()), (None, None));
    }
}

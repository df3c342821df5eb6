//! Whose turn it is: what connections have said waits here, and whoever took least so far is heard next.
//!
//! Owns the accounts. A connection pays what handling its frames took; the one with the smallest account is
//! served, so that a connection with dear frames waits behind itself and not in front of others. Being
//! silent saves nothing up: whoever comes back begins where the others are. Never reads a clock.
//!
//! **Invariant:** what one connection says is served in its order.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use crate::door::ConnId;

/// Things of one connection that may wait before its socket is no longer read, once others wait as well.
const WAITING_MAX: usize = 4;

/// What waits of all connections.
#[derive(Debug)]
pub(super) struct Fair<T> {
    lanes: FxHashMap<ConnId, Lane<T>>,
    /// Connections of which something waits, the least served first.
    order: BTreeSet<(u64, ConnId)>,
    /// What the least served one had been charged when it was served last.
    floor: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Lane<T> {
    /// What it has been charged.
    account: u64,
    waiting: VecDeque<T>,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Self { lanes: FxHashMap::default(), order: BTreeSet::new(), floor: 0, waiting: 0 }
    }
}

impl<T> Fair<T> {
    /// Something came from a connection.
    pub(super) fn push(&mut self, conn: ConnId, item: T) {
        let floor = self.floor;
        let lane = self.lanes.entry(conn);
        let lane = lane.or_insert_with(|| Lane { account: floor, waiting: VecDeque::new() });
        if lane.waiting.is_empty() {
            lane.account = lane.account.max(floor);
            self.order.insert((lane.account, conn));
        }
        lane.waiting.push_back(item);
        self.waiting += 1;
    }

    /// What is not done yet goes back to where it was: before everything else of its connection.
    pub(super) fn put_back(&mut self, conn: ConnId, item: T) {
        self.push(conn, item);
        if let Some(lane) = self.lanes.get_mut(&conn) {
            lane.waiting.rotate_right(1);
        }
    }

    /// The next thing to do. Say afterwards what it took.
    pub(super) fn pop(&mut self) -> Option<(ConnId, T)> {
        let (account, conn) = self.order.pop_first()?;
        self.floor = self.floor.max(account);
        let lane = self.lanes.get_mut(&conn)?;
        let item = lane.waiting.pop_front()?;
        self.waiting -= 1;
        if !lane.waiting.is_empty() {
            self.order.insert((account, conn));
        }
        Some((conn, item))
    }

    /// A connection pays for what was done last.
    pub(super) fn charge(&mut self, conn: ConnId, cost: u64) {
        let Some(lane) = self.lanes.get_mut(&conn) else { return };
        let is_listed = self.order.remove(&(lane.account, conn));
        lane.account += cost;
        if is_listed {
            self.order.insert((lane.account, conn));
        }
    }

    /// A connection is over, and nothing of it waits any more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        if let Some(lane) = self.lanes.remove(&conn) {
            self.order.remove(&(lane.account, conn));
            self.waiting -= lane.waiting.len();
        }
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Whether something of another connection waits, too.
    pub(super) fn has_others(&self, conn: ConnId) -> bool {
        self.order.iter().take(2).any(|(_, other)| *other != conn)
    }

    /// Whether a connection is so far ahead of what can be done for it that it is better not read, because
    /// others wait. A lone sender never is.
    pub(super) fn is_ahead(&self, conn: ConnId) -> bool {
        let waits = self.lanes.get(&conn).map_or(0, |lane| lane.waiting.len());
        waits >= WAITING_MAX && self.has_others(conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves everything, each thing at its cost, and returns whose turns they were.
    fn turns(fair: &mut Fair<u64>, most: usize) -> Vec<u64> {
        let mut turns = Vec::new();
        while turns.len() < most
            && let Some((conn, cost)) = fair.pop()
        {
            fair.charge(conn, cost);
            turns.push(conn.0);
        }
        turns
    }

    fn fair(said: &[(u64, u64)]) -> Fair<u64> {
        let mut fair = Fair::default();
        for (conn, cost) in said {
            fair.push(ConnId(*conn), *cost);
        }
        fair
    }

    #[test]
    fn an_honest_frame_waits_for_one_dear_frame_and_not_for_all_of_them() {
        // The flood was first, with frames of a hundred; then come frames of one.
        let mut fair = fair(&[(1, 100), (1, 100), (1, 100), (2, 1), (2, 1), (3, 1)]);
        assert_eq!(turns(&mut fair, 9), [1, 2, 3, 2, 1, 1]);
    }

    #[test]
    fn equals_take_turns() {
        let mut fair = fair(&[(1, 5), (1, 5), (1, 5), (2, 5), (2, 5), (2, 5)]);
        assert_eq!(turns(&mut fair, 9), [1, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn who_was_silent_has_saved_nothing_up() {
        let mut fair = fair(&[(1, 10), (1, 10), (1, 10)]);
        assert_eq!(turns(&mut fair, 3), [1, 1, 1]);
        for _ in 0..3 {
            fair.push(ConnId(1), 10);
            fair.push(ConnId(2), 10);
        }
        // Not all three of the newcomer's first.
        assert_eq!(turns(&mut fair, 9), [2, 1, 2, 1, 2, 1]);
    }

    #[test]
    fn what_was_put_back_is_the_next_of_its_connection() {
        let mut fair = fair(&[(1, 10), (1, 20)]);
        let (conn, first) = fair.pop().unwrap();
        fair.put_back(conn, first);
        assert_eq!(fair.pop(), Some((ConnId(1), 10)));
        assert_eq!((fair.pop(), fair.pop()), (Some((ConnId(1), 20)), None));
    }

    #[test]
    fn a_lone_sender_is_never_ahead_and_a_flood_beside_others_is() {
        let mut fair = fair(&[(1, 1); 9]);
        assert!(!fair.is_ahead(ConnId(1)));
        fair.push(ConnId(2), 1);
        assert!(fair.is_ahead(ConnId(1)) && !fair.is_ahead(ConnId(2)));
        fair.forget(ConnId(2));
        assert!(!fair.is_ahead(ConnId(1)) && fair.len() == 9);
        fair.forget(ConnId(1));
        assert!(fair.is_empty() && fair.pop().is_none());
    }
}

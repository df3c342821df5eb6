//! Whose turn it is: what connections have said waits here, and whoever took least so far is heard next.
//!
//! Owns the accounts. A [`Payer`] pays for what reading and handling its frames took, and the payer with the
//! smallest account is served next. A bot with dear frames therefore waits behind itself and not in front of
//! others, over however many connections it sends them. The connections of one payer take turns. Being silent
//! saves nothing up: a payer that comes back begins where the others are. Never reads a clock.
//!
//! **Invariant:** what one connection says is served in its order.

use std::collections::{BTreeSet, VecDeque};

use bot_protocol::name::BotId;
use rustc_hash::FxHashMap;

use crate::door::ConnId;

/// Things of one payer that may wait before its sockets are no longer read, once others wait as well.
const WAITING_MAX: usize = 4;

/// The same while nobody else waits: enough that there is always something to do for that payer, and so
/// little that the next one to come finds room.
const WAITING_ALONE_MAX: usize = 16;

/// Who pays for what a connection says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Payer {
    /// Everybody at an address who has not said yet who it is.
    Stranger(u128),
    /// A bot, over all of its connections.
    Bot(BotId),
}

/// What waits of all connections.
#[derive(Debug)]
pub(super) struct Fair<T> {
    lanes: FxHashMap<ConnId, Lane<T>>,
    accounts: FxHashMap<Payer, Account>,
    /// Payers of whom something waits, the least served first.
    order: BTreeSet<(u64, Payer)>,
    /// What the least served one had been charged when it was served last.
    floor: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Lane<T> {
    payer: Payer,
    waiting: VecDeque<T>,
}

#[derive(Debug, Default)]
struct Account {
    /// What it has been charged, or would have been had it not been silent.
    charged: u64,
    connections: BTreeSet<ConnId>,
    /// Those of them of which something waits, the next one first.
    turns: VecDeque<ConnId>,
    waiting: usize,
    is_slowed: bool,
    slowed_since: Option<u64>,
    cost: Cost,
}

/// What somebody has cost, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// What reading and handling its frames took.
    pub(super) spent: u64,
    /// How often it was not read because others waited, and for how long.
    pub(super) times: u64,
    pub(super) slowed_for: u64,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Self {
            lanes: FxHashMap::default(),
            accounts: FxHashMap::default(),
            order: BTreeSet::new(),
            floor: 0,
            waiting: 0,
        }
    }
}

impl<T> Fair<T> {
    /// Says who pays for a connection from now on, a new one or one that had another payer. Returns whether
    /// that payer is slowed.
    pub(super) fn bill(&mut self, conn: ConnId, payer: Payer) -> bool {
        let before = self.lanes.get(&conn).map(|lane| lane.payer.clone());
        if before.as_ref() != Some(&payer) {
            let waiting = self.lanes.remove(&conn).map(|lane| lane.waiting).unwrap_or_default();
            if let Some(before) = &before {
                self.leave(before, conn, waiting.len());
            }
            self.enter(&payer, conn, waiting.len());
            self.lanes.insert(conn, Lane { payer: payer.clone(), waiting });
        }
        self.accounts.get(&payer).is_some_and(|account| account.is_slowed)
    }

    fn enter(&mut self, payer: &Payer, conn: ConnId, waiting: usize) {
        let account = self.accounts.entry(payer.clone()).or_default();
        account.connections.insert(conn);
        if waiting > 0 {
            account.waiting += waiting;
            self.waiting += waiting;
            self.list(payer, conn);
        }
    }

    fn leave(&mut self, payer: &Payer, conn: ConnId, waiting: usize) {
        let Some(account) = self.accounts.get_mut(payer) else { return };
        account.connections.remove(&conn);
        account.turns.retain(|it| *it != conn);
        account.waiting -= waiting;
        self.waiting -= waiting;
        if account.turns.is_empty() {
            self.order.remove(&(account.charged, payer.clone()));
        }
        if account.connections.is_empty() {
            self.accounts.remove(payer);
        }
    }

    /// Something of that connection waits now.
    fn list(&mut self, payer: &Payer, conn: ConnId) {
        let Some(account) = self.accounts.get_mut(payer) else { return };
        if account.turns.is_empty() {
            account.charged = account.charged.max(self.floor);
            self.order.insert((account.charged, payer.clone()));
        }
        account.turns.push_back(conn);
    }

    /// Something came from a connection. One that nobody pays for is a stranger's.
    pub(super) fn push(&mut self, conn: ConnId, item: T) {
        self.add(conn, item, VecDeque::push_back);
    }

    /// What is not done yet goes back to where it was: before everything else of its connection.
    pub(super) fn put_back(&mut self, conn: ConnId, item: T) {
        self.add(conn, item, VecDeque::push_front);
    }

    fn add(&mut self, conn: ConnId, item: T, how: impl FnOnce(&mut VecDeque<T>, T)) {
        if !self.lanes.contains_key(&conn) {
            self.bill(conn, Payer::Stranger(0));
        }
        let Some(lane) = self.lanes.get_mut(&conn) else { return };
        let was_empty = lane.waiting.is_empty();
        how(&mut lane.waiting, item);
        self.waiting += 1;
        let payer = lane.payer.clone();
        if let Some(account) = self.accounts.get_mut(&payer) {
            account.waiting += 1;
        }
        if was_empty {
            self.list(&payer, conn);
        }
    }

    /// The next thing to do. Say afterwards what it took.
    pub(super) fn pop(&mut self) -> Option<(ConnId, T)> {
        let (charged, payer) = self.order.pop_first()?;
        self.floor = self.floor.max(charged);
        let account = self.accounts.get_mut(&payer)?;
        let conn = account.turns.pop_front()?;
        let lane = self.lanes.get_mut(&conn)?;
        let item = lane.waiting.pop_front()?;
        account.waiting -= 1;
        self.waiting -= 1;
        if !lane.waiting.is_empty() {
            account.turns.push_back(conn);
        }
        if !account.turns.is_empty() {
            self.order.insert((charged, payer));
        }
        Some((conn, item))
    }

    /// Charges the payer of a connection for what was done last.
    pub(super) fn charge(&mut self, conn: ConnId, cost: u64) {
        let Some(payer) = self.payer(conn) else { return };
        let Some(account) = self.accounts.get_mut(&payer) else { return };
        let mut place = (account.charged, payer);
        let is_listed = self.order.remove(&place);
        account.charged += cost;
        account.cost.spent += cost;
        if is_listed {
            place.0 = account.charged;
            self.order.insert(place);
        }
    }

    /// A connection is over, and nothing of it waits any more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        if let Some(lane) = self.lanes.remove(&conn) {
            self.leave(&lane.payer, conn, lane.waiting.len());
        }
    }

    /// What a payer has cost since the oldest of its connections came.
    pub(super) fn cost(&self, payer: &Payer) -> Cost {
        self.accounts.get(payer).map_or_else(Cost::default, |account| account.cost)
    }

    /// The connections for which it pays.
    pub(super) fn connections<'s>(
        &'s self,
        payer: &Payer,
    ) -> impl Iterator<Item = ConnId> + use<'s, T> {
        self.accounts.get(payer).into_iter().flat_map(|account| account.connections.iter().copied())
    }

    /// Who pays for it.
    pub(super) fn payer(&self, conn: ConnId) -> Option<Payer> {
        self.lanes.get(&conn).map(|lane| lane.payer.clone())
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Whether something waits that somebody else pays for.
    pub(super) fn has_others(&self, payer: Option<&Payer>) -> bool {
        self.order.iter().take(2).any(|(_, other)| Some(other) != payer)
    }

    /// Whether so much of a payer waits that its connections should not be read. Answered only when that
    /// has changed, with the connections. A lone sender loses nothing by it. `now` is what the meter shows.
    pub(super) fn pace(&mut self, payer: &Payer, now: u64) -> Option<(bool, Vec<ConnId>)> {
        let has_others = self.has_others(Some(payer));
        let account = self.accounts.get_mut(payer)?;
        let waiting_max = if has_others { WAITING_MAX } else { WAITING_ALONE_MAX };
        let is_ahead = account.waiting >= waiting_max;
        if std::mem::replace(&mut account.is_slowed, is_ahead) == is_ahead {
            return None;
        }
        let since = account.slowed_since.take();
        account.cost.slowed_for += since.map_or(0, |since| now.saturating_sub(since));
        // A payer that is alone waits for nobody but itself.
        if is_ahead && has_others {
            account.cost.times += 1;
            account.slowed_since = Some(now);
        }
        Some((is_ahead, account.connections.iter().copied().collect()))
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

    fn bot(name: &str) -> Payer {
        Payer::Bot(BotId::new(name).unwrap())
    }

    /// What connections have said at which cost; each is of a bot of its own.
    fn fair(said: &[(u64, u64)]) -> Fair<u64> {
        let mut fair = Fair::default();
        for (conn, cost) in said {
            fair.bill(ConnId(*conn), Payer::Stranger(u128::from(*conn)));
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
    fn a_bot_with_many_connections_has_one_share() {
        let mut fair = Fair::default();
        for conn in 1..=4 {
            fair.bill(ConnId(conn), bot("eve"));
            fair.push(ConnId(conn), 10);
            fair.push(ConnId(conn), 10);
        }
        fair.bill(ConnId(9), bot("zoe"));
        for _ in 0..4 {
            fair.push(ConnId(9), 10);
        }
        // Its connections take turns among themselves.
        assert_eq!(turns(&mut fair, 12), [1, 9, 2, 9, 3, 9, 4, 9, 1, 2, 3, 4]);
    }

    #[test]
    fn whoever_says_who_it_is_pays_for_itself_from_then_on() {
        let mut fair = fair(&[(1, 10), (1, 10), (2, 10), (2, 10)]);
        for conn in [1, 2] {
            fair.bill(ConnId(conn), Payer::Stranger(7));
        }
        assert_eq!(turns(&mut fair, 1), [1]);
        fair.bill(ConnId(1), bot("ana"));
        assert_eq!(fair.len(), 3);
        fair.forget(ConnId(2));
        assert_eq!((fair.len(), fair.payer(ConnId(1))), (1, Some(bot("ana"))));
        assert_eq!(turns(&mut fair, 9), [1]);
        fair.forget(ConnId(1));
        assert!(fair.is_empty() && fair.accounts.is_empty() && fair.order.is_empty());
    }

    #[test]
    fn who_was_silent_has_saved_nothing_up() {
        let mut fair = fair(&[(1, 10), (1, 10), (1, 10)]);
        assert_eq!(turns(&mut fair, 3), [1, 1, 1]);
        fair.bill(ConnId(2), Payer::Stranger(2));
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
    fn a_flood_is_not_read_beside_others_and_its_sender_alone_has_always_something_waiting() {
        let mut fair = fair(&[(1, 1); 14]);
        let (flood, other) = (Payer::Stranger(1), Payer::Stranger(2));
        fair.bill(ConnId(5), flood.clone());
        fair.push(ConnId(5), 1);
        assert_eq!(fair.pace(&flood, 0), None, "nobody else waits");
        fair.bill(ConnId(2), other.clone());
        fair.push(ConnId(2), 1);
        let both = || vec![ConnId(1), ConnId(5)];
        assert_eq!(fair.pace(&flood, 0), Some((true, both())));
        assert_eq!((fair.pace(&flood, 5), fair.pace(&other, 5)), (None, None), "it is said once");
        assert!(fair.bill(ConnId(6), flood.clone()), "another one is slowed as well");
        fair.forget(ConnId(6));
        fair.forget(ConnId(2));
        assert_eq!(fair.pace(&flood, 7), Some((false, both())));
        fair.push(ConnId(5), 1);
        assert_eq!(fair.pace(&flood, 0), Some((true, both())), "so much is enough");
        assert_eq!(turns(&mut fair, 1), [1]);
        assert_eq!(fair.pace(&flood, 9), Some((false, both())));
        let cost = Cost { spent: 1, times: 1, slowed_for: 7 };
        assert_eq!(fair.cost(&flood), cost, "alone it waited for nobody");
        fair.forget(ConnId(1));
        fair.forget(ConnId(5));
        assert!(fair.is_empty() && fair.pop().is_none());
    }
}

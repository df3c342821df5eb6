//! Which sockets are admitted: limits on their number, in total and per address.
//!
//! Owns the counters, and which socket is closed when there are too many unauthenticated ones. Never looks
//! at tokens. A [`Permit`] is held as long as its socket lives.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::DoorLimits;

/// Why a socket was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TurnedAway {
    /// `connections_max`.
    #[error("the hub has no room for another connection")]
    Full,
    /// `connections_per_address_max`.
    #[error("too many connections from your address")]
    AddressFull,
    /// `unauthenticated_max`.
    #[error("too many connections that have not authenticated")]
    UnknownFull,
    /// `unauthenticated_per_address_max`.
    #[error("too many connections from your address that have not authenticated")]
    UnknownAddressFull,
}

/// This many unauthenticated sockets of one address are normal and not treated as a crowd.
const CROWD: usize = 4;

/// The counters of one hub.
#[derive(Default)]
pub struct Admission {
    all: Cell<usize>,
    unauthenticated: Cell<usize>,
    turned_away: Cell<u64>,
    addresses: RefCell<FxHashMap<IpAddr, Count>>,
    /// The unauthenticated sockets; first the one on which something happened longest ago.
    unknown: RefCell<BTreeMap<u64, Unknown>>,
    last: Cell<u64>,
}

struct Unknown {
    since: Instant,
    /// As in its [`Permit`].
    address: Option<IpAddr>,
    leave: Rc<Notify>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    all: usize,
    unauthenticated: usize,
}

/// One socket's share of the counters; dropping it releases the share.
#[derive(Debug)]
pub struct Permit {
    admission: Rc<Admission>,
    /// The address that it counts for; `None` for this machine and for proxies that serve many addresses.
    address: Option<IpAddr>,
    /// The same at the time of admission.
    entered_from: Option<IpAddr>,
    is_authenticated: bool,
    number: u64,
    leave: Rc<Notify>,
}

impl Admission {
    /// Admits a socket from `address`, or from a proxy that serves many addresses (`None`).
    ///
    /// # Errors
    /// The limit that was reached.
    pub fn enter(
        self: &Rc<Self>,
        address: Option<IpAddr>,
        limits: &DoorLimits,
    ) -> Result<Permit, TurnedAway> {
        let is_local = address.is_some_and(|address| address.to_canonical().is_loopback());
        let reserve = if is_local { limits.local_reserve } else { 0 };
        let address = address.and_then(counted);
        if let Err(reason) = self.admit(address, reserve, limits) {
            self.turned_away.set(self.turned_away.get() + 1);
            return Err(reason);
        }
        self.all.set(self.all.get() + 1);
        self.unauthenticated.set(self.unauthenticated.get() + 1);
        self.last.set(self.last.get() + 1);
        let (number, leave) = (self.last.get(), Rc::new(Notify::new()));
        let unknown = Unknown { since: Instant::now(), address, leave: Rc::clone(&leave) };
        self.unknown.borrow_mut().insert(number, unknown);
        let admission = Rc::clone(self);
        let (entered_from, is_authenticated) = (address, false);
        Ok(Permit { admission, address, entered_from, is_authenticated, number, leave })
    }

    fn admit(
        &self,
        address: Option<IpAddr>,
        reserve: usize,
        limits: &DoorLimits,
    ) -> Result<(), TurnedAway> {
        if self.all.get() >= limits.connections_max.saturating_add(reserve) {
            return Err(TurnedAway::Full);
        }
        self.count_address(address, limits)?;
        let unknown = self.unauthenticated.get();
        if unknown < limits.unauthenticated_max || self.evict(address, limits) {
            return Ok(());
        }
        if unknown < limits.unauthenticated_max.saturating_add(reserve) {
            return Ok(());
        }
        self.uncount_address(address, 1, 1);
        Err(TurnedAway::UnknownFull)
    }

    /// Closes an unauthenticated socket to make room for one of `address`: of the address with the most
    /// sockets, if these are a crowd and more than the newcomer's own; otherwise of all that have been here
    /// for a while. Of these it closes the one that was silent longest. Returns whether it closed one.
    fn evict(&self, address: Option<IpAddr>, limits: &DoorLimits) -> bool {
        let mut unknown = self.unknown.borrow_mut();
        let is_old = |it: &Unknown| it.since.elapsed() >= limits.unauthenticated_keep;
        let quietest = || unknown.iter().find(|(_, it)| is_old(it)).map(|(number, _)| *number);
        let Some(leaves) = most_of(&unknown, address).or_else(quietest) else { return false };
        let Some(leaves) = unknown.remove(&leaves) else { return false };
        leaves.leave.notify_one();
        self.turned_away.set(self.turned_away.get() + 1);
        true
    }

    /// The number of open sockets.
    #[must_use]
    pub fn open(&self) -> usize {
        self.all.get()
    }

    /// The number of unauthenticated sockets.
    #[must_use]
    pub fn unauthenticated(&self) -> usize {
        self.unauthenticated.get()
    }

    /// How many sockets were refused since the start.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.turned_away.get()
    }

    fn count_address(
        &self,
        address: Option<IpAddr>,
        limits: &DoorLimits,
    ) -> Result<(), TurnedAway> {
        let Some(address) = address else { return Ok(()) };
        let mut addresses = self.addresses.borrow_mut();
        let count = addresses.get(&address).copied().unwrap_or_default();
        if count.all >= limits.connections_per_address_max {
            return Err(TurnedAway::AddressFull);
        }
        if count.unauthenticated >= limits.unauthenticated_per_address_max {
            return Err(TurnedAway::UnknownAddressFull);
        }
        let more = Count { all: count.all + 1, unauthenticated: count.unauthenticated + 1 };
        addresses.insert(address, more);
        Ok(())
    }

    fn uncount_address(&self, address: Option<IpAddr>, all: usize, unauthenticated: usize) {
        let Some(address) = address else { return };
        let mut addresses = self.addresses.borrow_mut();
        let Some(count) = addresses.get_mut(&address) else { return };
        count.all -= all;
        count.unauthenticated -= unauthenticated;
        if count.all == 0 {
            addresses.remove(&address);
        }
    }
}

impl Permit {
    /// Counts the socket for the address that a proxy named as its client.
    ///
    /// # Errors
    /// The limit that the address has reached; the permit stays as it was.
    pub fn belongs_to(&mut self, address: IpAddr, limits: &DoorLimits) -> Result<(), TurnedAway> {
        let address = counted(address);
        if self.address == address {
            return Ok(());
        }
        let unauthenticated = usize::from(!self.is_authenticated);
        self.admission.count_address(address, limits)?;
        self.admission.uncount_address(address, 0, 1 - unauthenticated);
        self.admission.uncount_address(self.address, 1, unauthenticated);
        self.address = address;
        if let Some(unknown) = self.admission.unknown.borrow_mut().get_mut(&self.number) {
            unknown.address = address;
        }
        Ok(())
    }

    /// Called when a request begins on an existing socket. Idle sockets are closed before it. Its age stays as
    /// it is, or a client that asks now and then would keep its place for ever.
    pub fn renew(&mut self) {
        let admission = &self.admission;
        let mut unknown = admission.unknown.borrow_mut();
        let Some(renewed) = unknown.remove(&self.number) else { return };
        admission.last.set(admission.last.get() + 1);
        self.number = admission.last.get();
        unknown.insert(self.number, renewed);
    }

    /// Called when no request is running on the socket: it counts for the address that opened it again. No
    /// limit is checked, because it was admitted from there.
    pub fn returns(&mut self) {
        if self.address == self.entered_from {
            return;
        }
        let unauthenticated = usize::from(!self.is_authenticated);
        self.admission.uncount_address(self.address, 1, unauthenticated);
        self.address = self.entered_from;
        if let Some(unknown) = self.admission.unknown.borrow_mut().get_mut(&self.number) {
            unknown.address = self.address;
        }
        if let Some(address) = self.address {
            let mut addresses = self.admission.addresses.borrow_mut();
            let count = addresses.entry(address).or_default();
            count.all += 1;
            count.unauthenticated += unauthenticated;
        }
    }

    /// Resolves when the socket must be closed to make room for a newer one.
    pub fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let leave = Rc::clone(&self.leave);
        async move { leave.notified().await }
    }

    /// Marks the socket as authenticated. Calling it again changes nothing.
    pub fn authenticated(&mut self) {
        if !std::mem::replace(&mut self.is_authenticated, true) {
            self.admission.unknown.borrow_mut().remove(&self.number);
            let count = &self.admission.unauthenticated;
            count.set(count.get() - 1);
            self.admission.uncount_address(self.address, 0, 1);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.authenticated();
        self.admission.all.set(self.admission.all.get() - 1);
        self.admission.uncount_address(self.address, 1, 0);
    }
}

/// Of the address with the most sockets the one that was silent longest, if it has to make room for `newcomer`. Sockets
/// that are counted for no address are left out, because they may come from many.
fn most_of(unknown: &BTreeMap<u64, Unknown>, newcomer: Option<IpAddr>) -> Option<u64> {
    let mut counts: FxHashMap<IpAddr, (usize, u64)> = FxHashMap::default();
    for (number, it) in unknown {
        if let Some(address) = it.address {
            counts.entry(address).or_insert((0, *number)).0 += 1;
        }
    }
    let own = newcomer.and_then(|address| counts.get(&address)).map_or(0, |it| it.0) + 1;
    let most = counts.into_values().max_by_key(|&(count, first)| (count, std::cmp::Reverse(first)));
    most.filter(|it| it.0 > own.max(CROWD)).map(|it| it.1)
}

/// The address that limits apply to. An IPv6 address counts as its /64, because its owner has all of it.
/// This machine is not limited: proxies run on it, and local programs have easier ways to do harm.
fn counted(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    if address.is_loopback() {
        return None;
    }
    Some(match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("all", &self.all)
            .field("unauthenticated", &self.unauthenticated)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn limits() -> DoorLimits {
        DoorLimits {
            connections_max: 6,
            connections_per_address_max: 3,
            unauthenticated_max: 5,
            unauthenticated_per_address_max: 2,
            local_reserve: 0,
            ..DoorLimits::default()
        }
    }

    fn enter(admission: &Rc<Admission>, address: &str) -> Result<Permit, TurnedAway> {
        let address = Some(address.parse().expect("an address"));
        admission.enter(address, &limits())
    }

    #[test]
    fn an_address_may_have_so_many_sockets_and_fewer_unknown_ones() {
        let admission = Rc::default();
        let mut first = enter(&admission, "192.0.2.1").expect("room");
        let _second = enter(&admission, "192.0.2.1").expect("room");
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::UnknownAddressFull));
        first.authenticated();
        let third = enter(&admission, "::ffff:192.0.2.1").expect("room for an unknown one");
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::AddressFull));
        drop(third);
        let _again = enter(&admission, "192.0.2.1").expect("room again");
        assert_eq!(
            (admission.open(), admission.unauthenticated(), admission.turned_away()),
            (3, 2, 2)
        );
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_address() {
        let admission = Rc::default();
        let _places = ["2001:db8::1", "2001:db8::2"].map(|a| enter(&admission, a).expect("room"));
        assert_eq!(enter(&admission, "2001:db8::3").err(), Some(TurnedAway::UnknownAddressFull));
        assert!(enter(&admission, "2001:db8:0:1::3").is_ok());
    }

    #[test]
    fn the_hub_as_a_whole_is_limited_too_and_forgets_who_left() {
        let admission = Rc::default();
        let mut permits: Vec<Permit> =
            (1..=5).map(|i| enter(&admission, &format!("192.0.2.{i}")).expect("room")).collect();
        assert_eq!(enter(&admission, "127.0.0.1").err(), Some(TurnedAway::UnknownFull));
        permits[0].authenticated();
        permits.push(enter(&admission, "127.0.0.1").expect("room"));
        permits[1].authenticated();
        assert_eq!(enter(&admission, "192.0.2.9").err(), Some(TurnedAway::Full));
        permits.clear();
        assert_eq!((admission.open(), admission.unauthenticated()), (0, 0));
        assert!(admission.addresses.borrow().is_empty());
    }

    #[test]
    fn a_place_moves_to_the_address_that_a_proxy_names() {
        let admission: Rc<Admission> = Rc::default();
        let address: IpAddr = "192.0.2.1".parse().expect("an address");
        let mut permits: Vec<Permit> =
            (0..3).map(|_| admission.enter(None, &limits()).expect("room")).collect();
        assert_eq!(permits[0].belongs_to(address, &limits()), Ok(()));
        assert_eq!(permits[1].belongs_to(address, &limits()), Ok(()));
        let full = Err(TurnedAway::UnknownAddressFull);
        assert_eq!(permits[2].belongs_to(address, &limits()), full);
        permits.clear();
        assert!(admission.addresses.borrow().is_empty());
    }

    #[test]
    fn a_proxys_place_counts_for_nobody_between_two_requests() {
        let admission: Rc<Admission> = Rc::default();
        let address: IpAddr = "192.0.2.1".parse().expect("an address");
        let mut permits: Vec<Permit> =
            (0..2).map(|_| admission.enter(None, &limits()).expect("room")).collect();
        for permit in &mut permits {
            assert_eq!(permit.belongs_to(address, &limits()), Ok(()));
        }
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::UnknownAddressFull));
        permits[0].returns();
        let _own = enter(&admission, "192.0.2.1").expect("room");
        permits[1].returns();
        permits[1].returns();
        let counted = admission.unknown.borrow().values().filter(|it| it.address.is_some()).count();
        assert_eq!(counted, 1, "only the one that came by itself");
        let mut direct = enter(&admission, "192.0.2.1").expect("room");
        direct.returns();
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::UnknownAddressFull));
        assert_eq!((admission.open(), admission.unauthenticated()), (4, 4));
    }

    #[test]
    fn a_known_place_that_moves_counts_as_known_where_it_goes() {
        let admission: Rc<Admission> = Rc::default();
        let address: IpAddr = "192.0.2.1".parse().expect("an address");
        let mut known = enter(&admission, "192.0.2.2").expect("room");
        known.authenticated();
        assert_eq!(known.belongs_to(address, &limits()), Ok(()));
        assert_eq!(known.belongs_to(address, &limits()), Ok(()), "it is there already");
        let _others = [(); 2].map(|()| enter(&admission, "192.0.2.1").expect("room for unknown"));
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::AddressFull));
        let gone = admission.addresses.borrow().contains_key(&IpAddr::from([192, 0, 2, 2]));
        assert!(!gone, "nothing of it is left at the old address");
    }

    #[test]
    fn a_place_counts_again_for_the_address_that_opened_it() {
        let admission: Rc<Admission> = Rc::default();
        let named: IpAddr = "192.0.2.2".parse().expect("an address");
        let mut unknown = enter(&admission, "192.0.2.1").expect("room");
        let mut known = enter(&admission, "192.0.2.1").expect("room");
        known.authenticated();
        for permit in [&mut unknown, &mut known] {
            assert_eq!(permit.belongs_to(named, &limits()), Ok(()));
            permit.returns();
        }
        let _third = enter(&admission, "192.0.2.1").expect("room for an unknown one");
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::AddressFull));
        drop(known);
        assert_eq!(enter(&admission, "192.0.2.1").err(), Some(TurnedAway::UnknownAddressFull));
        assert!(!admission.addresses.borrow().contains_key(&named), "nothing is left there");
    }

    #[test]
    fn a_full_hub_still_lets_in_some_from_its_own_machine() {
        let admission = Rc::default();
        let limits = DoorLimits { connections_max: 2, local_reserve: 1, ..DoorLimits::default() };
        let enter = |address: &str| {
            let address = Some(address.parse().expect("an address"));
            Admission::enter(&admission, address, &limits)
        };
        let _places = ["192.0.2.1", "192.0.2.2"].map(|address| enter(address).expect("room"));
        assert_eq!(enter("192.0.2.3").err(), Some(TurnedAway::Full));
        let _local = enter("127.0.0.1").expect("the reserve");
        assert_eq!(enter("127.0.0.1").err(), Some(TurnedAway::Full));
        // A proxy serves many clients, wherever it runs.
        assert_eq!(Admission::enter(&admission, None, &limits).err(), Some(TurnedAway::Full));
    }

    #[test]
    fn a_place_that_may_not_move_still_counts_where_it_is() {
        let admission: Rc<Admission> = Rc::default();
        let full: IpAddr = "192.0.2.1".parse().expect("an address");
        let _places = [(); 2].map(|()| enter(&admission, "192.0.2.1").expect("room"));
        let mut permit = enter(&admission, "192.0.2.2").expect("room");
        assert_eq!(permit.belongs_to(full, &limits()), Err(TurnedAway::UnknownAddressFull));
        let _second = enter(&admission, "192.0.2.2").expect("room");
        assert_eq!(enter(&admission, "192.0.2.2").err(), Some(TurnedAway::UnknownAddressFull));
    }

    #[test]
    fn of_too_many_silent_sockets_the_oldest_goes_and_who_is_known_stays() {
        let admission = Rc::default();
        let keep = std::time::Duration::ZERO;
        let limits = DoorLimits { unauthenticated_max: 3, unauthenticated_keep: keep, ..limits() };
        let local = Some(IpAddr::from([127, 0, 0, 1]));
        let enter = || Admission::enter(&admission, local, &limits);
        let mut permits: Vec<Permit> = (0..3).map(|_| enter().expect("room")).collect();
        let is_told = |permit: &Permit| permit.evicted().now_or_never().is_some();
        permits[0].authenticated();
        permits.push(enter().expect("the place of the one that is known"));
        permits.push(enter().expect("the place of the oldest"));
        let told: Vec<bool> = permits.iter().map(is_told).collect();
        assert_eq!(told, [false, true, false, false, false]);
        permits.push(enter().expect("the place of the next one"));
        assert!(is_told(&permits[2]) && !is_told(&permits[3]));
        assert_eq!(admission.turned_away(), 2, "who had to go counts too");
        permits.clear();
        assert_eq!((admission.open(), admission.unauthenticated()), (0, 0));
        assert!(admission.unknown.borrow().is_empty());
    }

    #[test]
    fn an_address_with_many_silent_sockets_makes_room_for_one_with_few() {
        let admission: Rc<Admission> = Rc::default();
        let keep = std::time::Duration::MAX;
        let limits = DoorLimits {
            unauthenticated_max: 8,
            unauthenticated_keep: keep,
            ..DoorLimits::default()
        };
        let enter = |address: &str| {
            Admission::enter(&admission, Some(address.parse().expect("an address")), &limits)
        };
        let first = enter("192.0.2.1").expect("room");
        let mut many: Vec<Permit> =
            (1..=6).map(|n| enter(&format!("2001:db8::{n}")).expect("room")).collect();
        let _second = enter("192.0.2.2").expect("room");
        let is_told = |permit: &Permit| permit.evicted().now_or_never().is_some();
        let _third = enter("192.0.2.3").expect("the place of the oldest of six");
        assert!(is_told(&many.remove(0)));
        assert_eq!(enter("2001:db8::9").err(), Some(TurnedAway::UnknownFull), "not for its own");
        let _fourth = enter("192.0.2.4").expect("the place of the oldest of five");
        assert!(is_told(&many.remove(0)));
        assert_eq!(enter("192.0.2.5").err(), Some(TurnedAway::UnknownFull), "four are no crowd");
        assert!(!is_told(&first) && !many.iter().any(is_told));
        drop(many);
        assert_eq!(admission.unauthenticated(), 4);
    }

    #[test]
    fn an_address_makes_no_room_for_one_that_would_have_as_many() {
        let admission: Rc<Admission> = Rc::default();
        let limits = DoorLimits {
            unauthenticated_max: 11,
            unauthenticated_keep: std::time::Duration::MAX,
            ..DoorLimits::default()
        };
        let enter = |address: &str| {
            Admission::enter(&admission, Some(address.parse().expect("an address")), &limits)
        };
        let mut six = [(); 6].map(|()| enter("192.0.2.1").expect("room")).into_iter();
        let _five = [(); 5].map(|()| enter("192.0.2.2").expect("room"));
        assert_eq!(enter("192.0.2.2").err(), Some(TurnedAway::UnknownFull), "six for each");
        assert!(!six.any(|permit| permit.evicted().now_or_never().is_some()));
    }

    #[test]
    fn a_socket_on_which_a_request_begins_goes_after_those_on_which_nothing_happens() {
        let admission = Rc::default();
        let keep = std::time::Duration::ZERO;
        let limits = DoorLimits { unauthenticated_max: 2, unauthenticated_keep: keep, ..limits() };
        let local = Some(IpAddr::from([127, 0, 0, 1]));
        let enter = || Admission::enter(&admission, local, &limits).expect("room");
        let is_told = |permit: &Permit| permit.evicted().now_or_never().is_some();
        let (mut asking, idle) = (enter(), enter());
        asking.renew();
        let _new = enter();
        assert!(is_told(&idle) && !is_told(&asking));
        let _newer = enter();
        assert!(is_told(&asking));
        asking.renew();
        assert_eq!(admission.unknown.borrow().len(), 2, "who was told to go stays gone");
    }

    #[test]
    fn whoever_is_new_keeps_its_place_and_this_machine_has_a_reserve_here_too() {
        let admission = Rc::default();
        let limits = DoorLimits { unauthenticated_max: 2, local_reserve: 1, ..limits() };
        let enter = |address: &str| {
            Admission::enter(&admission, Some(address.parse().expect("an address")), &limits)
        };
        let _silent = ["127.0.0.1", "127.0.0.1"].map(|address| enter(address).expect("room"));
        assert_eq!(enter("192.0.2.1").err(), Some(TurnedAway::UnknownFull));
        assert!(admission.addresses.borrow().is_empty(), "it was not counted");
        let _operator = enter("127.0.0.1").expect("the reserve");
        assert_eq!(enter("127.0.0.1").err(), Some(TurnedAway::UnknownFull));
    }

    #[test]
    fn the_counts_are_shown_without_the_addresses() {
        let admission: Rc<Admission> = Rc::default();
        let _place = enter(&admission, "192.0.2.1").expect("room");
        let shown = format!("{admission:?}");
        assert!(shown.contains("all: Cell") && !shown.contains("192.0.2"), "{shown}");
    }
}

//! Sockets come, are known, move and go, without a network.

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
    assert_eq!((admission.open(), admission.unauthenticated(), admission.turned_away()), (3, 2, 2));
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
    let limits =
        DoorLimits { unauthenticated_max: 8, unauthenticated_keep: keep, ..DoorLimits::default() };
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

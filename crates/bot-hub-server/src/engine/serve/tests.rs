//! Whose frames are read and handled when: on a brain that knows everybody, with a clock that the test turns.

use std::net::IpAddr;

use bot_hub_core::Hub;
use bot_hub_core::access::{Access, Declared};
use bot_hub_core::settings::Settings;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;

use super::*;
use crate::door::{Buffers, Outbox, OutboxLimits};
use crate::engine::credential::hash_token;
use bot_hub_store::Store;
use bot_hub_store::driver::Driver;
use bot_hub_store::memory::MemoryStore;

const NOON: Timestamp = Timestamp(1_000_000_000);

/// A hub at which every reading of the meter says that more than a turn of one sender has passed.
fn hub() -> Engine {
    let mut store = MemoryStore::new().unwrap();
    let stored = store.load().unwrap();
    let hub = Hub::new(NOON, &[7; 32], Settings::default(), stored.snapshot);
    let mut access = Access::default();
    let token = |name: &str| (hash_token(name), BotId::new(name).unwrap(), false);
    let tokens = ["eve", "zoe"].map(token).into();
    access.configure(Declared { tokens, failures_per_minute: 100, ..Declared::default() });
    let driver = Driver::inline(Box::new(store)).unwrap();
    let mut engine = Engine::new(hub, access, driver, Rc::new(|| NOON));
    let readings = Cell::new(0);
    engine.meter = Rc::new(move || {
        readings.set(readings.get() + QUANTUM_NS + 1);
        readings.get()
    });
    engine
}

/// A connection from an address of its own, and what it has been sent.
fn open(engine: &mut Engine, conn: u64, address: u8) -> Rc<Outbox> {
    let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
    let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
    let (conn, peer) = (ConnId(conn), IpAddr::from([192, 0, 2, address]));
    let shared = Rc::clone(&outbox);
    engine.line_up(Intent::Opened { conn, peer, bearer: None, outbox: shared });
    outbox
}

fn say(engine: &mut Engine, conn: u64, frames: &[&str]) {
    let frames = frames.iter().map(|text| RawFrame::from(*text)).collect();
    engine.line_up(Intent::Frames { conn: ConnId(conn), frames });
}

fn settle(engine: &mut Engine) {
    while engine.has_more_to_serve() {
        engine.serve();
    }
}

/// It is refused, and the refusal is as long each time.
const BAD: &str = r#"{"type":"pong"}"#;

#[test]
fn a_bot_with_many_connections_has_one_turn_in_two_beside_another() {
    let mut engine = hub();
    let mut of_eve = Vec::new();
    for conn in 1..=4 {
        of_eve.push(open(&mut engine, conn, 1));
        say(&mut engine, conn, &[r#"{"type":"auth","token":"eve","side":true}"#]);
    }
    let zoe = [open(&mut engine, 9, 2)];
    say(&mut engine, 9, &[r#"{"type":"auth","token":"zoe","side":true}"#]);
    settle(&mut engine);
    let sent = |to: &[Rc<Outbox>]| to.iter().map(|it| it.len()).sum::<usize>();
    let (eve_before, zoe_before) = (sent(&of_eve), sent(&zoe));
    say(&mut engine, 9, &[BAD]);
    settle(&mut engine);
    let refusal = sent(&zoe) - zoe_before;

    for conn in 1..=4 {
        say(&mut engine, conn, &[BAD; 8]);
    }
    say(&mut engine, 9, &[BAD; 8]);
    while sent(&zoe) < zoe_before + 9 * refusal {
        engine.serve();
    }
    // What is served in the same turn behind the last one counts, too.
    let refused = (sent(&of_eve) - eve_before) / refusal;
    assert!((7..=11).contains(&refused), "{refused} frames of the one, 8 of the other");
    settle(&mut engine);
    assert_eq!((sent(&of_eve) - eve_before) / refusal, 32, "all of them are answered");
}

/// What a pong says of a bot after it was slowed down, if it came in with those fields of `auth`.
fn told(auth: &str) -> Option<Slowed> {
    let mut engine = hub();
    let eve = open(&mut engine, 1, 1);
    say(&mut engine, 1, &[&format!(r#"{{"type":"auth","token":"eve"{auth}}}"#)]);
    let _zoe = open(&mut engine, 9, 2);
    settle(&mut engine);
    for _ in 0..4 {
        say(&mut engine, 9, &[BAD]);
    }
    for _ in 0..5 {
        say(&mut engine, 1, &[BAD]);
    }
    settle(&mut engine);
    assert_eq!(engine.slowed(&BotId::new("eve").unwrap()).map(|it| it.times), Some(1));
    say(&mut engine, 1, &[r#"{"type":"ping","at":7}"#]);
    settle(&mut engine);
    let sent = eve.text();
    let pong = sent.rfind(r#"{"type":"pong""#).map(|at| &sent[at..]).expect("it is answered");
    match ServerFrame::decode(pong.as_bytes()).unwrap().unwrap() {
        ServerFrame::Pong(pong) => pong.slowed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bot_that_was_slowed_down_is_told_so_and_a_seed_client_gets_what_it_always_got() {
    let slowed = told(r#","caps":[]"#).expect("it is told");
    assert!(slowed.times == 1 && slowed.ms > 0 && slowed.busy_ms > 0, "{slowed:?}");
    assert_eq!(told(""), None);
}

#[test]
fn strangers_at_one_address_have_one_share() {
    let mut engine = hub();
    let strangers: Vec<_> = (1..=8).map(|conn| open(&mut engine, conn, 1)).collect();
    let zoe = open(&mut engine, 9, 2);
    settle(&mut engine);
    for conn in 1..=8 {
        say(&mut engine, conn, &[BAD]);
    }
    say(&mut engine, 9, &[r#"{"type":"auth","token":"zoe"}"#]);
    // One turn is enough for some of them, and for zoe.
    engine.serve();
    assert!(!zoe.is_empty(), "somebody from elsewhere does not wait for all of them");
    assert!(strangers.iter().any(|it| it.is_empty()));
}

#[test]
fn whoever_says_who_it_is_is_read_again_whatever_held_for_the_strangers_at_its_address() {
    let mut engine = hub();
    let eve = open(&mut engine, 1, 1);
    let strangers: Vec<_> = (2..=40).map(|conn| open(&mut engine, conn, 1)).collect();
    settle(&mut engine);
    say(&mut engine, 1, &[r#"{"type":"auth","token":"eve"}"#]);
    for conn in 2..=40 {
        say(&mut engine, conn, &[BAD]);
    }
    assert!(eve.is_slowed(), "there are many at its address");
    settle(&mut engine);
    assert!(!eve.is_slowed());
    assert!(strangers.iter().all(|it| !it.is_slowed()));
}

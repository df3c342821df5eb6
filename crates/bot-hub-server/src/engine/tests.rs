//! Who is let in after how many failures, from where, and what a token is worth; and what an operator
//! hears when a bot cannot be stored.
//!
//! Owns no rule: everything is asked of [`Registry`] and [`Engine`] as a door would ask it.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use bot_hub_core::Hub;
use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::entry::Draft;
use bot_hub_core::io::Caps;
use bot_hub_core::settings::Settings;
use bot_protocol::frame::operator::{Operate, Operation, Page};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::encode::Form;
use super::registry::{Origin, Pass, Refusal, Registry, hash_token};
use super::{Engine, Known, Owner, Peer};
use crate::door::ws::CloseCode;
use crate::door::{Buffers, ConnId, Intent, Outbox, OutboxLimits, RawFrame};
use bot_hub_store::driver::Driver;
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::{BotRecord, Loaded, Reader, Store, StoreError, TokenRecord, Write};

const NOON: Timestamp = Timestamp(1_000_000_000);

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Ana has the token `good`, and an address may fail so often in a minute.
fn registry(failures_per_minute: u32) -> Registry {
    let mut registry = Registry::default();
    registry.configure([(hash_token("good"), bot("ana"), false)], vec![], failures_per_minute);
    registry
}

/// Why that token is refused, so many milliseconds after noon.
fn refusal(registry: &mut Registry, from: IpAddr, token: &str, after_ms: u64) -> Option<Refusal> {
    registry.authenticate(&Secret::new(token), from, NOON + after_ms).err()
}

#[test]
fn failures_are_counted_from_the_first_of_a_minute() {
    let mut registry = registry(3);
    let from = address("203.0.113.9");
    let mut check = |token: &str, after_ms: u64, expected: Option<Refusal>| {
        assert_eq!(refusal(&mut registry, from, token, after_ms), expected, "at {after_ms}");
    };
    check("guess", 0, Some(Refusal::Unknown));
    check("guess", 1, Some(Refusal::Unknown));
    // The third comes when the minute of the first is over, and is the first of another.
    check("guess", 60_000, Some(Refusal::Unknown));
    check("guess", 60_001, Some(Refusal::Unknown));
    check("good", 60_002, None);
    check("guess", 60_002, Some(Refusal::Unknown));
    check("good", 60_003, Some(Refusal::Throttled(59_997)));
    check("good", 119_999, Some(Refusal::Throttled(1)));
    check("good", 120_000, None);
}

#[test]
fn a_network_of_64_bits_is_one_guesser_and_the_next_one_is_another() {
    let mut registry = registry(2);
    for from in ["2001:db8::1", "2001:db8::ffff:2"] {
        let refused = refusal(&mut registry, address(from), "guess", 0);
        assert_eq!(refused, Some(Refusal::Unknown));
    }
    let mut check = |from: &str, expected: Option<Refusal>| {
        assert_eq!(refusal(&mut registry, address(from), "good", 0), expected, "{from}");
    };
    check("2001:db8::3", Some(Refusal::Throttled(60_000)));
    check("2001:db8:0:1::1", None);
    check("2001:db9::1", None);
    check("203.0.113.9", None);
}

#[test]
fn an_ipv4_address_is_the_same_however_it_is_written() {
    let mut registry = registry(1);
    let refused = refusal(&mut registry, address("::ffff:203.0.113.9"), "guess", 0);
    assert_eq!(refused, Some(Refusal::Unknown));
    let mut check = |from: &str, expected: Option<Refusal>| {
        assert_eq!(refusal(&mut registry, address(from), "good", 0), expected, "{from}");
    };
    check("203.0.113.9", Some(Refusal::Throttled(60_000)));
    check("203.0.113.8", None);
}

#[test]
fn so_many_addresses_are_remembered_and_no_more() {
    let mut registry = registry(1);
    let nth = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n));
    let is_braked = |registry: &mut Registry, from: IpAddr, after_ms: u64| {
        refusal(registry, from, "good", after_ms).is_some()
    };
    for n in 0..10_000 {
        assert_eq!(refusal(&mut registry, nth(n), "guess", 0), Some(Refusal::Unknown));
    }
    assert!(is_braked(&mut registry, nth(0), 0), "all of them are remembered");

    let lowest = address("9.9.9.9");
    assert_eq!(refusal(&mut registry, lowest, "guess", 1), Some(Refusal::Unknown));
    assert!(!is_braked(&mut registry, nth(0), 1), "one had to make room");
    assert!(is_braked(&mut registry, nth(1), 1) && is_braked(&mut registry, nth(9_999), 1));
    assert!(is_braked(&mut registry, lowest, 1));

    // Those whose minute is over go first, and then nobody has to make room.
    let late = nth(20_000);
    assert_eq!(refusal(&mut registry, late, "guess", 60_000), Some(Refusal::Unknown));
    assert!(is_braked(&mut registry, lowest, 60_000) && is_braked(&mut registry, late, 60_000));
    assert!(!is_braked(&mut registry, nth(1), 60_000));
}

fn record(name: &str, operator: bool, disabled: bool) -> BotRecord {
    BotRecord {
        bot: bot(name),
        operator,
        disabled,
        guest: false,
        created_at: NOON,
        last_seen: None,
    }
}

fn stored(token: &str, name: &str) -> TokenRecord {
    TokenRecord { bot: bot(name), hash: hash_token(token), created_at: NOON, expires_at: None }
}

#[test]
fn what_the_store_remembers_opens_the_door_unless_it_is_switched_off() {
    let mut registry = registry(9);
    let bots = vec![record("cleo", true, false), record("dora", false, true)];
    registry.restore(bots, vec![stored("cleos", "cleo"), stored("doras", "dora")]);
    let from = address("127.0.0.1");
    assert_eq!(refusal(&mut registry, from, "cleos", 0), None);
    assert_eq!(refusal(&mut registry, from, "doras", 0), Some(Refusal::Disabled));
    assert!(registry.is_operator(&bot("cleo")) && !registry.is_operator(&bot("dora")));
    assert_eq!(registry.record(&bot("dora")), Some(&record("dora", false, true)));
    registry.keep(record("dora", true, false));
    assert_eq!(refusal(&mut registry, from, "doras", 0), None);
    assert!(registry.is_operator(&bot("dora")));
}

#[test]
fn a_bot_comes_from_where_its_tokens_are_written_down() {
    let mut registry = registry(9);
    let check = |registry: &Registry, name: &str, origin: Option<Origin>, tokens: usize| {
        let found = (registry.origin(&bot(name)), registry.token_count(&bot(name)));
        assert_eq!(found, (origin, tokens), "{name}");
    };
    check(&registry, "ana", Some(Origin::Config), 1);
    check(&registry, "cleo", None, 0);
    registry.keep(record("cleo", false, false));
    check(&registry, "cleo", Some(Origin::Store), 0);
    registry.accept(hash_token("cleos"), bot("cleo"), Origin::Store, false);
    registry.accept(hash_token("anas"), bot("ana"), Origin::Store, false);
    check(&registry, "cleo", Some(Origin::Store), 1);
    check(&registry, "ana", Some(Origin::Config), 2);
    registry.accept(hash_token("local"), bot("cleo"), Origin::Process, false);
    check(&registry, "cleo", Some(Origin::Process), 2);
    assert_eq!(registry.names().into_iter().collect::<Vec<_>>(), [bot("ana"), bot("cleo")]);
}

#[test]
fn only_the_tokens_that_were_made_at_run_time_can_be_taken_away() {
    let mut registry = registry(9);
    for (token, name, origin) in [
        ("anas", "ana", Origin::Store),
        ("cleos", "cleo", Origin::Store),
        ("local", "ana", Origin::Process),
    ] {
        registry.accept(hash_token(token), bot(name), origin, false);
    }
    registry.keep(record("ana", false, false));
    registry.forget(&bot("ana"));
    let from = address("127.0.0.1");
    let mut check = |token: &str, expected: Option<Refusal>| {
        assert_eq!(refusal(&mut registry, from, token, 0), expected, "{token}");
    };
    check("anas", Some(Refusal::Unknown));
    check("good", None);
    check("local", None);
    check("cleos", None);
    assert_eq!(registry.record(&bot("ana")), None);
}

#[test]
fn a_bot_whose_last_token_is_switched_off_has_lost_its_tokens() {
    let mut registry = registry(9);
    let tokens = [(hash_token("good"), bot("ana"), true)];
    registry.configure(tokens, vec![], 9);
    assert!(registry.standing(&bot("ana"), NOON).shut_out);
    let from = address("127.0.0.1");
    assert_eq!(refusal(&mut registry, from, "good", 0), Some(Refusal::Disabled));
}

/// A store that is full.
struct Full(MemoryStore);

impl Store for Full {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.0.load()
    }

    fn commit(&mut self, _: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        Err(StoreError::Full { path: "hub.db".to_owned() })
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.0.reader()
    }
}

/// An engine on a store, and what ana hears, who may operate it.
fn operated(
    mut store: impl Store + 'static,
    start: impl FnOnce(Box<dyn Store>) -> Driver,
) -> (Engine, Rc<Outbox>) {
    let snapshot = store.load().unwrap().snapshot;
    let hub = Hub::new(NOON, &[1; 32], Settings::default(), snapshot);
    let mut registry = registry(9);
    registry.configure([(hash_token("good"), bot("ana"), false)], vec![bot("ana")], 9);
    let mut engine = Engine::new(hub, registry, start(Box::new(store)), Rc::new(|| NOON));
    let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
    let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
    let form = Form::of(false, Caps::default());
    let (client, token) = (None, hash_token("good"));
    let known = Known { pass: Pass { bot: bot("ana"), token }, client, form, reads: false };
    let address = address("127.0.0.1");
    let peer = Peer { known: Some(known), ..Peer::new(Rc::clone(&outbox), address) };
    engine.peers.insert(ConnId(1), peer);
    (engine, outbox)
}

fn operate(engine: &mut Engine, operation: Operation) {
    engine.operate_bots(ConnId(1), Operate { reference: "r1".into(), operation });
}

#[test]
fn an_operator_hears_that_a_bot_could_not_be_stored() {
    let store = Full(MemoryStore::new().unwrap());
    let (mut engine, outbox) = operated(store, |store| Driver::inline(store).unwrap());
    operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
    assert!(!outbox.is_empty(), "there is an answer");
    assert_eq!(engine.registry.origin(&bot("dora")), None);
    assert!(!engine.registry.is_taken(&bot("dora")));
}

#[test]
fn a_bot_is_changed_once_at_a_time() {
    let (told, mut events) = mpsc::channel(64);
    let start = |store| Driver::start(store, told).unwrap();
    let (mut engine, outbox) = operated(MemoryStore::new().unwrap(), start);
    operate(&mut engine, Operation::BotDisable { bot: bot("ana") });
    assert!(outbox.is_empty(), "nothing is stored yet");
    // Made from what is known now, it would switch her on again.
    operate(&mut engine, Operation::BotRotateToken { bot: bot("ana"), overlap_ms: None });
    assert!(!outbox.is_empty(), "it is refused at once");
    engine.submit();
    while !engine.submitted.is_empty() {
        engine.store_event(events.blocking_recv().expect("the store answers"));
    }
    assert!(engine.registry.record(&bot("ana")).is_some_and(|it| it.disabled));
    assert_eq!(engine.registry.token_count_of(&bot("ana"), Origin::Store), 0);
    assert!(!engine.registry.is_changing(&bot("ana")));
}

#[test]
fn a_token_that_nobody_keeps_ends_by_itself_and_ends_no_other() {
    let (mut engine, outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    let tokens = |engine: &Engine| engine.registry.token_count_of(&bot("dora"), Origin::Store);
    operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
    operate(&mut engine, Operation::BotPrepareToken { bot: bot("dora") });
    assert_eq!(tokens(&engine), 2, "the old one and the new one");
    let prepared = last_token_id(&outbox);
    let keep = |token_id| Operation::BotKeepToken { bot: bot("dora"), token_id, old_ends_at: None };
    let before = outbox.len();
    operate(&mut engine, keep("00".repeat(8).into()));
    assert!(outbox.len() > before && tokens(&engine) == 2, "another one is not kept");
    engine.now = engine.now + 5 * 60_000;
    engine.end_tokens();
    assert_eq!(tokens(&engine), 1, "nobody kept it");
    operate(&mut engine, keep(prepared));
    assert_eq!(tokens(&engine), 1, "too late");
    operate(&mut engine, Operation::BotPrepareToken { bot: bot("dora") });
    operate(&mut engine, keep(last_token_id(&outbox)));
    assert_eq!(tokens(&engine), 1, "it is the only one");
    engine.now = engine.now + 5 * 60_000;
    engine.end_tokens();
    assert_eq!(tokens(&engine), 1, "it stays");
}

/// What the latest token that was prepared is named by.
fn last_token_id(outbox: &Outbox) -> SmolStr {
    let told = outbox.text();
    let (_, behind) = told.rsplit_once(r#""token_id":""#).expect("a token was prepared");
    behind[..16].into()
}

#[test]
fn a_token_that_ends_by_an_overlap_is_not_kept_and_one_that_was_kept_is_kept_again() {
    let (mut engine, outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    let tokens = |engine: &Engine| engine.registry.token_count_of(&bot("dora"), Origin::Store);
    let refusals = || outbox.text().matches(r#""name":"not_allowed""#).count();
    operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
    let old_ends_at = Some(engine.now + 10 * 60_000);
    let keep = |token_id: &SmolStr, old_ends_at| {
        let token_id = token_id.clone();
        Operation::BotKeepToken { bot: bot("dora"), token_id, old_ends_at }
    };
    operate(&mut engine, Operation::BotPrepareToken { bot: bot("dora") });
    let first = last_token_id(&outbox);
    operate(&mut engine, keep(&first, None));
    operate(&mut engine, Operation::BotPrepareToken { bot: bot("dora") });
    let second = last_token_id(&outbox);
    operate(&mut engine, keep(&second, old_ends_at));
    assert_eq!((tokens(&engine), refusals()), (2, 0));
    operate(&mut engine, keep(&first, None));
    assert_eq!((tokens(&engine), refusals()), (2, 1), "it would end the newer one");
    operate(&mut engine, keep(&second, old_ends_at));
    assert_eq!((tokens(&engine), refusals()), (2, 1), "the answer may have been lost");
    engine.now = engine.now + 10 * 60_000;
    engine.end_tokens();
    assert_eq!(tokens(&engine), 1);
    operate(&mut engine, keep(&second, old_ends_at));
    assert_eq!((tokens(&engine), refusals()), (1, 1));
}

#[test]
fn a_token_that_was_prepared_may_be_kept_until_it_ends_unless_an_overlap_ends_it_sooner() {
    let check = |overlap_ms: u64, kept_after_ms: u64, refused: usize| {
        let (mut engine, outbox) =
            operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
        let bot = || bot("dora");
        operate(&mut engine, Operation::BotAdd { bot: bot(), operator: false });
        operate(&mut engine, Operation::BotPrepareToken { bot: bot() });
        let token_id = last_token_id(&outbox);
        let overlap_ms = Some(overlap_ms);
        operate(&mut engine, Operation::BotRotateToken { bot: bot(), overlap_ms });
        engine.now = engine.now + kept_after_ms;
        let keep = Operation::BotKeepToken { bot: bot(), token_id, old_ends_at: None };
        operate(&mut engine, keep);
        let refusals = outbox.text().matches(r#""name":"not_allowed""#).count();
        assert_eq!(refusals, refused, "{overlap_ms:?} {kept_after_ms}");
    };
    let prepared_ms = 5 * 60_000;
    check(prepared_ms + 1, prepared_ms - 1, 0);
    check(prepared_ms, 1, 0);
    check(prepared_ms - 1, 1, 1);
    check(prepared_ms + 1, prepared_ms, 1);
}

#[test]
fn the_tokens_of_whoever_uses_the_command_line_end_if_they_are_not_of_this_process() {
    let (mut engine, _outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    let count = |engine: &Engine| engine.registry.token_count(&bot("operator"));
    for (token, origin) in [("local", Origin::Process), ("of-before", Origin::Store)] {
        engine.registry.accept(hash_token(token), bot("operator"), origin, false);
    }
    for left in [1, 1] {
        operate(&mut engine, Operation::BotRevokeToken { bot: bot("operator") });
        assert_eq!(count(&engine), left);
    }
}

#[test]
fn a_reader_is_noted_whenever_it_comes_and_a_command_once_a_minute() {
    let (mut engine, _outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    engine.registry.keep(record("ana", false, false));
    let mut check = |conn: u64, side: bool, after_ms: u64, seen_after_ms: u64| {
        engine.now = NOON + after_ms;
        let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
        let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
        let (conn, peer) = (ConnId(conn), address("127.0.0.1"));
        engine.intent(Intent::Opened { conn, peer, bearer: None, outbox });
        let auth = format!(r#"{{"type":"auth","token":"good","side":{side}}}"#);
        engine.intent(Intent::Frames { conn, frames: [RawFrame::from(&*auth)].into() });
        engine.submit();
        let seen = engine.registry.record(&bot("ana")).and_then(|it| it.last_seen);
        assert_eq!(seen, Some(NOON + seen_after_ms), "{conn:?}");
    };
    check(11, true, 0, 0);
    check(12, true, 59_999, 0);
    check(13, true, 60_000, 60_000);
    check(14, false, 60_001, 60_001);
}

#[test]
fn what_is_known_of_a_bot_while_it_is_changed_is_not_forgotten_by_the_change() {
    let mut registry = registry(9);
    let seen = |at: u64| Some(NOON + at);
    registry.keep(record("cleo", false, false));
    registry.seen(&bot("cleo"), NOON + 5);
    for (kept, expected) in [(None, seen(5)), (seen(4), seen(5)), (seen(9), seen(9))] {
        registry.keep(BotRecord { last_seen: kept, ..record("cleo", false, false) });
        let found = registry.record(&bot("cleo")).and_then(|it| it.last_seen);
        assert_eq!(found, expected, "{kept:?}");
    }
}

#[test]
fn bots_without_a_token_come_in_pages_too() {
    let mut registry = registry(9);
    for name in ["bea", "cleo", "dora"] {
        registry.keep(record(name, false, false));
    }
    let wish = Page { after: Some("ana".into()), limit: Some(2) };
    assert_eq!(registry.page(&wish), ([bot("bea"), bot("cleo")].to_vec(), Some("cleo".into())));
    let wish = Page { after: Some("bea".into()), limit: Some(2) };
    assert_eq!(registry.page(&wish), ([bot("cleo"), bot("dora")].to_vec(), None));
}

#[test]
fn a_long_guess_is_braked_like_a_short_one() {
    let mut registry = registry(1);
    let from = address("203.0.113.9");
    for expected in [Refusal::Unknown, Refusal::Throttled(60_000)] {
        let refused = refusal(&mut registry, from, "a-guess-that-is-as-long-as-a-token", 0);
        assert_eq!(refused, Some(expected));
    }
}

#[test]
fn a_connection_that_only_showed_a_token_ends_with_that_token() {
    let (mut engine, outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    for (conn, end) in [
        (2, Operation::BotRevokeToken { bot: bot("dora") }),
        (3, Operation::BotRemove { bot: bot("dora") }),
    ] {
        operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
        operate(&mut engine, Operation::BotRotateToken { bot: bot("dora"), overlap_ms: None });
        let told = outbox.text();
        let (_, token) = told.rsplit_once(r#""token":""#).expect("a token was made");
        let bearer = token.split('"').next().map(Secret::new);
        let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
        let shown = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
        let (peer, its) = (address("192.0.2.1"), Rc::clone(&shown));
        engine.intent(Intent::Opened { conn: ConnId(conn), peer, bearer, outbox: its });
        assert!(shown.is_open());
        operate(&mut engine, end);
        assert_eq!(shown.close_code(), Some(CloseCode::REVOKED), "{conn}");
    }
}

#[test]
fn a_store_that_owes_much_takes_no_more() {
    let (told, mut events) = mpsc::channel(64);
    let start = |store| Driver::start(store, told).unwrap();
    let (mut engine, _outbox) = operated(MemoryStore::new().unwrap(), start);
    let room = RoomName::new("lab").unwrap();
    let append = |at: usize| {
        let draft = Draft {
            room: room.clone(),
            from: bot("ana"),
            id: MessageId::new(&format!("m{at}")).unwrap(),
            text: "x".repeat(1 << 20),
            sent_at: NOON,
            extras: None,
        };
        Write::Change(Change::Append(Arc::new(draft)))
    };
    let make = Write::Change(Change::CreateRoom { room: room.clone(), closed: false });
    engine.write(vec![make], Owner::Unattended);
    for at in 0..32 {
        assert!(engine.keeps_up(), "{at} MiB");
        engine.write(vec![append(at)], Owner::Unattended);
    }
    assert!(!engine.keeps_up());
    while !engine.submitted.is_empty() {
        engine.store_event(events.blocking_recv().expect("the store answers"));
    }
    assert!(engine.keeps_up());
    assert_eq!((engine.unsettled, engine.unsettled_bytes), (0, 0));
}

#[test]
fn only_the_tokens_of_that_bot_that_were_made_at_run_time_end() {
    let mut registry = registry(99);
    registry.accept(hash_token("anas"), bot("ana"), Origin::Store, false);
    registry.accept(hash_token("cleos"), bot("cleo"), Origin::Store, false);
    registry.expire_at(&bot("ana"), NOON + 10);
    let from = address("127.0.0.1");
    let mut check = |token: &str, after_ms: u64, expected: Option<Refusal>| {
        assert_eq!(refusal(&mut registry, from, token, after_ms), expected, "{token} {after_ms}");
    };
    check("anas", 9, None);
    check("anas", 10, Some(Refusal::Unknown));
    check("good", 10, None);
    check("cleos", 10, None);
}

#[test]
fn a_pass_is_good_as_long_as_its_token_and_its_bot_are() {
    let mut registry = registry(9);
    registry.accept(hash_token("cleos"), bot("cleo"), Origin::Store, false);
    let from = address("127.0.0.1");
    let pass = registry.authenticate(&Secret::new("cleos"), from, NOON).unwrap();
    assert!(registry.is_good(&pass, NOON));
    registry.expire_at(&bot("cleo"), NOON + 10);
    assert!(registry.is_good(&pass, NOON + 9) && !registry.is_good(&pass, NOON + 10));

    let pass = registry.authenticate(&Secret::new("good"), from, NOON).unwrap();
    registry.keep(record("ana", false, true));
    assert!(!registry.is_good(&pass, NOON));
    registry.keep(record("ana", false, false));
    assert!(registry.is_good(&pass, NOON));
    registry.configure([], vec![], 9);
    assert!(!registry.is_good(&pass, NOON));
}

#[test]
fn a_guest_is_whoever_came_by_an_invite_and_operates_nothing() {
    let mut registry = registry(9);
    registry.keep(BotRecord { guest: true, ..record("gus", false, false) });
    registry.keep(BotRecord { guest: true, ..record("ops", true, false) });
    // The file has a token for her, and whoever wrote the file vouches for her.
    registry.keep(BotRecord { guest: true, ..record("ana", false, false) });
    registry.keep(record("cleo", false, false));
    let guests = ["gus", "ops", "cleo", "ana"].map(|name| registry.is_guest(&bot(name)));
    assert_eq!(guests, [true, false, false, false]);
}

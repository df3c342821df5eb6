//! What an operator hears when a bot is stored, or cannot be, and whose connections end by it.
//!
//! Owns no rule: everything is asked of [`Engine`] as a door would ask it.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bot_hub_core::Hub;
use bot_hub_core::access::{Access, AccessWrite, BotRecord, Declared, Origin, Pass};
use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::entry::Draft;
use bot_hub_core::io::Caps;
use bot_hub_core::settings::Settings;
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::credential::hash_token;
use super::encode::Form;
use super::{Engine, Known, Owner, Peer};
use crate::door::ws::CloseCode;
use crate::door::{Buffers, ConnId, Intent, Outbox, OutboxLimits, RawFrame};
use bot_hub_store::driver::{Driver, StoreEvent};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::{Loaded, Reader, Store, StoreError, Write};

const NOON: Timestamp = Timestamp(1_000_000_000);

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A store that is full as long as that is true.
struct Sometimes(MemoryStore, Arc<AtomicBool>);

impl Store for Sometimes {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.0.load()
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        match self.1.load(Ordering::Relaxed) {
            true => Err(StoreError::Full { path: "hub.db".to_owned() }),
            false => self.0.commit(batch),
        }
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.0.reader()
    }
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
pub(super) fn operated(
    mut store: impl Store + 'static,
    start: impl FnOnce(Box<dyn Store>) -> Driver,
) -> (Engine, Rc<Outbox>) {
    let snapshot = store.load().unwrap().snapshot;
    let hub = Hub::new(NOON, &[1; 32], Settings::default(), snapshot);
    let mut access = Access::default();
    access.configure(Declared {
        tokens: vec![(hash_token("good"), bot("ana"), false)],
        operators: vec![bot("ana")],
        failures_per_minute: 9,
        ..Declared::default()
    });
    let mut engine = Engine::new(hub, access, start(Box::new(store)), Rc::new(|| NOON));
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
    engine.operate_bots(ConnId(1), Operate { reference: "r1".into(), operation, why: None });
}

#[test]
fn an_operator_hears_that_a_bot_could_not_be_stored() {
    let store = Full(MemoryStore::new().unwrap());
    let (mut engine, outbox) = operated(store, |store| Driver::inline(store).unwrap());
    operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
    assert!(!outbox.is_empty(), "there is an answer");
    assert_eq!(engine.access.registry().origin(&bot("dora")), None);
    assert!(!engine.access.registry().is_taken(&bot("dora")));
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
    assert!(engine.access.registry().record(&bot("ana")).is_some_and(|it| it.disabled));
    assert_eq!(engine.access.registry().token_count_of(&bot("ana"), Origin::Store), 0);
    assert!(!engine.access.registry().is_changing(&bot("ana")));
}

fn declared(tokens: &[(&str, &str)]) -> Declared {
    let token = |(token, name): &(&str, &str)| (hash_token(token), bot(name), false);
    Declared {
        tokens: tokens.iter().map(token).collect(),
        operators: vec![bot("ana")],
        failures_per_minute: 9,
        ..Declared::default()
    }
}

fn settle(engine: &mut Engine, events: &mut mpsc::Receiver<StoreEvent>) {
    engine.submit();
    while !engine.submitted.is_empty() {
        engine.store_event(events.blocking_recv().expect("the store answers"));
    }
}

#[test]
fn a_bot_that_the_file_names_while_it_is_being_removed_is_there_and_is_another_one() {
    let (told, mut events) = mpsc::channel(64);
    let start = |store| Driver::start(store, told).unwrap();
    let (mut engine, _outbox) = operated(MemoryStore::new().unwrap(), start);
    operate(&mut engine, Operation::BotAdd { bot: bot("zoe"), operator: false });
    settle(&mut engine, &mut events);
    operate(&mut engine, Operation::BotRemove { bot: bot("zoe") });
    assert!(engine.access.registry().is_changing(&bot("zoe")));
    engine.declare(declared(&[("good", "ana"), ("hers", "zoe")]));
    settle(&mut engine, &mut events);
    let registry = engine.access.registry();
    assert!(registry.record(&bot("zoe")).is_some(), "taken out of the file, it stays");
    assert!(!registry.standing(&bot("zoe"), NOON).shut_out);
    assert_eq!(registry.token_count(&bot("zoe")), 1);
}

#[test]
fn a_bot_of_the_file_that_the_store_did_not_take_is_stored_once_it_takes_something() {
    let is_full = Arc::new(AtomicBool::new(true));
    let store = Sometimes(MemoryStore::new().unwrap(), Arc::clone(&is_full));
    let (mut engine, _outbox) = operated(store, |store| Driver::inline(store).unwrap());
    engine.declare(declared(&[("good", "ana"), ("hers", "zoe")]));
    assert!(engine.access.registry().record(&bot("zoe")).is_none());
    is_full.store(false, Ordering::Relaxed);
    operate(&mut engine, Operation::BotAdd { bot: bot("dora"), operator: false });
    assert!(engine.access.registry().record(&bot("zoe")).is_some());
    assert!(!engine.access.registry().is_changing(&bot("zoe")));
}

#[test]
fn a_token_that_nobody_keeps_ends_by_itself_and_ends_no_other() {
    let (mut engine, outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    let tokens =
        |engine: &Engine| engine.access.registry().token_count_of(&bot("dora"), Origin::Store);
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
    let tokens =
        |engine: &Engine| engine.access.registry().token_count_of(&bot("dora"), Origin::Store);
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
fn a_reader_is_noted_whenever_it_comes_and_a_command_once_a_minute() {
    let (mut engine, _outbox) =
        operated(MemoryStore::new().unwrap(), |store| Driver::inline(store).unwrap());
    let (bot, created_at) = (bot("ana"), NOON);
    let (operator, disabled, guest, last_seen) = (true, false, false, None);
    let record = BotRecord { bot: bot.clone(), operator, disabled, guest, created_at, last_seen };
    engine.access.apply(&AccessWrite::Bot(record));
    let mut check = |conn: u64, side: bool, after_ms: u64, seen_after_ms: u64| {
        engine.now = NOON + after_ms;
        let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
        let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
        let (conn, peer) = (ConnId(conn), address("127.0.0.1"));
        engine.intent(Intent::Opened { conn, peer, bearer: None, outbox });
        let auth = format!(r#"{{"type":"auth","token":"good","side":{side}}}"#);
        engine.intent(Intent::Frames { conn, frames: [RawFrame::from(&*auth)].into() });
        engine.submit();
        let seen = engine.access.registry().record(&bot).and_then(|it| it.last_seen);
        assert_eq!(seen, Some(NOON + seen_after_ms), "{conn:?}");
    };
    check(11, true, 0, 0);
    check(12, true, 59_999, 0);
    check(13, true, 60_000, 60_000);
    check(14, false, 60_001, 60_001);
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

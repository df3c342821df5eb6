//! What comes while something about an invite is on its way to the store.
//!
//! Owns the store's slowness: nothing is settled before a test says so.

mod rules;

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bot_hub_core::Hub;
use bot_hub_core::access::{Access, Rooms};
use bot_hub_core::change::Outcome;
use bot_hub_core::settings::Settings;
use bot_protocol::name::RoomName;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use serde_json::{Value, json};
use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::door::{Answer, Buffers, ClaimWish, Intent, Outbox, OutboxLimits, RawFrame};
use crate::engine::Reconfiguration;
use crate::engine::audit::Acts;
use crate::engine::credential::hash_token;
use bot_hub_store::driver::{Driver, StoreEvent};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::{Loaded, Reader, Store, StoreError, Write};

const NOON: Timestamp = Timestamp(1_000_000_000);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A store on a disk that may be full.
struct Disk(MemoryStore, Arc<AtomicBool>);

impl Store for Disk {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.0.load()
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(StoreError::Full { path: "hub.db".to_owned() });
        }
        self.0.commit(writes)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.0.reader()
    }
}

struct Stage {
    engine: Engine,
    events: mpsc::Receiver<StoreEvent>,
    is_full: Arc<AtomicBool>,
}

type Reply = oneshot::Receiver<Answer>;

/// The file's tokens: of Ana, who is an operator, and of these.
fn configuration(bots: &[&str]) -> Reconfiguration {
    let token = |name: &&str| (hash_token(&format!("of the file: {name}")), bot(name), false);
    Reconfiguration {
        settings: Settings::default(),
        tokens: std::iter::once(&"ana").chain(bots).map(token).collect(),
        operators: vec![bot("ana")],
        public_url: None,
        free_disk_reserve: 0,
        auth_failures_per_minute: 9,
        rooms: Vec::new(),
        acts: Acts::default(),
        stored: None,
    }
}

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

impl Stage {
    fn new() -> Self {
        let is_full = Arc::<AtomicBool>::default();
        let mut store = Disk(MemoryStore::new().unwrap(), Arc::clone(&is_full));
        let snapshot = store.load().unwrap().snapshot;
        let hub = Hub::new(NOON, &[1; 32], Settings::default(), snapshot);
        let (told, events) = mpsc::channel(64);
        let driver = Driver::start(Box::new(store), told).unwrap();
        let mut engine = Engine::new(hub, Access::default(), driver, Rc::new(|| NOON));
        engine.configure(configuration(&[]));
        let mut stage = Self { engine, events, is_full };
        stage.settle();
        stage
    }

    /// Lets the store answer whatever it was asked.
    fn settle(&mut self) {
        self.engine.submit();
        while !self.engine.submitted.is_empty() {
            let event = self.events.blocking_recv().expect("the store answers");
            self.engine.store_event(event);
            self.engine.submit();
        }
    }

    fn call(&mut self, call: InviteCall) -> Reply {
        let (reply, answer) = oneshot::channel();
        self.engine.call_invites(bot("ana"), call, ReplyTo::Http(reply));
        answer
    }

    /// Id and code of a new invite.
    fn invite(&mut self, name: &str) -> (SmolStr, String) {
        let rooms = vec![RoomName::new("lab").unwrap()];
        let wish = InviteWish { name: bot(name), rooms, can: None, expires_in_ms: None };
        let mut made = self.call(InviteCall::Create(wish));
        self.settle();
        let (_, made) = told(&mut made);
        (made["id"].as_str().unwrap().into(), made["code"].as_str().unwrap().to_owned())
    }

    fn claim(&mut self, code: &str) -> Reply {
        let (reply, answer) = oneshot::channel();
        let wish = ClaimWish {
            code: Secret::new(code),
            client: "test/1".to_owned(),
            name: None,
            address: HERE,
            base: "http://hub.example".to_owned(),
        };
        self.engine.claim(wish, reply);
        answer
    }

    /// Whether that token opens the door to a room that nobody was let into: a guest stays outside.
    fn reaches_elsewhere(&mut self, token: &str) -> bool {
        let conn = ConnId(7);
        let limits = OutboxLimits { bytes_max: 1 << 20, high_water_bytes: 1 << 20 };
        let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
        self.engine.intent(Intent::Opened { conn, peer: HERE, bearer: None, outbox });
        let says = [
            format!("{{\"type\":\"auth\",\"token\":\"{token}\"}}"),
            "{\"type\":\"join\",\"room\":\"elsewhere\"}".to_owned(),
        ];
        let frames = says.map(|text| RawFrame::from(&*text));
        self.engine.intent(Intent::Frames { conn, frames: frames.into() });
        self.settle();
        self.engine.hub.missing(&[RoomName::new("elsewhere").unwrap()]).is_empty()
    }
}

/// Status and body of an answer; it must be there.
fn told(reply: &mut Reply) -> (u16, Value) {
    match reply.try_recv() {
        Ok(Answer::Good(body)) => (200, serde_json::from_str(&body).unwrap()),
        Ok(Answer::Refused(error)) => {
            (error.status, json!({ "error": { "type": error.kind, "message": error.message } }))
        }
        other => panic!("no answer: {other:?}"),
    }
}

fn check(reply: &mut Reply, status: u16, kind: &str) {
    let (found, body) = told(reply);
    assert_eq!((found, body["error"]["type"].as_str()), (status, Some(kind)), "{body}");
}

#[test]
fn a_name_is_taken_as_soon_as_somebody_is_on_the_way_to_it() {
    let mut stage = Stage::new();
    let ((_, one), (_, other)) = (stage.invite("fern"), stage.invite("fern"));
    let mut won = stage.claim(&one);
    check(&mut stage.claim(&one), 429, "busy");
    check(&mut stage.claim(&other), 409, "name_taken");
    assert!(won.try_recv().is_err(), "nothing is stored yet");
    stage.settle();
    assert_eq!(told(&mut won).0, 200);
    check(&mut stage.claim(&other), 409, "name_taken");
    assert_eq!(stage.engine.access.registry().token_count(&bot("fern")), 1);
}

#[test]
fn a_name_is_free_again_when_the_store_did_not_take_who_was_on_the_way_to_it() {
    let mut stage = Stage::new();
    let ((_, one), (_, other)) = (stage.invite("fern"), stage.invite("fern"));
    stage.is_full.store(true, Ordering::Relaxed);
    let mut lost = stage.claim(&one);
    stage.settle();
    check(&mut lost, 503, "storage_full");
    stage.is_full.store(false, Ordering::Relaxed);
    let mut won = stage.claim(&other);
    stage.settle();
    assert_eq!(told(&mut won).0, 200);
}

#[test]
fn a_code_that_is_being_revoked_lets_nobody_in() {
    let mut stage = Stage::new();
    let (id, code) = stage.invite("fern");
    let mut revoked = stage.call(InviteCall::Revoke(id));
    check(&mut stage.claim(&code), 429, "busy");
    stage.settle();
    assert_eq!(told(&mut revoked).0, 200);
    check(&mut stage.claim(&code), 410, "revoked_code");
    assert_eq!(stage.engine.access.registry().token_count(&bot("fern")), 0);
}

#[test]
fn a_code_that_is_being_claimed_is_not_revoked() {
    let mut stage = Stage::new();
    let (id, code) = stage.invite("fern");
    let mut claimed = stage.claim(&code);
    check(&mut stage.call(InviteCall::Revoke(id.clone())), 403, "not_allowed");
    stage.settle();
    assert_eq!(told(&mut claimed).0, 200);
    check(&mut stage.call(InviteCall::Revoke(id)), 403, "not_allowed");
}

#[test]
fn whom_the_file_names_while_it_comes_is_as_whom_it_names_afterwards() {
    let check = |named_before_it_is_stored: bool| {
        let mut stage = Stage::new();
        let (_, code) = stage.invite("fern");
        let mut claimed = stage.claim(&code);
        if !named_before_it_is_stored {
            stage.settle();
        }
        stage.engine.configure(configuration(&["fern"]));
        stage.settle();
        let (status, body) = told(&mut claimed);
        assert_eq!(status, 200, "{body}");
        let fern = bot("fern");
        let registry = stage.engine.access.registry();
        assert_eq!((registry.token_count(&fern), registry.is_guest(&fern)), (2, false));
        // The brain thinks of it what the registry does: whom the file names is vouched for.
        assert!(stage.reaches_elsewhere(body["token"].as_str().unwrap()));
    };
    check(true);
    check(false);
}

#[test]
fn a_guest_stays_outside() {
    let mut stage = Stage::new();
    let (_, code) = stage.invite("fern");
    let mut claimed = stage.claim(&code);
    stage.settle();
    let (_, body) = told(&mut claimed);
    assert!(!stage.reaches_elsewhere(body["token"].as_str().unwrap()));
}

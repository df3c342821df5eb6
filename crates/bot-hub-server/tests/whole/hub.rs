//! The hub's process: the real door, engine and brain, over a store that survives it.
//!
//! Owns starting it, killing it and stopping it. Everything of the hub is as it runs outside, but for the
//! clock, the sockets and the medium.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bot_hub_core::Hub;
use bot_hub_core::access::Access;
use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::io::Input;
use bot_hub_server::door::{Door, DoorConfig};
use bot_hub_server::engine::audit::Acts;
use bot_hub_server::engine::credential::hash_token;
use bot_hub_server::engine::{Engine, Order, Reconfiguration, profiles};
use bot_hub_store::driver::Driver;
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::{Loaded, Reader, Store, StoreError, Write};
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::acts::{self, OPERATOR};
use crate::book::Book;
use crate::plan::Plan;
use crate::wire::End;

/// The medium: what is in it survives every process.
#[derive(Clone)]
pub(crate) struct Disk {
    store: Arc<Mutex<MemoryStore>>,
    book: Arc<Mutex<Book>>,
    is_full: Arc<AtomicBool>,
}

impl Disk {
    pub(crate) fn new(book: Arc<Mutex<Book>>) -> Self {
        let store = MemoryStore::new().expect("the system gives random bytes");
        Self { store: Arc::new(Mutex::new(store)), book, is_full: Arc::default() }
    }

    pub(crate) fn fill(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}

impl Store for Disk {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.store.lock().expect("no panic").load()
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::Full { path: "/simulated".into() });
        }
        let outcomes = self.store.lock().expect("no panic").commit(batch)?;
        let mut book = self.book.lock().expect("no panic");
        if let Some(what) = acts::objection(batch) {
            book.object("an act without its record, or a record without its act", what);
        }
        for (write, outcome) in batch.iter().zip(&outcomes) {
            if let Write::Change(change) = write {
                book.stored(change, outcome);
            }
            if let (Write::Change(Change::Redact { room, seq, .. }), Outcome::Redacted { .. }) =
                (write, outcome)
            {
                book.redacted(room, *seq);
            }
        }
        Ok(outcomes)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.store.lock().expect("no panic").reader()
    }
}

/// A process that runs.
struct Life {
    door: Rc<Door>,
    orders: mpsc::Sender<Order>,
    engine: tokio::task::JoinHandle<()>,
    sockets: JoinSet<()>,
}

pub(crate) struct HubProcess {
    plan: Rc<Plan>,
    pub(crate) disk: Disk,
    life: Option<Life>,
    lives: u64,
    /// The wall clock of the present process, and when that was read.
    wall: (u64, Instant),
}

impl HubProcess {
    pub(crate) fn new(plan: Rc<Plan>, disk: Disk) -> Self {
        Self { plan, disk, life: None, lives: 0, wall: (0, Instant::now()) }
    }

    /// Starts it, with a wall clock that may have been set since.
    pub(crate) fn start(&mut self, wall_ms: u64) {
        if self.life.is_some() {
            return;
        }
        self.lives += 1;
        self.wall = (wall_ms, Instant::now());
        let (intents_in, mut intents) = mpsc::channel(1_024);
        let (orders, orders_taken) = mpsc::channel(8);
        // The answers of a store that is asked directly come back directly.
        let (_events_in, events) = mpsc::channel(1);
        let door = Door::new(DoorConfig::default(), intents_in);
        let mut engine = self.engine(wall_ms);
        engine.configure(self.configuration());
        let engine = tokio::task::spawn_local(async move {
            drop(engine.run(&mut intents, events, orders_taken).await);
        });
        self.life = Some(Life { door, orders, engine, sockets: JoinSet::new() });
    }

    fn engine(&mut self, wall_ms: u64) -> Engine {
        let started = Instant::now();
        let elapsed = move || u64::try_from(started.elapsed().as_millis()).expect("not so long");
        let clock = Rc::new(move || Timestamp(wall_ms + elapsed()));
        let loaded = self.disk.load().expect("memory can be read");
        let mut reader = self.disk.reader().expect("memory can be read");
        let kept = acts::kept(reader.as_mut());
        self.disk.book.lock().expect("no panic").started_with(&kept);
        let newest = bot_hub_server::acts::newest(reader.as_mut()).expect("memory can be read");
        let profiles = profiles::stored(reader.as_mut()).expect("memory can be read");
        let (now, settings) = (Timestamp(wall_ms), self.plan.settings.clone());
        let key = [u8::try_from(self.lives % 251).expect("less than 251"); 32];
        let hub = Hub::new(now, &key, settings, loaded.snapshot);
        let mut access = Access::default();
        access.restore(loaded.bots, loaded.tokens, Vec::new());
        let driver = Driver::inline(Box::new(self.disk.clone())).expect("memory can be read");
        let mut engine = Engine::new(hub, access, driver, clock);
        engine.restore_acts(newest);
        engine.restore_profiles(profiles);
        engine
    }

    fn configuration(&self) -> Reconfiguration {
        let bots = self.plan.bots();
        let operator = BotId::new(OPERATOR).expect("a name");
        let declared = self.plan.rooms().into_iter().map(|room| Input::RoomDeclared {
            room,
            members: bots.clone(),
            closed: false,
            retain: None,
        });
        let token = |bot: &BotId| (hash_token(bot.as_str()), bot.clone(), false);
        Reconfiguration {
            settings: self.plan.settings.clone(),
            tokens: bots.iter().chain([&operator]).map(token).collect(),
            operators: vec![operator],
            public_url: None,
            free_disk_reserve: 0,
            auth_failures_per_minute: 1_000,
            rooms: declared.collect(),
            acts: Acts::default(),
            stored: None,
        }
    }

    /// What its clock says.
    pub(crate) fn now(&self) -> Timestamp {
        let (wall_ms, at) = self.wall;
        Timestamp(wall_ms + u64::try_from(at.elapsed().as_millis()).expect("not so long"))
    }

    /// A rule pauses, if the process runs.
    pub(crate) async fn pause(&self, what: Input) {
        let Some(life) = &self.life else { return };
        let new = Reconfiguration { rooms: vec![what], ..self.configuration() };
        drop(life.orders.send(Order::Configure(Box::new(new))).await);
    }

    /// Takes a connection, if the process runs.
    pub(crate) fn accept(&mut self, end: End) -> bool {
        let Some(life) = &mut self.life else { return false };
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let Ok(permit) = life.door.enter(peer) else { return false };
        life.sockets.spawn_local(Rc::clone(&life.door).serve(end, peer, permit));
        true
    }

    /// `kill -9`: nothing is said, nothing is saved.
    pub(crate) async fn kill(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        life.engine.abort();
        life.sockets.shutdown().await;
        drop(life.engine.await);
    }

    /// SIGTERM.
    pub(crate) async fn stop(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        drop(life.orders.send(Order::Stop).await);
        drop(life.engine.await);
        let rest = async { while life.sockets.join_next().await.is_some() {} };
        if timeout(Duration::from_secs(5), rest).await.is_err() {
            life.sockets.shutdown().await;
        }
    }
}

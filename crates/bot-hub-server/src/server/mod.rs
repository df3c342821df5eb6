//! A whole hub: configuration, store, brain, engine and door put together.
//!
//! Owns starting and stopping. The caller passes [`Server::run`] its listeners and the future that ends it,
//! so tests can use port 0 and any future.

mod doors;
mod home;
mod reload;
mod supervisor;
mod surroundings;
mod translate;

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bot_hub_core::Hub;
use bot_hub_core::access::Access;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use doors::Doors;
pub use home::{Home, HomeError, OPERATOR, RunningHub};
use supervisor::Supervisor;
pub use surroundings::store_space;

use crate::acts;
use crate::config::{ConfigErrors, Loaded, Sources, StoreKind};
use crate::door::Door;
use crate::engine::credential::{Kind, hash_token, make_token};
use crate::engine::profiles;
use crate::engine::traces::Exporter;
use crate::engine::{Clock, Ending, Engine, INTENTS_MAX, NotDeclared, Order};
use crate::tls;
use bot_hub_store::driver::Driver;
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::sqlite::SqliteStore;
use bot_hub_store::{Loaded as Stored, Store, StoreError, pass_own};

/// How many answers of the store may wait for the engine.
const EVENTS_MAX: usize = 1_024;

/// Why a hub did not start or did not continue.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store cannot be opened, or failed while the hub ran.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rooms of the configuration cannot be stored, and the hub serves nobody without them.
    #[error("{0}\nhint: free some space, then start the hub again; what is stored is safe")]
    Declared(String),
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The system gives no random numbers for secrets and epochs.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The content of the store at the start.
#[derive(Debug)]
pub struct Opened {
    /// Whether the store was made just now.
    pub is_new: bool,
    /// Bots that have a valid token.
    pub bots: usize,
    /// Rooms, direct conversations not counted.
    pub rooms: usize,
    /// Entries that are kept.
    pub entries: u64,
}

/// A hub that is about to run.
pub struct Server {
    engine: Engine,
    events: mpsc::Receiver<bot_hub_store::driver::StoreEvent>,
    loaded: Loaded,
    sources: Sources,
    home: Option<Home>,
    tls: tls::Prepared,
    /// The content of the store at the start.
    pub opened: Opened,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the store and builds everything around it. The rooms of the configuration are stored before
    /// anybody can connect, so that no client sees a room in another state.
    pub fn open(loaded: Loaded, sources: Sources) -> Result<Self, ServeError> {
        let tls = tls::prepare(&loaded)?;
        let (mut store, home) = open_store(&loaded)?;
        let mut stored = store.load()?;
        pass_own(&mut stored.snapshot, store.reader()?.as_mut());
        let opened = count(&stored, &loaded, home.as_ref().is_none_or(|home| home.is_new));
        let (engine, events) = build(store, stored, &loaded, home.as_ref())?;
        Ok(Self { engine, events, loaded, sources, home, tls, opened })
    }

    /// Treats the clock as correct, whatever the store says.
    pub fn trust_clock(&mut self) {
        self.engine.trust_clock();
    }

    /// The TLS settings for connections.
    pub fn tls(&self) -> &tls::Prepared {
        &self.tls
    }

    /// How an address of this hub begins: `ws` or `wss`.
    pub fn scheme(&self) -> &'static str {
        if self.loaded.config.tls.is_on() { "wss" } else { "ws" }
    }

    /// Writes the hub's address for local commands. Call it before the address is printed, because programs
    /// look it up as soon as they see that.
    pub fn announce(&self, addresses: &[SocketAddr]) -> Result<(), ServeError> {
        let config = self.loaded.file.as_deref();
        Ok(self.home.as_ref().map_or(Ok(()), |home| home.announce(addresses, config))?)
    }

    /// Serves until `shutdown`. Must run inside a tokio runtime of the `current_thread` flavour.
    pub async fn run(
        self,
        listeners: Vec<TcpListener>,
        reloads: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()> + 'static,
    ) -> Result<(), ServeError> {
        LocalSet::new().run_until(self.serve(listeners, reloads, shutdown)).await
    }

    async fn serve(
        mut self,
        listeners: Vec<TcpListener>,
        reloads: mpsc::Receiver<()>,
        shutdown: impl Future<Output = ()> + 'static,
    ) -> Result<(), ServeError> {
        let (intents_in, mut intents) = mpsc::channel(INTENTS_MAX);
        let (orders_in, orders) = mpsc::channel(8);
        let door = Door::new(translate::door(&self.loaded), intents_in);

        let mut keeper = tls::Keeper::new();
        door.encrypt(keeper.take_over(self.tls));

        let supervisor = Rc::new(Supervisor::of(&self.sources.env));
        let bound = addresses(&listeners);
        let dir = self.home.as_ref().map(|home| home.dir().to_path_buf());
        if let Some(dir) = dir.clone() {
            self.engine.watch_disk(Rc::new(move || surroundings::disk_space(&dir)));
        }
        self.engine.surround(surroundings::measure(dir, Rc::clone(&door)));

        let (traces, exporter) = Exporter::start(&self.sources.env);
        self.engine.trace(traces);

        let doors = Doors::open(listeners, &door);
        let reloader = reload::Reloader::new(
            self.loaded,
            self.sources,
            orders_in.clone(),
            door,
            keeper,
            Rc::clone(&supervisor),
        );
        let reloader = tokio::task::spawn_local(reloader.run(reloads));
        let (fed, orders_of_watchdog) = (Rc::clone(&supervisor), orders_in.clone());
        let feeder =
            tokio::task::spawn_local(async move { fed.feed_watchdog(orders_of_watchdog).await });
        supervisor.ready(&bound);
        let stopper = tokio::task::spawn_local(async move {
            shutdown.await;
            supervisor.stopping();
            // The engine may have ended by itself.
            drop(orders_in.send(Order::Stop).await);
        });
        let ending = self.engine.run(&mut intents, self.events, orders).await;
        reloader.abort();
        feeder.abort();
        stopper.abort();
        doors.close(&mut intents).await;
        exporter.end().await;
        if let Some(home) = &self.home {
            home.retire();
        }
        match ending {
            Ending::Stopped => Ok(()),
            Ending::StoreFailed(error) => Err(error.into()),
        }
    }
}

/// The addresses that listeners are bound to.
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

fn open_store(loaded: &Loaded) -> Result<(Box<dyn Store>, Option<Home>), ServeError> {
    if loaded.config.store.kind == StoreKind::Memory {
        return Ok((Box::new(MemoryStore::new()?), None));
    }
    let home = Home::open(loaded.data_dir.as_deref())?;
    let store = SqliteStore::open(home.dir())?;
    home.clear();
    Ok((Box::new(store), Some(home)))
}

fn build(
    store: Box<dyn Store>,
    stored: Stored,
    loaded: &Loaded,
    home: Option<&Home>,
) -> Result<(Engine, mpsc::Receiver<bot_hub_store::driver::StoreEvent>), ServeError> {
    let clock = system_clock();
    let mut id_key = [0_u8; 32];
    getrandom::fill(&mut id_key)?;
    let settings = translate::settings(&loaded.config);
    let mut access = Access::default();
    access.restore(stored.bots, stored.tokens, stored.invites);
    let rooms = stored.snapshot.rooms.iter().map(|it| &it.room);
    let removed = stored.snapshot.ended.iter().map(|(bot, _)| bot);
    access.restore_names(stored.names, rooms, removed);
    let newest_at = stored.snapshot.newest_at;
    let hub = Hub::new(clock(), &id_key, settings, stored.snapshot);
    let age_waits = stored.age_waits;
    if let Some(home) = home {
        let token = make_token(Kind::Operator)?;
        let operator = BotId::new(OPERATOR).expect("`operator` is a name");
        access.accept_local_operator(hash_token(token.expose()), operator);
        home.keep_token(&token)?;
    }
    let (events_in, events) = mpsc::channel(EVENTS_MAX);
    let mut reader = store.reader()?;
    let (newest_act, profiles) =
        (acts::newest(reader.as_mut())?, profiles::stored(reader.as_mut())?);
    drop(reader);
    let mut engine = Engine::new(hub, access, Driver::inline(store)?, clock);
    engine.restore_acts(newest_act);
    engine.charge_for_time();
    engine.remember_time(newest_at, age_waits);
    engine.restore_profiles(profiles);
    engine.configure(translate::reconfiguration(&loaded.config));
    let engine = match loaded.config.store.kind {
        StoreKind::Memory => engine,
        StoreKind::Sqlite => engine.start_store(events_in).map_err(|error| match error {
            NotDeclared::Store(error) => ServeError::Store(error),
            refused @ NotDeclared::Refused(_) => ServeError::Declared(refused.to_string()),
        })?,
    };
    Ok((engine, events))
}

fn count(stored: &Stored, loaded: &Loaded, is_new: bool) -> Opened {
    let mut bots: Vec<&BotId> = stored.bots.iter().map(|record| &record.bot).collect();
    bots.extend(loaded.config.tokens.values().map(|entry| &entry.bot_id));
    bots.sort_unstable();
    bots.dedup();
    let rooms = &stored.snapshot.rooms;
    Opened {
        is_new,
        bots: bots.len(),
        rooms: rooms.iter().filter(|room| room.room.direct_pair().is_none()).count(),
        entries: rooms.iter().map(|room| (room.head + 1).saturating_sub(room.first)).sum(),
    }
}

/// The wall clock, which people, the network or a sleep may change at any time.
fn system_clock() -> Clock {
    Rc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp(millis(now))
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! The engine: the one task that owns the brain.
//!
//! Owns the order of things: inputs from the door and the store go in, outputs are carried out, one
//! input at a time. It encodes entries and admits bots; it decides nothing about rooms.
//!
//! **Invariant:** after every input all outputs are carried out before the next input. Changes of one
//! turn go to the store together, so that a busy hub commits in large groups by itself.
//!
//! Backpressure: while the store has [`UNSETTLED_MAX`] writes to answer, or [`UNSETTLED_BYTES_MAX`], no
//! intents are taken. The channel fills, the connections stop reading their sockets, and the senders
//! feel it.

mod accounts;
mod admit;
pub mod audit;
mod carry;
mod claim;
pub mod credential;
mod decided;
mod encode;
mod fair;
mod flaps;
mod hear;
mod invites;
mod looked_up;
pub mod metrics;
mod operate;
pub mod profiles;
mod questions;
pub mod reserve;
mod serve;
mod settle;
mod shutdown;
mod standing;
mod time;
mod timekeeper;
pub mod traces;

pub use self::admit::presented;

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bot_hub_core::Hub;
use bot_hub_core::access::{Access, Declared, Pass};
use bot_hub_core::io::Input;
use bot_hub_core::settings::Settings;
use bot_protocol::frame::audit::AuditLine;
use bot_protocol::limits::Limits;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use self::audit::{Acts, Audit, Swept};
use self::decided::Decided;
use self::encode::{Encoder, Form};
use self::fair::Fair;
use self::flaps::{Flaps, end_of};
use self::looked_up::LookedUp;
use self::metrics::{Metrics, Surroundings};
use self::reserve::Reserve;
use self::standing::members_in;
use self::timekeeper::Timekeeper;
use crate::door::{ConnId, Intent, Outbox};
use bot_hub_store::driver::{Driver, Question, StoreEvent};
use bot_hub_store::{StoreError, Write};

/// Writes that the store may owe an answer before the engine stops taking intents: some hundred
/// milliseconds of a slow disk.
const UNSETTLED_MAX: usize = 16_384;

/// The same in bytes of messages, since a few thousand long ones would be gigabytes.
const UNSETTLED_BYTES_MAX: usize = 32 << 20;

/// Intents on their way from all connections to the engine, which takes all of them at once. A
/// connection that finds no room waits, and with it its peer. Each may hold a read of 64 KiB, or the
/// longest message. Enough that a busy hub works in large groups, small enough that an answer of the
/// store never waits long behind them, and that a store that owes much is soon left alone.
pub const INTENTS_MAX: usize = 128;

/// What handling something costs: the difference of two readings, in nanoseconds.
pub type Meter = Rc<dyn Fn() -> u64>;

/// How often the clock is looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A wall clock, so that tests and simulations bring their own.
pub type Clock = Rc<dyn Fn() -> Timestamp>;

/// What the program asks of a running engine.
#[derive(Debug)]
pub enum Order {
    /// Another configuration is in force.
    Configure(Box<Reconfiguration>),
    /// A reload was tried.
    Reloaded {
        /// Whether what was read is in force.
        applied: bool,
    },
    /// Say that the loop turns.
    Turn(oneshot::Sender<()>),
    /// Save everything, tell everybody, and end.
    Stop,
}

/// The parts of the configuration that concern a running engine.
#[derive(Debug)]
pub struct Reconfiguration {
    /// For the brain.
    pub settings: Settings,
    /// Tokens of the file, hashed; whose they are; whether they are disabled.
    pub tokens: Vec<(credential::TokenHash, BotId, bool)>,
    /// Operators of the file.
    pub operators: Vec<BotId>,
    /// The address of the hub in the world.
    pub public_url: Option<String>,
    /// See `limits.freeDiskReserve`.
    pub free_disk_reserve: u64,
    /// See `limits.authFailuresPerMinute`.
    pub auth_failures_per_minute: u32,
    /// Rooms of the file, as inputs for the brain.
    pub rooms: Vec<Input>,
    /// About the records of what operators did.
    pub acts: Acts,
    /// Told when everything that is declared is stored.
    pub stored: Option<oneshot::Sender<()>>,
}

/// Why the engine ended.
#[derive(Debug)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// The store failed; nothing was acknowledged after that.
    StoreFailed(StoreError),
}

/// Why a hub cannot start with what its configuration declares.
#[derive(Debug, thiserror::Error)]
pub enum NotDeclared {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has no space for it.
    #[error("the rooms and members that the configuration declares cannot be stored: {0}")]
    Refused(String),
}

/// One connection, as the engine sees it.
#[derive(Debug)]
struct Peer {
    outbox: Rc<Outbox>,
    address: IpAddr,
    /// Whose token the upgrade request carried; `auth` may then do without one.
    bearer: Option<Pass>,
    /// Who it is, once it has said so.
    known: Option<Known>,
    /// Since when it is not read, because others wait; and whether that was logged.
    slowed_since: Option<Instant>,
    was_slowed: bool,
    /// Frames that were refused because nobody knew it.
    refused: u8,
}

impl Peer {
    fn new(outbox: Rc<Outbox>, address: IpAddr) -> Self {
        let (bearer, known, slowed_since, was_slowed) = (None, None, None, false);
        Self { outbox, address, bearer, known, slowed_since, was_slowed, refused: 0 }
    }
}

#[derive(Debug)]
struct Known {
    /// Who it is, and what it came in with. What that is good for is looked up at every use.
    pass: Pass,
    /// What it calls itself; long enough for a program and its version.
    client: Option<SmolStr>,
    form: Form,
    reads: bool,
}

/// Something to be worked off.
#[derive(Debug)]
enum Todo {
    Input(Input),
    Event(StoreEvent),
}

/// Who waits for a submission.
#[derive(Debug)]
enum Owner {
    /// The brain, of which so many writes are changes; they stand first.
    Brain { changes: usize },
    /// Access, and perhaps somebody who asked for a change of it.
    Access(Box<Decided>),
    /// Whoever says what a bot is for.
    Profile(Box<profiles::Promise>),
    /// Nobody: this is the record of something that is so already.
    Act(Box<AuditLine>),
    /// Nobody: records of acts are removed.
    Swept(Swept),
    /// Nobody.
    Unattended,
}

/// Writes on their way to the store.
#[derive(Debug)]
struct Submitted {
    owner: Owner,
    writes: usize,
    bytes: usize,
    at: Instant,
}

/// See the module's documentation.
pub struct Engine {
    hub: Hub,
    /// What a frame may hold.
    limits: Limits,
    access: Access,
    audit: Audit,
    /// Bots of which something is said that is on its way to the store.
    spoken_of: BTreeSet<BotId>,
    flaps: Flaps,
    public_url: Option<String>,
    driver: Driver,
    time: Timekeeper,
    /// Whether the brain was told that retention by age waits.
    age_waits: bool,
    /// When the present turn began.
    now: Timestamp,
    peers: FxHashMap<ConnId, Peer>,
    encoder: Encoder,
    metrics: Metrics,
    batch: Vec<Write>,
    /// Submissions and questions for which the store's queues had no room yet.
    unsent: VecDeque<(Vec<Write>, u64)>,
    unasked: VecDeque<(Question, u64)>,
    looked_up: LookedUp,
    submitted: VecDeque<Submitted>,
    unsettled: usize,
    unsettled_bytes: usize,
    submissions: u64,
    todo: VecDeque<Todo>,
    /// What connections have said and what was not handled yet.
    fair: Fair<Intent>,
    meter: Meter,
    is_working: bool,
    is_configured: bool,
    store_error: Option<StoreError>,
    /// Why the store took something the last time that it did not.
    refusal: Option<String>,
    /// Who waits until everything that is declared is stored.
    declarers: Vec<oneshot::Sender<()>>,
    draining: bool,
    version: SmolStr,
    surroundings: Rc<dyn Fn() -> Surroundings>,
    reserve: Reserve,
    traces: traces::Traces,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine around a brain, what is known of who may come in, and a store.
    pub fn new(hub: Hub, access: Access, driver: Driver, clock: Clock) -> Self {
        Self {
            hub,
            limits: Limits::default(),
            access,
            audit: Audit::default(),
            spoken_of: BTreeSet::new(),
            flaps: Flaps::default(),
            public_url: None,
            driver,
            now: clock(),
            time: Timekeeper::new(clock),
            age_waits: false,
            peers: FxHashMap::default(),
            encoder: Encoder::default(),
            metrics: Metrics::default(),
            batch: Vec::new(),
            unsent: VecDeque::new(),
            unasked: VecDeque::new(),
            looked_up: LookedUp::new(),
            submitted: VecDeque::new(),
            unsettled: 0,
            unsettled_bytes: 0,
            submissions: 0,
            todo: VecDeque::new(),
            fair: Fair::default(),
            meter: serve::even_meter(),
            is_working: false,
            is_configured: false,
            store_error: None,
            refusal: None,
            declarers: Vec::new(),
            draining: false,
            version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
            surroundings: Rc::new(Surroundings::default),
            reserve: Reserve::default(),
            traces: traces::Traces::default(),
        }
    }

    /// Says how to measure what the engine does not see itself; it is called when somebody asks for
    /// the metrics.
    pub fn surround(&mut self, surroundings: impl Fn() -> Surroundings + 'static) {
        self.surroundings = Rc::new(surroundings);
    }

    /// Takes note of the traces of messages from now on.
    pub fn trace(&mut self, traces: traces::Traces) {
        self.traces = traces;
    }

    /// Ends the start, in which the store answered at once: what the configuration declares is stored,
    /// or this says why not. From here on the store has threads of its own.
    pub fn start_store(mut self, events: mpsc::Sender<StoreEvent>) -> Result<Self, NotDeclared> {
        if let Some(error) = self.store_error.take() {
            return Err(error.into());
        }
        if self.hub.declaring() > 0 {
            return Err(NotDeclared::Refused(self.refusal.unwrap_or_default()));
        }
        Ok(Self { driver: self.driver.into_threads(events)?, ..self })
    }

    /// Runs until it is told to stop or the store fails.
    pub async fn run(
        mut self,
        intents: &mut mpsc::Receiver<Intent>,
        mut events: mpsc::Receiver<StoreEvent>,
        mut orders: mpsc::Receiver<Order>,
    ) -> Ending {
        let mut taken = Vec::with_capacity(INTENTS_MAX);
        let mut armed = self.deadline();
        let mut alarm = pin!(sleep_until(self.instant_of(armed)));
        loop {
            let deadline = self.deadline();
            if deadline != armed {
                armed = deadline;
                alarm.as_mut().reset(self.instant_of(armed));
            }
            tokio::select! {
                biased;
                // What is committed goes out before anything new comes in.
                Some(event) = events.recv() => {
                    self.begin_turn();
                    self.store_event(event);
                    while let Ok(event) = events.try_recv() {
                        self.store_event(event);
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Configure(new)) => self.configure(*new),
                    Some(Order::Reloaded { applied }) => self.metrics.reloaded(applied),
                    // Whoever asked may be gone.
                    Some(Order::Turn(answer)) => drop(answer.send(())),
                    Some(Order::Stop) | None => return self.stop(events).await,
                },
                _ = intents.recv_many(&mut taken, self.space()), if self.takes_more() => {
                    self.begin_turn();
                    for intent in taken.drain(..) {
                        self.line_up(intent);
                    }
                    self.serve();
                }
                () = &mut alarm => {
                    self.begin_turn();
                    if self.deadline() <= self.now {
                        self.input(Input::Tick);
                        self.end_tokens();
                    }
                    self.sweep_acts();
                    self.keep_time();
                    // Also when the clock says that it is not quite time yet.
                    armed = Timestamp::default();
                }
                // Connections read and write meanwhile: what comes of it may be more urgent.
                () = tokio::task::yield_now(), if self.has_more_to_serve() => {
                    self.begin_turn();
                    self.serve();
                }
            }
            self.submit();
            if let Some(error) = self.store_error.take() {
                return self.fail(error);
            }
        }
    }

    /// Whether the store owes so little that more may come in.
    fn keeps_up(&self) -> bool {
        self.unsettled < UNSETTLED_MAX && self.unsettled_bytes < UNSETTLED_BYTES_MAX
    }

    fn deadline(&self) -> Timestamp {
        let brain = self.hub.deadline().min(self.audit.deadline());
        self.access.next_end().map_or(brain, |at| at.min(brain))
    }

    /// When the runtime's clock will show a moment of ours, and a millisecond later: no earlier. But
    /// soon enough to notice that the wall clock was set.
    fn instant_of(&self, at: Timestamp) -> tokio::time::Instant {
        let wait = self.time.until(at).min(LOOK_EVERY) + Duration::from_millis(1);
        tokio::time::Instant::now() + wait
    }

    /// Declares what the configuration says, before anybody is let in.
    pub fn configure(&mut self, new: Reconfiguration) {
        self.begin_turn();
        self.limits = new.settings.limits;
        self.reserve.wanted = new.free_disk_reserve;
        self.input(Input::Configured(new.settings));
        self.public_url = new.public_url;
        self.declare(Declared {
            tokens: new.tokens,
            operators: new.operators,
            expected: members_in(&new.rooms),
            failures_per_minute: new.auth_failures_per_minute,
        });
        for room in new.rooms {
            self.warn_of_namesake(&room);
            self.input(room);
        }
        self.note_configuration(new.acts);
        self.declarers.extend(new.stored);
        self.submit();
        self.tell_declarers();
    }

    /// The file cannot know what the store holds; who made the one cannot be asked about the other.
    fn warn_of_namesake(&self, declared: &Input) {
        let Input::RoomDeclared { room, .. } = declared else { return };
        let bot = BotId::new(room.as_str()).ok();
        if bot.is_some_and(|bot| self.access.registry().origin(&bot).is_some()) {
            tracing::warn!(
                "the configuration declares the room `{room}`, and there is a bot `{room}`: people \
                 will take one for the other\n\
                 hint: give the room another name"
            );
        }
    }

    /// Whoever waits for what is declared is told once all of it is stored.
    fn tell_declarers(&mut self) {
        if !self.declarers.is_empty() && self.hub.declaring() == 0 {
            for declarer in self.declarers.drain(..) {
                let _has_stopped_waiting = declarer.send(()).is_err();
            }
        }
    }

    fn intent(&mut self, intent: Intent) {
        match intent {
            Intent::Opened { conn, peer: address, bearer, outbox } => {
                self.metrics.opened += 1;
                self.peers.insert(conn, Peer::new(outbox, address));
                if let Some(token) = bearer {
                    self.present_bearer(conn, &token);
                }
            }
            Intent::Frames { conn, frames } => {
                self.frames(conn, &mut frames.into_iter(), |_| true);
            }
            Intent::Written { conn, mark } => self.input(Input::Written { conn, deliveries: mark }),
            Intent::Proven { conn, probe } => self.input(Input::Proven { conn, probe }),
            Intent::Closed { conn, why } => self.closed(conn, why),
            Intent::Ask(ask) => self.answer(ask),
        }
    }

    fn closed(&mut self, conn: ConnId, why: crate::door::Ended) {
        self.metrics.ended(why);
        let Some(peer) = self.peers.remove(&conn) else { return };
        if let Some(known) = peer.known {
            tracing::info!(bot = %known.pass.bot, ?why, "a bot disconnected");
            if known.reads {
                self.flaps.ended(&known.pass.bot, end_of(why, &peer.outbox), self.now);
                self.flush_brain();
            }
            self.note_seen(&known.pass.bot, known.reads);
            self.input(Input::Closed { conn });
        }
    }

    /// One input, and everything that follows from it.
    fn input(&mut self, input: Input) {
        if self.is_working {
            return self.todo.push_back(Todo::Input(input));
        }
        // Mostly nothing waits, and then there is no detour through the queue.
        self.is_working = true;
        self.handle(input);
        self.is_working = false;
        self.work();
    }

    fn handle(&mut self, input: Input) {
        let decides_act = self.audit.resume(&input);
        self.hub.handle(self.now, input);
        self.carry_out();
        if decides_act {
            self.end_act();
        }
    }

    /// Works off the queue. What follows from an input comes behind what follows from the one before,
    /// however a store answers: at once or from another thread.
    fn work(&mut self) {
        if std::mem::replace(&mut self.is_working, true) {
            return;
        }
        while let Some(todo) = self.todo.pop_front() {
            match todo {
                Todo::Input(input) => self.handle(input),
                Todo::Event(event) => self.store_event(event),
            }
        }
        self.is_working = false;
    }
}

#[cfg(test)]
mod tests;

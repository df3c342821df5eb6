//! The engine: the one task that owns the brain.
//!
//! Owns the order of things: inputs from the door and the store go in, outputs are carried out, one
//! input at a time. It encodes entries and admits bots; it decides nothing about rooms.
//!
//! **Invariant:** after every input all outputs are carried out before the next input. Changes of one
//! turn go to the store together, so that a busy hub commits in large groups by itself.
//!
//! Backpressure: while the store has [`UNSETTLED_MAX`] writes to answer, no intents are taken. The
//! channel fills, the connections stop reading their sockets, and the senders feel it.

mod accounts;
mod encode;
mod metrics;
mod questions;
pub mod registry;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bot_hub_core::change::Outcome;
use bot_hub_core::io::{Caps, CloseReason, Hello, Input, Output, Ticket};
use bot_hub_core::settings::Settings;
use bot_hub_core::{Gauges, Hub};
use bot_protocol::code::Code;
use bot_protocol::frame::client::Auth;
use bot_protocol::frame::server::{ErrorFrame, GoingAway, GoingAwayReason};
use bot_protocol::frame::{ClientFrame, FrameError, ServerFrame};
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use tokio::sync::mpsc;

use self::accounts::Promise;
use self::encode::{Encoder, Form};
use self::metrics::Metrics;
use self::registry::{Refusal, Registry};
use crate::door::{ConnId, Intent, Outbox, ws::CloseCode};
use crate::store::driver::{Driver, StoreEvent};
use crate::store::{StoreError, Write};

/// A frame as the door hands it over.
pub type Decoded = Result<ClientFrame, FrameError>;

/// Writes that the store may owe an answer before the engine stops taking intents: some hundred
/// milliseconds of a slow disk, and a few megabytes of memory.
const UNSETTLED_MAX: usize = 16_384;

/// Intents taken at once. Enough that a busy hub works in large groups, small enough that an answer of
/// the store never waits long behind them.
const INTENTS_MAX: usize = 1_024;

/// A clock, so that tests and simulations bring their own.
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
    /// Save everything, say goodbye, and end.
    Stop,
}

/// The parts of the configuration that concern a running engine.
#[derive(Debug)]
pub struct Reconfiguration {
    /// For the brain.
    pub settings: Settings,
    /// Tokens of the file, hashed; whose they are; whether they are disabled.
    pub tokens: Vec<(registry::TokenHash, BotId, bool)>,
    /// Operators of the file.
    pub operators: Vec<BotId>,
    /// See `limits.authFailuresPerMinute`.
    pub auth_failures_per_minute: u32,
    /// Rooms of the file, as inputs for the brain.
    pub rooms: Vec<Input>,
}

/// Why the engine ended.
#[derive(Debug)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// The store failed; nothing was acknowledged after that.
    StoreFailed(StoreError),
}

/// One connection, as the engine sees it.
#[derive(Debug)]
struct Peer {
    outbox: Rc<Outbox>,
    address: IpAddr,
    /// Whose token the upgrade request carried; `auth` may then do without one.
    bearer: Option<BotId>,
    /// Who it is, once it has said so.
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    bot: BotId,
    form: Form,
    operator: bool,
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
    /// The brain.
    Brain,
    /// An operator, about a bot.
    Account(Box<Promise>),
    /// Nobody.
    Unattended,
}

/// See the module's documentation.
pub struct Engine {
    hub: Hub,
    registry: Registry,
    driver: Driver,
    clock: Clock,
    peers: FxHashMap<ConnId, Peer>,
    encoder: Encoder,
    metrics: Metrics,
    batch: Vec<Write>,
    submitted: VecDeque<Owner>,
    unsettled: usize,
    submissions: u64,
    todo: VecDeque<Todo>,
    is_working: bool,
    store_error: Option<StoreError>,
    draining: bool,
    version: SmolStr,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine around a brain, a registry and a store.
    pub fn new(hub: Hub, registry: Registry, driver: Driver, clock: Clock) -> Self {
        Self {
            hub,
            registry,
            driver,
            clock,
            peers: FxHashMap::default(),
            encoder: Encoder::default(),
            metrics: Metrics::default(),
            batch: Vec::new(),
            submitted: VecDeque::new(),
            unsettled: 0,
            submissions: 0,
            todo: VecDeque::new(),
            is_working: false,
            store_error: None,
            draining: false,
            version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
        }
    }

    /// Runs until it is told to stop or the store fails.
    pub async fn run(
        mut self,
        mut intents: mpsc::Receiver<Intent<Decoded>>,
        mut events: mpsc::Receiver<StoreEvent>,
        mut orders: mpsc::Receiver<Order>,
    ) -> Ending {
        let mut taken = Vec::with_capacity(INTENTS_MAX);
        loop {
            let wake_in = Duration::from_millis(self.hub.deadline().since(self.now()).max(1));
            tokio::select! {
                biased;
                // What is committed goes out before anything new comes in.
                Some(event) = events.recv() => self.store_event(event),
                order = orders.recv() => match order {
                    Some(Order::Configure(new)) => self.configure(*new),
                    Some(Order::Reloaded { applied }) => self.metrics.reloaded(applied),
                    Some(Order::Stop) | None => return self.stop(events).await,
                },
                _ = intents.recv_many(&mut taken, INTENTS_MAX), if self.unsettled < UNSETTLED_MAX => {
                    for intent in taken.drain(..) {
                        self.intent(intent);
                    }
                }
                () = tokio::time::sleep(wake_in) => self.input(Input::Tick),
            }
            self.submit();
            if let Some(error) = self.store_error.take() {
                return self.fail(error);
            }
        }
    }

    /// Declares what the configuration says, before anybody is let in.
    pub fn configure(&mut self, new: Reconfiguration) {
        self.input(Input::Configured(new.settings));
        let orphans =
            self.registry.configure(new.tokens, new.operators, new.auth_failures_per_minute);
        for bot in self.registry.names() {
            self.input(Input::BotAdded(bot));
        }
        for bot in orphans {
            self.input(Input::BotBlocked(bot));
        }
        for room in new.rooms {
            self.input(room);
        }
        self.submit();
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn intent(&mut self, intent: Intent<Decoded>) {
        match intent {
            Intent::Opened { conn, peer: address, bearer, outbox } => {
                self.metrics.opened += 1;
                self.peers.insert(conn, Peer { outbox, address, bearer: None, known: None });
                if let Some(token) = bearer {
                    self.present_bearer(conn, &token);
                }
            }
            Intent::Frames { conn, frames } => {
                for frame in frames {
                    self.frame(conn, frame);
                }
            }
            Intent::Written { conn, mark } => self.input(Input::Written { conn, deliveries: mark }),
            Intent::Proven { conn, probe } => self.input(Input::Proven { conn, probe }),
            Intent::Closed { conn, why } => self.closed(conn, why),
            Intent::Ask(ask) => self.answer(ask),
        }
    }

    fn frame(&mut self, conn: ConnId, frame: Decoded) {
        let Some(peer) = self.peers.get(&conn) else { return };
        let is_known = peer.known.is_some();
        match frame {
            Err(error) => self.send(conn, &ServerFrame::Error(error.into())),
            Ok(ClientFrame::Auth(auth)) if !is_known => self.authenticate(conn, auth),
            Ok(frame) if !is_known => {
                let hint = "send {\"type\":\"auth\",\"token\":\"…\"} first";
                let error = ErrorFrame::new(Code::NotAuthenticated).hint(hint).about(frame.kind());
                self.send(conn, &ServerFrame::Error(error));
            }
            Ok(ClientFrame::Operate(request)) if accounts::concerns_bots(&request.operation) => {
                self.operate_bots(conn, request);
            }
            Ok(frame) => {
                self.metrics.frames += 1;
                self.input(Input::Frame { conn, frame });
            }
        }
    }

    fn authenticate(&mut self, conn: ConnId, auth: Auth) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let bearer = peer.bearer.take();
        let entered = match &auth.token {
            Some(token) => self.enter(conn, token),
            None => bearer,
        };
        let Some(bot) = entered else {
            if auth.token.is_none() {
                let error = ErrorFrame::new(Code::BadFrame).message("`auth` without a token");
                self.send(conn, &ServerFrame::Error(error.about("auth")));
            }
            return;
        };
        self.admit(conn, bot, auth);
    }

    /// The upgrade request carried a token. The connection's first frames wait for the verdict.
    fn present_bearer(&mut self, conn: ConnId, token: &Secret) {
        let bot = self.enter(conn, token);
        if let Some(peer) = self.peers.get_mut(&conn).filter(|_| bot.is_some()) {
            peer.bearer = bot;
            peer.outbox.authenticate();
        }
    }

    /// Whose token it is; whoever has none is told so and turned away.
    fn enter(&mut self, conn: ConnId, token: &Secret) -> Option<BotId> {
        let now = self.now();
        let address = self.peers.get(&conn)?.address;
        let entered = self.registry.authenticate(token, address, now);
        entered.map_err(|refusal| self.turn_away(conn, &refusal)).ok()
    }

    fn admit(&mut self, conn: ConnId, bot: BotId, auth: Auth) {
        let wished = auth.caps.iter().flatten().map(SmolStr::as_str);
        let caps = Caps::grant(wished);
        let plain = auth.caps.is_none() && auth.client.is_none() && auth.resume.is_none();
        let operator = self.registry.is_operator(&bot);
        let form = Form::of(plain, caps);
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.known = Some(Known { bot: bot.clone(), form, operator, reads: !auth.side });
            peer.outbox.authenticate();
        }
        tracing::info!(%bot, client = auth.client.as_deref().unwrap_or("-"), "a bot connected");
        let resume = auth.resume;
        let hello = Hello { bot, operator, plain, side: auth.side, caps, resume };
        self.input(Input::Opened { conn, hello });
    }

    fn turn_away(&mut self, conn: ConnId, refusal: &Refusal) {
        self.metrics.auth_failures += 1;
        let (error, close) = match refusal {
            Refusal::Unknown => {
                let hint = "ask whoever runs the hub for a token: bot-hub bot add NAME";
                (ErrorFrame::new(Code::BadToken).hint(hint), CloseCode::BAD_TOKEN)
            }
            Refusal::Disabled => (ErrorFrame::new(Code::BotDisabled), CloseCode::BAD_TOKEN),
            Refusal::Throttled(wait_ms) => {
                let mut error = ErrorFrame::new(Code::AuthThrottled);
                error.retry_after_ms = Some(*wait_ms);
                (error, CloseCode::THROTTLED)
            }
        };
        let Some(peer) = self.peers.get(&conn) else { return };
        tracing::warn!(address = %peer.address, why = %error.name, "authentication refused");
        self.send(conn, &ServerFrame::Error(error.about("auth")));
        if let Some(peer) = self.peers.get(&conn) {
            peer.outbox.close(close, "authentication refused");
        }
    }

    fn closed(&mut self, conn: ConnId, why: crate::door::Ended) {
        self.metrics.ended(why);
        let Some(peer) = self.peers.remove(&conn) else { return };
        if let Some(known) = peer.known {
            tracing::info!(bot = %known.bot, ?why, "a bot disconnected");
            if known.reads {
                self.flush_brain();
                let seen = Write::Seen(known.bot, self.now());
                self.write(vec![seen], Owner::Unattended);
            }
            self.input(Input::Closed { conn });
        }
    }

    /// One input, and everything that follows from it.
    fn input(&mut self, input: Input) {
        self.todo.push_back(Todo::Input(input));
        self.work();
    }

    /// Works off the queue. What follows from an input comes behind what follows from the one before,
    /// however a store answers: at once or from another thread.
    fn work(&mut self) {
        if std::mem::replace(&mut self.is_working, true) {
            return;
        }
        while let Some(todo) = self.todo.pop_front() {
            match todo {
                Todo::Input(input) => {
                    self.hub.handle((self.clock)(), input);
                    self.carry_out();
                }
                Todo::Event(event) => self.store_event(event),
            }
        }
        self.is_working = false;
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.hub.poll() {
            match output {
                Output::Change(change) => self.batch.push(Write::Change(change)),
                Output::Query { ticket, query } => self.query(ticket, query),
                Output::Send { conn, frame } => self.send(conn, &frame),
                Output::Deliver { entry, to, circumstances } => {
                    self.encoder.begin();
                    for conn in to {
                        let Some(peer) = self.peers.get(&conn) else { continue };
                        let form = peer.known.as_ref().map_or(Form::Seed, |known| known.form);
                        let bytes = self.encoder.bytes(&entry, &circumstances, form);
                        if peer.outbox.append(bytes, 1).is_err() {
                            self.overflowed(conn);
                        }
                    }
                }
                Output::Probe { conn, number } => {
                    if self.peers.get(&conn).is_some_and(|it| it.outbox.probe(number).is_err()) {
                        self.overflowed(conn);
                    }
                }
                Output::Close { conn, reason } => self.close(conn, reason),
            }
        }
    }

    fn send(&mut self, conn: ConnId, frame: &ServerFrame) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.outbox.append_text(frame.encode().as_bytes(), 0).is_err() {
            self.overflowed(conn);
        }
    }

    /// The peer does not read what it is owed: it is cut off, and resumes from its cursor.
    fn overflowed(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.outbox.is_open() {
            self.metrics.too_slow += 1;
            peer.outbox.close(CloseCode::TOO_SLOW, "too slow");
        }
        // A connection that cannot take an output is gone for the brain, and that is an input too.
        self.todo.push_back(Todo::Input(Input::Closed { conn }));
    }

    fn close(&self, conn: ConnId, reason: CloseReason) {
        let Some(peer) = self.peers.get(&conn) else { return };
        match reason {
            CloseReason::Replaced => peer.outbox.close(CloseCode::REPLACED, "replaced"),
            CloseReason::Revoked => peer.outbox.close(CloseCode::REVOKED, "revoked"),
            CloseReason::TooSlow => peer.outbox.close(CloseCode::TOO_SLOW, "too slow"),
        }
    }

    fn query(&mut self, ticket: Ticket, query: bot_hub_core::change::Query) {
        self.unsettled += 1;
        let answered = self.driver.ask(ticket.0, query);
        self.todo.extend(answered.map(Todo::Event));
    }

    /// Hands the turn's changes to the store.
    fn submit(&mut self) {
        while !self.batch.is_empty() {
            self.flush_brain();
        }
        self.metrics.unsettled = self.unsettled;
    }

    fn flush_brain(&mut self) {
        let writes = std::mem::take(&mut self.batch);
        if !writes.is_empty() {
            self.write(writes, Owner::Brain);
        }
    }

    fn write(&mut self, writes: Vec<Write>, owner: Owner) {
        self.submissions += 1;
        self.unsettled += writes.len();
        self.submitted.push_back(owner);
        let settled = self.driver.submit(self.submissions, writes);
        self.todo.extend(settled.map(Todo::Event));
        self.work();
    }

    fn store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Committed { outcomes, took, .. } => {
                self.metrics.committed(took);
                self.metrics.store_is_full = false;
                self.settled(outcomes);
            }
            StoreEvent::Refused { count, error, .. } => self.refused(count, &error),
            StoreEvent::Answered { ticket, answer } => {
                self.unsettled -= 1;
                self.input(Input::Answered { ticket: Ticket(ticket), answer });
            }
            StoreEvent::Dead(error) => self.store_error = Some(error),
        }
    }

    fn settled(&mut self, outcomes: Vec<Outcome>) {
        self.unsettled -= outcomes.len();
        match self.submitted.pop_front() {
            Some(Owner::Brain) => self.input(Input::Committed { outcomes }),
            Some(Owner::Account(promise)) => self.account_settled(*promise),
            Some(Owner::Unattended) | None => {}
        }
    }

    fn refused(&mut self, writes: usize, error: &StoreError) {
        self.unsettled -= writes;
        self.metrics.store_refusals += 1;
        self.metrics.store_is_full = matches!(error, StoreError::Full { .. });
        tracing::error!(%error, "the store refused a batch; nothing of it was acknowledged");
        let code = match error {
            StoreError::Full { .. } => Code::StorageFull,
            _ => Code::StorageFailed,
        };
        match self.submitted.pop_front() {
            Some(Owner::Brain) => self.input(Input::Refused { count: writes, code }),
            Some(Owner::Account(promise)) => self.account_refused(&promise, code),
            Some(Owner::Unattended) | None => {}
        }
    }

    /// Saves, says goodbye and ends. The door's own deadline bounds how long peers may take.
    async fn stop(mut self, mut events: mpsc::Receiver<StoreEvent>) -> Ending {
        self.draining = true;
        self.input(Input::Drain);
        self.submit();
        while self.unsettled > 0 {
            match events.recv().await {
                Some(StoreEvent::Dead(error)) => return self.fail(error),
                Some(event) => self.store_event(event),
                None => break,
            }
            self.submit();
        }
        self.say_goodbye();
        Ending::Stopped
    }

    fn fail(self, error: StoreError) -> Ending {
        self.say_goodbye();
        Ending::StoreFailed(error)
    }

    fn say_goodbye(&self) {
        for (spread, peer) in self.peers.values().enumerate() {
            if peer.known.as_ref().is_some_and(|known| known.form != Form::Seed) {
                // Spread over three seconds, so that they do not all come back at once.
                let reconnect_in_ms = Some(500 + (spread as u64 * 37) % 2_500);
                let reason = GoingAwayReason::Shutdown;
                let frame = ServerFrame::GoingAway(GoingAway { reason, reconnect_in_ms });
                // A full outbox means that the close below says it alone.
                let _told = peer.outbox.append_text(frame.encode().as_bytes(), 0);
            }
            peer.outbox.close(CloseCode::RESTART, "the hub is going down");
        }
    }

    fn gauges(&self) -> Gauges {
        self.hub.gauges()
    }
}

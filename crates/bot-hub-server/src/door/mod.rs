//! The door: turns bytes into frames and nothing else.
//!
//! Owns sockets: admission, the handshake, the framing, the timeouts and how a socket ends. Never parses a
//! frame and knows neither bots nor rooms. It tells the engine what happens as [`Intent`]s over one bounded
//! channel, and sends what lies in the [`Outbox`] of each connection.
//!
//! Everything here lives on one thread (a tokio `LocalSet`) together with the engine: shared state is `Rc`,
//! `Cell` and `RefCell`, and nothing stays borrowed across an await.

mod admission;
mod buffers;
pub mod code;
mod connection;
mod http;
mod intent;
mod limits;
mod linger;
mod listen;
mod outbox;
mod tls;
pub mod ws;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::config::PublicUrl;
use crate::net::{Network, Origin};

pub use admission::{Admission, Permit, TurnedAway};
pub use buffers::Buffers;
use connection::{Connection, Line};
use http::Arrival;
pub use intent::{
    Answer, Ask, Asker, ClaimWish, ConnId, Ended, Intent, InviteCall, Question, RawFrame,
};
pub use limits::DoorLimits;
pub use listen::listen;
pub use outbox::{Framing, Outbox, OutboxLimits, Refused};

use crate::tls::Encryption;

/// The part of the configuration for the door.
#[derive(Clone, Debug, Default)]
pub struct DoorConfig {
    /// Bounds and timeouts.
    pub limits: Rc<DoorLimits>,
    /// Web pages that may open a connection.
    pub allowed_origins: Vec<Origin>,
    /// The public address of the hub.
    pub public_url: Option<PublicUrl>,
    /// Other names of the hub: those of its certificate.
    pub names: Vec<String>,
    /// Where the operator puts the package of the OpenClaw plugin.
    pub plugin: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// The transport of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Not encrypted here; a proxy in front may do it.
    Plain,
    /// TLS, up to the peer.
    Tls,
    /// Plain, from this machine, at a hub that speaks TLS to everybody else.
    PlainBesideTls,
}

/// Accepts and serves connections.
pub struct Door {
    intents: mpsc::Sender<Intent>,
    config: RefCell<Rc<DoorConfig>>,
    tls: RefCell<Option<Encryption>>,
    admission: Rc<Admission>,
    buffers: Rc<Buffers>,
    conn_last: Cell<u64>,
    /// What is answered over HTTP.
    routes: &'static [http::Route],
    /// Whether the hub is stopping.
    is_stopping: watch::Sender<bool>,
}

impl Door {
    /// A door that sends its events to `intents`. When the channel is full, reading stops; a capacity of
    /// some hundred is plenty.
    #[must_use]
    pub fn new(config: DoorConfig, intents: mpsc::Sender<Intent>) -> Rc<Self> {
        Rc::new(Self::unshared(config, intents))
    }

    fn unshared(config: DoorConfig, intents: mpsc::Sender<Intent>) -> Self {
        Self {
            intents,
            config: RefCell::new(Rc::new(config)),
            tls: RefCell::default(),
            admission: Rc::default(),
            buffers: Rc::default(),
            conn_last: Cell::new(0),
            routes: http::ROUTES,
            is_stopping: watch::Sender::default(),
        }
    }

    /// Changes the configuration for new connections, and for further requests on existing ones.
    pub fn reconfigure(&self, config: DoorConfig) {
        *self.config.borrow_mut() = Rc::new(config);
    }

    /// Turns TLS for new connections on or off. Plain connections are then accepted from this machine only.
    pub fn encrypt(&self, tls: Option<Encryption>) {
        *self.tls.borrow_mut() = tls;
    }

    /// Lets running requests finish, and ends idle HTTP connections.
    pub fn stop(&self) {
        self.is_stopping.send_replace(true);
    }

    /// Resolves when the hub stops.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stopping = self.is_stopping.subscribe();
        async move {
            // An error means that the door is gone, with everything that it serves.
            drop(stopping.wait_for(|is_stopping| *is_stopping).await);
        }
    }

    /// The configuration for the next connection.
    #[must_use]
    pub fn config(&self) -> Rc<DoorConfig> {
        Rc::clone(&self.config.borrow())
    }

    /// Counts of open and refused sockets.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Takes a permit for a socket from `peer`.
    ///
    /// # Errors
    /// The limit that was reached.
    pub fn enter(&self, peer: IpAddr) -> Result<Permit, TurnedAway> {
        let config = self.config();
        let is_proxy = config.trusted_proxies.iter().any(|network| network.contains(peer));
        self.admission.enter((!is_proxy).then_some(peer), &config.limits)
    }

    /// Serves one socket to its end: HTTP requests, or a handshake and a WebSocket. `stream` may be
    /// anything that reads and writes: plain, TLS, in memory.
    pub async fn serve<S>(self: Rc<Self>, stream: S, peer: IpAddr, permit: Permit)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let deadline = Instant::now() + self.config().limits.request;
        let arrival = Arrival { deadline, carrier: Carrier::Plain, peer };
        self.serve_from(arrival, stream, permit).await;
    }

    /// Serves one socket to its end.
    async fn serve_from<S>(self: Rc<Self>, arrival: Arrival, stream: S, permit: Permit)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let limits = Rc::clone(&self.config().limits);
        // Boxed, so that the parser's memory is freed when a WebSocket begins.
        let upgraded = Box::pin(http::serve(&self, stream, arrival, permit)).await;
        let Some((socket, permit)) = upgraded else { return };
        let outbox = Rc::new(self.outbox(&limits));
        let line = Line { intents: self.intents.clone(), buffers: Rc::clone(&self.buffers) };
        let (connection, opened) =
            Connection::new(self.next_conn(), line, limits, outbox, permit, socket);
        connection.run(opened).await;
    }

    fn outbox(&self, limits: &DoorLimits) -> Outbox {
        let limits = OutboxLimits {
            bytes_max: limits.outbox_bytes_max,
            high_water_bytes: limits.outbox_high_water_bytes,
        };
        Outbox::new(limits, Rc::clone(&self.buffers))
    }

    fn next_conn(&self) -> ConnId {
        self.conn_last.set(self.conn_last.get() + 1);
        ConnId(self.conn_last.get())
    }
}

/// Runs `step` until the deadline passes or a newer connection needs the place.
async fn in_time<T>(
    deadline: Instant,
    evicted: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = timeout_at(deadline, work) => done.ok(),
        () = evicted => None,
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("admission", &self.admission).finish_non_exhaustive()
    }
}

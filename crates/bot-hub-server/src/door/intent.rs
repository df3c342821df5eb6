//! Messages from the door to the engine, over one bounded channel.
//!
//! Owns their types. Decides nothing.

use std::net::IpAddr;
use std::rc::Rc;

pub use bot_hub_core::io::ConnId;
use bot_protocol::frame::audit::Act;
use bot_protocol::frame::operator::{InviteWish, Operation, Page};
use bot_protocol::secret::Secret;
use smol_str::SmolStr;
use tokio::sync::oneshot;

use super::code::HttpError;
use super::outbox::Outbox;
use super::ws::Skipped;

/// An event. For a connection, `Opened` comes first, and `Closed` last and exactly once.
#[derive(Debug)]
pub enum Intent {
    /// A WebSocket was opened.
    Opened {
        /// Its number.
        conn: ConnId,
        /// The client's address, behind trusted proxies.
        peer: IpAddr,
        /// The token of the upgrade's `Authorization` header. The connection's first frames wait
        /// until the engine has answered it (appended anything, authenticated or closed).
        bearer: Option<Secret>,
        /// The queue for messages to it.
        outbox: Rc<Outbox>,
    },
    /// It sent frames; never empty.
    Frames {
        /// Who.
        conn: ConnId,
        /// The frames in their order. Before authentication they come one at a time; the next one waits
        /// until something was appended to the outbox.
        frames: Vec<RawFrame>,
    },
    /// Everything up to this mark ([`Outbox::append`]) was written to the socket. Also sent, with an
    /// unchanged mark, when a queue that had stopped the reading was written.
    Written {
        /// Who.
        conn: ConnId,
        /// The count of deliveries so far.
        mark: u64,
    },
    /// The peer's WebSocket stack answered this probe, so it consumed what was queued before it. May come
    /// before the `Written` of the same bytes.
    Proven {
        /// Who.
        conn: ConnId,
        /// The greatest number that was answered.
        probe: u64,
    },
    /// The connection ended. Its outbox refuses further messages.
    Closed {
        /// Who.
        conn: ConnId,
        /// Why.
        why: Ended,
    },
    /// An HTTP endpoint asks.
    Ask(Ask),
}

/// A frame as it arrived; nobody has parsed it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawFrame {
    /// Its text.
    Text(Box<str>),
    /// It was too large to be held.
    Skipped(Skipped),
}

impl From<&str> for RawFrame {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// Why a connection ended; for logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The engine closed it.
    ByHub,
    /// The peer closed it with a close frame.
    ByPeer,
    /// The socket ended or failed without a close frame.
    Lost,
    /// The peer broke a rule of the framing.
    Violation,
    /// It did not authenticate in time.
    AuthTimeout,
    /// No sign of life for too long.
    Silent,
    /// It did not take the bytes that waited for it.
    Stalled,
}

/// A question of an HTTP endpoint.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub what: Question,
    /// Who asks.
    pub asker: Asker,
    /// The channel for the answer. The asker may be gone.
    pub reply: oneshot::Sender<Answer>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// `/readyz`: whether messages can be stored, what is declared is stored, and the hub is not draining. One
    /// line of text.
    Ready,
    /// `/healthz`: the same with details, as JSON.
    Health,
    /// `/version`, as JSON.
    Version,
    /// `/metrics`, as Prometheus text. For operators.
    Metrics,
    /// `POST /api/v1/invites/claim`: somebody uses an invite.
    Claim(Box<ClaimWish>),
    /// `/api/v1/invites…`, with the token of a bot and the client's address.
    Invite(Secret, IpAddr, InviteCall),
}

/// A request to use an invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimWish {
    /// The code, as it was typed.
    pub code: Secret,
    /// Name and version of the program.
    pub client: String,
    /// The name that the bot wants; otherwise the one of the invite.
    pub name: Option<String>,
    /// The client's address.
    pub address: IpAddr,
    /// The address of the hub as the client knows it: `https://hub.example`.
    pub base: String,
}

/// An operation on invites.
#[derive(Clone, Debug, PartialEq)]
pub enum InviteCall {
    /// Make one.
    Create(InviteWish),
    /// List them, page by page.
    List(Page),
    /// Revoke one.
    Revoke(SmolStr),
}

impl InviteCall {
    /// What it does; `None` where it only reads.
    #[must_use]
    pub fn act(&self) -> Option<Act> {
        match self {
            Self::Create(wish) => Operation::InviteCreate(wish.clone()).act(),
            Self::Revoke(id) => Operation::InviteRevoke { id: id.clone() }.act(),
            Self::List(_) => None,
        }
    }
}

/// The client. The engine decides what a remote one may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A program on this machine, not through a proxy.
    Local,
    /// Another client, with its `Authorization` token if there is one.
    Remote(IpAddr, Option<Secret>),
}

/// The engine's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Success, with the body.
    Good(String),
    /// Something is wrong; the body says what.
    Bad(String),
    /// The client may not know this.
    Denied,
    /// The request is refused.
    Refused(Box<HttpError>),
}

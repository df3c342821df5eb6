//! What the door tells the engine, over one bounded channel.

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

/// One thing that happened. For a connection: `Opened` first, `Closed` last and exactly once.
#[derive(Debug)]
pub enum Intent {
    /// A WebSocket was opened.
    Opened {
        /// Its number.
        conn: ConnId,
        /// Where it came from, behind proxies that are trusted.
        peer: IpAddr,
        /// The token of the upgrade's `Authorization` header. The connection's first frames wait
        /// until the engine has answered it (appended anything, authenticated or closed).
        bearer: Option<Secret>,
        /// What goes to it.
        outbox: Rc<Outbox>,
    },
    /// It sent messages; never empty.
    Frames {
        /// Who.
        conn: ConnId,
        /// In the order in which they came. Before authentication it is one at a time, and the next
        /// one waits until something was appended to the outbox.
        frames: Vec<RawFrame>,
    },
    /// Everything up to this mark ([`Outbox::append`]) was handed to the socket. Also sent, with the
    /// mark it had before, when a queue that had stopped the reading was written out.
    Written {
        /// Who.
        conn: ConnId,
        /// Deliveries so far.
        mark: u64,
    },
    /// The peer's stack answered this probe, and so consumed what was queued before it. It may come
    /// before the `Written` of the same bytes.
    Proven {
        /// Who.
        conn: ConnId,
        /// The greatest number that was answered.
        probe: u64,
    },
    /// It is over. Appends to its outbox are refused.
    Closed {
        /// Who.
        conn: ConnId,
        /// Why.
        why: Ended,
    },
    /// An HTTP endpoint asks.
    Ask(Ask),
}

/// A frame as it came: nobody has looked into it.
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
    /// The socket ended or failed without a word.
    Lost,
    /// The peer broke a rule of the framing.
    Violation,
    /// It did not authenticate in time.
    AuthTimeout,
    /// Nothing was heard of it for too long.
    Silent,
    /// It did not take what waited for it.
    Stalled,
}

/// A question of an HTTP endpoint.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub what: Question,
    /// Who asks.
    pub asker: Asker,
    /// Where the answer goes. The asker may be gone.
    pub reply: oneshot::Sender<Answer>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// `/readyz`: is the store writable, is the hub not draining? One line of text.
    Ready,
    /// `/healthz`: the same with details, as JSON.
    Health,
    /// `/version`, as JSON.
    Version,
    /// `/metrics`, as Prometheus text. For operators.
    Metrics,
    /// `POST /api/v1/invites/claim`: somebody comes by an invite.
    Claim(Box<ClaimWish>),
    /// `/api/v1/invites…`, with the token of a bot, and from where.
    Invite(Secret, IpAddr, InviteCall),
}

/// Somebody comes by an invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimWish {
    /// The code, as it was typed.
    pub code: Secret,
    /// Name and version of the program.
    pub client: String,
    /// What the bot wants to be called; otherwise what the invite says.
    pub name: Option<String>,
    /// From where.
    pub address: IpAddr,
    /// The address of the hub, as the asker knows it: `https://hub.example`.
    pub base: String,
}

/// What a bot wants with invites.
#[derive(Clone, Debug, PartialEq)]
pub enum InviteCall {
    /// Make one.
    Create(InviteWish),
    /// Show them, page by page.
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

/// Who asks. The engine decides what a remote asker may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody on this machine, not through a proxy.
    Local,
    /// Somebody else, with the token of the `Authorization` header if there was one.
    Remote(IpAddr, Option<Secret>),
}

/// What the engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is well; the body.
    Good(String),
    /// It is not; the body says what.
    Bad(String),
    /// The asker may not know.
    Denied,
    /// What was asked for is refused.
    Refused(Box<HttpError>),
}

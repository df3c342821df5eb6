//! What goes into the brain and what comes out.
//!
//! Owns the two enums that are its whole interface. An input never waits for anything; what the world
//! has to do about it comes out as outputs, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::pause::{PauseLine, PauseWhy};
use bot_protocol::frame::server::Ack;
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::id::Position;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::change::{Answer, Change, Outcome, Query};
use crate::entry::Entry;
use crate::settings::Settings;

/// One connection; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl std::fmt::Display for ConnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One question to the store; comes back with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a client can do, as granted in `auth_ok.caps`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent capabilities")]
pub struct Caps {
    /// It acknowledges what it has taken responsibility for.
    pub ack: bool,
    /// It wants to know what became of its messages.
    pub receipts: bool,
    /// It understands one receipt for a range of its messages.
    pub ranges: bool,
    /// It wants to know who comes and goes.
    pub presence: bool,
    /// It wants structured acts beside the text.
    pub acts: bool,
    /// It wants to know what was redacted, and by whom.
    pub redactions: bool,
    /// It wants to know when what is for it waits, and why.
    pub governor: bool,
}

impl Caps {
    /// Grants those of the wished capabilities that exist.
    pub fn grant<'a>(wished: impl IntoIterator<Item = &'a str>) -> Self {
        let mut caps = Self::default();
        for name in wished {
            match name {
                "ack" => caps.ack = true,
                "receipts" => caps.receipts = true,
                "ranges" => caps.ranges = true,
                "presence" => caps.presence = true,
                "acts" => caps.acts = true,
                "redactions" => caps.redactions = true,
                "governor" => caps.governor = true,
                _ => {}
            }
        }
        caps
    }

    /// Whether a capability is granted.
    pub fn knows(self, cap: &str) -> bool {
        self.names().any(|name| name == cap)
    }

    /// The names of what is granted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.ack, "ack"),
            (self.receipts, "receipts"),
            (self.ranges, "ranges"),
            (self.presence, "presence"),
            (self.acts, "acts"),
            (self.redactions, "redactions"),
            (self.governor, "governor"),
        ]
        .into_iter()
        .filter_map(|(granted, name)| granted.then_some(name))
    }
}

/// Who opened a connection: the result of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Whom the token belongs to.
    pub bot: BotId,
    /// Whether it may operate the hub.
    pub operator: bool,
    /// It asked for nothing beyond the seed's protocol, and gets nothing beyond it.
    pub plain: bool,
    /// It sends and asks only: it is delivered nothing and replaces no other connection.
    pub side: bool,
    /// What it can do.
    pub caps: Caps,
    /// Take up all memberships, from these positions where they are known.
    pub resume: Option<BTreeMap<RoomName, Position>>,
}

/// What a bot may do at all, as whoever knows bots and tokens sees it now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It may operate the hub.
    pub operator: bool,
    /// It came by an invite, and is confined to the rooms that it was let into.
    pub guest: bool,
    /// It is disabled, or has no token: what is for it waits.
    pub shut_out: bool,
    /// When it was here last, as far as that is stored.
    pub last_seen: Option<Timestamp>,
}

/// What is said of a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What it is for.
    pub about: Option<SmolStr>,
    /// What it can do.
    pub skills: Vec<SmolStr>,
}

impl Profile {
    /// How many bytes of text it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let skills: usize = self.skills.iter().map(SmolStr::len).sum();
        self.about.as_ref().map_or(0, SmolStr::len) + skills
    }
}

/// Something that happened in the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Retention by age waits, for that reason, because the clock cannot be trusted; or goes on.
    AgeWaits(Option<SmolStr>),
    /// The disk has only so many bytes left, which are kept for receipts, cursors and operators; or it has more.
    DiskLeft(Option<u64>),
    /// A bot authenticated.
    Opened {
        /// Its connection.
        conn: ConnId,
        /// Who it is.
        hello: Hello,
    },
    /// A frame arrived. Frames of connections that are not open any more are ignored: this is the
    /// fence against late receipts of a replaced connection.
    Frame {
        /// From where.
        conn: ConnId,
        /// What.
        frame: ClientFrame,
    },
    /// The first `deliveries` entries that were handed to the connection are on its socket.
    Written {
        /// The connection.
        conn: ConnId,
        /// A running count since it was opened.
        deliveries: u64,
    },
    /// The peer answered a probe: its stack has consumed everything that was sent before.
    Proven {
        /// The connection.
        conn: ConnId,
        /// The probe's number.
        probe: u64,
    },
    /// The connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
    },
    /// The oldest changes that were not answered yet are durable.
    Committed {
        /// One outcome per change, in their order.
        outcomes: Vec<Outcome>,
    },
    /// Somebody else has made these changes: another hub on the same store, an import. They come in the
    /// order of the store, together with what this brain asks for, and the store that it asks has them. What
    /// is committed together comes together.
    CommittedElsewhere {
        /// Every change with its outcome, in their order.
        batch: Vec<(Change, Outcome)>,
    },
    /// The oldest changes that were not answered yet could not be stored; nothing of them was.
    Refused {
        /// How many.
        count: usize,
        /// Why.
        code: Code,
    },
    /// The store answered a query.
    Answered {
        /// Which.
        ticket: Ticket,
        /// The answer.
        answer: Answer,
    },
    /// A bot exists.
    BotAdded(BotId),
    /// A bot exists, and this is what it may do from now on, on connections that are open, too.
    Standing {
        /// The bot.
        bot: BotId,
        /// What it may do.
        standing: Standing,
    },
    /// This is said of a bot from now on, until it is removed.
    Profile {
        /// The bot.
        bot: BotId,
        /// What is said.
        profile: Profile,
    },
    /// Whether a bot is about to be removed: nothing new is for it or from it.
    Removing {
        /// The bot.
        bot: BotId,
        /// `false`: it stays after all.
        removing: bool,
    },
    /// A bot is let into rooms that exist. Whoever lets it in makes everything else durable in the
    /// same batch, or the answer is `Refused` and nothing happened.
    LetIn {
        /// The bot; it need not exist before the batch is committed.
        bot: BotId,
        /// Where it becomes a member.
        rooms: Vec<RoomName>,
        /// What it may do there.
        rights: Rights,
    },
    /// One connection must end: what it came in with is worth nothing any more.
    Revoked {
        /// Which.
        conn: ConnId,
    },
    /// A bot does not exist any more.
    BotRemoved(BotId),
    /// A bot's connections must end.
    BotBlocked(BotId),
    /// A rule pauses: what is for the bot waits, and it may speak on. What is not there is not paused.
    RulePauses {
        /// In which room; in all where that is absent.
        room: Option<RoomName>,
        /// Which bot; all of them where that is absent.
        bot: Option<BotId>,
        /// The rule, with its numbers.
        why: PauseWhy,
        /// When it ends by itself; absent where somebody has to resume.
        until: Option<Timestamp>,
    },
    /// A room is declared in the configuration.
    RoomDeclared {
        /// The room.
        room: RoomName,
        /// Its members.
        members: Vec<BotId>,
        /// Only an operator admits more.
        closed: bool,
        /// Its own retention.
        retain: Option<Retention>,
    },
    /// Somebody is about to need a room. If the store refuses it, that is no more than a refusal.
    RoomNeeded {
        /// The room.
        room: RoomName,
        /// Only an operator admits members.
        closed: bool,
    },
    /// The configuration changed.
    Configured(Settings),
    /// Time passed.
    Tick,
    /// The hub is about to stop: nothing new is accepted, everything unsaved is saved.
    Drain,
}

/// Something that the world has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Make this durable, after all changes before it. The changes that follow from one input belong
    /// into one batch: a direct message must not be stored without its recipient's membership.
    Change(Change),
    /// The changes since the last one of these are what an operator has just asked for on that connection.
    /// Whoever keeps a record of what operators do stores it in the batch of these changes.
    Act {
        /// Where it was asked for.
        conn: ConnId,
    },
    /// Whether what an operator has just asked for is done is known when this question is answered: an
    /// [`Output::Act`] may follow on the answer.
    ActAwaits {
        /// The question.
        ticket: Ticket,
    },
    /// A pause holds from now on, or has ended: for whoever tells people about it.
    Pause {
        /// Which.
        line: Arc<PauseLine>,
        /// Whether it holds.
        on: bool,
    },
    /// Look this up.
    Query {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The question.
        query: Query,
    },
    /// Send a frame to one connection.
    Send {
        /// Where.
        conn: ConnId,
        /// What. Boxed, because it is larger than everything else that comes out.
        frame: Box<ServerFrame>,
    },
    /// Send an `ack`: the one frame of which there is one for every message.
    Ack {
        /// Where.
        conn: ConnId,
        /// What.
        ack: Ack,
    },
    /// Hand one committed entry to connections; counts as one delivery for each.
    Deliver {
        /// The entry.
        entry: Entry,
        /// Where.
        to: Vec<ConnId>,
        /// What is special about this delivery.
        circumstances: Circumstances,
    },
    /// Send a WebSocket ping with this number; its pong is `Input::Proven`.
    Probe {
        /// Where.
        conn: ConnId,
        /// The number.
        number: u64,
    },
    /// Close the connection after everything that was sent before.
    Close {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
}

/// How an entry comes to a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// How old it is.
    pub age_ms: u64,
    /// It waited for the reader.
    pub late: bool,
    /// It may have been delivered before.
    pub redelivered: bool,
    /// Its place in what waited: index from 1, and how many there were at most.
    pub backlog: Option<(u64, u64)>,
    /// So many entries before it were dropped, for readers that do not know `gap`.
    pub lost: Option<u64>,
}

/// Why the brain closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// A newer connection of the same bot took over.
    Replaced,
    /// The bot was disabled or removed.
    Revoked,
    /// It does not read what it is sent.
    TooSlow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_named_by_its_number() {
        assert_eq!(ConnId(17).to_string(), "17");
    }
}

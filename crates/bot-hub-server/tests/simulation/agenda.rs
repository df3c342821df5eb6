//! What happens when, in virtual time.
//!
//! Owns the queue of events. Two events of the same moment happen in the order in which they were
//! planned, so that a run depends on its seed only.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use bot_hub_client::link::Input as LinkInput;
use bot_hub_core::change::{Answer, Outcome, Query};
use bot_hub_core::io::Ticket;
use bot_protocol::code::Code;

/// A connection's index.
pub(crate) type Conn = usize;
/// A bot's index.
pub(crate) type BotNo = usize;

#[derive(Debug)]
pub(crate) enum Event {
    /// The oldest frame on its way up reaches the hub.
    Up(Conn),
    /// The oldest item on its way down reaches the bot.
    Down(Conn),
    /// The hub's door reports how far it has written.
    Written(Conn, u64),
    /// The hub learns that a connection is gone.
    HubNotices(Conn),
    /// The bot learns that a connection is gone.
    BotNotices(Conn),
    /// The store works off its oldest submission.
    Commit(Life),
    /// The brain hears what became of the oldest submission.
    Settle(Life, Settled),
    /// The store's reader looks something up.
    Read(Life, Ticket, Query),
    /// The brain hears the answer.
    Answer(Life, Ticket, Answer),
    /// The brain's deadline.
    HubTick(Life),
    /// The hub starts.
    HubStart,
    /// A bot's process starts.
    BotStart(BotNo),
    /// An attempt to connect comes to its end.
    Dialled(BotNo, Life),
    /// A link's deadline.
    BotTick(BotNo, Life),
    /// A bot's application looks at its oldest event.
    Take(BotNo, Life),
    /// A bot's application says something to its link.
    App(BotNo, Life, Box<LinkInput>),
    /// A bot does something by itself.
    Act(BotNo),
    /// An operator redacts something.
    Redact,
    /// Something goes wrong.
    Fault,
    /// Somebody or something pauses or resumes.
    Pause,
    /// A look at whether everything is drained, when nothing goes wrong any more.
    Look,
}

/// Which start of a process an event belongs to; events of an earlier one are void.
pub(crate) type Life = u32;

#[derive(Debug)]
pub(crate) enum Settled {
    Committed(Vec<Outcome>),
    Refused(usize, Code),
}

#[derive(Debug)]
struct Planned {
    at: u64,
    order: u64,
    event: Event,
}

#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.queue.push(Reverse(Planned { at, order: self.planned, event }));
    }

    pub(crate) fn next(&mut self) -> Option<(u64, Event)> {
        self.queue.pop().map(|Reverse(planned)| (planned.at, planned.event))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

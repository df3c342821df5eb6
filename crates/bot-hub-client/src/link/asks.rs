//! Questions and their answers.
//!
//! Owns which answer belongs to which question. Most questions carry no id, so only one of each type is
//! sent at a time, and the others wait. `operate` has a `ref`.

use bot_protocol::frame::client::ClientFrame;
use bot_protocol::frame::server::{ErrorFrame, ServerFrame};
use bot_protocol::time::Timestamp;

/// How many questions may wait at once.
const ASKS_MAX: usize = 256;

/// How long an abandoned question blocks its type. Otherwise its late answer could be taken for the answer
/// to the next question.
const LATE_ANSWER_MS: u64 = 30_000;

/// Unanswered questions in order.
#[derive(Debug, Default)]
pub(super) struct Asks(Vec<Ask>);

#[derive(Debug)]
struct Ask {
    /// Identifies the waiter; `None` if nobody waits any more.
    key: Option<u64>,
    frame: ClientFrame,
    deadline: Timestamp,
    in_flight: bool,
}

/// Which of the waiting questions may be sent now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    /// `join` comes before messages to the room.
    Joins,
    /// All other questions come after messages.
    Others,
}

impl Asks {
    /// Whether anybody waits for an answer.
    pub(super) fn is_waiting(&self) -> bool {
        self.0.iter().any(|ask| ask.key.is_some())
    }

    /// Adds a question; `false` if there are too many.
    pub(super) fn push(
        &mut self,
        key: Option<u64>,
        frame: ClientFrame,
        deadline: Timestamp,
    ) -> bool {
        let fits = self.0.len() < ASKS_MAX;
        if fits {
            self.0.push(Ask { key, frame, deadline, in_flight: false });
        }
        fits
    }

    /// The next question that may be sent.
    pub(super) fn next_due(&mut self, turn: Turn) -> Option<ClientFrame> {
        let at = (0..self.0.len()).find(|&at| self.may_go(at, turn))?;
        self.0[at].in_flight = true;
        Some(self.0[at].frame.clone())
    }

    fn may_go(&self, at: usize, turn: Turn) -> bool {
        let ask = &self.0[at];
        let kind = ask.frame.kind();
        let its_turn = (kind == "join") == (turn == Turn::Joins);
        let busy = |other: &Ask| other.in_flight && other.frame.kind() == kind;
        its_turn && !ask.in_flight && (kind == "operate" || !self.0.iter().any(busy))
    }

    /// Removes the question that a frame answers, if there is one.
    pub(super) fn answered(&mut self, reply: &ServerFrame) -> Option<Option<u64>> {
        self.end(|ask| answers(&ask.frame, reply))
    }

    /// Removes the question that a refusal answers.
    pub(super) fn refused(&mut self, error: &ErrorFrame) -> Option<Option<u64>> {
        let reference = error.reference.as_deref()?;
        self.end(|ask| match &ask.frame {
            ClientFrame::Operate(operate) if operate.reference == reference => true,
            ClientFrame::Status(status) if status.id.as_str() == reference => true,
            frame => frame.kind() == reference,
        })
    }

    /// Removes the question whose answer could not be read. `about` is the answer's `ref` or else its
    /// `type`. The type of an answer equals that of its question, except for answers like `joined`.
    pub(super) fn unreadable(&mut self, about: &str) -> Option<Option<u64>> {
        let kind = match about {
            "joined" => "join",
            "left" => "leave",
            "pong" => "ping",
            other => other,
        };
        self.end(|ask| match &ask.frame {
            ClientFrame::Operate(operate) => operate.reference == about,
            ClientFrame::Status(status) if status.id.as_str() == about => true,
            frame => frame.kind() == kind,
        })
    }

    /// Whether a question about this message was sent.
    pub(super) fn asks_about(&self, reference: &str) -> bool {
        self.0.iter().any(|ask| {
            let about = matches!(&ask.frame, ClientFrame::Status(status) if status.id.as_str() == reference);
            ask.in_flight && about
        })
    }

    fn end(&mut self, matching: impl Fn(&Ask) -> bool) -> Option<Option<u64>> {
        let at = self.0.iter().position(|ask| ask.in_flight && matching(ask))?;
        Some(self.0.remove(at).key)
    }

    /// Removes questions that timed out. One that was sent keeps blocking its type until the answer comes.
    pub(super) fn expired(&mut self, now: Timestamp) -> Vec<(u64, &'static str)> {
        let mut expired = Vec::new();
        self.0.retain_mut(|ask| {
            if ask.deadline > now {
                return true;
            }
            let waited = ask.key.take();
            expired.extend(waited.map(|key| (key, ask.frame.kind())));
            ask.deadline = now + LATE_ANSWER_MS;
            ask.in_flight && waited.is_some()
        });
        expired
    }

    /// Handles the loss of the connection. Returns the questions that must not be repeated automatically.
    pub(super) fn disconnected(&mut self) -> Vec<u64> {
        let mut lost = Vec::new();
        self.0.retain_mut(|ask| {
            let once = ask.in_flight && matches!(ask.frame, ClientFrame::Operate(_));
            if once {
                lost.extend(ask.key);
            }
            ask.in_flight = false;
            !once && ask.key.is_some()
        });
        lost
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.0.iter().map(|ask| ask.deadline).min()
    }

    /// Removes all questions.
    pub(super) fn drain(&mut self) -> Vec<u64> {
        self.0.drain(..).filter_map(|ask| ask.key).collect()
    }
}

/// Whether a frame can be the answer to a question, judged by the frames alone.
fn answers(ask: &ClientFrame, reply: &ServerFrame) -> bool {
    use ClientFrame as Ask;
    use ServerFrame as Reply;
    match (ask, reply) {
        (Ask::Join(ask), Reply::Joined(reply)) => ask.room == reply.room,
        (Ask::Leave(ask), Reply::Left(reply)) => ask.room == reply.room,
        (Ask::History(ask), Reply::History(reply)) => ask.room == reply.room,
        (Ask::Status(ask), Reply::Status(reply)) => {
            let is_there = ask.room.as_ref().is_none_or(|room| *room == reply.room);
            ask.id == reply.id && is_there
        }
        (Ask::Who(ask), Reply::Who(reply)) => ask.room == reply.room,
        (Ask::Ping(ask), Reply::Pong(reply)) => ask.at == reply.at,
        (Ask::Operate(ask), Reply::Operated(reply)) => ask.reference == reply.reference,
        (Ask::Rooms(_), Reply::Rooms(_)) => true,
        _ => false,
    }
}

//! A bot that knows the seed's protocol only.
//!
//! Owns a client as somebody would write it after reading the original's page: it authenticates,
//! joins, sends, and believes what it is told. Some give their messages ids and send again what was
//! not acknowledged, now and then twice in a row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bot_protocol::code::Retry;
use bot_protocol::frame::client::{Auth, ClientFrame, Join, Message};
use bot_protocol::frame::server::{Ack, ErrorFrame, ServerFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use bot_protocol::secret::Secret;

use super::agenda::{BotNo, Conn};
use super::bot::Program;
use super::network::Up;
use super::world::World;

#[derive(Debug, Default)]
pub(crate) struct SeedProgram {
    with_ids: bool,
    /// Texts sent on this connection, oldest first: the original's `ack` names none.
    unanswered: VecDeque<String>,
    /// An error came between, so that nobody knows which `ack` belongs to what.
    confused: bool,
    unacked: BTreeMap<MessageId, Message>,
    joined: BTreeSet<RoomName>,
    greeted: bool,
}

impl SeedProgram {
    pub(crate) fn is_idle(&self, rooms: &[RoomName]) -> bool {
        self.greeted && self.unacked.is_empty() && rooms.iter().all(|it| self.joined.contains(it))
    }
}

impl World {
    pub(crate) fn start_seed(&mut self, bot: BotNo) {
        let program = SeedProgram { with_ids: self.dice.percent(40), ..SeedProgram::default() };
        // A program that knows nothing of ids does not know what another one had left to send.
        self.bots[bot].kept.open.clear();
        self.bots[bot].program = Some(Program::Seed(program));
        self.dial(bot, 40);
    }

    fn seed(&mut self, bot: BotNo) -> Option<&mut SeedProgram> {
        match &mut self.bots[bot].program {
            Some(Program::Seed(program)) => Some(program),
            _ => None,
        }
    }

    fn seed_says(&mut self, bot: BotNo, frame: ClientFrame) {
        if let Some(conn) = self.bots[bot].conn {
            self.send_up(conn, Up::Frame(Box::new(frame)));
        }
    }

    pub(crate) fn greet_as_seed(&mut self, conn: Conn) {
        let bot = self.pipes[conn].bot;
        let token = Some(Secret::new(self.bots[bot].id.as_str()));
        self.seed_says(bot, ClientFrame::Auth(Auth { token, ..Auth::default() }));
    }

    pub(crate) fn seed_lost(&mut self, bot: BotNo) {
        if let Some(program) = self.seed(bot) {
            program.unanswered.clear();
            program.joined.clear();
            (program.confused, program.greeted) = (false, false);
        }
        self.dial(bot, 3_000);
    }

    pub(crate) fn seed_frame(&mut self, bot: BotNo, frame: ServerFrame) {
        self.trace(|world| format!("{} reads {}", world.bots[bot].id, frame.encode()));
        match frame {
            ServerFrame::AuthOk(_) => {
                if let Some(program) = self.seed(bot) {
                    program.greeted = true;
                }
                self.seed_joins(bot);
            }
            ServerFrame::Joined(joined) => {
                if let Some(program) = self.seed(bot) {
                    program.joined.insert(joined.room);
                }
                self.seed_repeats(bot);
            }
            ServerFrame::Ack(ack) => self.seed_acked(bot, &ack),
            ServerFrame::Error(error) => self.seed_refused(bot, &error),
            other => {
                let text = format!("{} gets `{}`", self.bots[bot].id, other.kind());
                self.history.object("the seed's protocol", text);
            }
        }
    }

    pub(crate) fn seed_joins(&mut self, bot: BotNo) {
        for room in self.bots[bot].rooms.clone() {
            let missing = |it: &mut SeedProgram| it.greeted && !it.joined.contains(&room);
            if self.seed(bot).is_some_and(missing) {
                self.seed_says(bot, ClientFrame::Join(Join { room }));
            }
        }
    }

    /// Sends again what was not acknowledged.
    pub(crate) fn seed_repeats(&mut self, bot: BotNo) {
        let unacked = self.seed(bot).map(|program| program.unacked.clone()).unwrap_or_default();
        for message in unacked.into_values() {
            self.seed_says(bot, ClientFrame::Message(message));
        }
    }

    fn seed_acked(&mut self, bot: BotNo, ack: &Ack) {
        let Some(program) = self.seed(bot) else { return };
        if let Some(id) = &ack.id {
            if let Some(message) = program.unacked.remove(id) {
                self.history.believed_stored(&message.text);
            }
        } else if !program.confused {
            match program.unanswered.pop_front() {
                Some(text) => self.history.believed_stored(&text),
                None => self.history.object("one end per send", "an `ack` for nothing"),
            }
        }
    }

    fn seed_refused(&mut self, bot: BotNo, error: &ErrorFrame) {
        let Some(program) = self.seed(bot) else { return };
        let reference = error.reference.as_deref().unwrap_or_default();
        if reference == "message" {
            program.confused = true;
        }
        let Ok(id) = MessageId::new(reference) else { return };
        if error.retry != Retry::Later
            && let Some(message) = program.unacked.remove(&id)
        {
            self.history.believed_refused(&message.text, &error.name);
        }
    }

    pub(crate) fn seed_acts(&mut self, bot: BotNo) {
        self.seed_joins(bot);
        let Some(program) = self.seed(bot) else { return };
        if !program.greeted || program.joined.is_empty() {
            return;
        }
        let with_ids = program.with_ids;
        let mut message = self.compose(bot);
        let Some(program) = self.seed(bot) else { return };
        if message.room.as_ref().is_some_and(|room| !program.joined.contains(room)) {
            return;
        }
        if with_ids {
            let id = format!("{}-{}", self.bots[bot].id, self.bots[bot].kept.said);
            let id = MessageId::new(&id).expect("short and visible");
            message.id = Some(id.clone());
            if let Some(program) = self.seed(bot) {
                program.unacked.insert(id, message.clone());
            }
            if self.dice.percent(10) {
                self.seed_says(bot, ClientFrame::Message(message.clone()));
            }
        } else if let Some(program) = self.seed(bot) {
            program.unanswered.push_back(message.text.clone());
        }
        self.seed_says(bot, ClientFrame::Message(message));
    }
}

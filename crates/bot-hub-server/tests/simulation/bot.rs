//! A bot: an application that lasts, and a process that comes and goes.
//!
//! Owns what survives a crash of the process, how it starts and dies, and what both kinds of program
//! have in common. The programs themselves are in [`super::link_bot`] and [`super::seed_bot`].

use std::collections::BTreeMap;

use bot_hub_client::Why;
use bot_hub_client::link::Input as LinkInput;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::Message;
use bot_protocol::id::{MessageId, Position};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use super::agenda::{BotNo, Conn, Event, Life};
use super::link_bot::LinkProgram;
use super::plan::Make;
use super::seed_bot::SeedProgram;
use super::world::World;

#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) id: BotId,
    pub(crate) make: Make,
    pub(crate) life: Life,
    pub(crate) program: Option<Program>,
    pub(crate) conn: Option<Conn>,
    /// Until then its stack reads nothing.
    pub(crate) stalled_until: u64,
    pub(crate) rooms: Vec<RoomName>,
    pub(crate) kept: Kept,
}

/// What the application has written down.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) said: u64,
    /// Messages of which it does not know what became.
    pub(crate) open: BTreeMap<MessageId, Message>,
    /// Ids that it can ask about.
    pub(crate) ids: Vec<MessageId>,
    pub(crate) positions: BTreeMap<RoomName, Position>,
}

#[derive(Debug)]
pub(crate) enum Program {
    Link(Box<LinkProgram>),
    Seed(SeedProgram),
}

impl World {
    pub(crate) fn start_bot(&mut self, bot: BotNo) {
        if self.bots[bot].program.is_some() {
            return;
        }
        self.bots[bot].life += 1;
        let seed = match self.bots[bot].make {
            Make::Link => false,
            Make::Seed => true,
            Make::Mixed => self.dice.percent(50),
        };
        self.trace(|world| {
            let kind = if seed { "a seed client" } else { "a link" };
            format!("{} starts as {kind}", world.bots[bot].id)
        });
        if seed { self.start_seed(bot) } else { self.start_link(bot) }
    }

    /// The process dies. What it had not written down is gone.
    pub(crate) fn crash_bot(&mut self, bot: BotNo) {
        let Some(program) = self.bots[bot].program.take() else { return };
        self.trace(|world| format!("{} crashes", world.bots[bot].id));
        if let Program::Link(program) = &program {
            self.remember(bot, program);
        }
        self.bots[bot].life += 1;
        if let Some(conn) = self.bots[bot].conn.take() {
            if self.dice.percent(50) {
                self.hang_up(conn);
            } else {
                let notice = *self.dice.pick(&[5, 500, 30_000]);
                self.cut(conn, notice, 0);
                self.pipes[conn].bot_sees = false;
            }
        }
    }

    fn remember(&mut self, bot: BotNo, program: &LinkProgram) {
        match self.dice.below(3) {
            0 => self.bots[bot].kept.positions = program.link.positions(),
            1 => self.bots[bot].kept.positions.clear(),
            _ => {}
        }
        if self.dice.percent(30) {
            // The sender of these has forgotten them, too.
            self.bots[bot].kept.open.clear();
        }
    }

    pub(crate) fn on_dialled(&mut self, bot: BotNo, life: Life) {
        if life != self.bots[bot].life || self.bots[bot].program.is_none() {
            return;
        }
        let reachable = self.hub.brain.is_some() && (self.is_calm() || self.dice.percent(95));
        let conn = reachable.then(|| self.open_pipe(bot));
        if conn.is_some() {
            self.bots[bot].conn = conn;
        }
        match (&self.bots[bot].program, conn) {
            (Some(Program::Link(_)), Some(_)) => self.link_input(bot, LinkInput::Opened),
            (Some(Program::Link(_)), None) => {
                let why = Why::Unreachable("nobody there".to_owned());
                self.link_input(bot, LinkInput::Closed(why));
            }
            (Some(Program::Seed(_)), Some(conn)) => self.greet_as_seed(conn),
            (Some(Program::Seed(_)), None) => self.dial(bot, 2_000),
            (None, _) => {}
        }
    }

    pub(crate) fn dial(&mut self, bot: BotNo, most: u64) {
        let at = self.now + self.dice.between(0, most);
        self.agenda.plan(at, Event::Dialled(bot, self.bots[bot].life));
    }

    pub(crate) fn bot_frame(&mut self, bot: BotNo, frame: ServerFrame) {
        match &self.bots[bot].program {
            Some(Program::Link(_)) => self.link_input(bot, LinkInput::Frame(Box::new(frame))),
            Some(Program::Seed(_)) => self.seed_frame(bot, frame),
            None => {}
        }
    }

    pub(crate) fn bot_entry(&mut self, bot: BotNo, frame: ServerFrame, room: &RoomName, seq: u64) {
        match (&self.bots[bot].program, frame) {
            (Some(Program::Seed(_)), ServerFrame::Message(delivery)) => {
                self.trace(|world| format!("{} reads {delivery:?}", world.bots[bot].id));
                self.history.saw(self.now, &self.bots[bot].id, room, seq, delivery.lost);
            }
            (_, frame) => self.bot_frame(bot, frame),
        }
    }

    /// A ping of the WebSocket.
    pub(crate) fn bot_heard(&mut self, bot: BotNo) {
        if matches!(self.bots[bot].program, Some(Program::Link(_))) {
            self.link_input(bot, LinkInput::Heard);
        }
    }

    pub(crate) fn bot_loses(&mut self, conn: Conn, why: Why) {
        let bot = self.pipes[conn].bot;
        let current = self.bots[bot].conn == Some(conn);
        if !std::mem::replace(&mut self.pipes[conn].bot_sees, false) || !current {
            return;
        }
        self.trace(|world| format!("{} loses its connection ({conn})", world.bots[bot].id));
        self.bots[bot].conn = None;
        match self.bots[bot].program {
            Some(Program::Link(_)) => self.link_input(bot, LinkInput::Closed(why)),
            Some(Program::Seed(_)) => self.seed_lost(bot),
            None => {}
        }
    }

    /// Something new to say, which nobody has said before.
    pub(crate) fn compose(&mut self, bot: BotNo) -> Message {
        self.bots[bot].kept.said += 1;
        let mut text = format!("{}/{}", self.bots[bot].id, self.bots[bot].kept.said);
        if self.dice.percent(10) {
            text.push_str(&" and so on".repeat(self.dice.below(12)));
        }
        self.history.wished(&self.bots[bot].id, &text);
        let mut message = Message { text, ..Message::default() };
        if self.dice.percent(10) {
            let to = self.dice.below(self.bots.len());
            message.to = Some(self.bots[to].id.clone());
        } else {
            message.room = Some(self.dice.pick(&self.bots[bot].rooms).clone());
        }
        if self.dice.percent(self.plan.expiring_percent) {
            message.expires_at = Some(Timestamp(self.now + self.dice.between(1, 20_000)));
        }
        message
    }

    pub(crate) fn on_act(&mut self, bot: BotNo) {
        if self.is_calm() {
            return;
        }
        match self.bots[bot].program {
            Some(Program::Link(_)) => self.link_acts(bot),
            Some(Program::Seed(_)) => self.seed_acts(bot),
            None => {}
        }
        // Bursts and pauses: mostly soon, now and then much later.
        let most = if self.dice.percent(50) { 20 } else { 2 * self.plan.act_every };
        let at = self.now + self.dice.between(0, most);
        self.agenda.plan(at, Event::Act(bot));
    }
}

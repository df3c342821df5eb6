//! What is between bots and hub.
//!
//! Owns connections: two directions in order, with delay, with room for so many frames, and with the
//! two ways to break: what is on the way is lost from some frame on, and each end learns of it when it
//! does. Never looks at what a frame says, but for the door's own: probes and the mark of deliveries.

use std::collections::{BTreeMap, VecDeque};

use bot_hub_client::Why;
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::limits::Limits;
use bot_protocol::name::RoomName;

use super::agenda::{BotNo, Conn, Event, Life};
use super::world::World;

#[derive(Debug)]
pub(crate) enum Up {
    Frame(Box<ClientFrame>),
    Pong(u64),
    /// The bot closed the connection.
    End,
}

#[derive(Debug)]
pub(crate) enum Down {
    Frame(Box<ServerFrame>),
    /// An entry, and its place in the log, which a seed client is not told.
    Entry(Box<ServerFrame>, RoomName, u64),
    Probe(u64),
    /// The hub closes the connection.
    End,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) bot: BotNo,
    pub(crate) bot_life: Life,
    pub(crate) up: VecDeque<Up>,
    up_at: u64,
    /// What the kernels have no room for.
    outbox: VecDeque<Down>,
    pub(crate) down: VecDeque<Down>,
    down_at: u64,
    /// Places in the kernels that are taken for ever by what a broken wire lost.
    stuck: usize,
    /// Deliveries that went onto the wire.
    mark: u64,
    reported_at: u64,
    pub(crate) hub_sees: bool,
    pub(crate) bot_sees: bool,
    broken: bool,
    /// Nothing more is sent to the bot.
    pub(crate) ending: bool,
    /// Per room, the last entry that the hub handed to it.
    pub(crate) last: BTreeMap<RoomName, u64>,
    pub(crate) hello: Option<Known>,
}

/// What the hub's door knows of an authenticated connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) plain: bool,
    pub(crate) acts: bool,
}

impl World {
    pub(crate) fn open_pipe(&mut self, bot: BotNo) -> Conn {
        self.pipes.push(Pipe {
            bot,
            bot_life: self.bots[bot].life,
            up: VecDeque::new(),
            up_at: self.now,
            outbox: VecDeque::new(),
            down: VecDeque::new(),
            down_at: self.now,
            stuck: 0,
            mark: 0,
            reported_at: self.now,
            hub_sees: true,
            bot_sees: true,
            broken: false,
            ending: false,
            last: BTreeMap::new(),
            hello: None,
        });
        self.pipes.len() - 1
    }

    fn delay(&mut self) -> u64 {
        let max = self.plan.delay_max;
        if self.now >= self.plan.calm_at {
            self.dice.between(0, max.min(20))
        } else {
            self.dice.between(0, max)
        }
    }

    pub(crate) fn send_up(&mut self, conn: Conn, up: Up) {
        let delay = self.delay();
        let pipe = &mut self.pipes[conn];
        if pipe.broken || !pipe.bot_sees {
            return;
        }
        let up = match up {
            Up::Frame(frame) if self.plan.json => {
                let frame = ClientFrame::decode(frame.encode().as_bytes(), &Limits::default());
                Up::Frame(Box::new(frame.expect("what a client sends is a frame")))
            }
            other => other,
        };
        pipe.up.push_back(up);
        pipe.up_at = pipe.up_at.max(self.now + delay);
        self.agenda.plan(pipe.up_at, Event::Up(conn));
    }

    pub(crate) fn send_down(&mut self, conn: Conn, down: Down) {
        if self.pipes[conn].ending {
            return;
        }
        self.pipes[conn].ending = matches!(down, Down::End);
        self.pipes[conn].outbox.push_back(down);
        self.fill_wire(conn);
    }

    /// Moves what the hub has written into the kernels, as far as they have room.
    pub(crate) fn fill_wire(&mut self, conn: Conn) {
        let before = self.pipes[conn].mark;
        loop {
            let delay = self.delay();
            let pipe = &mut self.pipes[conn];
            if !pipe.hub_sees || pipe.down.len() + pipe.stuck >= self.plan.wire_max {
                break;
            }
            let Some(down) = pipe.outbox.pop_front() else { break };
            if let Down::Entry(_, room, seq) = &down {
                pipe.mark += 1;
                self.history.wired(&self.bots[pipe.bot].id, room, *seq);
            }
            if pipe.broken {
                pipe.stuck += 1;
                continue;
            }
            pipe.down.push_back(down);
            pipe.down_at = pipe.down_at.max(self.now + delay);
            self.agenda.plan(pipe.down_at, Event::Down(conn));
        }
        let delay = self.dice.between(0, 3);
        let pipe = &mut self.pipes[conn];
        if pipe.mark > before {
            pipe.reported_at = pipe.reported_at.max(self.now + delay);
            self.agenda.plan(pipe.reported_at, Event::Written(conn, pipe.mark));
        }
    }

    pub(crate) fn on_up(&mut self, conn: Conn) {
        let Some(up) = self.pipes[conn].up.pop_front() else { return };
        if !self.pipes[conn].hub_sees {
            return;
        }
        match up {
            Up::Frame(frame) => self.hub_frame(conn, *frame),
            Up::Pong(number) => self.hub_pong(conn, number),
            Up::End => self.hub_loses(conn),
        }
    }

    pub(crate) fn on_down(&mut self, conn: Conn) {
        let bot = self.pipes[conn].bot;
        let until = self.bots[bot].stalled_until;
        if until > self.now && self.pipes[conn].bot_sees {
            // A slow reader: it all stays where it is.
            return self.agenda.plan(until, Event::Down(conn));
        }
        let Some(down) = self.pipes[conn].down.pop_front() else { return };
        self.fill_wire(conn);
        let pipe = &self.pipes[conn];
        if !pipe.bot_sees || pipe.bot_life != self.bots[bot].life {
            return;
        }
        match down {
            Down::Frame(frame) => {
                let frame = self.over_the_wire(*frame);
                self.bot_frame(bot, frame);
            }
            Down::Entry(frame, room, seq) => {
                let frame = self.over_the_wire(*frame);
                self.bot_entry(bot, frame, &room, seq);
            }
            Down::Probe(number) => {
                self.bot_heard(bot);
                self.send_up(conn, Up::Pong(number));
            }
            Down::End => {
                let closed = Why::Closed { code: 1000, reason: "the hub's wish".to_owned() };
                self.bot_loses(conn, closed);
                self.plan_hub_notice(conn, 5);
            }
        }
    }

    fn over_the_wire(&self, frame: ServerFrame) -> ServerFrame {
        if !self.plan.json {
            return frame;
        }
        let read = ServerFrame::decode(frame.encode().as_bytes());
        read.expect("the hub sends frames").expect("of a known type")
    }

    /// The connection breaks: of what is on the way, only the first frames arrive.
    pub(crate) fn cut(&mut self, conn: Conn, hub_notices_in: u64, bot_notices_in: u64) {
        let pipe = &mut self.pipes[conn];
        if pipe.broken {
            return;
        }
        pipe.broken = true;
        let keep = self.dice.below(pipe.up.len() + 1);
        pipe.up.truncate(keep);
        let keep = self.dice.below(pipe.down.len() + 1);
        pipe.stuck += pipe.down.len() - keep;
        pipe.down.truncate(keep);
        let (up_at, down_at) = (pipe.up_at, pipe.down_at);
        self.agenda.plan(up_at.max(self.now + hub_notices_in), Event::HubNotices(conn));
        self.agenda.plan(down_at.max(self.now + bot_notices_in), Event::BotNotices(conn));
    }

    pub(crate) fn plan_hub_notice(&mut self, conn: Conn, most: u64) {
        let at = self.now + self.dice.between(0, most);
        self.agenda.plan(at, Event::HubNotices(conn));
    }

    /// The bot's end is closed, orderly or not.
    pub(crate) fn hang_up(&mut self, conn: Conn) {
        self.send_up(conn, Up::End);
        self.pipes[conn].bot_sees = false;
    }

    pub(crate) fn is_usable(&self, conn: Conn) -> bool {
        let pipe = &self.pipes[conn];
        pipe.hub_sees && pipe.bot_sees && !pipe.broken
    }
}

//! A bot that runs this project's client.
//!
//! Owns the driver's part (frames, deadlines, connections) and an application that takes its events
//! when it likes, acknowledges by itself or leaves that to the client, and asks for what it sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bot_hub_client::link::{Config, Input, Link, Output};
use bot_hub_client::{Acknowledge, Event as Told, SendError};
use bot_protocol::frame::client::{
    Auth, BotState, ClientFrame, Join, Leave, Message, Presence, Receipt, Status, Typing,
};
use bot_protocol::frame::server::{Ack, Delivery, ServerFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;

use super::agenda::{BotNo, Event, Life};
use super::bot::Program;
use super::network::Up;
use super::world::World;

#[derive(Debug)]
pub(crate) struct LinkProgram {
    pub(crate) link: Link,
    manual: bool,
    /// What the application has not looked at.
    events: VecDeque<(u64, Told)>,
    takes: bool,
    tick_at: u64,
    /// Messages handed to the link, each of which must end once.
    sending: BTreeMap<MessageId, Message>,
    joined: BTreeSet<RoomName>,
    asks: BTreeMap<u64, RoomName>,
    asked: u64,
}

impl LinkProgram {
    /// Nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.sending.is_empty() && self.events.is_empty() && self.asks.is_empty()
    }
}

impl World {
    pub(crate) fn start_link(&mut self, bot: BotNo) {
        let mut caps = vec!["ack".into()];
        for (cap, percent) in [("receipts", 80), ("presence", 30), ("acts", 30)] {
            if self.dice.percent(percent) {
                caps.push(cap.into());
            }
        }
        let manual = self.dice.percent(40);
        let config = Config {
            auth: Auth {
                token: Some(Secret::new(self.bots[bot].id.as_str())),
                client: Some("simulated/1".to_owned()),
                caps: Some(caps),
                ..Auth::default()
            },
            acknowledge: if manual { Acknowledge::Manual } else { Acknowledge::Automatic },
            positions: self.bots[bot].kept.positions.clone(),
            unacked_max: 10_000,
            ask_timeout_ms: 10_000,
        };
        let program = LinkProgram {
            link: Link::new(config, self.dice.next()),
            manual,
            events: VecDeque::new(),
            takes: false,
            tick_at: u64::MAX,
            sending: BTreeMap::new(),
            joined: BTreeSet::new(),
            asks: BTreeMap::new(),
            asked: 0,
        };
        self.bots[bot].program = Some(Program::Link(Box::new(program)));
        self.link_input(bot, Input::Tick);
        self.join_missing(bot);
        for (id, message) in std::mem::take(&mut self.bots[bot].kept.open) {
            self.link_sends(bot, id, message);
        }
    }

    fn program(&mut self, bot: BotNo) -> Option<&mut LinkProgram> {
        match &mut self.bots[bot].program {
            Some(Program::Link(program)) => Some(program),
            _ => None,
        }
    }

    pub(crate) fn link_input(&mut self, bot: BotNo, input: Input) {
        let now = Timestamp(self.now);
        let Some(program) = self.program(bot) else { return };
        program.link.handle(now, input);
        while let Some(output) = self.program(bot).and_then(|program| program.link.poll()) {
            match output {
                Output::Connect => self.dial(bot, 40),
                Output::Frame(frame) => {
                    if let Some(conn) = self.bots[bot].conn {
                        self.send_up(conn, Up::Frame(frame));
                    }
                }
                Output::Disconnect => {
                    if let Some(conn) = self.bots[bot].conn.take() {
                        self.hang_up(conn);
                    }
                }
                Output::Event { number, event } => self.link_told(bot, number, event),
                Output::Sent { id, result } => self.link_sent(bot, &id, result),
                Output::Answer { key, result } => {
                    self.link_answered(bot, key, result.ok().map(|frame| *frame));
                }
                Output::Waiting { .. } => {}
                Output::Ended(end) => {
                    let text = format!("the link of {} is over: {end}", self.bots[bot].id);
                    self.history.object("liveness", text);
                }
            }
        }
        self.plan_bot_tick(bot);
    }

    fn plan_bot_tick(&mut self, bot: BotNo) {
        let (now, life) = (self.now, self.bots[bot].life);
        let Some(program) = self.program(bot) else { return };
        let Some(deadline) = program.link.deadline() else { return };
        let at = deadline.0.max(now + 1);
        if at < program.tick_at {
            program.tick_at = at;
            self.agenda.plan(at, Event::BotTick(bot, life));
        }
    }

    pub(crate) fn on_bot_tick(&mut self, bot: BotNo, life: Life) {
        if self.bots[bot].life != life {
            return;
        }
        if let Some(program) = self.program(bot) {
            program.tick_at = u64::MAX;
            self.link_input(bot, Input::Tick);
        }
    }

    fn link_told(&mut self, bot: BotNo, number: u64, event: Told) {
        let Some(program) = self.program(bot) else { return };
        program.events.push_back((number, event));
        if !std::mem::replace(&mut program.takes, true) {
            self.plan_take(bot);
        }
    }

    fn plan_take(&mut self, bot: BotNo) {
        let most = if self.is_calm() { 2 } else { *self.dice.pick(&[0, 5, 200, 3_000]) };
        let at = self.now + self.dice.between(0, most);
        self.agenda.plan(at, Event::Take(bot, self.bots[bot].life));
    }

    pub(crate) fn on_take(&mut self, bot: BotNo, life: Life) {
        if self.bots[bot].life != life {
            return;
        }
        let Some(program) = self.program(bot) else { return };
        let manual = program.manual;
        let Some((number, event)) = program.events.pop_front() else { return };
        self.trace(|world| format!("{} takes {event:?}", world.bots[bot].id));
        self.look_at(bot, event, manual);
        self.link_input(bot, Input::Taken(number));
        if self.dice.percent(20)
            && let Some(positions) = self.program(bot).map(|program| program.link.positions())
        {
            self.bots[bot].kept.positions = positions;
        }
        let Some(program) = self.program(bot) else { return };
        program.takes = !program.events.is_empty();
        if program.takes {
            self.plan_take(bot);
        }
    }

    fn look_at(&mut self, bot: BotNo, event: Told, manual: bool) {
        let id = self.bots[bot].id.clone();
        match event {
            Told::Message(delivery) => self.link_saw(bot, &delivery, manual),
            Told::Gap(gap) => self.history.told_gap(&id, &gap),
            Told::Left(left) => {
                if let Some(program) = self.program(bot) {
                    program.joined.remove(&left.room);
                }
            }
            Told::Refused(_) => self.join_missing(bot),
            _ => {}
        }
    }

    fn link_saw(&mut self, bot: BotNo, delivery: &Delivery, manual: bool) {
        let id = self.bots[bot].id.clone();
        let (room, Some(seq)) = (delivery.room.clone(), delivery.seq) else {
            return self.history.object("shape", format!("{id} sees `{}`", delivery.text));
        };
        self.history.saw(self.now, &id, &room, seq, None);
        if !manual {
            return self.history.took(&id, &room, seq);
        }
        if delivery.id.is_some() {
            self.plan_receipts(bot, delivery);
        }
    }

    /// An application that thinks before it takes responsibility.
    fn plan_receipts(&mut self, bot: BotNo, delivery: &Delivery) {
        use ReceiptState::{Answered, Declined, Done, Failed, Received, Started};
        let ladders: [&[ReceiptState]; 6] = [
            &[Received],
            &[Received],
            &[Started, Done],
            &[Received, Started, Answered],
            &[Declined],
            &[Started, Failed],
        ];
        let states = *self.dice.pick(&ladders);
        let mut at = self.now;
        for &state in states {
            at += self.dice.between(0, if self.is_calm() { 5 } else { 2_000 });
            let (reason, reply) = (None, None);
            let receipt = Receipt {
                room: delivery.room.clone(),
                id: delivery.id.clone(),
                from: Some(delivery.from.clone()),
                seq: None,
                state,
                reason,
                reply,
            };
            let input = Box::new(Input::Tell(Box::new(ClientFrame::Receipt(receipt))));
            self.agenda.plan(at, Event::App(bot, self.bots[bot].life, input));
        }
    }

    pub(crate) fn on_app(&mut self, bot: BotNo, life: Life, input: Input) {
        if self.bots[bot].life != life {
            return;
        }
        if let Input::Tell(frame) = &input
            && let ClientFrame::Receipt(receipt) = frame.as_ref()
            && let Some(id) = &receipt.id
        {
            let own = self.bots[bot].id.clone();
            self.history.took_id(&own, &receipt.room, id);
        }
        self.link_input(bot, input);
    }

    fn link_sends(&mut self, bot: BotNo, id: MessageId, message: Message) {
        self.bots[bot].kept.open.insert(id.clone(), message.clone());
        if let Some(program) = self.program(bot) {
            program.sending.insert(id.clone(), message.clone());
        }
        self.link_input(bot, Input::Send { id, message: Box::new(message) });
    }

    fn link_sent(&mut self, bot: BotNo, id: &MessageId, result: Result<Ack, SendError>) {
        let own = self.bots[bot].id.clone();
        let Some(message) = self.program(bot).and_then(|program| program.sending.remove(id)) else {
            return self.history.object("one end per send", format!("{id} of {own} ends again"));
        };
        self.bots[bot].kept.open.remove(id);
        self.trace(|_| format!("{own}: {id} ends as {result:?}"));
        match result {
            Ok(_) => {
                self.history.believed_stored(&message.text);
                self.bots[bot].kept.ids.push(id.clone());
                if self.dice.percent(3) && !self.is_calm() {
                    // The asker asks again.
                    self.link_sends(bot, id.clone(), message);
                }
            }
            Err(SendError::Refused(error)) => {
                self.history.believed_refused(&message.text, &error.name);
            }
            Err(error) => self.history.object("one end per send", format!("{id}: {error}")),
        }
    }

    fn link_answered(&mut self, bot: BotNo, key: u64, answer: Option<ServerFrame>) {
        let Some(program) = self.program(bot) else { return };
        program.asks.remove(&key);
        match answer {
            Some(ServerFrame::Joined(joined)) => {
                program.joined.insert(joined.room);
            }
            Some(ServerFrame::Left(left)) => {
                program.joined.remove(&left.room);
            }
            Some(_) => {}
            None if self.is_calm() => self.join_missing(bot),
            None => {}
        }
    }

    fn link_asks(&mut self, bot: BotNo, room: &RoomName, frame: ClientFrame) {
        let Some(program) = self.program(bot) else { return };
        program.asked += 1;
        let key = program.asked;
        program.asks.insert(key, room.clone());
        self.link_input(bot, Input::Ask { key, frame: Box::new(frame) });
    }

    /// Joins what it wants to be in and is not.
    pub(crate) fn join_missing(&mut self, bot: BotNo) {
        for room in self.bots[bot].rooms.clone() {
            let Some(program) = self.program(bot) else { return };
            let asked = program.asks.values().any(|it| *it == room);
            if !program.joined.contains(&room) && !asked {
                self.link_asks(bot, &room, ClientFrame::Join(Join { room: room.clone() }));
            }
        }
    }

    pub(crate) fn link_acts(&mut self, bot: BotNo) {
        self.join_missing(bot);
        let room = self.dice.pick(&self.bots[bot].rooms).clone();
        match self.dice.below(40) {
            0 => self.link_asks(bot, &room, ClientFrame::Leave(Leave { room: room.clone() })),
            1 => {
                let presence = Presence { state: BotState::Busy, note: None };
                self.link_input(bot, Input::Tell(Box::new(ClientFrame::Presence(presence))));
            }
            2 => self.link_input(bot, Input::Tell(Box::new(ClientFrame::Typing(Typing { room })))),
            3..=6 if !self.bots[bot].kept.ids.is_empty() => {
                let id = self.dice.pick(&self.bots[bot].kept.ids).clone();
                self.link_asks(
                    bot,
                    &room,
                    ClientFrame::Status(Status {
                        id,
                        from: None,
                        room: None,
                        after: None,
                        limit: None,
                    }),
                );
            }
            _ => {
                let message = self.compose(bot);
                let id = format!("{}-{}", self.bots[bot].id, self.bots[bot].kept.said);
                let id = MessageId::new(&id).expect("short and visible");
                self.link_sends(bot, id, message);
            }
        }
    }
}

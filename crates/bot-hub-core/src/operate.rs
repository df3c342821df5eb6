//! Administration of rooms, and the hub in numbers.
//!
//! Owns the operations that need the brain. Those about bots and tokens need randomness and secrets and
//! are answered outside.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::operator::{Operate, Operation, Retention};
use bot_protocol::frame::server::{ErrorFrame, Operated};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use serde_json::{Value, json};
use smol_str::SmolStr;

use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::io::ConnId;
use crate::member::Member;
use crate::pending::{Pending, Waiter};
use crate::world::{BotIx, Room, RoomIx};

impl Hub {
    pub(crate) fn operate(&mut self, conn: ConnId, request: Operate) {
        let reference = request.reference;
        let operator = self.conn(conn).map(|state| state.bot).filter(|&bot| self.is_operator(bot));
        let Some(asker) = operator else {
            let error = ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token");
            return self.send_error(conn, error.about(reference));
        };
        let waiter = Waiter::Operator { conn, reference: reference.clone() };
        let result = match request.operation {
            Operation::RoomList {} => Ok(self.list_rooms()),
            Operation::RoomShow { room } => {
                self.known_room(asker, &room).map(|room| self.show_room(room))
            }
            Operation::Pending { bot } => Ok(self.pending_for(bot.as_ref())),
            Operation::Observe { rooms } => self.watch(conn, asker, rooms),
            Operation::HubStatus {} => Ok(self.numbers()),
            // The answer comes when the change is committed.
            change => match self.alter(asker, change, waiter) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(result) => self.operated(conn, reference, result),
            Err(error) => self.send_error(conn, error.about(reference)),
        }
    }

    fn alter(
        &mut self,
        asker: BotIx,
        operation: Operation,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        self.takes_changes()?;
        match operation {
            Operation::RoomCreate { room, closed } => {
                self.create_room(asker, &room, closed, waiter)
            }
            Operation::RoomAdd { room, bot, can } => self.add(asker, &room, &bot, can, waiter),
            Operation::RoomKick { room, bot } => self.kick(asker, &room, &bot, waiter),
            Operation::RoomRetain { room, retain } => {
                self.set_retention(asker, &room, retain, waiter)
            }
            _ => Err(ErrorFrame::new(Code::UnknownType)
                .message("bots are administered by the hub's registry")),
        }
    }

    pub(crate) fn operated(&mut self, conn: ConnId, reference: SmolStr, result: Value) {
        self.send(conn, ServerFrame::Operated(Operated { reference, result }));
    }

    pub(crate) fn known_room(&self, asker: BotIx, name: &RoomName) -> Result<RoomIx, ErrorFrame> {
        self.world.room_ix(name).ok_or_else(|| self.no_such_room(name, asker))
    }

    fn list_rooms(&self) -> Value {
        let rooms = self.world.known_rooms();
        let mut rooms: Vec<Value> = rooms.map(|room| self.show_room(room)).collect();
        rooms.sort_by(|one, other| one["room"].as_str().cmp(&other["room"].as_str()));
        json!({ "rooms": rooms })
    }

    fn show_room(&self, room: RoomIx) -> Value {
        let state = self.world.room(room);
        let members: Vec<Value> =
            state.members.iter().map(|it| self.show_member(room, it)).collect();
        json!({
            "room": state.name,
            "closed": state.closed,
            "retain": state.retain.unwrap_or(self.settings.retention),
            "head": state.head,
            "first": state.first,
            "entries": (state.head + 1).saturating_sub(state.first),
            "bytes": state.bytes,
            "members": members,
        })
    }

    fn show_member(&self, room: RoomIx, member: &Member) -> Value {
        let head = self.world.room(room).head;
        json!({
            "bot": self.bot_id(member.bot),
            "can": member.rights,
            "online": self.world.bot(member.bot).conn.is_some(),
            "cursor": member.cursor(),
            "waiting": member.waiting(head),
        })
    }

    fn create_room(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        closed: bool,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        if let Some(error) = self.names_a_bot(name, asker) {
            return Err(error.hint("a room cannot have the name of a bot"));
        }
        if name.direct_pair().is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("direct conversations are made by the first message in them"));
        }
        match self.world.coming_room_ix(name).map(|room| self.world.room(room).closed) {
            Some(known) if known != closed => Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("room `{name}` exists, and it is {}", openness(known)))
                .hint(format!("bot-hub room show {name}"))),
            known => {
                if known.is_none() {
                    self.has_space_for_room()?;
                }
                let room = self.world.intern_room(name);
                self.make_room(room, closed, waiter);
                Ok(())
            }
        }
    }

    fn add(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        id: &BotId,
        can: Option<Rights>,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let bot = self.find_bot(id, asker)?;
        let room = self.known_room(asker, name)?;
        if let Some(member) = self.world.member(room, bot) {
            match can.filter(|can| *can != member.rights) {
                Some(can) => self.grant(room, bot, can, waiter),
                None => self.confirm(waiter),
            }
            return Ok(());
        }
        if name.direct_pair().is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("a direct conversation has two members: its name says which"));
        }
        self.has_space_for_member(room)?;
        match can.filter(|can| *can != Rights::USUAL) {
            Some(can) => {
                self.add_member(room, bot, Waiter::Another);
                self.grant(room, bot, can, waiter);
            }
            None => self.add_member(room, bot, waiter),
        }
        Ok(())
    }

    fn kick(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        id: &BotId,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(asker, name)?;
        let bot = self.world.bot_ix(id).filter(|&bot| self.world.member(room, bot).is_some());
        let Some(bot) = bot else {
            return Err(ErrorFrame::new(Code::NotAMember)
                .message(format!("`{id}` is not a member of `{name}`"))
                .hint(format!("bot-hub room show {name}")));
        };
        self.end_membership(room, bot, Loss::Kicked, waiter);
        Ok(())
    }

    fn set_retention(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        retain: Retention,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(asker, name)?;
        let change = Change::Retain { room: name.clone(), retain };
        self.change(change, Pending::Retain { room, retain, waiter });
        Ok(())
    }

    /// What waits for whom, and why.
    fn pending_for(&self, only: Option<&BotId>) -> Value {
        let mut waiting = Vec::new();
        for room in &self.world.rooms {
            for member in room.members.iter().filter(|member| member.waiting(room.head) > 0) {
                let bot = self.bot_id(member.bot);
                if only.is_some_and(|only| only != bot) {
                    continue;
                }
                waiting.push(json!({
                    "bot": bot,
                    "room": room.name,
                    "waiting": member.waiting(room.head),
                    "in_flight": member.window.len(),
                    "oldest_seq": member.cursor() + 1,
                    "oldest_age_ms": member.waiting_since.map(|at| self.now.since(at)),
                    "reason": self.why_waiting(member),
                }));
            }
        }
        json!({ "pending": waiting })
    }

    fn why_waiting(&self, member: &Member) -> &'static str {
        if self.world.bot(member.bot).standing.shut_out {
            return "disabled, or without a token";
        }
        let Some(conn) = self.world.bot(member.bot).conn.and_then(|conn| self.conn(conn)) else {
            return "offline";
        };
        if member.reader.is_none() {
            return "connected, but has not joined the room on this connection";
        }
        if member.window.len() >= self.settings.limits.window_entries as usize {
            return "window full: delivered, not received";
        }
        if conn.outstanding >= self.settings.outstanding_bytes_max {
            return "slow: does not read its socket";
        }
        if member.window.len() > 0 {
            return "delivered, not received";
        }
        "being read from the store"
    }

    fn numbers(&self) -> Value {
        let bots = &self.world.bots;
        let gauges = self.gauges();
        json!({
            "epoch": self.epoch,
            "rooms": gauges.rooms,
            "bots": bots.iter().filter(|bot| bot.exists).count(),
            "online": bots.iter().filter(|bot| bot.conn.is_some()).count(),
            "connections": self.world.conns.len(),
            "entries": self.world.rooms.iter().map(|it| (it.head + 1).saturating_sub(it.first)).sum::<u64>(),
            "waiting": gauges.waiting,
            "oldest_waiting_ms": gauges.oldest_waiting_ms,
            "accepted": self.stats.accepted,
            "deliveries": self.stats.deliveries,
            "received": self.stats.received,
            "dropped": self.stats.dropped,
            "expired": self.stats.expired,
            "dead": self.stats.dead,
            "corrupt": self.stats.corrupt,
            "refused_changes": gauges.refused_changes,
            "forgotten": self.stats.forgotten,
            "retention_waits": self.age_waits,
            "ahead_ms": self.newest_at.since(self.now),
        })
    }

    /// The state of now, for metrics.
    pub fn gauges(&self) -> Gauges {
        let mut gauges = Gauges {
            connections: self.world.conns.len() as u64,
            rooms: self.world.rooms.iter().filter(|room| room.durable && is_room(room)).count()
                as u64,
            pending_changes: self.pending.len() as u64,
            refused_changes: self.refused_changes(),
            ..Gauges::default()
        };
        for room in &self.world.rooms {
            for member in &room.members {
                let waiting = member.waiting(room.head);
                if waiting > 0 {
                    gauges.waiting += waiting;
                    let age = member.waiting_since.map_or(0, |at| self.now.since(at));
                    gauges.oldest_waiting_ms = gauges.oldest_waiting_ms.max(age);
                }
            }
        }
        gauges
    }
}

/// Whether it counts as a room to people: a direct conversation does not.
fn is_room(room: &Room) -> bool {
    room.name.direct_pair().is_none()
}

fn openness(closed: bool) -> &'static str {
    if closed { "closed" } else { "open" }
}

/// The state of now, in numbers that go up and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Authenticated connections.
    pub connections: u64,
    /// Rooms, without direct conversations.
    pub rooms: u64,
    /// Changes on their way to the store.
    pub pending_changes: u64,
    /// Changes that the store refused and that are tried again.
    pub refused_changes: u64,
    /// Entries that wait for some member or are not received yet, summed over members.
    pub waiting: u64,
    /// The age of the oldest of them.
    pub oldest_waiting_ms: u64,
}

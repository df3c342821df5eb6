//! Administration of rooms, and the hub in numbers.
//!
//! Owns the operations that need the brain. Those about bots and tokens need randomness and secrets and
//! are answered outside.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::operator::{Operate, Operation, Retention};
use bot_protocol::frame::server::{ErrorFrame, Operated};
use bot_protocol::name::{BotId, RoomName};
use serde_json::{Value, json};
use smol_str::SmolStr;

use crate::change::Change;
use crate::hub::Hub;
use crate::io::ConnId;
use crate::member::Member;
use crate::pending::Pending;
use crate::world::RoomIx;

impl Hub {
    pub(crate) fn operate(&mut self, conn: ConnId, request: Operate) {
        let reference = request.reference;
        if !self.conn(conn).is_some_and(|state| state.operator) {
            let error = ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token");
            return self.send_error(conn, error.about(reference));
        }
        if let Err(error) = self.perform(conn, &reference, request.operation) {
            self.send_error(conn, error.about(reference));
        }
    }

    fn perform(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        operation: Operation,
    ) -> Result<(), ErrorFrame> {
        let result = match operation {
            Operation::RoomList {} => self.list_rooms(),
            Operation::RoomShow { room } => self.show_room(self.known_room(conn, &room)?),
            Operation::RoomCreate { room, closed } => {
                return self.create_room(conn, reference, &room, closed);
            }
            Operation::RoomAdd { room, bot } => return self.add(conn, reference, &room, &bot),
            Operation::RoomKick { room, bot } => return self.kick(conn, reference, &room, &bot),
            Operation::RoomRetain { room, retain } => {
                return self.set_retention(conn, reference, &room, retain);
            }
            Operation::Pending { bot } => self.pending_for(bot.as_ref()),
            Operation::Observe { rooms } => self.watch(conn, rooms)?,
            Operation::HubStatus {} => self.numbers(),
            Operation::BotAdd { .. }
            | Operation::BotList {}
            | Operation::BotShow { .. }
            | Operation::BotRotateToken { .. }
            | Operation::BotDisable { .. }
            | Operation::BotEnable { .. }
            | Operation::BotRemove { .. } => {
                return Err(ErrorFrame::new(Code::UnknownType)
                    .message("bots are administered by the hub's registry"));
            }
        };
        self.operated(conn, reference.clone(), result);
        Ok(())
    }

    pub(crate) fn operated(&mut self, conn: ConnId, reference: SmolStr, result: Value) {
        self.send(conn, ServerFrame::Operated(Operated { reference, result }));
    }

    pub(crate) fn known_room(&self, conn: ConnId, name: &RoomName) -> Result<RoomIx, ErrorFrame> {
        let asker = self.conn(conn).map(|state| state.bot);
        let missing = || match asker {
            Some(asker) => self.no_such_room(name, asker),
            None => ErrorFrame::new(Code::NoSuchRoom),
        };
        self.world.room_ix(name).ok_or_else(missing)
    }

    fn list_rooms(&self) -> Value {
        let rooms = (0_u32..).map(RoomIx).take(self.world.rooms.len());
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
            "online": self.world.bot(member.bot).conn.is_some(),
            "cursor": member.cursor(),
            "waiting": member.waiting(head),
        })
    }

    fn create_room(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        name: &RoomName,
        closed: bool,
    ) -> Result<(), ErrorFrame> {
        let asker = self.conn(conn).map(|state| state.bot);
        if let Some(error) = asker.and_then(|asker| self.names_a_bot(name, asker)) {
            return Err(error.hint("a room cannot have the name of a bot"));
        }
        let room = self.world.intern_room(name);
        self.world.room_mut(room).closed = closed;
        let change = Change::CreateRoom { room: name.clone(), closed };
        self.change(change, Pending::Operated { conn, reference: reference.clone() });
        Ok(())
    }

    fn add(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        name: &RoomName,
        id: &BotId,
    ) -> Result<(), ErrorFrame> {
        let asker =
            self.conn(conn).map(|state| state.bot).ok_or(ErrorFrame::new(Code::NotAllowed))?;
        let bot = self.find_bot(id, asker)?;
        let room = self.known_room(conn, name)?;
        if self.world.member(room, bot).is_none() {
            self.add_member(room, bot, None);
        }
        // The next change is answered after the membership, so the answer is true.
        let retry = Change::Join { room: name.clone(), bot: id.clone() };
        self.change(retry, Pending::Operated { conn, reference: reference.clone() });
        Ok(())
    }

    fn kick(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        name: &RoomName,
        id: &BotId,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(conn, name)?;
        let bot = self.world.bot_ix(id).filter(|&bot| self.world.member(room, bot).is_some());
        let Some(bot) = bot else {
            return Err(ErrorFrame::new(Code::NotAMember)
                .message(format!("`{id}` is not a member of `{name}`"))
                .hint(format!("bot-hub room show {name}")));
        };
        self.end_membership(room, bot, None);
        let retry = Change::Leave { room: name.clone(), bot: id.clone() };
        self.change(retry, Pending::Operated { conn, reference: reference.clone() });
        Ok(())
    }

    fn set_retention(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        name: &RoomName,
        retain: Retention,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(conn, name)?;
        self.world.room_mut(room).retain = Some(retain);
        let change = Change::Retain { room: name.clone(), retain };
        self.change(change, Pending::Operated { conn, reference: reference.clone() });
        self.trim(room);
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
                    "in_flight": member.window_len(),
                    "oldest_seq": member.cursor() + 1,
                    "oldest_age_ms": member.waiting_since.map(|at| self.now.since(at)),
                    "reason": self.why_waiting(member),
                }));
            }
        }
        json!({ "pending": waiting })
    }

    fn why_waiting(&self, member: &Member) -> &'static str {
        let Some(conn) = self.world.bot(member.bot).conn.and_then(|conn| self.conn(conn)) else {
            return "offline";
        };
        if member.reader.is_none() {
            return "connected, but has not joined the room on this connection";
        }
        if member.window_len() >= self.settings.limits.window_entries as usize {
            return "window full: delivered, not received";
        }
        if conn.outstanding >= self.settings.outstanding_bytes_max {
            return "slow: does not read its socket";
        }
        if member.window_len() > 0 {
            return "delivered, not received";
        }
        "being read from the store"
    }

    fn numbers(&self) -> Value {
        let bots = &self.world.bots;
        json!({
            "epoch": self.epoch,
            "rooms": self.world.rooms.len(),
            "bots": bots.iter().filter(|bot| bot.exists).count(),
            "online": bots.iter().filter(|bot| bot.conn.is_some()).count(),
            "connections": self.world.conns.len(),
            "entries": self.world.rooms.iter().map(|it| (it.head + 1).saturating_sub(it.first)).sum::<u64>(),
            "waiting": self.gauges().waiting,
            "oldest_waiting_ms": self.gauges().oldest_waiting_ms,
            "accepted": self.stats.accepted,
            "deliveries": self.stats.deliveries,
            "received": self.stats.received,
            "dropped": self.stats.dropped,
            "expired": self.stats.expired,
            "dead": self.stats.dead,
            "corrupt": self.stats.corrupt,
        })
    }

    /// The state of now, for metrics.
    pub fn gauges(&self) -> Gauges {
        let mut gauges = Gauges {
            connections: self.world.conns.len() as u64,
            rooms: self.world.rooms.len() as u64,
            pending_changes: self.pending.len() as u64,
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

/// The state of now, in numbers that go up and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Authenticated connections.
    pub connections: u64,
    /// Rooms, direct conversations among them.
    pub rooms: u64,
    /// Changes on their way to the store.
    pub pending_changes: u64,
    /// Entries that wait for some member or are not received yet, summed over members.
    pub waiting: u64,
    /// The age of the oldest of them.
    pub oldest_waiting_ms: u64,
}

//! What operators are shown of rooms, members and what waits.
//!
//! Owns the lines of these lists. Never changes anything.

use std::sync::Arc;

use bot_protocol::frame::answer::{
    MemberLine, PendingList, RoomLine, RoomList, WaitReason, Waiting,
};
use bot_protocol::frame::pause::PauseLine;
use bot_protocol::name::BotId;
use smol_str::SmolStr;

use crate::hub::Hub;
use crate::index::RoomIx;
use crate::rules::pages::{Part, Visit};
use crate::world::{Member, Scope};

impl Hub {
    pub(crate) fn list_rooms(&self, page: &Part<'_>) -> RoomList {
        let mut rooms: Vec<RoomLine> = Vec::new();
        let next = self.walk(page, &self.rooms_of(page), |visit| match visit {
            Visit::Room(room) => {
                rooms.push(self.show_it(room, Vec::new()));
                0
            }
            Visit::Member(room, member) => {
                let begun = rooms.last_mut();
                begun.into_iter().for_each(|it| it.members.push(self.show_member(room, member)));
                1
            }
        });
        RoomList { next, rooms }
    }

    /// Rooms of every kind, for a walk: one more than fit.
    fn rooms_of(&self, page: &Part<'_>) -> Vec<RoomIx> {
        let rooms = self.world.shelves.rooms(page.room_from(), page.limit + 1);
        rooms.into_iter().map(|(_, room)| room).collect()
    }

    pub(crate) fn show_room(&self, room: RoomIx, page: &Part<'_>) -> RoomLine {
        let (members, next) = page.cut(self.named_members(room));
        let members = members.into_iter().map(|member| self.show_member(room, member));
        RoomLine { next, ..self.show_it(room, members.collect()) }
    }

    fn show_it(&self, room: RoomIx, members: Vec<MemberLine>) -> RoomLine {
        let state = self.world.room(room);
        RoomLine {
            room: state.name.clone(),
            closed: state.closed,
            retain: state.retain.unwrap_or(self.settings.retention),
            head: state.head,
            first: state.first,
            entries: state.kept(),
            bytes: state.bytes,
            members,
            next: None,
            paused: self.world.pauses.over(Scope { room: Some(room), bot: None }).map(line_of),
        }
    }

    fn show_member(&self, room: RoomIx, member: &Member) -> MemberLine {
        let head = self.world.room(room).head;
        MemberLine {
            bot: self.bot_id(member.bot).clone(),
            can: member.rights.into(),
            online: self.world.bot(member.bot).conn.is_some(),
            cursor: member.cursor(),
            waiting: member.waiting(head),
            paused: self.world.pauses.holding(room, member.bot).map(line_of),
        }
    }

    /// What waits for whom, and why.
    pub(crate) fn pending_for(&self, only: Option<&BotId>, page: &Part<'_>) -> PendingList {
        let (pending, next) = match only {
            Some(bot) => self.pending_of(bot, page),
            None => self.pending_of_all(page),
        };
        PendingList { next, pending }
    }

    fn pending_of_all(&self, page: &Part<'_>) -> (Vec<Waiting>, Option<SmolStr>) {
        let mut waiting = Vec::new();
        let next = self.walk(page, &self.rooms_of(page), |visit| {
            let Visit::Member(room, member) = visit else { return 0 };
            let line = self.waits(room, member);
            let is_line = line.is_some();
            waiting.extend(line);
            usize::from(is_line)
        });
        (waiting, next)
    }

    fn pending_of(&self, id: &BotId, page: &Part<'_>) -> (Vec<Waiting>, Option<SmolStr>) {
        let Some(bot) = self.world.bot_ix(id) else { return (Vec::new(), None) };
        let rooms = self.world.bot(bot).room_list.iter().copied();
        let places = rooms.filter_map(|room| Some((room, self.world.member(room, bot)?)));
        let waiting =
            places.filter(|(room, member)| member.waiting(self.world.room(*room).head) > 0);
        let named = waiting.map(|(room, member)| (&self.world.room(room).name, (room, member)));
        let (places, next) = page.cut(named.collect());
        (places.into_iter().filter_map(|(room, member)| self.waits(room, member)).collect(), next)
    }

    fn waits(&self, room: RoomIx, member: &Member) -> Option<Waiting> {
        let state = self.world.room(room);
        let waiting = member.waiting(state.head);
        (waiting > 0).then(|| Waiting {
            bot: self.bot_id(member.bot).clone(),
            room: state.name.clone(),
            waiting,
            in_flight: member.window.len() as u64,
            oldest_seq: state.first.max(member.cursor() + 1),
            oldest_age_ms: member.waiting_since.map(|at| self.now.since(at)),
            paused: self.pause_of_waiting(room, member, waiting).map(line_of),
            reason: self.why_waiting(room, member, waiting).into(),
        })
    }

    /// The pause because of which something waits that is not on its way.
    fn pause_of_waiting(
        &self,
        room: RoomIx,
        member: &Member,
        waiting: u64,
    ) -> Option<&Arc<PauseLine>> {
        let is_in_log = waiting > member.window.len() as u64;
        self.world.pauses.holding(room, member.bot).filter(|_| is_in_log)
    }

    fn why_waiting(&self, room: RoomIx, member: &Member, waiting: u64) -> WaitReason {
        // First of all, since nothing else would help.
        if self.pause_of_waiting(room, member, waiting).is_some() {
            return WaitReason::Paused;
        }
        if self.world.bot(member.bot).standing.shut_out {
            return WaitReason::ShutOut;
        }
        let Some(conn) = self.world.bot(member.bot).conn.and_then(|conn| self.conn(conn)) else {
            return WaitReason::Offline;
        };
        if member.reader.is_none() {
            return WaitReason::NotJoined;
        }
        if member.window.len() >= self.settings.limits.window_entries as usize {
            return WaitReason::WindowFull;
        }
        if conn.outstanding >= self.settings.outstanding_bytes_max {
            return WaitReason::Slow;
        }
        if member.window.len() > 0 {
            return WaitReason::Delivered;
        }
        WaitReason::BeingRead
    }
}

fn line_of(line: &Arc<PauseLine>) -> PauseLine {
    PauseLine::clone(line)
}

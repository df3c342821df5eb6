//! The end of a room.
//!
//! Owns who may end one, which rooms end by themselves, and that nothing vanishes with a room in silence: what
//! waited for its members is dropped, its senders are told so, and members that are connected hear that they
//! are out. What is left of it in the store is cleared away by `clearing`.
//!
//! A removal on its way to the store may still be refused. Until it is decided, the room's name leads nowhere
//! and is not free either, so that no change of a room is behind the removal of another one with its name.

use std::collections::BTreeMap;

use bot_protocol::code::{Code, Retry};
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer::RoomRemoved;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::{ErrorFrame, Left};
use bot_protocol::name::{BotId, RoomName};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use crate::change::{Change, Loss, Remains, Removal};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::waiting::{About, RangeNotification, Waiter};
use crate::world::{Fate, Member};

/// A removal is decided within a commit or two.
const DECIDED_MS: u64 = 1_000;

/// What the members of a room lost, and who lost the same.
type Lost = BTreeMap<(u64, u64, Loss), Vec<BotIx>>;

/// A declaration that waits until a room with that name is gone.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) room: RoomName,
    pub(crate) members: Vec<BotId>,
    pub(crate) closed: bool,
    pub(crate) retain: Option<Retention>,
}

impl Hub {
    pub(crate) fn remove_room(
        &mut self,
        asker: BotIx,
        name: &RoomName,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let room = self.known_room(asker, name)?;
        if self.world.room(room).is_configured {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("the configuration declares the room `{name}`"))
                .hint("take it out of `rooms` there, reload the hub, and remove it then"));
        }
        self.begin_removal(room, Removal::Asked, waiter);
        Ok(())
    }

    /// From here on members can report nothing: what they have not received by now they lose.
    fn begin_removal(&mut self, room: RoomIx, why: Removal, waiter: Waiter) {
        self.world.room_mut(room).fate = Fate::Going;
        let change = Change::RemoveRoom { room: self.room_name(room), why };
        self.change(change, Named::room(room), waiter);
    }

    /// Refuses what needs a room, or makes one, while the removal of one with its name is on its way.
    pub(crate) fn is_no_removal_under_way(
        &self,
        name: &RoomName,
        asker: BotIx,
    ) -> Result<(), ErrorFrame> {
        let going = self.world.going_room_ix(name);
        if going.is_none_or(|room| !self.may_see(room, asker) && !self.is_operator(asker)) {
            return Ok(());
        }
        let error = ErrorFrame::new(Code::NoSuchRoom)
            .message(format!("the room `{name}` is being removed"))
            .hint("try again in a moment, if another one is to have its name");
        Err(ErrorFrame { retry: Retry::Later.into(), retry_after_ms: Some(DECIDED_MS), ..error })
    }

    /// The store refused the removal.
    pub(crate) fn removal_refused(&mut self, room: RoomIx) {
        self.world.room_mut(room).fate = Fate::Stays;
        self.declare_late();
    }

    /// The room is gone. `members` were in it.
    pub(crate) fn removal_answered(
        &mut self,
        room: RoomIx,
        members: Vec<Member>,
        remains: Remains,
        waiter: Waiter,
    ) {
        let (mut lost, mut dropped) = (Lost::new(), 0);
        for mut member in members {
            dropped += self.member_lost(room, &mut member, &mut lost);
            self.tell_removed_to(room, member.reader);
        }
        let watching = std::mem::take(&mut self.world.room_mut(room).observers);
        for conn in watching.into_iter().chain(self.observers.clone()) {
            self.tell_removed_to(room, Some(conn));
        }
        self.stats.dropped += dropped;
        let told = lost.into_iter().map(|((after, to, why), bots)| RangeNotification {
            after,
            to,
            about: About::lost(why, bots.into()),
        });
        let told = if self.receipt_conns > 0 { told.collect() } else { Vec::new() };
        self.clear_away(room, remains, told);
        if let Waiter::Operator { conn, reference } = waiter {
            let (name, entries) = (self.room_name(room), self.world.room(room).kept());
            self.operated(conn, reference, RoomRemoved { dropped, entries, room: name });
        }
        self.declare_late();
    }

    /// Notes what a member lost with its room, and before. Returns how much waited for it.
    fn member_lost(&self, room: RoomIx, member: &mut Member, lost: &mut Lost) -> u64 {
        if !member.reads() {
            return 0;
        }
        member.settle_buffer();
        // Of what it had lost before no sender has heard until the store has it, and that is not asked now.
        for (range, (after, to)) in member.losses.give() {
            lost.entry((after, to, range.reason)).or_default().push(member.bot);
        }
        let (stretches, dropped) = member.parts_with(self.world.room(room).head);
        for (after, to) in stretches {
            lost.entry((after, to, Loss::RoomRemoved)).or_default().push(member.bot);
        }
        dropped
    }

    /// A seed client does not know the frame: it learns when it speaks there again.
    fn tell_removed_to(&mut self, room: RoomIx, reader: Option<ConnId>) {
        let reader = reader.filter(|it| self.conn(*it).is_some_and(|conn| !conn.plain));
        if let Some(conn) = reader {
            let reason = Some(SmolStr::new_static("the room was removed"));
            let frame = Left { room: self.room_name(room), reason, dropped: None };
            self.send(conn, ServerFrame::Left(frame));
        }
    }

    /// The configuration is another one, and the rooms that it declares follow.
    pub(crate) fn forget_declared(&mut self) {
        for room in std::mem::take(&mut self.configured) {
            self.world.room_mut(room).is_configured = false;
        }
    }

    pub(crate) fn note_declared(&mut self, room: RoomIx) {
        if !std::mem::replace(&mut self.world.room_mut(room).is_configured, true) {
            self.configured.push(room);
        }
    }

    /// It is decided whether a room goes: what was declared meanwhile is declared now.
    fn declare_late(&mut self) {
        for Declared { room, members, closed, retain } in std::mem::take(&mut self.declared_late) {
            self.room_declared(&room, &members, closed, retain);
        }
    }

    /// Whether nobody needs a room any more: nobody is in it, nothing is kept of what was said, and nobody set
    /// anything for it. Bots make such a room again by joining it. One in which nobody was since this start
    /// and nothing was ever said may have been made by an operator just now.
    pub(crate) fn is_left_over(&self, room: RoomIx) -> bool {
        let state = self.world.room(room);
        let is_empty = state.durable
            && state.fate == Fate::Stays
            && state.members.is_empty()
            && state.kept() == 0
            && !state.trimming;
        let is_set = state.is_configured || state.retain.is_some();
        let is_paused = self.world.pauses.is_of_room(room);
        if !is_empty || is_set || is_paused {
            return false;
        }
        let was_used = state.had_members || state.head > 0;
        let is_made_by_bots = !state.closed && self.settings.create_rooms_on_join;
        was_used && (is_made_by_bots || state.name.direct_pair().is_some())
    }

    /// Removes rooms that are left over, unless something for them is on its way to the store.
    pub(crate) fn remove_left_over(&mut self, rooms: Vec<RoomIx>) {
        if rooms.is_empty() || self.draining || self.is_configuring {
            return;
        }
        let busy: FxHashSet<RoomIx> =
            self.underway.iter().filter_map(|underway| underway.named.room).collect();
        for room in rooms.into_iter().filter(|room| !busy.contains(room)) {
            self.begin_removal(room, Removal::Empty, Waiter::Nobody);
        }
    }
}

//! The end of a membership, and what becomes of what waits.
//!
//! Owns that nothing vanishes with a member: what it had not received is dropped in the same batch that
//! ends the membership, with the reason, and the senders are told when that is stored. What the member
//! reports meanwhile counts only if the store refuses to end the membership.

use bot_protocol::frame::answer::Done;
use bot_protocol::name::BotId;

use crate::change::{Change, DroppedRange, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::waiting::{About, RangeNotification, Waiter};
use crate::world::{Member, Place, Scope};

impl Hub {
    /// What waits for a member is dropped together with the change that follows.
    pub(crate) fn part(&mut self, room: RoomIx, bot: BotIx, why: Loss) {
        self.save_losses(room, bot);
        self.save_place(room, bot);
        for change in self.partings(room, bot, why) {
            self.change(change, Named::member(room, bot), Waiter::Another);
        }
    }

    /// What a bot would have lost in all its rooms stays: it is not removed after all.
    pub(crate) fn stays(&mut self, bot: BotIx) {
        for room in self.world.bot(bot).room_list.clone() {
            self.goes_on(room, bot);
        }
    }

    /// What a bot had not received anywhere, as changes that go with its end.
    pub fn partings_of(&mut self, id: &BotId) -> Vec<Change> {
        let Some(bot) = self.world.bot_ix(id) else { return Vec::new() };
        let rooms = self.world.bot(bot).room_list.clone();
        let of = |room: &RoomIx| {
            let mut changes = self.last_place(*room, bot);
            changes.extend(self.partings(*room, bot, Loss::Removed));
            changes
        };
        let mut changes: Vec<Change> = rooms.iter().flat_map(of).collect();
        changes.extend(self.pauses_end_with(Scope { room: None, bot: Some(bot) }));
        changes
    }

    /// The pauses within a scope end with its bot.
    fn pauses_end_with(&self, scope: Scope) -> impl Iterator<Item = Change> {
        let keys = self.world.pauses.within(scope, None, usize::MAX).into_iter();
        keys.map(|key| Change::Resume(Box::new(self.world.named_pause(key))))
    }

    /// How many entries wait for a bot, in all its rooms.
    pub fn waiting_of(&self, id: &BotId) -> u64 {
        let Some(bot) = self.world.bot_ix(id) else { return 0 };
        let rooms = self.world.bot(bot).room_list.iter();
        let members = rooms.filter_map(|&room| Some((room, self.world.member(room, bot)?)));
        let reading = members.filter(|(_, member)| member.reads());
        reading.map(|(room, member)| member.parts_with(self.world.room(room).head).1).sum()
    }

    /// Whether the end of a membership is on its way to the store.
    pub(crate) fn is_parting(&self, room: RoomIx, bot: BotIx) -> bool {
        self.world.member(room, bot).is_some_and(Member::is_parting)
    }

    /// The store has refused to end it.
    pub(crate) fn goes_on(&mut self, room: RoomIx, bot: BotIx) {
        if let Some(member) = self.world.member_mut(room, bot) {
            member.goes_on();
        }
    }

    fn partings(&mut self, room: RoomIx, bot: BotIx, why: Loss) -> Vec<Change> {
        let head = self.world.room(room).head;
        let member = self.world.member_mut(room, bot).filter(|it| it.reads());
        let Some(stretches) = member.map(|it| it.part(head)) else { return Vec::new() };
        let Some(member) = self.world.member(room, bot) else { return Vec::new() };
        let received = member.received_out_of_turn().into_iter();
        let received =
            received.map(|seq| Change::Receipt(self.received_record(room, bot, seq, self.now)));
        let change = |(after, to): (u64, u64)| Change::Drop {
            room: self.room_name(room),
            bot: self.bot_id(bot).clone(),
            range: DroppedRange { from: after + 1, to, reason: why },
            at: self.now,
        };
        received.chain(stretches.into_iter().map(change)).collect()
    }

    fn last_place(&self, room: RoomIx, bot: BotIx) -> Vec<Change> {
        let member = self.world.member(room, bot);
        let places = member.into_iter().flat_map(Member::unsaved_places);
        let change = |Place { seq, state, at }: Place| Change::Cursor {
            room: self.room_name(room),
            bot: self.bot_id(bot).clone(),
            seq,
            state,
            at,
        };
        places.map(change).collect()
    }

    /// The membership has ended: whoever sent what waited hears of it. Returns how much that was.
    pub(crate) fn parted(&mut self, room: RoomIx, member: &mut Member, why: Loss) -> u64 {
        if !member.reads() {
            return 0;
        }
        member.settle_buffer();
        let head = self.world.room(room).head;
        let (stretches, dropped) = member.parts_with(head);
        let about = About::lost(why, [member.bot].into());
        self.stats.dropped += dropped;
        self.look_up_notifications(room, RangeNotification::all(stretches, &about));
        dropped
    }

    /// Answers an operator; the other waiters get an answer of their own.
    pub(crate) fn confirm_parting(&mut self, waiter: Waiter, dropped: u64) {
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, Done::dropping(dropped));
        }
    }

    /// Who asked for the end of its membership itself, and what it hears else.
    pub(crate) fn why_parted(
        why: Loss,
        waiter: &Waiter,
    ) -> (Option<ConnId>, Option<smol_str::SmolStr>) {
        let asker = if let Waiter::Client(conn) = waiter { Some(*conn) } else { None };
        (asker, (why != Loss::Left).then(|| "removed by an operator".into()))
    }
}

//! Who is paused when a limit is reached, and who is released without a person.
//!
//! Owns the consequences of a trip. Whether there is one is decided by `count`.

use bot_protocol::time::Timestamp;

use super::books::{Books, Everywhere};
use super::day::DAY_MS;
use super::member::{Clock, Pause, Proof};
use super::rules::{
    Because, ConversationId, Decision, Limits, Paused, Preset, Release, Rule, Trip, Why,
};
use crate::index::{BotIx, RoomIx};

/// For so long at least, what a bot says after it was paused may answer what it was handed before.
const SETTLE_MS: u64 = 3 * 60_000;

impl Books {
    /// A limit was reached by what `bot` said in `room`. Pauses it there and with it those who have used a third of the
    /// limit in the same conversation; returns nothing if all of them are paused already.
    pub(super) fn trip(
        &mut self,
        now: Timestamp,
        room: RoomIx,
        bot: BotIx,
        why: Why,
        resume_after_ms: u64,
    ) -> Option<Decision> {
        let conversation = why.conversation?;
        let mut bots = self.involved(now, room, conversation, why);
        bots.push(bot);
        bots.sort_unstable();
        bots.dedup();
        self.trips += 1;
        let (trip, mut paused) = (self.trips, Vec::new());
        let is_second = self.trips_again(now, conversation);
        let here = self.rooms.get_mut(&room)?;
        for bot in bots {
            let member = here.member(bot);
            if member.pause.is_some() || member.has_clock(now) {
                continue;
            }
            let is_second = is_second || is_recent(now, member.tripped_at);
            let until = (!is_second).then_some(now + resume_after_ms);
            member.pause = Some(Box::new(Pause {
                trip,
                conversation,
                until,
                settled_at: now + SETTLE_MS.max(2 * member.latencies.usual().unwrap_or_default()),
                pace: member.gaps.usual(),
                spoke_at: None,
            }));
            member.tripped_at = Some(now);
            self.ends.extend(until.map(|until| (until, Some(room), bot)));
            paused.push(Paused { bot, until });
        }
        let trip = Trip { room: Some(room), bots: paused, why };
        (!trip.bots.is_empty()).then_some(Decision::Pause(trip))
    }

    /// Notes that a conversation is stopped; returns whether it went on after it was stopped within a day before.
    fn trips_again(&mut self, now: Timestamp, begun: ConversationId) -> bool {
        let room = self.rooms.get_mut(&begun.room);
        let Some(known) = room.and_then(|it| it.conversations.get_mut(&begun.seq)) else {
            return false;
        };
        is_recent(now, known.tripped_at.replace(now)) && known.turns_max.is_some()
    }

    fn involved(
        &self,
        now: Timestamp,
        room: RoomIx,
        conversation: ConversationId,
        why: Why,
    ) -> Vec<BotIx> {
        let third = (why.limit / 3).max(1);
        let Some(here) = self.rooms.get(&room) else { return Vec::new() };
        let known = self.rooms.get(&conversation.room);
        let Some(known) = known.and_then(|it| it.conversations.get(&conversation.seq)) else {
            return Vec::new();
        };
        let day = |payer| here.members.get(&payer).map_or(0, |it| it.day.sum(now));
        let involved = known.seats.iter().filter(|it| match why.rule {
            Rule::Turns => known.turns_of(it.payer, room, here.persons) >= third,
            Rule::Conversation => true,
            Rule::Repetition => u64::from(it.worn) >= (why.limit / 2).max(1),
            Rule::Day => day(it.payer) >= third,
            Rule::Unproven | Rule::DayEverywhere | Rule::Money => false,
        });
        involved.map(|it| it.bot).collect()
    }

    /// A limit was reached that holds for a bot in all rooms.
    pub(super) fn trip_everywhere(
        &mut self,
        now: Timestamp,
        bot: BotIx,
        why: Why,
        resume_after_ms: u64,
    ) -> Option<Decision> {
        let account = self.account(bot);
        if account.pause.is_some() {
            return None;
        }
        let is_second = is_recent(now, account.tripped_at);
        let until = (!is_second).then_some(now + resume_after_ms);
        account.pause = Some(Everywhere { until });
        account.tripped_at = Some(now);
        self.ends.extend(until.map(|until| (until, None, bot)));
        Some(Decision::Pause(Trip { room: None, bots: vec![Paused { bot, until }], why }))
    }

    /// A bot that is paused has spoken though nothing has reached it.
    pub(super) fn probe(&mut self, now: Timestamp, room: RoomIx, bot: BotIx) -> Vec<Decision> {
        let Some(member) = self.rooms.get_mut(&room).and_then(|it| it.members.get_mut(&bot)) else {
            return Vec::new();
        };
        let proof = member.probe(now);
        let Some(trip) = member.pause.as_ref().map(|it| it.trip) else { return Vec::new() };
        if proof == Proof::None {
            return Vec::new();
        }
        member.released_at = Some(now);
        if let Proof::Clock { period_ms } = proof {
            member.clock = Some(Clock { period_ms, at: now, until: now + DAY_MS });
        }
        let mut released = vec![self.release(room, bot, Because::Pace, None)];
        if proof != Proof::Pace {
            released.extend(
                self.last_of(trip, room).map(|it| self.release(room, it, Because::Alone, None)),
            );
        }
        released.into_iter().flatten().map(Decision::Resume).collect()
    }

    /// The only one that is still paused of those that were paused together: it cannot be in a loop with itself.
    fn last_of(&self, trip: u64, room: RoomIx) -> Option<BotIx> {
        let members = &self.rooms.get(&room)?.members;
        let is_of = |pause: &Pause| pause.trip == trip;
        let mut left = members
            .iter()
            .filter(|(_, it)| it.pause.as_deref().is_some_and(is_of))
            .map(|(bot, _)| *bot);
        left.next().filter(|_| left.next().is_none())
    }

    /// Pauses that end by themselves now.
    pub(super) fn end_pauses(&mut self, now: Timestamp) -> Vec<Decision> {
        let mut ended = Vec::new();
        while let Some(&(at, room, bot)) = self.ends.first().filter(|(at, ..)| *at <= now) {
            self.ends.pop_first();
            let release = match room {
                Some(room) if self.until(room, bot) == Some(at) => {
                    self.release(room, bot, Because::Time, Some(Preset::Careful.turns()))
                }
                Some(_) => None,
                None => self.release_everywhere(bot, at),
            };
            ended.extend(release.map(Decision::Resume));
        }
        ended
    }

    fn until(&self, room: RoomIx, bot: BotIx) -> Option<Timestamp> {
        self.rooms.get(&room)?.members.get(&bot)?.pause.as_ref()?.until
    }

    fn release_everywhere(&mut self, bot: BotIx, at: Timestamp) -> Option<Release> {
        let account = self.bots.get_mut(&bot)?;
        account.pause.take_if(|it| it.until == Some(at))?;
        Some(Release { room: None, bot, because: Because::Time })
    }

    /// Ends a pause of one bot in one room: it begins its conversation anew, with `turns_max` turns if another number than
    /// the room's.
    pub(super) fn release(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        because: Because,
        turns_max: Option<u16>,
    ) -> Option<Release> {
        let member = self.rooms.get_mut(&room)?.members.get_mut(&bot)?;
        let pause = member.pause.take()?;
        if let Some(until) = pause.until {
            self.ends.remove(&(until, Some(room), bot));
        }
        let begun = pause.conversation;
        let known = self.rooms.get_mut(&begun.room);
        if let Some(known) = known.and_then(|it| it.conversations.get_mut(&begun.seq)) {
            known.free(bot, turns_max);
        }
        Some(Release { room: Some(room), bot, because })
    }

    /// A person resumes a bot in a room: its day is longer by the turns that it gets, and what happened is forgotten.
    pub(super) fn resume(
        &mut self,
        now: Timestamp,
        room: RoomIx,
        bot: BotIx,
        turns: u16,
        day: u32,
    ) {
        let known = self.rooms.get(&room).and_then(|it| it.members.get(&bot));
        let begun = known.and_then(|it| it.pause.as_ref()).map(|it| it.conversation);
        self.release(room, bot, Because::Time, Some(turns));
        if let Some(begun) = begun
            && let Some(there) = self.rooms.get_mut(&begun.room)
            && let Some(known) = there.conversations.get_mut(&begun.seq)
        {
            known.tripped_at = None;
        }
        let Some(member) = self.rooms.get_mut(&room).and_then(|it| it.members.get_mut(&bot)) else {
            return;
        };
        (member.tripped_at, member.released_at) = (None, None);
        let used = u32::try_from(member.day.sum(now)).unwrap_or(u32::MAX);
        member.day_granted = used.saturating_add(turns.into()).saturating_sub(day);
    }

    /// A person resumes a bot that a rule has paused in all rooms: what was the limit is more by a third from now on.
    pub(super) fn resume_everywhere(&mut self, now: Timestamp, bot: BotIx, limits: &Limits) {
        let Some(account) = self.bots.get_mut(&bot) else { return };
        if let Some(until) = account.pause.take().and_then(|it| it.until) {
            self.ends.remove(&(until, None, bot));
        }
        account.tripped_at = None;
        let used = u32::try_from(account.day.sum(now)).unwrap_or(u32::MAX);
        if used >= limits.day_everywhere {
            account.day_granted = used - limits.day_everywhere + limits.day_everywhere / 3;
        }
        if let Some(limit) = limits.usd_micro_per_day
            && let Some(over) = account.spent.sum(now).checked_sub(limit)
        {
            account.spent_granted = over.saturating_add(limit / 3);
        }
    }
}

fn is_recent(now: Timestamp, at: Option<Timestamp>) -> bool {
    at.is_some_and(|at| now.since(at) < DAY_MS)
}

//! What a message counts for.
//!
//! Owns which limits it uses, and which it reaches.

use std::mem::replace;

use bot_protocol::time::Timestamp;

use super::books::Books;
use super::place::{Named, Place, Role};
use super::room::room_of;
use super::rules::{Decision, Limits, Preset, Rule, Warning, Why, part};
use super::said::{Cause, Said};
use crate::index::{BotIx, RoomIx};

/// So many answers of each conversation do not count for the day, and have no words counted.
const FREE_TURNS: u16 = 3;

/// Up to so many bots the limit of each is bound enough for all.
const FEW_BOTS: usize = 8;

/// So many times the limit of one bot are the bound of many together, and of what cannot be proven.
const MANY: u64 = 4;

/// What of a message is counted, and by which limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count<'a> {
    pub(super) now: Timestamp,
    pub(super) said: &'a Said<'a>,
    pub(super) payer: BotIx,
    pub(super) place: Place,
    pub(super) preset: Preset,
    pub(super) limits: &'a Limits,
}

/// How full the counts of a conversation are after a message.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    turns: u64,
    own_turns: u16,
    turns_max: u64,
    turns_warned: u8,
    all: u64,
    all_max: u64,
    all_warned: u8,
    worn: u64,
}

/// What is known of a bot once it has spoken.
#[derive(Clone, Copy, Debug)]
struct Speech {
    begins_turn: bool,
    /// It was released: whatever it says counts for the day.
    all_counts: bool,
}

impl Books {
    /// Counts what a bot said.
    pub(super) fn count(&mut self, it: Count<'_>) -> Vec<Decision> {
        let speech = self.note_speech(&it);
        let mut decisions = Vec::new();
        let (room, bot) = (it.said.room, it.said.from);
        let is_answer = it.place.role == Role::Answers;
        let filled = if is_answer { self.answer(&it) } else { Filled::default() };
        if is_answer {
            self.changed.rooms.insert(room);
        }
        let mut reached = self.reached(&it, filled, &mut decisions);
        reached.extend(self.count_unproven(&it));
        let is_far = is_answer && filled.own_turns > FREE_TURNS;
        if is_far || speech.all_counts {
            reached.extend(self.count_day(&it, &mut decisions));
        }
        for why in reached {
            let after = it.limits.resume_after_ms;
            decisions.extend(match why.rule {
                Rule::DayEverywhere => self.trip_everywhere(it.now, bot, why, after),
                _ => self.trip(it.now, room, bot, why, after),
            });
        }
        let names_cause =
            matches!(it.said.cause, Cause::Entry { .. }) || it.said.reply_to.is_some();
        if speech.begins_turn && !is_answer && !it.place.has_news && !names_cause {
            decisions.extend(self.probe(it.now, room, bot));
        }
        decisions
    }

    /// Notes that it spoke, and what was usual.
    fn note_speech(&mut self, it: &Count<'_>) -> Speech {
        if let Some(Named { room, seq, is_person }) = it.place.named {
            let member = room_of(&mut self.rooms, room).member(it.said.from);
            member.name(seq);
            if !is_person {
                member.answered_to = member.answered_to.max(seq);
            }
        }
        let now = it.now;
        let member = room_of(&mut self.rooms, it.said.room).member(it.said.from);
        if let Some(heard) = it.said.heard {
            member.answered_to = member.answered_to.max(heard.to);
        }
        member.started = None;
        if let Some(latency) = it.place.latency_ms {
            member.latencies.add(latency);
        }
        let gap = member.turn_at.map(|at| now.since(at));
        let pace = member.pause.as_ref().and_then(|it| it.pace);
        // Who is paused and keeps a quick pace would seem to go on and on with one turn.
        let is_beat = pace.zip(gap).is_some_and(|(pace, gap)| gap >= pace / 2);
        let begins_turn = it.place.role != Role::GoesOn || is_beat;
        if begins_turn {
            member.gaps.add_known(gap);
            member.turn_at = Some(now);
            if member.keeps_clock(now) {
                member.clock.as_mut().expect("it has one").at = now;
            } else {
                member.clock = None;
            }
        }
        let goes_on = it.place.role == Role::GoesOn;
        member.turn_messages = if goes_on { member.turn_messages.saturating_add(1) } else { 0 };
        (member.spoke_at, member.spoke_in) = (Some(now), (it.place.conversation, it.place.hops));
        Speech { begins_turn, all_counts: member.is_released(now) && !member.has_clock(now) }
    }

    /// Counts an answer in its conversation.
    fn answer(&mut self, it: &Count<'_>) -> Filled {
        let (room, begun) = (it.said.room, it.place.conversation);
        let seat_of = (room, it.said.from, it.payer);
        let persons = room_of(&mut self.rooms, room).persons;
        let conversation = room_of(&mut self.rooms, begun.room).conversation(begun.seq);
        conversation.begin(it.now, persons);
        let seat = conversation.seat(it.now, seat_of, persons);
        seat.turns = seat.turns.saturating_add(1);
        let (own_turns, mut worn) = (seat.turns, seat.worn);
        conversation.all += u32::from(own_turns > FREE_TURNS);
        let (turns, all) =
            (conversation.turns_of(it.payer, room, persons), conversation.all.into());
        let turns_max = u64::from(conversation.turns_max.unwrap_or(it.preset.turns()));
        let all_max = all_max(turns_max, conversation.seats.len());
        let all_warned = replace(&mut conversation.warned, part(all, all_max));
        let seat = conversation.seat(it.now, seat_of, persons);
        let turns_warned = replace(&mut seat.warned, part(turns, turns_max));
        if own_turns >= FREE_TURNS {
            let is_worn = room_of(&mut self.rooms, room).worn.hear(it.said.text);
            worn = if is_worn { worn.saturating_add(1) } else { 0 };
            let conversation = room_of(&mut self.rooms, begun.room).conversation(begun.seq);
            conversation.seat(it.now, seat_of, persons).worn = worn;
        }
        let worn = worn.into();
        Filled { turns, own_turns, turns_max, turns_warned, all, all_max, all_warned, worn }
    }

    /// The limits of its conversation that an answer reaches.
    fn reached(&self, it: &Count<'_>, filled: Filled, decisions: &mut Vec<Decision>) -> Vec<Why> {
        let why = |rule, used, limit| Why {
            rule,
            used,
            limit,
            conversation: Some(it.place.conversation),
        };
        if filled.turns_max == 0 {
            return Vec::new();
        }
        let turns = why(Rule::Turns, filled.turns, filled.turns_max);
        let all = why(Rule::Conversation, filled.all, filled.all_max);
        let worn = why(Rule::Repetition, filled.worn, u64::from(it.limits.repetition));
        warn(decisions, Some(it.said.room), it.said.from, turns, filled.turns_warned);
        warn(decisions, Some(it.said.room), it.said.from, all, filled.all_warned);
        let mut reached: Vec<Why> =
            [turns, all].into_iter().filter(|it| it.used >= it.limit).collect();
        if worn.limit > 0 && worn.used >= worn.limit {
            if it.preset != Preset::Long {
                reached.push(worn);
            } else if worn.used == worn.limit {
                let (room, bot) = (Some(it.said.room), it.said.from);
                decisions.push(Decision::Warn(Warning { room, bot, why: worn, percent: 100 }));
            }
        }
        reached
    }

    /// Counts what it says of causes and cannot be so. A bot may be right with that: so much of it is suspicious only in the
    /// long run.
    fn count_unproven(&mut self, it: &Count<'_>) -> Option<Why> {
        if !it.place.is_unproven {
            return None;
        }
        let member = room_of(&mut self.rooms, it.said.room).member(it.said.from);
        member.unproven.add(it.now, 1);
        let (used, limit) = (member.unproven.sum(it.now), MANY * u64::from(it.preset.turns()));
        let conversation = Some(it.place.conversation);
        (used >= limit).then_some(Why { rule: Rule::Unproven, used, limit, conversation })
    }

    /// Counts for the day: an answer beyond the first few of a conversation, or whatever a bot says that was released.
    fn count_day(&mut self, it: &Count<'_>, decisions: &mut Vec<Decision>) -> Vec<Why> {
        let (now, room, bot) = (it.now, it.said.room, it.said.from);
        let conversation = Some(it.place.conversation);
        let here = room_of(&mut self.rooms, room).member(it.payer);
        here.day.add(now, 1);
        let limit = u64::from(it.limits.day) + u64::from(here.day_granted);
        let day = Why { rule: Rule::Day, used: here.day.sum(now), limit, conversation };
        let warned = replace(&mut here.day_warned, part(day.used, limit));
        warn(decisions, Some(room), bot, day, warned);
        self.changed.bots.insert(it.payer);
        let account = self.account(it.payer);
        account.day.add(now, 1);
        let limit = u64::from(it.limits.day_everywhere) + u64::from(account.day_granted);
        let all =
            Why { rule: Rule::DayEverywhere, used: account.day.sum(now), limit, conversation };
        let warned = replace(&mut account.day_warned, part(all.used, limit));
        warn(decisions, None, bot, all, warned);
        [day, all].into_iter().filter(|it| it.used >= it.limit).collect()
    }

    /// What a bot reported to have spent.
    pub(super) fn spend(
        &mut self,
        now: Timestamp,
        bot: BotIx,
        usd_micro: u64,
        limits: &Limits,
    ) -> Vec<Decision> {
        self.changed.bots.insert(bot);
        let account = self.account(bot);
        account.spent.add(now, usd_micro);
        let Some(limit) = limits.usd_micro_per_day else { return Vec::new() };
        let limit = limit.saturating_add(account.spent_granted);
        let why =
            Why { rule: Rule::Money, used: account.spent.sum(now), limit, conversation: None };
        let warned = replace(&mut account.spent_warned, part(why.used, limit));
        let mut decisions = Vec::new();
        warn(&mut decisions, None, bot, why, warned);
        if why.used >= limit {
            decisions.extend(self.trip_everywhere(now, bot, why, limits.resume_after_ms));
        }
        decisions
    }
}

/// The bound of so many bots together. It is more for more of them, but less than what many would need to go on under ever new
/// names.
fn all_max(turns_max: u64, bots: usize) -> u64 {
    match bots {
        0..=FEW_BOTS => u64::MAX,
        bots => turns_max * (bots as u64 / MANY).max(MANY),
    }
}

/// Warns if a part of a limit is reached that was not before, and the limit itself is not.
fn warn(decisions: &mut Vec<Decision>, room: Option<RoomIx>, bot: BotIx, why: Why, warned: u8) {
    let percent = part(why.used, why.limit);
    if percent > warned && why.used < why.limit {
        decisions.push(Decision::Warn(Warning { room, bot, why, percent }));
    }
}

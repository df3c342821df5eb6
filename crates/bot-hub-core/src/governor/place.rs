//! Which conversation a message belongs to.
//!
//! Owns the order in which that is found out: what the client names, what it replies to, the first entry that reached it
//! since it last spoke, what it heard elsewhere, the turn that goes on, and otherwise a new conversation. Changes nothing.
//!
//! It is the *first* entry that counts: by the last one fifty voters would look like a chain of fifty.

use bot_protocol::time::Timestamp;

use super::log::{Kind, Log, Slot, id_of};
use super::member::Member;
use super::room::Rooms;
use super::rules::ConversationId;
use super::said::{By, Cause, Heard, Said};
use crate::index::{BotIx, RoomIx};

/// An answer comes within so long, for each other member: a ring of bots takes turns.
const LINK_MS: u64 = 10 * 60_000;

/// What took longer than this was no answer, however slow the bot is.
const LINK_MS_MAX: u64 = 6 * 3_600_000;

/// What was heard in another room is answered here within so long.
const ELSEWHERE_MS: u64 = 2 * 60_000;

/// So many other rooms are looked at.
const ELSEWHERE_MAX: usize = 64;

/// So many entries that are new to a bot are looked at.
const NEWS_MAX: usize = 32;

/// Where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) conversation: ConversationId,
    /// Answers between the beginning of the conversation and it.
    pub(super) hops: u16,
    pub(super) role: Role,
    /// Something had reached the sender since it last spoke.
    pub(super) has_news: bool,
    /// How long before it spoke.
    pub(super) latency_ms: Option<u64>,
    /// The entry that the client named.
    pub(super) named: Option<Named>,
    /// It cannot be what its sender says it is.
    pub(super) is_unproven: bool,
}

/// What a message is in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It begins one.
    Begins,
    /// It goes on with what its sender said just now.
    GoesOn,
    /// It answers somebody.
    Answers,
}

/// An entry that a client named rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) room: RoomIx,
    pub(super) seq: u64,
    pub(super) is_person: bool,
}

impl Place {
    fn new(conversation: ConversationId, role: Role, hops: u16) -> Self {
        let (latency_ms, named, has_news, is_unproven) = (None, None, false, false);
        Self { conversation, hops, role, has_news, latency_ms, named, is_unproven }
    }

    fn answer(to: &Slot) -> Self {
        let hops = to.hops.saturating_add(1);
        Self { has_news: true, ..Self::new(to.conversation, Role::Answers, hops) }
    }
}

/// Finds the place of a message. `elsewhere` are the other rooms of its sender; they are looked at only where nothing
/// else is a cause.
pub(super) fn place(
    rooms: &Rooms,
    now: Timestamp,
    said: &Said<'_>,
    elsewhere: impl Iterator<Item = (RoomIx, Heard)>,
) -> Place {
    let own = ConversationId { room: said.room, seq: said.seq };
    let begins = Place::new(own, Role::Begins, 0);
    let (Some(heard), By::Bot { .. }, Some(room)) = (said.heard, said.by, rooms.get(&said.room))
    else {
        return begins;
    };
    let Some(member) = room.members.get(&said.from) else { return begins };
    if let Some(place) = named(rooms, said, heard, member) {
        return place;
    }
    if member.keeps_clock(now) {
        return begins;
    }
    let is_unproven = is_lie(rooms, said);
    let new = (heard.after.max(member.answered_to), heard.to);
    let mut others = room.log.between(new.0, new.1).filter(|(_, slot)| slot.from != said.from);
    if let Some(first) = others.find(|(_, slot)| slot.kind.is_cause()) {
        if said.cause == Cause::Nothing {
            return Place { has_news: true, is_unproven: true, ..begins };
        }
        let others = others.filter(|(_, slot)| slot.kind.is_cause()).take(NEWS_MAX);
        let place = answer(rooms, now, said, member, first, others).unwrap_or(begins);
        let latency = now.since(member.reached_at(first.0, first.1.at));
        let latency_ms = Some(latency).filter(|it| *it <= LINK_MS_MAX);
        return Place { has_news: true, latency_ms, is_unproven, ..place };
    }
    let (conversation, hops) = member.spoke_in;
    if hops > 0 && new.0 < new.1 && new.0 + 1 < room.log.first {
        // It works off what waited for so long that nothing is known of it any more.
        let place = Place::new(conversation, Role::Answers, hops);
        return Place { has_news: true, is_unproven, ..place };
    }
    let has_notice = room.log.between(new.0, new.1).any(|(_, slot)| slot.from != said.from);
    if has_notice && said.notice {
        return Place { has_news: true, is_unproven: true, ..begins };
    }
    if let Some(slot) = heard_elsewhere(rooms, now, said.from, member, elsewhere) {
        return Place { is_unproven, ..Place::answer(slot) };
    }
    let place = match member.goes_on(now) {
        true if member.is_verbose() => Place::new(conversation, Role::Answers, hops),
        true => Place::new(conversation, Role::GoesOn, hops),
        false => begins,
    };
    Place { has_news: has_notice, is_unproven, ..place }
}

/// What it answers of all that is new to it: what goes on with the conversation in which it has answered most, or else the first
/// entry. If it were always the first one, a loop beside a clock that strikes would begin anew with each stroke.
fn answer<'a>(
    rooms: &'a Rooms,
    now: Timestamp,
    said: &Said<'_>,
    member: &Member,
    first: (u64, &'a Slot),
    others: impl Iterator<Item = (u64, &'a Slot)>,
) -> Option<Place> {
    let is_answer = |(seq, slot): &(u64, &Slot)| {
        is_answer(now.since(member.reached_at(*seq, slot.at)), said.others, member)
    };
    let begun = first.1.conversation;
    let mut most = Some((0, first.1)).filter(|_| is_answer(&first));
    let mut own = None;
    for it in others.filter(|(_, slot)| slot.conversation != begun).filter(is_answer) {
        let least = *own.get_or_insert_with(|| turns(rooms, said, begun));
        let turns = turns(rooms, said, it.1.conversation);
        if turns > least.max(most.map_or(0, |(most, _)| most)) {
            most = Some((turns, it.1));
        }
    }
    most.map(|(_, slot)| Place::answer(slot))
}

/// How often the sender has answered in a conversation since a person spoke.
fn turns(rooms: &Rooms, said: &Said<'_>, begun: ConversationId) -> u16 {
    let persons = rooms.get(&said.room).map_or(0, |it| it.persons);
    let known = rooms.get(&begun.room).and_then(|it| it.conversations.get(&begun.seq));
    let mut seats = known.into_iter().flat_map(|it| &it.seats);
    let seat = seats.find(|it| it.bot == said.from && it.room == said.room);
    seat.filter(|it| it.persons >= persons).map_or(0, |it| it.turns)
}

fn is_answer(latency_ms: u64, others: u32, member: &Member) -> bool {
    let link = (LINK_MS * u64::from(others.max(1))).min(LINK_MS_MAX);
    let is_usual = || member.latencies.usual().is_some_and(|usual| latency_ms <= 3 * usual);
    latency_ms <= link || (latency_ms <= LINK_MS_MAX && is_usual())
}

/// The place that the client gives it, if what it names may be the cause.
fn named(rooms: &Rooms, said: &Said<'_>, heard: Heard, member: &Member) -> Option<Place> {
    let cause = match said.cause {
        Cause::Entry { room, seq, heard } => Some((room, seq, heard)),
        _ => member.started.map(|seq| (said.room, seq, heard)),
    };
    let reply = || {
        let seq = rooms.get(&said.room)?.log.by_id(id_of(said.reply_to?))?;
        Some((said.room, seq, heard))
    };
    let place = |(room, seq, heard)| {
        let there = rooms.get(&room)?;
        let member = there.members.get(&said.from);
        let (slot, is_person) = serves(&there.log, member, said.from, seq, heard)?;
        let named = Some(Named { room, seq, is_person });
        Some(Place { named, ..Place::answer(slot) })
    };
    cause.and_then(place).or_else(|| reply().and_then(place))
}

/// An entry may be named if it has reached the bot since it last spoke there. One of a person may be named later, too,
/// but only once: who always names the same old message is not believed.
fn serves<'a>(
    log: &'a Log,
    member: Option<&Member>,
    bot: BotIx,
    seq: u64,
    heard: Heard,
) -> Option<(&'a Slot, bool)> {
    let slot = log.get(seq).filter(|it| it.from != bot)?;
    if seq <= heard.after || seq > heard.to {
        return None;
    }
    let is_person = slot.kind == Kind::Person;
    let is_free = match member {
        Some(member) if is_person => !member.has_answered(seq),
        Some(member) => seq > member.answered_to,
        None => true,
    };
    is_free.then_some((slot, is_person))
}

/// Whether what it names cannot have made it speak: that had not reached it, or it named it before.
fn is_lie(rooms: &Rooms, said: &Said<'_>) -> bool {
    let Cause::Entry { room, seq, heard } = said.cause else { return false };
    let member = rooms.get(&room).and_then(|it| it.members.get(&said.from));
    seq > heard.to || member.is_some_and(|it| it.has_named(seq))
}

/// The newest entry that has reached the bot in another room, not long ago and since it last spoke here.
fn heard_elsewhere<'a>(
    rooms: &'a Rooms,
    now: Timestamp,
    bot: BotIx,
    here: &Member,
    elsewhere: impl Iterator<Item = (RoomIx, Heard)>,
) -> Option<&'a Slot> {
    let mut newest: Option<(Timestamp, &Slot)> = None;
    for (room, heard) in elsewhere.take(ELSEWHERE_MAX) {
        let Some(room) = rooms.get(&room) else { continue };
        let member = room.members.get(&bot);
        let after = heard.after.max(member.map_or(0, |it| it.answered_to));
        let mut entries = room.log.between(after, heard.to);
        let is_cause = |slot: &Slot| slot.from != bot && slot.kind.is_cause();
        let Some((seq, slot)) = entries.rfind(|(_, slot)| is_cause(slot)) else { continue };
        let at = member.map_or(slot.at, |it| it.reached_at(seq, slot.at));
        let is_fresh = now.since(at) <= ELSEWHERE_MS && here.spoke_at.is_none_or(|it| at >= it);
        if is_fresh && newest.is_none_or(|(than, _)| at > than) {
            newest = Some((at, slot));
        }
    }
    newest.map(|(_, slot)| slot)
}

//! What follows for many members when a pause begins or ends.
//!
//! Owns that this is done in turns: a hub with thousands of readers is stopped at once, by one comparison at
//! each delivery, and the bots that hear of it, or are handed what waited, have their turns, so many at a step.

use std::collections::VecDeque;
use std::sync::Arc;

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::pause::{Pause, PauseLine};
use bot_protocol::time::Timestamp;

use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::waiting::{Resuming, Waiter};
use crate::world::{Scope, World};

/// Members, rooms or pauses that one step visits.
const VISITS_MAX: usize = 64;

/// Then others have their turn.
const TURN_MS: u64 = 5;

/// What is left to do, in its order.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    errands: VecDeque<Errand>,
    pub(crate) at: Option<Timestamp>,
    /// Pauses are being ended whose time is over.
    pub(crate) is_ending: bool,
}

#[derive(Debug)]
struct Errand {
    scope: Scope,
    what: What,
    walk: Walk,
}

#[derive(Debug)]
enum What {
    /// Whom a pause holds hears that it holds, or has ended.
    Tell { line: Arc<PauseLine>, on: bool },
    /// Who was paused is handed what waits.
    Hand,
    /// What waits is lost to those who are still paused; then the pauses end.
    Skip(Box<Resuming>),
    /// An operator ends the pauses of the scope.
    End(Box<Resuming>),
    /// Pauses end whose time is over.
    EndDue,
}

/// How far a walk has come. It goes through the members of a room backwards: who takes the place of one that
/// leaves was visited before.
#[derive(Debug, Default)]
struct Walk {
    /// Among all rooms, or all bots.
    at: u32,
    /// So many members, or rooms of one bot, are left; not known before the first of them.
    left: Option<usize>,
}

impl Walk {
    /// The next place among `count`, from the end.
    fn down(&mut self, count: usize) -> Option<usize> {
        let left = self.left.unwrap_or(count).min(count);
        self.left = Some(left.saturating_sub(1));
        left.checked_sub(1)
    }

    /// The next member in the scope. `Some(None)` is a room without another one.
    fn member(&mut self, world: &World, scope: Scope) -> Option<Option<(RoomIx, BotIx)>> {
        let of_room = |walk: &mut Self, room: RoomIx| {
            let members = &world.room(room).members;
            walk.down(members.len()).map(|at| (room, members[at].bot))
        };
        match (scope.room, scope.bot) {
            (Some(room), Some(bot)) => self.down(1).map(|_| Some((room, bot))),
            (Some(room), None) => of_room(self, room).map(Some),
            (None, Some(bot)) => {
                let rooms = &world.bot(bot).room_list;
                self.down(rooms.len()).map(|at| Some((rooms[at], bot)))
            }
            (None, None) => {
                let (room, _) = world.rooms.in_place(self.at)?;
                let found = of_room(self, room);
                if found.is_none() {
                    *self = Self { at: self.at + 1, left: None };
                }
                Some(found)
            }
        }
    }

    /// The next bot in the scope.
    fn bot(&mut self, world: &World, scope: Scope) -> Option<BotIx> {
        match (scope.room, scope.bot) {
            (_, Some(bot)) => self.down(1).map(|_| bot),
            (Some(_), None) => self.member(world, scope).flatten().map(|(_, bot)| bot),
            (None, None) => {
                let bot = BotIx(self.at);
                self.at += 1;
                ((bot.0 as usize) < world.bots.len()).then_some(bot)
            }
        }
    }
}

impl Hub {
    /// A pause holds, or has ended: whom it concerns is told, and who may read again reads on.
    pub(crate) fn follow_pause(&mut self, scope: Scope, line: &Arc<PauseLine>, on: bool) {
        self.tell_watchers(scope, line, on);
        self.begin(scope, What::Tell { line: Arc::clone(line), on });
        if !on {
            self.begin(scope, What::Hand);
        }
    }

    /// Ends the pauses of a scope, and answers when the last of them has ended.
    pub(crate) fn begin_resume(&mut self, resuming: Resuming) {
        let scope = resuming.scope;
        let resuming = Box::new(resuming);
        let what = if resuming.skip { What::Skip(resuming) } else { What::End(resuming) };
        // Its first step is at once: so its record is stored together with what it does.
        self.turns.errands.push_front(Errand { scope, what, walk: Walk::default() });
        self.take_turns();
    }

    /// Ends the pauses whose time is over.
    pub(crate) fn end_due_pauses(&mut self) {
        if !std::mem::replace(&mut self.turns.is_ending, true) {
            self.begin(Scope::default(), What::EndDue);
        }
    }

    fn begin(&mut self, scope: Scope, what: What) {
        self.turns.errands.push_back(Errand { scope, what, walk: Walk::default() });
        if self.turns.at.is_none() {
            self.take_turns();
        }
    }

    /// Does some of what is left to do.
    pub(crate) fn take_turns(&mut self) {
        let mut visits = VISITS_MAX;
        while visits > 0
            && let Some(errand) = self.turns.errands.pop_front()
        {
            if let Some(rest) = self.run(errand, &mut visits) {
                self.turns.errands.push_front(rest);
            }
        }
        let is_over = self.turns.errands.is_empty();
        self.turns.at = (!is_over).then(|| self.now + TURN_MS);
    }

    /// Goes on with an errand. Returns it if it is not over.
    fn run(&mut self, mut errand: Errand, visits: &mut usize) -> Option<Errand> {
        while *visits > 0 {
            *visits -= 1;
            let Errand { scope, what, walk } = &mut errand;
            let goes_on = match what {
                What::Tell { line, on } => {
                    let bot = walk.bot(&self.world, *scope);
                    bot.into_iter().for_each(|bot| self.tell_bot(bot, line, *on));
                    bot.is_some()
                }
                What::Hand => {
                    let next = walk.member(&self.world, *scope);
                    next.flatten().into_iter().for_each(|(room, bot)| self.read_on(room, bot));
                    next.is_some()
                }
                What::Skip(resuming) => {
                    let next = walk.member(&self.world, *scope);
                    if let Some((room, bot)) = next.flatten() {
                        resuming.skipped += self.skip_waiting(room, bot);
                    }
                    next.is_some()
                }
                What::EndDue => {
                    let key = self.world.pauses.due(self.now);
                    if let Some(key) = key {
                        let change = Change::Resume(Box::new(self.world.named_pause(key)));
                        self.change(change, Named::default(), Waiter::Nobody);
                    }
                    self.turns.is_ending = key.is_some();
                    key.is_some()
                }
                What::End(_) => false,
            };
            if !goes_on {
                return self.next_of(errand, visits);
            }
        }
        Some(errand)
    }

    /// What follows on an errand whose walk is over.
    fn next_of(&mut self, errand: Errand, visits: &mut usize) -> Option<Errand> {
        let (What::Skip(resuming) | What::End(resuming)) = errand.what else { return None };
        let rest = self.end_some(resuming, (*visits).max(1))?;
        *visits = 0;
        Some(Errand { what: What::End(rest), ..errand })
    }

    /// Ends some of the pauses. Returns what is left of it.
    fn end_some(&mut self, mut it: Box<Resuming>, max: usize) -> Option<Box<Resuming>> {
        let mut keys = self.world.pauses.within(it.scope, it.last, max + 1);
        let has_more = keys.len() > max;
        keys.truncate(max);
        it.ended += keys.len() as u64;
        // Where others have ended the rest, the answer waits for one that is ended once more.
        let Some(last) = keys.pop().or(it.last) else {
            self.answer_resume(*it);
            return None;
        };
        for key in keys {
            let change = Change::Resume(Box::new(self.world.named_pause(key)));
            self.change(change, Named::default(), Waiter::Another);
        }
        it.last = Some(last);
        let change = Change::Resume(Box::new(self.world.named_pause(last)));
        if has_more {
            self.change(change, Named::default(), Waiter::Another);
            return Some(it);
        }
        self.change(change, Named::default(), Waiter::Resuming(it));
        None
    }

    /// One that was paused is handed what waits, in its order, as one backlog.
    fn read_on(&mut self, room: RoomIx, bot: BotIx) {
        if self.world.pauses.hold(room, bot) {
            return;
        }
        let head = self.world.room(room).head;
        if let Some(member) = self.world.member_mut(room, bot) {
            member.begin_backlog(head);
            self.pump(room, bot);
        }
    }

    /// What waits for one that is paused will not be handed to it. Returns how much that is.
    fn skip_waiting(&mut self, room: RoomIx, bot: BotIx) -> u64 {
        let head = self.world.room(room).head;
        let member = self.world.member(room, bot).filter(|it| it.reads() && !it.is_parting());
        let Some(after) = member.map(|member| member.sent()).filter(|sent| *sent < head) else {
            return 0;
        };
        if !self.world.pauses.hold(room, bot) {
            return 0;
        }
        let skipped = self.lose(room, bot, after + 1, head, Loss::Skipped);
        // Stored before the pause ends: after a crash in between, nobody is handed what was said to be skipped.
        self.save_losses(room, bot);
        skipped
    }

    fn tell_bot(&mut self, bot: BotIx, line: &PauseLine, on: bool) {
        let state = self.world.bot(bot);
        let conns: Vec<ConnId> = state.conn.iter().chain(&state.sides).copied().collect();
        conns.into_iter().for_each(|conn| self.tell_pause(conn, line, on));
    }

    /// Operators' connections that watch are told, too, unless they hear of it anyway.
    fn tell_watchers(&mut self, scope: Scope, line: &PauseLine, on: bool) {
        let of_room = scope.room.map(|room| self.world.room(room).observers.clone());
        let mut watching = of_room.unwrap_or_default();
        watching.extend(&self.observers);
        watching.sort_unstable();
        watching.dedup();
        for conn in watching {
            let Some(bot) = self.conn(conn).map(|state| state.bot) else { continue };
            let is_there = scope.room.is_none_or(|room| self.world.member(room, bot).is_some());
            if !is_there || scope.bot.is_some_and(|it| it != bot) {
                self.tell_pause(conn, line, on);
            }
        }
    }

    pub(crate) fn tell_pause(&mut self, conn: ConnId, line: &PauseLine, on: bool) {
        if self.conn(conn).is_some_and(|state| state.caps.governor) {
            self.send(conn, ServerFrame::Pause(Pause::of(line, on)));
        }
    }
}

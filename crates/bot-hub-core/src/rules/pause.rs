//! Pauses: cursors that stand still.
//!
//! Owns who may pause what, what a bot that is paused by a person may not do, and who is told. What a pause
//! does to deliveries is one comparison in `delivery/live` and one in `delivery/late`; what follows when it
//! begins or ends has its turns in `delivery/turns`.

use std::sync::Arc;

use bot_protocol::block::write_stamp;
use bot_protocol::code::Code;
use bot_protocol::frame::answer::{PauseList, Resumed};
use bot_protocol::frame::pause::{PauseLine, PauseWhy};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::change::Change;
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{ConnId, Output};
use crate::pause::{By, PauseKey};
use crate::rules::pages::Part;
use crate::waiting::{Resuming, Waiter};
use crate::world::{Key, PauseCounts, Scope};

/// The longest time after which a pause ends by itself: a year.
const FOR_MS_MAX: u64 = 366 * 24 * 3_600 * 1_000;

impl Hub {
    /// An operator pauses. What is paused by one already gets the new reason and end, and is paused since the
    /// first time.
    pub(crate) fn pause(
        &mut self,
        asker: BotIx,
        (room, bot): (Option<RoomName>, Option<BotId>),
        for_ms: Option<u64>,
        why: Option<SmolStr>,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let scope = self.scope_of(asker, room.as_ref(), bot.as_ref())?;
        let key = Key { scope, by: By::Person };
        if let Some(error) = for_ms.and_then(out_of_bounds) {
            return Err(error);
        }
        let known = self.world.pauses.get(key);
        let line = PauseLine {
            bot,
            by: Some(self.bot_id(asker).clone()),
            room,
            // After the end of another bot of that name, whatever the clock says.
            since: known.map_or_else(|| self.moment(), |it| it.since),
            until: for_ms.map(|millis| self.now + millis),
            why: PauseWhy { text: why, ..PauseWhy::default() },
        };
        if known.is_some_and(|it| **it == line) {
            self.answer_pause(waiter, line);
        } else {
            self.ask_for_pause(key, line, waiter);
        }
        Ok(())
    }

    /// A rule pauses. What is not there is not paused.
    pub(crate) fn rule_pauses(
        &mut self,
        (room, bot): (Option<RoomName>, Option<BotId>),
        why: PauseWhy,
        until: Option<Timestamp>,
    ) {
        let is_room = room.as_ref().is_none_or(|room| self.world.room_ix(room).is_some());
        if is_room && bot.as_ref().is_none_or(|bot| self.world.existing_bot(bot).is_some()) {
            let line = PauseLine { bot, by: None, room, since: self.moment(), until, why };
            if let Some(key) = self.world.pause_key(&PauseKey::of(&line)) {
                self.ask_for_pause(key, line, Waiter::Nobody);
            }
        }
    }

    pub(crate) fn ask_for_pause(&mut self, key: Key, line: PauseLine, waiter: Waiter) {
        self.world.pauses.comes(key);
        self.change(Change::Pause(Box::new(line)), Named::default(), waiter);
    }

    /// An operator ends pauses; with `skip`, what waits for those who are paused is not handed over.
    pub(crate) fn resume(
        &mut self,
        asker: BotIx,
        (room, bot): (Option<RoomName>, Option<BotId>),
        skip: bool,
        waiter: Waiter,
    ) -> Result<(), ErrorFrame> {
        let scope = self.scope_of(asker, room.as_ref(), bot.as_ref())?;
        let Waiter::Operator { conn, reference } = waiter else { return Ok(()) };
        let (ended, skipped, last) = (0, 0, None);
        let resuming = Resuming { conn, reference, scope, skip, ended, skipped, last };
        if self.world.pauses.within(scope, None, 1).is_empty() {
            self.answer_resume(resuming);
            return Ok(());
        }
        self.begin_resume(resuming);
        if !matches!(self.last_output(), Some(Output::Change(_))) {
            // What it does is on its way: its record goes with the first of that.
            self.output(Output::Act { conn });
        }
        Ok(())
    }

    /// What an operator names. A single bot in a room is a member of it.
    fn scope_of(
        &self,
        asker: BotIx,
        room: Option<&RoomName>,
        bot: Option<&BotId>,
    ) -> Result<Scope, ErrorFrame> {
        let known = room.map(|room| self.known_room(asker, room)).transpose()?;
        let found = bot.map(|bot| self.find_bot(bot, asker)).transpose()?;
        let scope = Scope { room: known, bot: found };
        if let (Some(room), Some(bot), Some(name), Some(id)) = (known, found, room, bot) {
            // One that has left since stays paused, and is resumed all the same.
            let is_paused = self.world.pauses.of(scope).is_some();
            if !is_paused && self.world.member(room, bot).is_none() {
                return Err(ErrorFrame::new(Code::NotAMember)
                    .message(format!("`{id}` is not a member of `{name}`"))
                    .hint(format!("bot-hub room show {name}")));
            }
        }
        Ok(scope)
    }

    /// A pause is stored.
    pub(crate) fn pause_answered(&mut self, key: Key, waiter: Waiter) {
        let Some(line) = self.world.pauses.get(key).map(Arc::clone) else { return };
        self.answer_pause(waiter, PauseLine::clone(&line));
        self.output(Output::Pause { line: Arc::clone(&line), on: true });
        self.follow_pause(key.scope, &line, true);
    }

    fn answer_pause(&mut self, waiter: Waiter, line: PauseLine) {
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, line);
        }
    }

    /// The end of a pause is stored, unless it had ended before.
    pub(crate) fn resume_answered(
        &mut self,
        key: Key,
        ended: Option<Arc<PauseLine>>,
        waiter: Waiter,
    ) {
        if let Waiter::Resuming(resuming) = waiter {
            self.answer_resume(*resuming);
        }
        if let Some(line) = ended {
            self.output(Output::Pause { line: Arc::clone(&line), on: false });
            self.follow_pause(key.scope, &line, false);
        }
    }

    pub(crate) fn answer_resume(&mut self, resuming: Resuming) {
        let Resuming { conn, reference, scope, ended, skipped, .. } = resuming;
        let holds = self.world.pauses.over(scope).map(|line| PauseLine::clone(line));
        self.operated(conn, reference, Resumed { ended, holds, skipped });
    }

    /// The pauses, in the order of their list.
    pub(crate) fn list_pauses(&self, page: &Part<'_>) -> PauseList {
        let after = page.after().and_then(PauseKey::parse);
        let after = after.and_then(|key| self.known_pause(&key));
        let mut keys = self.world.pauses.within(Scope::default(), after, page.limit + 1);
        let has_more = keys.len() > page.limit;
        keys.truncate(page.limit);
        let next = keys.last().filter(|_| has_more).map(|key| self.world.named_pause(*key).name());
        let lines = keys.iter().filter_map(|key| self.world.pauses.get(*key));
        PauseList { next, pauses: lines.map(|line| PauseLine::clone(line)).collect() }
    }

    /// What a page ended with is a place, also if that pause has ended.
    fn known_pause(&self, key: &PauseKey) -> Option<Key> {
        let room = match &key.room {
            Some(room) => Some(self.world.room_ix(room)?),
            None => None,
        };
        let bot = match &key.bot {
            Some(bot) => Some(self.world.bot_ix(bot)?),
            None => None,
        };
        Some(Key { scope: Scope { room, bot }, by: key.by })
    }

    /// Refuses what a bot says that a person has paused there. A rule pauses what a bot hears, not what it says:
    /// one that goes on by itself is in no loop.
    pub(crate) fn may_speak_now(&self, room: Option<RoomIx>, bot: BotIx) -> Result<(), ErrorFrame> {
        match self.world.pauses.silencing(room, bot) {
            Some(line) => Err(silenced(line)),
            None => Ok(()),
        }
    }

    /// Tells a connection what holds for its bot in all rooms.
    pub(crate) fn tell_pauses(&mut self, conn: ConnId, bot: BotIx) {
        if self.is_told_of_pauses(conn) {
            self.tell_pauses_of(conn, Scope::default());
            self.tell_pauses_of(conn, Scope { room: None, bot: Some(bot) });
            for room in self.world.bot(bot).room_list.clone() {
                self.tell_pauses_in(conn, room, bot);
            }
        }
    }

    /// The same of one room.
    pub(crate) fn tell_pauses_in(&mut self, conn: ConnId, room: RoomIx, bot: BotIx) {
        if self.is_told_of_pauses(conn) {
            self.tell_pauses_of(conn, Scope { room: Some(room), bot: None });
            self.tell_pauses_of(conn, Scope::member(room, bot));
        }
    }

    fn is_told_of_pauses(&self, conn: ConnId) -> bool {
        !self.world.pauses.is_empty() && self.conn(conn).is_some_and(|it| it.caps.governor)
    }

    fn tell_pauses_of(&mut self, conn: ConnId, scope: Scope) {
        let lines: Vec<Arc<PauseLine>> = self.world.pauses.telling(scope).map(Arc::clone).collect();
        lines.iter().for_each(|line| self.tell_pause(conn, line, true));
    }

    /// The pause that holds for a bot in a room, or for all where it is no member.
    pub(crate) fn pause_seen_by(&self, room: RoomIx, bot: BotIx) -> Option<PauseLine> {
        let bot = self.world.member(room, bot).map(|_| bot);
        self.world.pauses.over(Scope { room: Some(room), bot }).map(|line| PauseLine::clone(line))
    }

    /// The pause that holds for a bot in all rooms.
    pub fn pause_of(&self, bot: &BotId) -> Option<PauseLine> {
        let bot = self.world.bot_ix(bot);
        self.world.pauses.over(Scope { room: None, bot }).map(|line| PauseLine::clone(line))
    }

    /// How many pauses there are: of everything, of rooms, of bots and of single members, by a person and by a
    /// rule.
    pub fn pause_counts(&self) -> PauseCounts {
        self.world.pauses.counts()
    }
}

fn out_of_bounds(for_ms: u64) -> Option<ErrorFrame> {
    let is_good = (1..=FOR_MS_MAX).contains(&for_ms);
    (!is_good).then(|| {
        ErrorFrame::new(Code::BadFrame)
            .message("a pause that ends by itself lasts from 1 ms to a year")
            .hint("leave `for_ms` out for a pause until somebody resumes")
    })
}

fn silenced(line: &PauseLine) -> ErrorFrame {
    let (since, reason) = (write_stamp(line.since), line.reason());
    let command = resume_command(line);
    let hint = match line.until {
        Some(until) => {
            format!(
                "it ends at {}; before that, an operator can run: {command}",
                write_stamp(until)
            )
        }
        None => format!("an operator can run: {command}"),
    };
    let message = format!("paused since {since} {reason} ({})", line.subject());
    ErrorFrame::new(Code::Paused).message(message).hint(hint)
}

/// The command that ends a pause.
fn resume_command(line: &PauseLine) -> String {
    match (&line.room, &line.bot) {
        (None, None) => "bot-hub resume --all".to_owned(),
        (None, Some(bot)) => format!("bot-hub resume @{bot}"),
        (Some(room), None) => format!("bot-hub resume {room}"),
        (Some(room), Some(bot)) => format!("bot-hub resume {room} @{bot}"),
    }
}

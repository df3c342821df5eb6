//! From a committed entry to the connections that are up to date.
//!
//! Owns who is handed an entry at its commit; everybody else is served by `late`, from the log.
//! **Invariant:** a reader gets the entries of a room in the order of the log, each once per
//! connection; what it cannot take now stays in the log, not in memory.

use bot_protocol::receipt::ReceiptState;

use crate::entry::Entry;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{Circumstances, ConnId, Output};
use crate::world::{Flight, Slot};

/// To how many members an entry went at its commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Handed {
    pub(crate) delivered: u32,
    pub(crate) queued: u32,
    /// Older entries dropped from full buffers because of it.
    pub(crate) dropped: u64,
}

/// What is left to do once the entry is on its way to those who are up to date.
#[derive(Debug, Default)]
struct Rest {
    /// Connections whose next step needs a proof.
    unproven: Vec<ConnId>,
    /// Members that have to be told of a gap first.
    behind: Vec<BotIx>,
    /// What a connection is handed with the entry.
    bytes: usize,
    /// So many entries are kept for a bot that is away.
    buffer_max: Option<u32>,
}

impl Hub {
    /// An entry was committed: hands it to everybody who is up to date. `buffer_max` are so many entries as
    /// are kept for a bot that is away; who commits an entry elsewhere decides that there.
    pub(crate) fn deliver(
        &mut self,
        room: RoomIx,
        sender: BotIx,
        entry: &Entry,
        buffer_max: Option<u32>,
    ) -> Handed {
        if entry.draft.expires_at().is_some_and(|at| at <= self.now) {
            self.appended_too_late(room, sender, entry.seq);
            return Handed::default();
        }

        let members = self.world.room(room).members.len();
        let bytes = entry.draft.wire_size();
        let (mut handed, mut rest) =
            (Handed::default(), Rest { bytes, buffer_max, ..Rest::default() });
        let mut to = Vec::with_capacity(members);
        for at in 0..members {
            let member = &mut self.world.room_mut(room).members[at];
            if !member.reads() {
                // Its own ones, too: a cursor that is saved says something about all that it passed.
                member.pass_unread(entry.seq);
            } else if member.bot == sender {
                self.pass_own(room, at, entry.seq);
            } else if let Some(conn) = self.hand_live(room, at, sender, entry, &mut rest) {
                handed.delivered += 1;
                to.push(conn);
            } else {
                handed.queued += 1;
                handed.dropped += self.queue(room, at, entry, &mut rest);
            }
        }
        self.stats.deliveries += u64::from(handed.delivered);
        self.show_observers(room, entry, &mut to);
        if !to.is_empty() {
            let age_ms = self.now.since(entry.draft.sent_at);
            let circumstances = Circumstances { age_ms, ..Circumstances::default() };
            self.output(Output::Deliver { entry: entry.clone(), to, circumstances });
        }
        self.finish(room, rest);
        self.trim_overfull(room);
        handed
    }

    fn finish(&mut self, room: RoomIx, rest: Rest) {
        for conn in rest.unproven {
            self.probe(conn);
        }
        for bot in rest.behind {
            self.pump(room, bot);
        }
    }

    /// It expired on its way to the store: nobody gets it, and everybody is told.
    fn appended_too_late(&mut self, room: RoomIx, sender: BotIx, seq: u64) {
        for at in 0..self.world.room(room).members.len() {
            let member = &mut self.world.room_mut(room).members[at];
            if !member.reads() {
                member.pass_unread(seq);
            } else if member.bot == sender {
                self.pass_own(room, at, seq);
            }
        }
        self.expire();
        self.pump_all(room);
    }

    /// Goes on with everybody who reads the room.
    pub(crate) fn pump_all(&mut self, room: RoomIx) {
        for at in 0..self.world.room(room).members.len() {
            let bot = self.world.room(room).members[at].bot;
            self.pump(room, bot);
        }
    }

    fn pass_own(&mut self, room: RoomIx, at: usize, seq: u64) {
        let member = &mut self.world.room_mut(room).members[at];
        let bot = member.bot;
        if member.sent() == seq - 1 && member.reading.is_none() {
            member.pass_own(seq);
            self.note_place(room, bot);
        } else {
            // Something else waits before it: it is passed over when the bot gets there.
            member.note_own(seq);
            member.waiting_since.get_or_insert(self.now);
        }
    }

    fn hand_live(
        &mut self,
        room: RoomIx,
        at: usize,
        from: BotIx,
        entry: &Entry,
        rest: &mut Rest,
    ) -> Option<ConnId> {
        let window_max = self.settings.limits.window_entries as usize;
        let member = &mut self.world.rooms[room].members[at];
        if self.world.pauses.hold(room, member.bot) {
            return None;
        }
        if !member.is_live(entry.seq - 1) || member.window.len() >= window_max {
            return None;
        }
        let reader = member.reader?;
        let conn = self.world.conns.get_mut(&reader)?;
        if conn.outstanding >= self.settings.outstanding_bytes_max {
            conn.starve(room);
            return None;
        }
        // Its time may be one to come, after a clock that was ahead: it waits from now on.
        member.waiting_since.get_or_insert(entry.draft.sent_at.min(self.now));
        member.hand(slot(entry, from));
        conn.launch(Flight { room, seq: entry.seq, bytes: rest.bytes });
        if conn.wants_probe() {
            rest.unproven.push(reader);
        }
        Some(reader)
    }

    /// The entry waits in the log for this member. Returns how many older ones it pushed out.
    fn queue(&mut self, room: RoomIx, at: usize, entry: &Entry, rest: &mut Rest) -> u64 {
        let member = &mut self.world.rooms[room].members[at];
        member.waiting_since.get_or_insert(entry.draft.sent_at.min(self.now));
        let bot = member.bot;
        if member.has_untold() {
            rest.behind.push(bot);
        }
        let is_away = self.world.bots[bot.0 as usize].conn.is_none();
        match rest.buffer_max.filter(|_| is_away) {
            Some(limit) => self.limit_buffer(room, at, entry.seq, u64::from(limit)),
            None => {
                if member.buffer.is_counted() {
                    self.settle_buffer(room, bot);
                }
                0
            }
        }
    }
}

pub(crate) fn slot(entry: &Entry, from: BotIx) -> Slot {
    let (id, sent_at) = (entry.draft.id.clone(), entry.draft.sent_at);
    Slot { seq: entry.seq, id, from, sent_at, state: ReceiptState::Stored, lost: None }
}

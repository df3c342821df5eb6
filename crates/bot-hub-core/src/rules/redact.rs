//! Taking out of a room's log what an entry says.
//!
//! Owns who may do it, the look-up before it, and who is told. The store takes it out. Never keeps a text.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer::EntryRedacted;
use bot_protocol::frame::server::{ErrorFrame, Redacted, Redaction};
use bot_protocol::name::RoomName;
use smol_str::SmolStr;

use crate::change::{Change, Page, Query, Span};
use crate::entry::Entry;
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{ConnId, Output};
use crate::settings::PAGE_BYTES_MAX;
use crate::waiting::{Ask, RedactWish, Waiter};

impl Hub {
    /// Looks the entry up first: whether it is redacted already, only the store knows.
    pub(crate) fn redact(
        &mut self,
        conn: ConnId,
        asker: BotIx,
        name: &RoomName,
        wish: impl FnOnce(RoomIx) -> RedactWish,
    ) -> Result<(), ErrorFrame> {
        self.takes_changes()?;
        let room = self.known_room(asker, name)?;
        if name.direct_pair().is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{name}` is a direct conversation: it belongs to its two bots"))
                .hint("only what was said in a room can be redacted"));
        }
        let wish = wish(room);
        self.has_entry(room, wish.seq)?;
        let query = Query::Page {
            room: name.clone(),
            span: Span::Before(wish.seq + 1),
            entries_max: 1,
            bytes_max: PAGE_BYTES_MAX,
        };
        let ticket = self.ask(query, Ask::Redact { conn, wish: Box::new(wish) });
        self.output(Output::ActAwaits { ticket });
        Ok(())
    }

    fn has_entry(&self, room: RoomIx, seq: u64) -> Result<(), ErrorFrame> {
        let room = self.world.room(room);
        let (name, first, head) = (&room.name, room.first, room.head);
        let error = || ErrorFrame::new(Code::NoSuchMessage).hint(format!("bot-hub history {name}"));
        if seq == 0 || seq > head {
            let newest =
                if head == 0 { "it is empty".into() } else { format!("its newest is {head}") };
            return Err(error().message(format!("room `{name}` has no entry {seq}: {newest}")));
        }
        if seq < first {
            return Err(error().message(format!(
                "entry {seq} of `{name}` is gone: the room keeps none before {first}"
            )));
        }
        Ok(())
    }

    /// The entry was looked up. Who asked must be an operator still.
    pub(crate) fn redact_looked_up(&mut self, conn: ConnId, wish: RedactWish, page: Page) {
        let reference = wish.reference.clone();
        if let Err(error) = self.redact_entry(conn, wish, page) {
            self.send_error(conn, error.about(reference));
        }
    }

    fn redact_entry(
        &mut self,
        conn: ConnId,
        wish: RedactWish,
        page: Page,
    ) -> Result<(), ErrorFrame> {
        let asker = self.conn(conn).map(|state| state.bot).filter(|&bot| self.is_operator(bot));
        let asker = asker.ok_or_else(|| ErrorFrame::new(Code::NotAllowed))?;
        self.takes_changes()?;
        let RedactWish { reference, room, seq, why } = wish;
        let entry = self.found_entry(room, seq, page)?;
        if let Some(redaction) = entry.draft.redaction() {
            let told = entry.draft.told_of(seq, redaction.clone());
            self.redacted_again(&told, conn, reference);
            return Ok(());
        }
        if let Some(others) = self.redactions.under_way(room, seq) {
            others.push((conn, reference));
            return Ok(());
        }
        self.redactions.begin(room, seq);
        let redaction = Redaction { at: self.moment(), by: self.bot_id(asker).clone(), why };
        let Redacted { room: name, id, from, .. } = entry.draft.told_of(seq, redaction.clone());
        let change = Change::Redact { room: name, seq, from, id, redaction };
        self.change(change, Named::room(room), Waiter::Operator { conn, reference });
        self.output(Output::Act { conn });
        Ok(())
    }

    fn found_entry(&self, room: RoomIx, seq: u64, page: Page) -> Result<Entry, ErrorFrame> {
        let is_damaged = page.corrupt.contains(&seq);
        page.entries.into_iter().find(|entry| entry.seq == seq).ok_or_else(|| {
            let name = &self.world.room(room).name;
            let (what, hint) = match is_damaged {
                true => ("is damaged, and shown to nobody", "bot-hub verify"),
                false => ("is gone", "the room's retention has removed it"),
            };
            let message = format!("entry {seq} of `{name}` {what}");
            ErrorFrame::new(Code::NoSuchMessage).message(message).hint(hint)
        })
    }

    /// The store has taken it out, or found that there is nothing to take out any more.
    pub(crate) fn redact_answered(
        &mut self,
        room: RoomIx,
        told: Redacted,
        is_done: bool,
        waiter: Waiter,
    ) {
        let others = self.redactions.end(room, told.seq);
        if !is_done {
            for (conn, reference) in askers(waiter, others) {
                let message = format!(
                    "entry {} of `{}` is gone, or was redacted meanwhile",
                    told.seq, told.room
                );
                let error = ErrorFrame::new(Code::NoSuchMessage).message(message);
                self.send_error(conn, error.about(reference));
            }
            return;
        }
        if let Some(newest) = self.asked.keys().max() {
            self.redactions.hide(*newest, &told);
        }
        self.tell_of_redaction(room, &told);
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, answer(&told, false));
        }
        for (conn, reference) in others {
            self.redacted_again(&told, conn, reference);
        }
    }

    /// The store did not take the change.
    pub(crate) fn redact_refused(&mut self, room: RoomIx, seq: u64, waiter: Waiter, code: Code) {
        let others = self.redactions.end(room, seq);
        for (conn, reference) in askers(waiter, others) {
            self.refuse(conn, code, &reference);
        }
    }

    fn redacted_again(&mut self, told: &Redacted, conn: ConnId, reference: SmolStr) {
        self.operated(conn, reference, answer(told, true));
    }

    /// Whoever may have read the entry removes its copy.
    fn tell_of_redaction(&mut self, room: RoomIx, told: &Redacted) {
        let state = self.world.room(room);
        let readers = state.members.iter();
        let readers = readers.filter(|it| it.reads() && it.since < told.seq);
        let readers = readers.filter_map(|member| self.world.bot(member.bot).conn);
        let watching = self.observers.iter().filter(|conn| !state.observers.contains(conn));
        let watching = state.observers.iter().chain(watching).copied();
        let all: Vec<ConnId> = readers.chain(watching).collect();
        for conn in all {
            if self.conn(conn).is_some_and(|state| state.caps.redactions) {
                self.send(conn, ServerFrame::Redacted(told.clone()));
            }
        }
    }
}

/// Everybody who waits for one redaction: `first` is who asked for it first.
fn askers(
    first: Waiter,
    others: Vec<(ConnId, SmolStr)>,
) -> impl Iterator<Item = (ConnId, SmolStr)> {
    let first = match first {
        Waiter::Operator { conn, reference } => Some((conn, reference)),
        _ => None,
    };
    first.into_iter().chain(others)
}

fn answer(told: &Redacted, again: bool) -> EntryRedacted {
    let Redacted { room, seq, id, from, redacted } = told.clone();
    EntryRedacted { again, from, id, redacted, room, seq }
}

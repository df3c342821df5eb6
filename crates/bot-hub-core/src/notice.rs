//! Telling senders what became of entries that are not in memory any more.
//!
//! Owns the look-up of such entries, page by page. What is told is recorded elsewhere already: nobody
//! is owed a second look if the store cannot answer.

use bot_protocol::receipt::ReceiptState;
use smol_str::SmolStr;

use crate::ask::Ask;
use crate::change::{Page, Query, Span};
use crate::facts::News;
use crate::hub::Hub;
use crate::settings::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::world::{BotIx, RoomIx};

/// The same became of a stretch of the log, for one recipient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    pub(crate) bot: BotIx,
    /// Before the first entry.
    pub(crate) after: u64,
    /// The last entry.
    pub(crate) to: u64,
    pub(crate) state: ReceiptState,
    pub(crate) reason: Option<&'static str>,
}

impl Hub {
    /// Fetches what the notices are about, if anybody in the room wants to hear of it.
    pub(crate) fn look_up_notices(&mut self, room: RoomIx, mut notices: Vec<Notice>) {
        notices.retain(|it| it.after < it.to);
        let Some(after) = notices.iter().map(|it| it.after).min() else { return };
        if !self.world.room(room).members.iter().any(|member| self.wants_receipts(member.bot)) {
            return;
        }
        let query = Query::Page {
            room: self.room_name(room),
            span: Span::After(after),
            entries_max: PAGE_ENTRIES_MAX,
            bytes_max: PAGE_BYTES_MAX,
        };
        self.ask(query, Ask::Notices { room, notices });
    }

    /// Tells the senders, and goes on with the next page if that was not all.
    pub(crate) fn tell_notices(&mut self, room: RoomIx, mut notices: Vec<Notice>, page: &Page) {
        for entry in &page.entries {
            let sender = self.world.intern_bot(&entry.draft.from);
            // Of an expired entry its sender has heard.
            if entry.draft.expires_at().is_some_and(|at| at <= self.now) {
                continue;
            }
            let about = |it: &&Notice| it.after < entry.seq && entry.seq <= it.to;
            for it in notices.iter().filter(about).filter(|it| it.bot != sender) {
                self.notify(News {
                    sender,
                    room,
                    id: entry.draft.id.clone(),
                    bot: it.bot,
                    state: it.state,
                    at: self.now,
                    reason: it.reason.map(SmolStr::new_static),
                    reply: None,
                });
            }
        }
        let last = page.entries.iter().map(|entry| entry.seq).chain(page.corrupt.iter().copied());
        let Some(last) = last.max().filter(|_| page.more) else { return };
        notices.retain(|it| it.to > last);
        notices.iter_mut().for_each(|it| it.after = it.after.max(last));
        self.look_up_notices(room, notices);
    }
}

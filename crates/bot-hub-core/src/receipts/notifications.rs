//! Telling senders what became of entries that are not in memory any more.
//!
//! Owns the look-up of such entries, page by page, one page at a time, with a pause after what is much
//! to read: a sender that reads must not be closed because the hub has much to say. What is told is
//! recorded elsewhere already: nobody is owed a second look if the store cannot answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{ErrorFrame, RangeReceipt};
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::change::{Page, Query, Removed, Span};
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{ConnId, Ticket};
use crate::settings::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::waiting::{About, Ask, Notification, Notifications, RangeNotification};
use crate::world::Fate;

/// Notifications that wait for their entries. Beyond that senders are told to ask.
const BATCHES_MAX: usize = 256;

/// Recipients that a sender which knows no ranges hears of by name, for each entry; and that a range
/// names.
const NAMED_MAX: usize = 8;
const NAMED_IN_RANGE_MAX: usize = 32;

/// After so many frames the next page waits for [`PAUSE_MS`]: about a megabyte in a second.
const FRAMES_MAX: usize = 64;
const PAUSE_MS: u64 = 50;

/// An entry, as far as its sender has to know which one is meant.
struct Meant {
    seq: u64,
    sender: BotIx,
    id: MessageId,
    sent_at: Timestamp,
    has_expired: bool,
}

/// A sender's entries of one stretch.
struct Own<'a> {
    first: &'a Meant,
    last: u64,
    count: u64,
}

impl Hub {
    /// Fetches what the notifications are about, if anybody here wants to hear of such things.
    pub(crate) fn look_up_notifications(
        &mut self,
        room: RoomIx,
        notifications: Vec<RangeNotification>,
    ) {
        self.queue_notifications(Notifications { room, notifications, removed: None });
    }

    /// The same about entries that the retention removed.
    pub(crate) fn tell_of_removed(
        &mut self,
        room: RoomIx,
        notifications: Vec<RangeNotification>,
        removed: &[Removed],
    ) {
        self.queue_notifications(Notifications {
            room,
            notifications,
            removed: Some(removed.into()),
        });
    }

    pub(crate) fn look_up_all(&mut self, notifications: Vec<(RoomIx, RangeNotification)>) {
        let mut by_room: BTreeMap<RoomIx, Vec<RangeNotification>> = BTreeMap::new();
        for (room, notification) in notifications {
            by_room.entry(room).or_default().push(notification);
        }
        by_room
            .into_iter()
            .for_each(|(room, notifications)| self.look_up_notifications(room, notifications));
    }

    fn queue_notifications(&mut self, mut batch: Notifications) {
        batch.notifications.retain(|it| it.after < it.to);
        // Senders need not be members any more, and an operator never was: only the log knows who they are.
        if batch.notifications.is_empty() || self.receipt_conns == 0 {
            return;
        }
        if batch.removed.is_none() && self.world.room(batch.room).fate == Fate::Gone {
            return self.clearing.tell(batch.room, batch.notifications);
        }
        if self.notifications.len() >= BATCHES_MAX {
            return self.leave_out(batch.room);
        }
        self.notifications_left_out = false;
        self.notifications.push_back(batch);
        self.next_notifications();
    }

    /// More became of entries than can be told: whoever wants to know it has to ask.
    fn leave_out(&mut self, room: RoomIx) {
        self.stats.forgotten += 1;
        if std::mem::replace(&mut self.notifications_left_out, true) {
            return;
        }
        // A sender that is no member any more hears of it too. The room's name may be hidden from it.
        let name = self.room_name(room);
        let conns = self.world.conns.iter().filter(|(_, it)| it.caps.receipts);
        let told = conns.map(|(&conn, it)| {
            let may_see = self.is_operator(it.bot) || self.world.member(room, it.bot).is_some();
            (conn, if may_see { format!("`{name}`") } else { "a room".to_owned() })
        });
        let mut told: Vec<(ConnId, String)> = told.collect();
        told.sort_by_key(|(conn, _)| *conn);
        for (conn, place) in told {
            let error = ErrorFrame::new(Code::Overloaded)
                .message(format!("more was lost in {place} than receipts can tell"))
                .hint("ask for the `status` of the messages that matter");
            self.send_error(conn, error.about("receipt"));
        }
    }

    /// Goes on with what waits to be told, unless something is being looked up or senders need time to
    /// read.
    pub(crate) fn next_notifications(&mut self) {
        while self.notifications_asked.is_none()
            && self.notifications_at.is_none_or(|at| at <= self.now)
        {
            self.notifications_at = None;
            let Some(batch) = self.notifications.pop_front() else { return };
            match &batch.removed {
                Some(removed) => {
                    let removed = Arc::clone(removed);
                    self.tell_removed(batch, &removed);
                }
                None => self.ask_for_notifications(batch),
            }
        }
    }

    fn ask_for_notifications(&mut self, batch: Notifications) {
        let Some(after) = batch.notifications.iter().map(|it| it.after).min() else { return };
        let query = Query::Page {
            room: self.room_name(batch.room),
            span: Span::After(after),
            entries_max: PAGE_ENTRIES_MAX,
            bytes_max: PAGE_BYTES_MAX,
        };
        let ticket = self.ask(query, Ask::Notifications);
        self.notifications_asked = Some((ticket, batch));
    }

    /// The page is here, or the store had none.
    pub(crate) fn notifications_answered(&mut self, ticket: Ticket, page: Option<Page>) {
        let asked = self.notifications_asked.take_if(|(asked, _)| *asked == ticket);
        // If that was about a room that is gone by now, its senders are told in another way.
        let Some((_, mut batch)) = asked else { return };
        if let Some(page) = page {
            let meant: Vec<Meant> = page.entries.iter().map(|it| self.meant(it)).collect();
            let seqs = meant.iter().map(|it| it.seq).chain(page.corrupt.iter().copied());
            let last = seqs.max().filter(|_| page.more);
            self.tell_notifications(&batch, &meant);
            if let Some(last) = last {
                batch.go_on_after(last);
                if !batch.notifications.is_empty() {
                    self.notifications.push_front(batch);
                }
            }
        }
        self.next_notifications();
    }

    fn meant(&mut self, entry: &crate::entry::Entry) -> Meant {
        let has_expired = entry.draft.expires_at().is_some_and(|at| at <= self.now);
        let sender = self.world.intern_bot(&entry.draft.from);
        let (id, sent_at) = (entry.draft.id.clone(), entry.draft.sent_at);
        Meant { seq: entry.seq, sender, id, sent_at, has_expired }
    }

    fn tell_removed(&mut self, mut batch: Notifications, removed: &[Removed]) {
        let after = batch.notifications.iter().map(|it| it.after).min().unwrap_or(u64::MAX);
        let rest = removed.iter().filter(|it| it.seq > after);
        let page = rest.take(PAGE_ENTRIES_MAX as usize).map(|it| {
            let (sender, id) = (self.world.intern_bot(&it.from), it.id.clone());
            Meant { seq: it.seq, sender, id, sent_at: it.sent_at, has_expired: false }
        });
        let page: Vec<Meant> = page.collect();
        let Some(last) = page.last().map(|it| it.seq) else { return };
        self.tell_notifications(&batch, &page);
        batch.go_on_after(last);
        if !batch.notifications.is_empty() {
            self.notifications.push_front(batch);
        }
    }

    /// Tells the senders of these entries what became of them.
    fn tell_notifications(&mut self, batch: &Notifications, entries: &[Meant]) {
        let mut frames = 0;
        for notification in &batch.notifications {
            let mut own: BTreeMap<BotIx, Own<'_>> = BTreeMap::new();
            let about = |it: &&Meant| notification.after < it.seq && it.seq <= notification.to;
            for it in entries.iter().filter(about) {
                // Of an expired entry its sender has heard.
                if it.has_expired && notification.about.state == ReceiptState::Received
                    || !self.wants_receipts(it.sender, it.sent_at)
                {
                    continue;
                }
                let all = own.entry(it.sender).or_insert(Own { first: it, last: it.seq, count: 0 });
                (all.last, all.count) = (it.seq, all.count + 1);
                frames += self.tell_one_by_one(batch.room, it, &notification.about);
            }
            for all in own.into_values() {
                frames += self.tell_range(batch.room, &all, &notification.about);
            }
        }
        if frames > FRAMES_MAX {
            self.notifications_at = Some(self.now + PAUSE_MS);
        }
    }

    /// Connections that know no ranges hear of every entry by itself, and of some recipients by name.
    fn tell_one_by_one(&mut self, room: RoomIx, it: &Meant, about: &About) -> usize {
        let conns = self.receipt_conns_of(it.sender);
        let conns: Vec<ConnId> = conns.filter(|conn| !self.knows_ranges(*conn)).collect();
        if conns.is_empty() {
            return 0;
        }
        let others = about.bots.iter().copied().filter(|bot| *bot != it.sender);
        let count = others.clone().count();
        let (named, left) = (count.min(NAMED_MAX), count.saturating_sub(NAMED_MAX));
        for (at, bot) in others.take(named).enumerate() {
            let is_last = at + 1 == named;
            let notification = self.notification_of(room, it, bot, about);
            let others = u32::try_from(left).ok().filter(|left| is_last && *left > 0);
            for &conn in &conns {
                let frame = self.receipt_frame(&notification);
                let frame = bot_protocol::frame::server::Receipt { others, ..frame };
                self.send(conn, ServerFrame::Receipt(frame));
            }
        }
        named * conns.len()
    }

    /// Connections that know ranges hear of all their entries at once.
    fn tell_range(&mut self, room: RoomIx, own: &Own<'_>, about: &About) -> usize {
        let sender = own.first.sender;
        let conns = self.receipt_conns_of(sender);
        let conns: Vec<ConnId> = conns.filter(|conn| self.knows_ranges(*conn)).collect();
        let others: Vec<BotIx> = about.bots.iter().copied().filter(|bot| *bot != sender).collect();
        for &conn in conns.iter().filter(|_| !others.is_empty()) {
            let frame = if let ([bot], 1) = (&others[..], own.count) {
                let notification = self.notification_of(room, own.first, *bot, about);
                ServerFrame::Receipt(self.receipt_frame(&notification))
            } else {
                let named = others.iter().take(NAMED_IN_RANGE_MAX);
                ServerFrame::Receipts(RangeReceipt {
                    room: self.room_name(room),
                    from_seq: own.first.seq,
                    to_seq: own.last,
                    count: own.count,
                    recipients: u32::try_from(others.len()).unwrap_or(u32::MAX),
                    bots: named.map(|bot| self.bot_id(*bot).clone()).collect(),
                    state: about.state.into(),
                    at: about.at.unwrap_or(self.now),
                    reason: about.reason.clone(),
                })
            };
            self.send(conn, frame);
        }
        conns.len()
    }

    fn notification_of(&self, room: RoomIx, it: &Meant, bot: BotIx, about: &About) -> Notification {
        Notification {
            sender: it.sender,
            room,
            seq: it.seq,
            id: it.id.clone(),
            sent_at: it.sent_at,
            bot,
            state: about.state,
            at: about.at.unwrap_or(self.now),
            reason: about.reason.clone(),
            reply: about.reply.clone(),
        }
    }
}

//! The tests that every backend has to pass.
//!
//! Owns one suite: each case is a function over a [`Subject`], and `conformance!` turns each into a test
//! for a backend. Uses only [`Store`] and [`Reader`].

#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod members;
#[doc(hidden)]
pub mod parts;
#[doc(hidden)]
pub mod pauses;
#[doc(hidden)]
pub mod records;
#[doc(hidden)]
pub mod redactions;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod removal;
#[doc(hidden)]
pub mod retention;

use std::sync::Arc;

use bot_hub_core::change::{
    Answer, Change, Found, Outcome, Page, Query, Recipients, RoomRecord, Span,
};
use bot_hub_core::entry::{Draft, Entry, Extras};
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::{Loaded, Reader, Store, StoreError, Write};

/// Closes a store and opens it again on the same medium; the memory store stays open.
pub type Reopen = Box<dyn FnMut(Box<dyn Store>) -> Box<dyn Store>>;

/// A store under test.
#[expect(missing_debug_implementations, reason = "the backend need not have one")]
pub struct Subject {
    store: Option<Box<dyn Store>>,
    reopen: Reopen,
    reader: Option<Box<dyn Reader>>,
}

/// Makes a test of every case for one backend; `$subject` makes a [`Subject`](crate::conformance::Subject).
#[macro_export]
macro_rules! conformance {
    ($subject:expr => $($part:ident :: $case:ident),* $(,)?) => {
        $(#[test] fn $case() { $crate::conformance::$part::$case(&mut $subject); })*
    };
    ($subject:expr) => {
        $crate::conformance! { $subject =>
            log::entries_are_numbered_from_one_without_a_hole,
            log::rooms_are_numbered_apart,
            log::the_same_id_and_body_is_stored_once,
            log::a_repeated_id_takes_no_place_wherever_it_is_in_a_batch,
            log::an_id_belongs_to_its_sender_and_room,
            log::a_page_goes_both_ways_and_has_bounds,
            log::hostile_texts_come_back_bit_by_bit,
            log::every_field_comes_back,
            log::an_unknown_room_is_refused_and_leaves_nothing,
            log::a_reader_sees_what_was_committed_before,
            members::a_bot_joins_at_the_head,
            members::a_cursor_never_goes_back,
            members::a_cursor_never_passes_the_head,
            members::marks_say_when_an_entry_was_passed,
            members::marks_within_a_moment_are_one,
            members::what_one_client_consumed_the_next_did_not_receive,
            members::a_receipt_is_kept_as_it_was_first_given,
            members::an_entry_is_located_by_its_id_and_sender,
            members::what_a_bot_says_leads_upwards_or_is_late,
            members::what_was_received_out_of_turn_comes_back_until_the_cursor_has_passed_it,
            members::what_was_dropped_with_a_membership_has_no_receipt_after_that,
            members::ranges_that_begin_together_are_one,
            members::a_range_ends_with_the_log_and_says_why,
            members::what_is_found_is_ordered_by_age,
            parts::the_recipients_of_a_message_come_in_parts,
            parts::a_message_is_found_in_the_room_that_is_named,
            members::an_expiry_is_remembered_until_everybody_has_passed_it,
            members::who_leaves_is_forgotten_and_joins_anew,
            members::rights_come_back_and_reading_begins_at_the_head,
            pauses::a_pause_comes_back_until_it_ends,
            pauses::more_pauses_than_a_page_come_back,
            pauses::the_pauses_of_a_room_end_with_it,
            pauses::what_was_skipped_is_declined,
            records::a_record_comes_back_bit_by_bit,
            records::a_record_is_replaced_and_removed,
            records::a_record_is_made_once,
            records::records_of_a_kind_come_in_the_order_of_their_keys,
            records::records_come_in_pages_both_ways,
            records::a_refused_batch_leaves_no_record,
            redactions::what_was_said_goes_and_the_rest_stays,
            redactions::an_entry_is_redacted_once_and_only_the_one_that_is_meant,
            redactions::a_redacted_message_said_again_is_known_by_what_it_said,
            redactions::messages_that_look_redacted_are_redacted_like_others,
            redactions::a_redacted_entry_goes_with_the_retention,
            registry::bots_and_tokens_come_back,
            registry::a_token_may_end,
            registry::invites_come_back,
            registry::a_start_knows_what_the_writes_say,
            registry::a_forgotten_bot_leaves_what_it_said,
            registry::the_epoch_belongs_to_the_store,
            registry::a_room_keeps_its_rules,
            removal::a_removed_room_is_gone_at_once_and_its_name_is_free,
            removal::what_a_removed_room_left_is_cleared_away_in_steps,
            removal::what_is_late_for_a_removed_room_does_nothing,
            removal::a_room_that_is_made_again_has_another_epoch,
            removal::a_batch_may_remove_a_room_and_make_it_again,
            retention::too_many_entries_go_oldest_first,
            retention::too_many_bytes_go_oldest_first,
            retention::old_entries_go,
            retention::an_emptied_room_goes_on_counting,
            retention::an_id_is_free_again_after_its_entry,
            retention::ranges_are_kept_while_they_tell_something,
        }
    };
}
impl Subject {
    /// An empty store on a medium of its own.
    #[must_use]
    pub fn new(store: Box<dyn Store>, reopen: Reopen) -> Self {
        Self { store: Some(store), reopen, reader: None }
    }

    fn store(&mut self) -> &mut dyn Store {
        self.store.as_deref_mut().expect("it is put back after every reopening")
    }

    fn try_commit(&mut self, writes: Vec<Write>) -> Result<Vec<Outcome>, StoreError> {
        self.store().commit(&writes)
    }

    fn write(&mut self, writes: Vec<Write>) -> Vec<Outcome> {
        self.try_commit(writes).expect("the medium is fine")
    }

    fn change(&mut self, changes: Vec<Change>) -> Vec<Outcome> {
        self.write(changes.into_iter().map(Write::Change).collect())
    }

    /// Applies a change whose outcome is `Done`.
    fn done(&mut self, change: Change) {
        assert_eq!(self.change(vec![change]), [Outcome::Done]);
    }

    fn room(&mut self, name: &str) {
        self.made(name);
    }

    /// Makes a room, unless it is there; returns its epoch.
    fn made(&mut self, name: &str) -> Epoch {
        match self.change(vec![Change::CreateRoom { room: room(name), closed: false }])[..] {
            [Outcome::Made { epoch }] => epoch,
            ref other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, name: &str, who: &str) {
        self.done(Change::Join { room: room(name), bot: bot(who) });
    }

    fn say(&mut self, draft: Draft) -> Outcome {
        self.change(vec![append(draft)]).remove(0)
    }

    /// A room with entries `m1` to `mN` from `ann`, each of 10 bytes, sent at 1000 times its number.
    fn fill(&mut self, name: &str, count: u64) {
        self.room(name);
        let changes = (1..=count).map(|n| append(numbered(name, n))).collect();
        self.change(changes);
    }

    fn reopen(&mut self) {
        self.reader = None;
        let store = self.store.take().expect("it is put back after every reopening");
        self.store = Some((self.reopen)(store));
    }

    fn load(&mut self) -> Loaded {
        self.store().load().expect("the medium is fine")
    }

    /// Loads the store, reopens it, and checks that it loads the same again.
    fn load_twice(&mut self) -> Loaded {
        let before = self.load();
        self.reopen();
        assert_eq!(self.load(), before, "after reopening");
        before
    }

    fn record(&mut self, name: &str) -> RoomRecord {
        let rooms = self.load_twice().snapshot.rooms;
        rooms.into_iter().find(|it| it.room == room(name)).expect("the room was made")
    }

    fn ask(&mut self, query: &Query) -> Answer {
        self.reader().answer(query)
    }

    /// The reader beside the writer; the same one until the store is reopened.
    fn reader(&mut self) -> &mut dyn Reader {
        if self.reader.is_none() {
            self.reader = Some(self.store().reader().expect("the medium is fine"));
        }
        self.reader.as_deref_mut().expect("it was just made")
    }

    fn page(&mut self, name: &str, span: Span, entries_max: u32, bytes_max: u32) -> Page {
        let query = Query::Page { room: room(name), span, entries_max, bytes_max };
        match self.ask(&query) {
            Answer::Page(page) => page,
            other => panic!("{other:?} to {query:?}"),
        }
    }

    /// The whole log, checked before and after reopening.
    fn log(&mut self, name: &str) -> Vec<Entry> {
        let page = self.page(name, Span::After(0), 10_000, u32::MAX);
        assert_eq!((page.more, &page.corrupt), (false, &vec![]));
        self.reopen();
        assert_eq!(self.page(name, Span::After(0), 10_000, u32::MAX), page, "after reopening");
        page.entries
    }

    fn find(&mut self, id: &str, senders: &[&str]) -> Vec<Found> {
        let mut all = Vec::new();
        for name in senders {
            let query = look_up(id, Some(bot(name)), Recipients::ALL);
            match self.ask(&query) {
                Answer::Found(found) => all.extend(found),
                other => panic!("{other:?} to {query:?}"),
            }
        }
        let query = look_up(id, None, Recipients::ALL);
        let anybody = self.ask(&query);
        let Answer::Found(mut anybody) = anybody else { panic!("{anybody:?} to {query:?}") };
        anybody.retain(|it| senders.contains(&it.from.as_str()));
        all.sort_by(super::oldest_first);
        assert_eq!(anybody, all, "from anybody");
        all
    }

    /// `bot state at` of everything that is known about one of `ann`'s messages.
    fn fate(&mut self, id: &str) -> Vec<(String, ReceiptState, u64)> {
        let found = self.find(id, &["ann"]);
        self.reopen();
        assert_eq!(self.find(id, &["ann"]), found, "after reopening");
        let [found] = &found[..] else { panic!("not one message but {found:?}") };
        let line =
            |it: &bot_hub_core::change::ReceiptRecord| (it.bot.to_string(), it.state, it.at.0);
        found.receipts.iter().map(line).collect()
    }
}

fn look_up(id: &str, from: Option<BotId>, recipients: Recipients) -> Query {
    Query::Find { id: MessageId::new(id).unwrap(), from, room: None, recipients }
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn draft(name: &str, from: &str, id: &str, text: &str) -> Draft {
    Draft {
        room: room(name),
        from: bot(from),
        id: MessageId::new(id).unwrap(),
        text: text.into(),
        sent_at: Timestamp(1_000),
        extras: None,
    }
}

fn numbered(name: &str, number: u64) -> Draft {
    let sent_at = Timestamp(number * 1_000);
    Draft { sent_at, ..draft(name, "ann", &format!("m{number}"), &format!("{number:010}")) }
}

/// The outcome of a second [`draft`] with the same id.
fn said_before(seq: u64) -> Outcome {
    Outcome::Duplicate { seq, sent_at: Timestamp(1_000) }
}

/// The outcome of a second [`numbered`] draft, whose first one has its number as seq.
fn numbered_before(number: u64) -> Outcome {
    Outcome::Duplicate { seq: number, sent_at: Timestamp(number * 1_000) }
}

fn with(draft: Draft, extras: Extras) -> Draft {
    Draft { extras: Some(Box::new(extras)), ..draft }
}

fn append(draft: Draft) -> Change {
    Change::Append(Arc::new(draft))
}

fn cursor(name: &str, who: &str, seq: u64, at: u64) -> Change {
    let (room, bot) = (room(name), bot(who));
    Change::Cursor { room, bot, seq, state: ReceiptState::Received, at: Timestamp(at) }
}

fn delivered(name: &str, who: &str, seq: u64, at: u64) -> Change {
    Change::Delivered { room: room(name), bot: bot(who), seq, at: Timestamp(at) }
}

fn seqs(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.seq).collect()
}

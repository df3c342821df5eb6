//! One reader and its entries, step by step.

use bot_protocol::id::MessageId;

use super::*;

const ME: BotIx = BotIx(0);
const OTHER: BotIx = BotIx(1);

fn slot(seq: u64) -> Slot {
    let id = MessageId::new(&format!("m{seq}")).unwrap();
    let state = ReceiptState::Stored;
    Slot { seq, id, from: OTHER, sent_at: Timestamp(0), state, lost: None }
}

/// A reader that was handed entries 1..=5.
fn reader() -> Member {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 5, None);
    for seq in 1..=5 {
        assert!(!member.hand(slot(seq)));
    }
    member
}

fn take(member: &mut Member, seq: u64) -> bool {
    member.report(seq, ReceiptState::Received).is_some()
}

fn lose(member: &mut Member, from: u64, to: u64) -> u64 {
    member.lose(from, to, Loss::BufferLimit)
}

#[test]
fn the_cursor_moves_over_a_contiguous_prefix_only() {
    let mut member = reader();
    assert!(take(&mut member, 2));
    assert!(take(&mut member, 3));
    assert_eq!(member.cursor(), 0);
    assert!(take(&mut member, 1));
    assert_eq!(member.cursor(), 3);
    assert!(!take(&mut member, 1), "taken already");
    member.take_through(99, |_| {});
    assert_eq!(member.cursor(), 5);
}

#[test]
fn what_was_not_received_waits_in_the_log_again() {
    let mut member = reader();
    member.take_through(2, |_| {});
    assert_eq!(member.detach().into_iter().map(|slot| slot.seq).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!((member.cursor(), member.sent()), (2, 2));
    member.attach(ConnId(2), 5, None);
    assert!(member.hand(slot(3)), "it was handed over before");
    assert_eq!(member.next_backlog(3), Some((1, 3)));
    assert_eq!(member.next_backlog(5), Some((2, 3)));
    assert_eq!(member.next_backlog(6), None);
}

#[test]
fn passing_over_own_entries_needs_no_receipt() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 0, None);
    member.pass_own(1);
    assert_eq!(member.cursor(), 1);
    member.hand(slot(2));
    member.pass_own(3);
    assert_eq!(member.cursor(), 1, "entry 2 is not received yet");
    take(&mut member, 2);
    assert_eq!(member.cursor(), 3);
}

#[test]
fn a_gap_holds_the_cursor_until_something_after_it_is_taken() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 9, None);
    member.hand(slot(1));
    lose(&mut member, 2, 3);
    member.next_gap();
    member.hand(slot(4));
    take(&mut member, 1);
    assert_eq!(member.cursor(), 1, "nobody knows whether it has read of the gap");
    take(&mut member, 4);
    assert_eq!(member.cursor(), 4);
    assert_eq!(member.losses.after(0).count(), 0);
}

#[test]
fn a_receipt_for_a_prefix_covers_the_gaps_in_it() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 3, None);
    lose(&mut member, 1, 3);
    member.next_gap();
    member.take_through(2, |_| {});
    assert_eq!(member.cursor(), 0);
    member.take_through(3, |_| {});
    assert_eq!(member.cursor(), 3);
}

#[test]
fn a_client_may_know_more_than_the_hub_but_not_the_future() {
    let mut member = Member::new(ME, 0, 2);
    member.attach(ConnId(1), 9, Some(5));
    assert_eq!((member.cursor(), member.sent()), (5, 5));
    drop(member.detach());
    member.attach(ConnId(2), 9, Some(12));
    assert_eq!(member.cursor(), 5);
    member.attach(ConnId(3), 9, Some(1));
    assert_eq!(member.cursor(), 5, "it never goes back");
}

#[test]
fn an_entry_that_was_taken_out_of_turn_proves_no_gap_before_it() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 5, None);
    lose(&mut member, 1, 3);
    assert!(member.next_gap().is_some());
    assert!(!member.hand(slot(4)) && !member.hand(slot(5)));
    assert!(take(&mut member, 5));
    assert_eq!(member.cursor(), 0, "the gap may still be unread");
    assert!(take(&mut member, 4));
    assert_eq!(member.cursor(), 5);
}

#[test]
fn only_what_was_taken_since_the_last_save_is_known_here() {
    let mut member = Member::new(ME, 0, 2);
    member.turn_to(false, Timestamp(0));
    member.attach(ConnId(1), 7, None);
    member.hand(slot(3));
    lose(&mut member, 4, 5);
    let gap = member.next_gap().unwrap();
    member.note_skipped(gap);
    member.hand(slot(6));
    assert!(take(&mut member, 3) && take(&mut member, 6));
    let known: Vec<u64> = (0..8).filter(|&seq| member.dealt_with(seq)).collect();
    assert_eq!(known, [3, 6], "2 was saved before, 4 and 5 were passed over, 7 waits");
    member.mark_saved();
    assert!(!(0..8).any(|seq| member.dealt_with(seq)));
}

#[test]
fn what_a_cursor_meant_before_another_kind_of_reader_came_only_the_store_knows() {
    let mut member = Member::new(ME, 0, 0);
    member.turn_to(false, Timestamp(0));
    member.attach(ConnId(1), 2, None);
    member.hand(slot(1));
    member.hand(slot(2));
    take(&mut member, 1);
    assert_eq!(member.reached(1), Some(ReceiptState::Received));
    member.turn_to(true, Timestamp(0));
    assert_eq!(member.reached(1), None);
    member.prove(&(2..=2));
    assert_eq!(member.reached(2), Some(ReceiptState::Delivered));
}

#[test]
fn what_was_taken_ahead_is_passed_over_and_forgotten_with_the_cursor() {
    let mut member = reader();
    assert!(take(&mut member, 2) && take(&mut member, 4));
    drop(member.detach());
    assert_eq!(member.waiting(5), 3);
    member.attach(ConnId(2), 5, None);
    assert!(member.hand(slot(1)));
    member.pass(2);
    assert_eq!(member.waiting(5), 3, "1 on its way, 3 and 5 in the log");
    assert!(member.hand(slot(3)));
    member.pass(4);
    assert!(member.hand(slot(5)));
    take(&mut member, 1);
    assert_eq!(member.cursor(), 2);
    assert!(!member.is_taken_ahead(2) && member.is_taken_ahead(4));
    take(&mut member, 3);
    assert_eq!(member.cursor(), 4);
    assert!(!member.is_taken_ahead(4));
}

#[test]
fn an_entry_is_handed_over_at_once_only_to_a_reader_that_has_everything_before_it() {
    let mut member = Member::new(ME, 0, 0);
    assert!(!member.is_live(0), "nobody reads");
    member.attach(ConnId(1), 0, None);
    assert!(member.is_live(0));
    assert!(!member.is_live(1), "entry 1 comes first");
    member.reading = Some(Ticket(1));
    assert!(!member.is_live(0), "a page is on its way");
    member.reading = None;
    assert!(!member.has_untold());
    member.losses.owe(1);
    assert!(!member.is_live(0), "the next entry has to tell of a loss");
    assert!(member.has_untold());
    member.reader = None;
    assert!(!member.has_untold(), "there is nobody to be told");
}

#[test]
fn own_entries_are_remembered_only_while_something_waits_before_them() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 0, None);
    member.pass_own(1);
    assert_eq!(member.own.others(1, 1), 1, "it is behind the cursor and forgotten");
    member.note_own(3);
    assert_eq!(member.own.others(2, 4), 2);
}

#[test]
fn entries_with_holes_between_them_are_found_by_their_own_number() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 5, None);
    for seq in [1, 3, 5] {
        member.hand(slot(seq));
    }
    assert!(take(&mut member, 3));
    let state = |member: &Member, seq| member.window.get(seq).map(|slot| slot.state);
    assert_eq!(state(&member, 1), Some(ReceiptState::Stored));
    assert_eq!(state(&member, 2), None);
    assert_eq!(state(&member, 3), Some(ReceiptState::Received));
    assert_eq!(state(&member, 5), Some(ReceiptState::Stored));
    let mut raised = Vec::new();
    for seqs in [2..=5, 0..=2] {
        member.window.raise_all(&seqs, ReceiptState::Delivered, |slot| raised.push(slot.seq));
    }
    assert_eq!(raised, [5, 1], "3 was received already");
}

#[test]
fn what_was_taken_ahead_is_owed_to_the_store_unless_the_cursor_says_it() {
    for (proves, expected) in [(true, Some((vec![2], Timestamp(5)))), (false, None)] {
        let mut member = reader();
        member.turn_to(proves, Timestamp(0));
        assert!(take(&mut member, 2));
        assert!(!member.ahead.is_due(), "not noted");
        member.ahead.note(Timestamp(5));
        assert!(member.ahead.is_due());
        assert!(take(&mut member, 1));
        assert_eq!(member.cursor(), 2);
        assert_eq!(member.ahead.give(), expected);
        assert!(!member.ahead.is_due());
    }
}

/// A bot that is away and had received only entry 3 of five.
fn away_with_one_received_out_of_turn() -> Member {
    let mut member = reader();
    assert!(take(&mut member, 3));
    member.detach();
    member
}

#[test]
fn what_was_received_out_of_turn_and_is_gone_from_the_log_hides_no_gap() {
    let mut member = away_with_one_received_out_of_turn();
    assert_eq!(member.lose(1, 8, Loss::Retention), 7, "one of eight was received");
    member.attach(ConnId(2), 9, None);
    let gaps: Vec<_> =
        std::iter::from_fn(|| member.next_gap()).map(|it| (it.from, it.to)).collect();
    assert_eq!(gaps, [(1, 2), (4, 8)]);
    assert_eq!(member.sent(), 8);
}

#[test]
fn a_full_buffer_loses_nothing_that_was_received() {
    let mut member = away_with_one_received_out_of_turn();
    member.queue(6, 1);
    member.settle_buffer();
    let lost: Vec<_> = member.losses.after(0).map(|it| (it.from, it.to)).collect();
    assert_eq!(lost, [(1, 2), (4, 5)]);
}

//! One reader and its entries, step by step.

use bot_protocol::id::MessageId;

use super::*;

const ME: BotIx = BotIx(0);
const OTHER: BotIx = BotIx(1);

fn slot(seq: u64) -> Slot {
    let id = MessageId::new(&format!("m{seq}")).unwrap();
    let state = ReceiptState::Stored;
    Slot { seq, id, from: OTHER, sent_at: Timestamp(0), state, expired: false }
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
    member.lose(from, to, GapReason::BufferLimit, |_| {})
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
    assert_eq!(member.losses.through(), None);
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
fn the_second_of_two_equal_ids_can_be_received_too() {
    let mut member = Member::new(ME, 0, 0);
    member.attach(ConnId(1), 0, None);
    for seq in 1..=3 {
        member.hand(Slot { id: slot(seq.max(2)).id, ..slot(seq) });
    }
    member.hand(Slot { id: slot(2).id, ..slot(4) });
    let id = slot(2).id;
    for expected in [1, 2, 4] {
        assert_eq!(member.window.find(&id), Some(expected));
        take(&mut member, expected);
    }
    assert_eq!(member.cursor(), 2);
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

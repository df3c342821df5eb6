//! What the ranges of a reader become, case by case.

use super::*;

fn range(from: u64, to: u64) -> DroppedRange {
    DroppedRange { from, to, reason: Loss::BufferLimit }
}

/// Adds a loss to a reader that was told everything up to `sent`; returns the stretches that are new.
fn add(losses: &mut Losses, from: u64, to: u64, sent: u64) -> Vec<DroppedRange> {
    let mut stretches = Vec::new();
    losses.add(from, to, Loss::BufferLimit, sent, |stretch| stretches.push(stretch));
    stretches
}

fn after(losses: &Losses, sent: u64) -> Vec<DroppedRange> {
    losses.after(sent).collect()
}

#[test]
fn a_range_grows_until_the_reader_is_told() {
    let mut losses = Losses::default();
    assert_eq!(add(&mut losses, 4, 5, 3), [range(4, 5)]);
    assert_eq!(losses.give(), [(range(4, 5), (3, 5))]);
    assert_eq!(add(&mut losses, 4, 6, 3), [range(6, 6)]);
    assert_eq!(losses.give(), [(range(4, 6), (5, 6))]);
    assert_eq!(losses.next(3), Some(range(4, 6)));
    assert_eq!(add(&mut losses, 7, 8, 6), [range(7, 8)]);
    assert_eq!(losses.give(), [(range(7, 8), (6, 8))]);
    assert_eq!(losses.next(6), Some(range(7, 8)));
    assert_eq!(losses.next(3), Some(range(4, 8)), "another reader is told of one run");
    assert_eq!(losses.next(8), None);
    assert_eq!(losses.next(2), None, "entry 3 comes first");
}

#[test]
fn what_the_store_refused_is_given_to_it_again() {
    let mut losses = Losses::default();
    add(&mut losses, 4, 5, 3);
    losses.give();
    add(&mut losses, 6, 9, 3);
    losses.give();
    assert!(!losses.has_to_be_given());
    losses.take_back(5, 9);
    assert_eq!(losses.give(), [(range(4, 9), (5, 9))]);
    losses.take_back(3, 5);
    losses.take_back(5, 9);
    assert_eq!(losses.give(), [(range(4, 9), (3, 9))]);
}

#[test]
fn the_store_is_told_nothing_of_what_it_removed_itself() {
    let mut losses = Losses::default();
    losses.add(1, 9, Loss::Retention, 0, |_| {});
    assert!(!losses.has_to_be_given());
    assert_eq!(losses.tell_removed(5), [(0, 5)]);
    assert_eq!(losses.tell_removed(9), [(5, 9)]);
    assert_eq!(losses.tell_removed(9), []);
}

#[test]
fn only_what_lies_behind_a_place_is_still_to_come() {
    let mut losses = Losses::default();
    add(&mut losses, 2, 3, 0);
    add(&mut losses, 6, 8, 0);
    assert_eq!(after(&losses, 1), [range(2, 3), range(6, 8)]);
    assert_eq!(after(&losses, 2), [range(3, 3), range(6, 8)]);
    assert_eq!(after(&losses, 3), [range(6, 8)]);
    assert_eq!(after(&losses, 6), [range(7, 8)]);
    losses.forget_through(3);
    assert_eq!(after(&losses, 0), [range(6, 8)]);
    losses.forget_through(8);
    assert_eq!(after(&losses, 0), []);
}

#[test]
fn what_was_lost_before_keeps_its_reason() {
    let mut losses = Losses::default();
    losses.add(4, 5, Loss::Dead, 0, |_| {});
    assert_eq!(add(&mut losses, 1, 8, 0), [range(1, 3), range(6, 8)]);
    assert_eq!(losses.why(4), Some(Loss::Dead));
    assert_eq!(losses.why(9), None);
    assert_eq!(losses.kept_between(0, 10), [(8, 10)]);
    assert_eq!(losses.next(0), Some(range(1, 3)), "a gap has one reason");
}

#[test]
fn the_cursor_forgets_what_it_has_passed() {
    let mut losses = Losses::default();
    add(&mut losses, 2, 3, 0);
    add(&mut losses, 6, 8, 0);
    assert_eq!(losses.kept_between(0, 7), [(0, 1), (3, 5)]);
    assert_eq!(losses.unread_from(4), Some(6));
    losses.forget_through(6);
    assert_eq!(after(&losses, 0), [range(7, 8)]);
    assert_eq!(losses.unread_from(8), None);
}

#[test]
fn what_expires_backwards_becomes_one_range_again() {
    let mut losses = Losses::default();
    let last = 4 * RANGES_MAX as u64;
    for seq in (1..=last).rev() {
        let mut is_new = false;
        losses.add(seq, seq, Loss::Expired, 0, |_| is_new = true);
        assert!(is_new, "{seq}");
        losses.give();
    }
    assert_eq!(losses.next(0).map(|it| (it.from, it.to)), Some((1, last)));
    assert!(losses.ranges.len() <= RANGES_MAX);
}

#[test]
fn a_range_holds_its_first_and_its_last_entry_and_no_other() {
    let mut losses = Losses::default();
    add(&mut losses, 2, 3, 0);
    losses.add(6, 8, Loss::Dead, 0, |_| {});
    let why: Vec<Option<Loss>> = (1..=9).map(|seq| losses.why(seq)).collect();
    let (full, dead) = (Some(Loss::BufferLimit), Some(Loss::Dead));
    assert_eq!(why, [None, full, full, None, None, dead, dead, dead, None]);
    for (from, to, expected) in
        [(2, 3, true), (6, 7, true), (1, 3, false), (2, 4, false), (3, 6, false)]
    {
        assert_eq!(losses.cover(from, to), expected, "{from}..{to}");
    }
}

#[test]
fn of_a_range_that_the_cursor_has_entered_the_rest_is_given() {
    let mut losses = Losses::default();
    add(&mut losses, 4, 9, 3);
    losses.forget_through(5);
    assert_eq!(losses.give(), [(range(6, 9), (5, 9))]);
}

#[test]
fn what_was_taken_ahead_cuts_a_stretch_in_two() {
    assert_eq!(kept(&[2, 5, 7], 5, 8), [(5, 6), (7, 8)]);
    assert_eq!(kept(&[2, 9], 5, 8), [(4, 8)]);
    assert_eq!(kept(&[5, 6, 7, 8], 5, 8), []);
}

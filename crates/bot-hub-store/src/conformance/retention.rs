//! What retention removes, and what it keeps.

use bot_hub_core::change::{Change, Outcome, Span};
use bot_protocol::frame::operator::Retention;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::members::dropped;
use super::{Subject, append, bot, cursor, numbered, numbered_before, room, seqs};

const NONE: Retention = Retention { age_ms: None, entries: None, bytes: None };

fn trim(retain: Retention, now: u64, entries_max: u32) -> Change {
    Change::Trim { room: room("lab"), retain, now: Timestamp(now), entries_max }
}

/// Checks which seqs are removed, and whether more would follow.
fn check_trim(subject: &mut Subject, change: Change, expected: &[u64], expected_more: bool) {
    let Outcome::Trimmed { removed, more, .. } = subject.change(vec![change]).remove(0) else {
        panic!("a trim says what it removed");
    };
    for it in &removed {
        assert_eq!((it.from.as_str(), it.id.to_string()), ("ann", format!("m{}", it.seq)));
    }
    let seqs: Vec<_> = removed.iter().map(|it| it.seq).collect();
    assert_eq!((seqs.as_slice(), more), (expected, expected_more));
}

/// `first head bytes oldest_at` of the room.
fn check_room(subject: &mut Subject, expected: (u64, u64, u64, Option<u64>)) {
    let found = subject.record("lab");
    let oldest_at = found.oldest_at.map(|at| at.0);
    assert_eq!((found.first, found.head, found.bytes, oldest_at), expected);
    let log: Vec<_> = subject.log("lab").iter().map(|entry| entry.seq).collect();
    assert_eq!(log, (found.first..=found.head).collect::<Vec<_>>());
}

pub fn too_many_entries_go_oldest_first(subject: &mut Subject) {
    subject.fill("lab", 9);
    let rule = Retention { entries: Some(4), ..NONE };
    check_trim(subject, trim(rule, 0, 3), &[1, 2, 3], true);
    check_room(subject, (4, 9, 60, Some(4_000)));
    check_trim(subject, trim(rule, 0, 3), &[4, 5], false);
    check_room(subject, (6, 9, 40, Some(6_000)));
    check_trim(subject, trim(rule, 0, 3), &[], false);
    check_trim(subject, trim(NONE, u64::MAX, 3), &[], false);
    // An entry that is appended and removed in one batch.
    let changes = vec![append(numbered("lab", 10)), append(numbered("lab", 11)), trim(rule, 0, 9)];
    subject.change(changes);
    check_room(subject, (8, 11, 40, Some(8_000)));
    assert_eq!(seqs(&subject.page("lab", Span::After(2), 2, 1_000)), [8, 9]);
    assert_eq!(seqs(&subject.page("lab", Span::Before(8), 2, 1_000)), [0; 0]);
}

pub fn too_many_bytes_go_oldest_first(subject: &mut Subject) {
    subject.fill("lab", 9);
    let rule = |bytes| Retention { bytes: Some(bytes), ..NONE };
    check_trim(subject, trim(rule(90), 0, 9), &[], false);
    check_trim(subject, trim(rule(71), 0, 9), &[1, 2], false);
    check_room(subject, (3, 9, 70, Some(3_000)));
}

pub fn old_entries_go(subject: &mut Subject) {
    subject.fill("lab", 9);
    let rule = Retention { age_ms: Some(500), ..NONE };
    check_trim(subject, trim(rule, 2_500, 9), &[1], false);
    check_trim(subject, trim(rule, 2_501, 9), &[2], false);
    // A clock that was set back removes nothing.
    check_trim(subject, trim(rule, 0, 9), &[], false);
    check_room(subject, (3, 9, 70, Some(3_000)));
}

pub fn an_emptied_room_goes_on_counting(subject: &mut Subject) {
    subject.fill("lab", 3);
    subject.join("lab", "bob");
    let rule = Retention { entries: Some(0), ..NONE };
    check_trim(subject, trim(rule, 0, 9), &[1, 2, 3], false);
    check_room(subject, (4, 3, 0, None));
    assert_eq!(subject.say(numbered("lab", 4)), Outcome::Appended { seq: 4 });
    check_room(subject, (4, 4, 10, Some(4_000)));
    let member = subject.record("lab").members.remove(0);
    assert_eq!((member.cursor, member.waiting_since), (3, Some(Timestamp(4_000))));
    check_trim(subject, trim(rule, 0, 9), &[4], false);
    // The entry that the member waited for was removed.
    assert_eq!(subject.record("lab").members[0].waiting_since, None);
}

pub fn an_id_is_free_again_after_its_entry(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=3).map(|n| append(numbered("lab", n))).collect());
    subject.done(cursor("lab", "bob", 2, 5_000));
    let rule = Retention { entries: Some(1), ..NONE };
    check_trim(subject, trim(rule, 0, 9), &[1, 2], false);
    assert_eq!(subject.find("m1", &["ann"]), []);
    assert_eq!(subject.say(numbered("lab", 1)), Outcome::Appended { seq: 4 });
    // The new entry inherits nothing from the first one.
    assert_eq!(subject.fate("m1"), []);
    assert_eq!(subject.say(numbered("lab", 3)), numbered_before(3));
}

pub fn ranges_are_kept_while_they_tell_something(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=600).map(|n| append(numbered("lab", n))).collect());
    subject.done(dropped("lab", "bob", 1, 2, 100));
    subject.done(dropped("lab", "bob", 5, 560, 200));
    let rule = |entries| Retention { entries: Some(entries), ..NONE };
    subject.done(cursor("lab", "bob", 1, 5_000));
    subject.change(vec![trim(rule(50), 0, 1_000)]);
    // The bot must still be told about both ranges.
    assert_eq!(subject.record("lab").members[0].dropped.len(), 2);
    subject.done(cursor("lab", "bob", 599, 6_000));
    let found = subject.fate("m555");
    let [received, range] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (received.1, range.1, range.2),
        (ReceiptState::Received, ReceiptState::Dropped, 200)
    );
    subject.change(vec![trim(rule(1), 0, 1_000)]);
    assert_eq!(subject.record("lab").members[0].dropped, []);
    assert_eq!(subject.load().snapshot.rooms[0].members[0].bot, bot("bob"));
}

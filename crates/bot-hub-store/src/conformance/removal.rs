//! Rooms that are removed, and rooms that get their names.

use bot_hub_core::change::{Change, DroppedRange, Loss, Outcome, Remains, Removal, Span};
use bot_protocol::frame::operator::Retention;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

use super::members::receipt;
use super::{Subject, append, bot, cursor, delivered, numbered, room, seqs};
use crate::{StoreError, Write};

fn remove(name: &str) -> Change {
    Change::RemoveRoom { room: room(name), why: Removal::Asked }
}

fn removed(subject: &mut Subject, name: &str) -> Remains {
    match subject.change(vec![remove(name)])[..] {
        [Outcome::RoomRemoved { remains }] => remains,
        ref other => panic!("{other:?}"),
    }
}

/// One step: the seqs that went, and whether there is more.
fn step(subject: &mut Subject, remains: Remains, entries_max: u32) -> (Vec<u64>, bool) {
    match subject.change(vec![Change::Clear { remains, entries_max }]).remove(0) {
        Outcome::Cleared { removed, more } => (removed.iter().map(|it| it.seq).collect(), more),
        other => panic!("{other:?}"),
    }
}

/// A room with entries, members, marks, receipts and a dropped range.
fn fill(subject: &mut Subject, name: &str, count: u64) {
    subject.fill(name, count);
    for who in ["bob", "cat"] {
        subject.join(name, who);
    }
    for number in count + 1..=2 * count {
        subject.say(numbered(name, number));
        subject.done(delivered(name, "bob", number, number * 1_000));
        subject.done(cursor(name, "bob", number, number * 1_000 + 500));
        let started = receipt(name, "bob", number, ReceiptState::Started, number * 1_000 + 700);
        subject.done(Change::Receipt(started));
    }
    let range = DroppedRange { from: count + 1, to: count + 1, reason: Loss::Dead };
    subject.done(Change::Drop { room: room(name), bot: bot("cat"), range, at: Timestamp(9) });
}

pub fn a_removed_room_is_gone_at_once_and_its_name_is_free(subject: &mut Subject) {
    fill(subject, "lab", 3);
    subject.fill("den", 2);
    let remains = removed(subject, "lab");
    let known = subject.load_twice();
    let names: Vec<String> = known.snapshot.rooms.iter().map(|it| it.room.to_string()).collect();
    assert_eq!((names, known.snapshot.remains), (vec!["den".to_owned()], vec![remains]));
    assert_eq!(known.snapshot.expiring, []);
    assert_eq!(seqs(&subject.page("lab", Span::After(0), 9, 1_000)), [0; 0]);
    assert_eq!(subject.find("m1", &["ann"])[0].room, room("den"));
    assert_eq!(subject.find("m3", &["ann"]), []);
    // What is left of the old one is not in the new one.
    fill(subject, "lab", 1);
    let new = subject.record("lab");
    assert_eq!((new.head, new.first, new.members.len()), (2, 1, 2));
    assert_eq!(subject.log("lab").len(), 2);
    while step(subject, remains, 2).1 {}
    assert_eq!(subject.record("lab"), new);
    assert_eq!(subject.log("lab").len(), 2);
    assert_eq!(subject.load().snapshot.remains, []);
}

pub fn what_a_removed_room_left_is_cleared_away_in_steps(subject: &mut Subject) {
    fill(subject, "lab", 4);
    let remains = removed(subject, "lab");
    assert_eq!(step(subject, remains, 3), (vec![1, 2, 3], true));
    subject.reopen();
    assert_eq!(subject.load().snapshot.remains, [remains]);
    assert_eq!(step(subject, remains, 3), (vec![4, 5, 6], true));
    let mut rest = Vec::new();
    loop {
        let (seqs, more) = step(subject, remains, 3);
        rest.extend(seqs);
        if !more {
            break;
        }
    }
    assert_eq!(rest, [7, 8]);
    assert_eq!(step(subject, remains, 3), (vec![], false), "there is nothing left");
    assert_eq!(subject.load_twice().snapshot.remains, []);
}

pub fn what_is_late_for_a_removed_room_does_nothing(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.join("lab", "bob");
    removed(subject, "lab");
    let before = subject.load();
    let (at, who) = (Timestamp(50), bot("bob"));
    let range = DroppedRange { from: 1, to: 2, reason: Loss::Dead };
    let retain = Retention { age_ms: None, entries: Some(1), bytes: None };
    let late = subject.change(vec![
        cursor("lab", "bob", 2, 50),
        delivered("lab", "bob", 2, 50),
        Change::Receipt(receipt("lab", "bob", 1, ReceiptState::Started, 50)),
        Change::Drop { room: room("lab"), bot: who.clone(), range, at },
        Change::Grant { room: room("lab"), bot: who.clone(), rights: Rights::NONE },
        Change::Leave { room: room("lab"), bot: who.clone(), why: Loss::Left },
        remove("lab"),
    ]);
    assert_eq!(late, vec![Outcome::Done; 7]);
    let trim = Change::Trim { room: room("lab"), retain, now: at, entries_max: 9 };
    let nothing = Outcome::Trimmed { removed: Vec::new(), more: false, oldest_at: None };
    assert_eq!(subject.change(vec![trim]), [nothing]);
    assert_eq!(subject.load(), before);
    for refused in [
        append(numbered("lab", 3)),
        Change::Join { room: room("lab"), bot: who },
        Change::Retain { room: room("lab"), retain },
    ] {
        let refusal = subject.try_commit(vec![Write::Change(refused)]);
        assert!(matches!(refusal, Err(StoreError::NoSuchRoom { .. })), "{refusal:?}");
    }
    // The second one with its name has none of it.
    subject.room("lab");
    assert_eq!((subject.record("lab").head, subject.record("lab").members.len()), (0, 0));
}

pub fn a_room_that_is_made_again_has_another_epoch(subject: &mut Subject) {
    let of_store = subject.load().snapshot.epoch;
    let mut epochs = vec![subject.made("lab"), subject.made("lab"), subject.made("den")];
    assert_eq!(epochs, [of_store; 3], "as ever, until a room is removed");
    epochs.truncate(1);
    for _ in 0..3 {
        let remains = removed(subject, "lab");
        epochs.push(subject.made("lab"));
        assert_eq!(subject.record("lab").epoch, *epochs.last().expect("one was made"));
        // Also when nothing is left that has its number.
        while step(subject, remains, 9).1 {}
        removed(subject, "lab");
        epochs.push(subject.made("lab"));
    }
    let count = epochs.len();
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), count);
    assert_eq!(subject.record("den").epoch, of_store);
}

pub fn a_batch_may_remove_a_room_and_make_it_again(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.join("lab", "bob");
    let create = || Change::CreateRoom { room: room("lab"), closed: true };
    let outcomes = subject.change(vec![
        append(numbered("lab", 3)),
        cursor("lab", "bob", 3, 50),
        remove("lab"),
        create(),
        Change::Join { room: room("lab"), bot: bot("cat") },
        append(numbered("lab", 1)),
    ]);
    assert_eq!(outcomes[5], Outcome::Appended { seq: 1 });
    let known = subject.record("lab");
    let members: Vec<String> = known.members.iter().map(|it| it.bot.to_string()).collect();
    assert_eq!((known.head, known.closed, members), (1, true, vec!["cat".to_owned()]));
    let refused = subject
        .try_commit(vec![Write::Change(remove("lab")), Write::Change(append(numbered("lab", 2)))]);
    assert!(matches!(refused, Err(StoreError::NoSuchRoom { .. })), "{refused:?}");
    assert_eq!(subject.record("lab"), known);
}

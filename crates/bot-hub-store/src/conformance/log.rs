//! Numbers, ids and pages.

use std::sync::Arc;

use bot_hub_core::change::{Change, Outcome, Page, Span};
use bot_hub_core::entry::Extras;
use bot_protocol::frame::Opaque;
use bot_protocol::id::MessageId;
use bot_protocol::time::Timestamp;

use super::{
    Subject, append, bot, draft, numbered, numbered_before, room, said_before, seqs, with,
};
use crate::{StoreError, Write};

pub fn entries_are_numbered_from_one_without_a_hole(subject: &mut Subject) {
    subject.room("lab");
    for number in 1..=3 {
        assert_eq!(subject.say(numbered("lab", number)), Outcome::Appended { seq: number });
    }
    subject.reopen();
    let outcomes = subject.change((4..=6).map(|n| append(numbered("lab", n))).collect());
    assert_eq!(outcomes, [4, 5, 6].map(|seq| Outcome::Appended { seq }));
    let texts: Vec<_> =
        subject.log("lab").iter().map(|entry| (entry.seq, entry.draft.text.clone())).collect();
    assert_eq!(texts, (1..=6).map(|n| (n, format!("{n:010}"))).collect::<Vec<_>>());
}

pub fn rooms_are_numbered_apart(subject: &mut Subject) {
    subject.fill("lab", 3);
    subject.fill("dm:ann:bob", 2);
    assert_eq!(subject.say(numbered("lab", 4)), Outcome::Appended { seq: 4 });
    assert_eq!(subject.say(numbered("dm:ann:bob", 3)), Outcome::Appended { seq: 3 });
    assert_eq!((subject.log("lab").len(), subject.log("dm:ann:bob").len()), (4, 3));
    assert_eq!((subject.record("lab").head, subject.record("dm:ann:bob").head), (4, 3));
}

pub fn the_same_id_and_body_is_stored_once(subject: &mut Subject) {
    subject.room("lab");
    let first = draft("lab", "ann", "x", "hello");
    let mut later = first.clone();
    later.sent_at = Timestamp(9_000);
    let other = draft("lab", "ann", "x", "something else");
    let outcomes = subject.change(vec![
        append(first.clone()),
        append(later.clone()),
        append(other.clone()),
        append(draft("lab", "ann", "y", "next")),
    ]);
    let (appended, duplicate) = (Outcome::Appended { seq: 1 }, said_before(1));
    let next = Outcome::Appended { seq: 2 };
    assert_eq!(outcomes, [appended, duplicate.clone(), Outcome::Conflict, next]);
    subject.reopen();
    assert_eq!(subject.say(later), duplicate.clone());
    assert_eq!(subject.say(other), Outcome::Conflict);
    assert_eq!(subject.log("lab").len(), 2);
    let (known, changed) = (draft("lab", "ann", "x", "hello"), draft("lab", "ann", "x", "no"));
    let others = [
        draft("lab", "ann", "z", "hello"),
        draft("lab", "bob", "x", "hello"),
        draft("nowhere", "ann", "x", "hello"),
    ];
    let asked = [known, changed].into_iter().chain(others).map(Arc::new).map(Change::WasSaid);
    let outcomes = subject.change(asked.collect());
    assert_eq!(outcomes[..2], [duplicate, Outcome::Conflict]);
    assert_eq!(outcomes[2..], [Outcome::Unsaid, Outcome::Unsaid, Outcome::Unsaid]);
    assert_eq!(subject.log("lab").len(), 2);

    let extras = Extras { thread: Some("t".to_owned()), ..Extras::default() };
    assert_eq!(subject.say(with(first, extras)), Outcome::Conflict);
}

pub fn a_repeated_id_takes_no_place_wherever_it_is_in_a_batch(subject: &mut Subject) {
    subject.fill("lab", 1);
    subject.room("den");
    // The head of each room; entries of the second room only come in between.
    let (mut lab, mut den) = (1, 0);
    for (at, repeats_first) in (0..9).flat_map(|at| [(at, true), (at, false)]) {
        let mut changes = Vec::new();
        let mut expected = Vec::new();
        for step in 0..9 {
            if step == at {
                let seq = if repeats_first { 1 } else { lab };
                changes.push(append(numbered("lab", seq)));
                expected.push(numbered_before(seq));
            } else {
                lab += 1;
                changes.push(append(numbered("lab", lab)));
                expected.push(Outcome::Appended { seq: lab });
            }
            if step % 3 == 1 {
                den += 1;
                changes.push(append(numbered("den", den)));
                expected.push(Outcome::Appended { seq: den });
            }
        }
        assert_eq!(subject.change(changes), expected, "{at} {repeats_first}");
    }
    subject.reopen();
    let log = subject.log("lab");
    let seqs: Vec<_> = log.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=lab).collect::<Vec<_>>());
    assert!(log.iter().all(|entry| *entry.draft == numbered("lab", entry.seq)));
}

pub fn an_id_belongs_to_its_sender_and_room(subject: &mut Subject) {
    subject.room("lab");
    subject.room("den");
    assert_eq!(subject.say(draft("lab", "ann", "x", "1")), Outcome::Appended { seq: 1 });
    assert_eq!(subject.say(draft("lab", "bob", "x", "2")), Outcome::Appended { seq: 2 });
    assert_eq!(subject.say(draft("den", "ann", "x", "3")), Outcome::Appended { seq: 1 });
    assert_eq!(subject.say(draft("lab", "bob", "x", "2")), said_before(2));
}

pub fn a_page_goes_both_ways_and_has_bounds(subject: &mut Subject) {
    subject.fill("lab", 9);
    let mut check = |span, entries_max, bytes_max, expected: &[u64], more| {
        let page = subject.page("lab", span, entries_max, bytes_max);
        assert_eq!((seqs(&page).as_slice(), page.more), (expected, more), "{span:?} {entries_max}");
    };
    check(Span::After(0), 3, 1_000, &[1, 2, 3], true);
    check(Span::After(3), 6, 1_000, &[4, 5, 6, 7, 8, 9], false);
    check(Span::After(9), 6, 1_000, &[], false);
    check(Span::After(u64::MAX), 6, 1_000, &[], false);
    check(Span::Before(10), 3, 1_000, &[7, 8, 9], true);
    check(Span::Before(u64::MAX), 2, 1_000, &[8, 9], true);
    check(Span::Before(4), 3, 1_000, &[1, 2, 3], false);
    check(Span::Before(1), 3, 1_000, &[], false);
    check(Span::Before(0), 3, 1_000, &[], false);
    // The entry that reaches the bound is still included, so every page makes progress.
    check(Span::After(0), 9, 1, &[1], true);
    check(Span::After(0), 9, 20, &[1, 2], true);
    check(Span::After(0), 9, 21, &[1, 2, 3], true);
    check(Span::After(7), 9, 20, &[8, 9], false);
    check(Span::Before(10), 9, 11, &[8, 9], true);
    check(Span::Before(3), 9, 20, &[1, 2], false);
    check(Span::After(4), 0, 1_000, &[], true);
    check(Span::After(9), 0, 1_000, &[], false);
    assert_eq!(subject.page("nowhere", Span::After(0), 9, 1_000), Page::default());
}

pub fn hostile_texts_come_back_bit_by_bit(subject: &mut Subject) {
    let texts = [
        String::new(),
        "a\0b\0".to_owned(),
        "'; DROP TABLE entry; --".to_owned(),
        "🦀\u{10ffff}\u{feff}\u{202e}".to_owned(),
        "\r\n\t\u{7f}".to_owned(),
        "🦀".repeat(32 * 1024),
    ];
    subject.room("lab");
    for (index, text) in texts.iter().enumerate() {
        subject.say(draft("lab", "ann", &format!("h{index}"), text));
    }
    let log = subject.log("lab");
    for (entry, text) in log.iter().zip(&texts) {
        assert!(*entry.draft.text == **text, "{} bytes at {}", text.len(), entry.seq);
    }
    let bytes = texts.iter().map(|text| text.len() as u64).sum::<u64>();
    assert_eq!((log.len(), subject.record("lab").bytes), (texts.len(), bytes));
}

pub fn every_field_comes_back(subject: &mut Subject) {
    let json = |text: &str| Some(Opaque::from_json(text.to_owned()).unwrap());
    let full = Extras {
        reply_to: Some(MessageId::new("m0").unwrap()),
        thread: Some("th\0read".to_owned()),
        expires_at: Some(Timestamp(u64::MAX)),
        act: json(r#"{"b": 1.0,  "a":[]}"#),
        meta: json(r#""é\ud83e\udd80""#),
        redacted: None,
    };
    let uuid = "0197c1f0-3b0a-7cc0-8000-0a0b0c0d0e0f";
    let drafts = [
        with(draft("lab", "ann", uuid, "x"), full.clone()),
        with(
            draft("lab", "ann", "~!@", "x"),
            Extras { meta: full.meta.clone(), ..Extras::default() },
        ),
        draft("lab", "ann", &uuid.to_uppercase(), "x"),
    ];
    subject.room("lab");
    for draft in &drafts {
        subject.say(draft.clone());
    }
    let log: Vec<_> = subject.log("lab").iter().map(|entry| (*entry.draft).clone()).collect();
    assert_eq!(log, drafts);
    assert_eq!(subject.say(drafts[0].clone()), said_before(1));
}

pub fn an_unknown_room_is_refused_and_leaves_nothing(subject: &mut Subject) {
    subject.fill("lab", 1);
    let before = subject.load();
    let batch = vec![
        Write::Change(append(numbered("lab", 2))),
        Write::Change(Change::Join { room: room("lab"), bot: bot("bob") }),
        Write::Change(append(numbered("nowhere", 1))),
    ];
    let refused = subject.try_commit(batch);
    assert!(matches!(&refused, Err(StoreError::NoSuchRoom { room: it }) if *it == room("nowhere")));
    assert_eq!(subject.load_twice(), before);
    // A room made earlier in the same batch exists already.
    let outcomes = subject.change(vec![
        append(numbered("lab", 2)),
        Change::CreateRoom { room: room("nowhere"), closed: true },
        append(numbered("nowhere", 1)),
    ]);
    let [two, one] = [2, 1].map(|seq| Outcome::Appended { seq });
    let [.., made, last] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(matches!(made, Outcome::Made { .. }), "{made:?}");
    assert_eq!((&outcomes[0], last), (&two, &one));
}

pub fn a_reader_sees_what_was_committed_before(subject: &mut Subject) {
    subject.room("lab");
    for number in 1..=20 {
        subject.say(numbered("lab", number));
        assert_eq!(seqs(&subject.page("lab", Span::After(number - 1), 9, 1_000)), [number]);
        assert_eq!(subject.find(&format!("m{number}"), &["ann"])[0].seq, number);
    }
    subject.fill("den", 1);
    assert_eq!(seqs(&subject.page("den", Span::After(0), 9, 1_000)), [1]);
}

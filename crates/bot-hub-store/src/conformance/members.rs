//! Members, cursors, marks, receipts and dropped ranges.

use bot_hub_core::change::{
    Answer, Change, DroppedRange, Located, Loss, Outcome, Query, ReceiptRecord,
};
use bot_hub_core::entry::Extras;
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState::{
    self, Delivered, Done, Dropped, Failed, Received, Started,
};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

use super::{Subject, append, bot, cursor, delivered, draft, numbered, room, with};

pub fn a_cursor_never_passes_the_head(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change(vec![append(numbered("lab", 1))]);
    subject.change(vec![cursor("lab", "bob", 9, 5_000), delivered("lab", "bob", 9, 5_000)]);
    subject.change(vec![append(numbered("lab", 2))]);
    check_members(subject, "lab", &[("bob", 0, 1, Some(2_000))]);
    check_fate(subject, "m2", &[]);
    check_fate(subject, "m1", &[("bob", Delivered, 5_000), ("bob", Received, 5_000)]);
}

/// `bot since cursor waiting_since` of every member.
type Line = (&'static str, u64, u64, Option<u64>);

fn check_members(subject: &mut Subject, name: &str, expected: &[Line]) {
    let found = subject.record(name).members;
    let lines: Vec<_> = found
        .iter()
        .map(|it| (it.bot.as_str(), it.since, it.cursor, it.waiting_since.map(|at| at.0)))
        .collect();
    assert_eq!(lines, expected);
}

fn check_fate(subject: &mut Subject, id: &str, expected: &[(&str, ReceiptState, u64)]) {
    let found = subject.fate(id);
    let lines: Vec<_> = found.iter().map(|(who, state, at)| (who.as_str(), *state, *at)).collect();
    assert_eq!(lines, expected, "{id}");
}

pub(super) fn receipt(
    name: &str,
    who: &str,
    seq: u64,
    state: ReceiptState,
    at: u64,
) -> ReceiptRecord {
    ReceiptRecord {
        room: room(name),
        seq,
        bot: bot(who),
        state,
        at: Timestamp(at),
        reason: None,
        reply: None,
    }
}

pub(crate) fn dropped(name: &str, who: &str, from: u64, to: u64, at: u64) -> Change {
    let range = DroppedRange { from, to, reason: Loss::BufferLimit };
    Change::Drop { room: room(name), bot: bot(who), range, at: Timestamp(at) }
}

pub fn a_bot_joins_at_the_head(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "ann");
    subject.change((1..=3).map(|n| append(numbered("lab", n))).collect());
    subject.join("lab", "bob");
    // Within a batch, the head is the one at that point of the batch.
    subject.change(vec![
        append(numbered("lab", 4)),
        Change::Join { room: room("lab"), bot: bot("cat") },
        append(numbered("lab", 5)),
        Change::Join { room: room("lab"), bot: bot("bob") },
    ]);
    check_members(
        subject,
        "lab",
        &[("ann", 0, 0, Some(1_000)), ("bob", 3, 3, Some(4_000)), ("cat", 4, 4, Some(5_000))],
    );
}

pub fn a_cursor_never_goes_back(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=5).map(|n| append(numbered("lab", n))).collect());
    subject.done(cursor("lab", "bob", 4, 10));
    subject.done(cursor("lab", "bob", 2, 20));
    check_members(subject, "lab", &[("bob", 0, 4, Some(5_000))]);
    subject.done(cursor("lab", "bob", 3, 30));
    subject.done(cursor("lab", "bob", 5, 40));
    check_members(subject, "lab", &[("bob", 0, 5, None)]);
    // A bot that is no member has no cursor.
    subject.done(cursor("lab", "eve", 5, 50));
    check_members(subject, "lab", &[("bob", 0, 5, None)]);
}

pub fn marks_say_when_an_entry_was_passed(subject: &mut Subject) {
    subject.fill("lab", 1);
    subject.join("lab", "bob");
    subject.join("lab", "cat");
    subject.change((2..=5).map(|n| append(numbered("lab", n))).collect());
    subject.change(vec![delivered("lab", "bob", 3, 10_000), cursor("lab", "bob", 2, 11_000)]);
    subject.done(cursor("lab", "bob", 4, 12_000));
    // A client without acknowledgements moves its cursor with `Delivered`.
    let seed = |seq, at| Change::Cursor {
        room: room("lab"),
        bot: bot("cat"),
        seq,
        state: Delivered,
        at: Timestamp(at),
    };
    subject.done(seed(3, 13_000));
    check_fate(subject, "m1", &[]);
    let first = [("bob", Delivered, 10_000), ("bob", Received, 11_000), ("cat", Delivered, 13_000)];
    check_fate(subject, "m2", &first);
    let second =
        [("bob", Delivered, 10_000), ("bob", Received, 12_000), ("cat", Delivered, 13_000)];
    check_fate(subject, "m3", &second);
    check_fate(subject, "m4", &[("bob", Received, 12_000)]);
    check_fate(subject, "m5", &[]);
    // An entry is passed only once.
    subject.change(vec![delivered("lab", "bob", 2, 20_000), cursor("lab", "bob", 4, 21_000)]);
    check_fate(subject, "m2", &first);
    subject.done(delivered("lab", "bob", 5, 22_000));
    check_fate(subject, "m4", &[("bob", Delivered, 22_000), ("bob", Received, 12_000)]);
}

pub fn what_one_client_consumed_the_next_did_not_receive(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=4).map(|n| append(numbered("lab", n))).collect());
    // First a client without acknowledgements, then one that acknowledges.
    subject.done(cursor("lab", "bob", 1, 5_000));
    subject.done(Change::Cursor {
        room: room("lab"),
        bot: bot("bob"),
        seq: 2,
        state: Delivered,
        at: Timestamp(5_010),
    });
    subject.done(cursor("lab", "bob", 3, 5_020));
    check_fate(subject, "m1", &[("bob", Delivered, 5_010), ("bob", Received, 5_000)]);
    check_fate(subject, "m2", &[("bob", Delivered, 5_010)]);
    check_fate(subject, "m3", &[("bob", Received, 5_020)]);
}

pub fn marks_within_a_moment_are_one(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=4).map(|n| append(numbered("lab", n))).collect());
    subject.change(vec![cursor("lab", "bob", 1, 5_000), cursor("lab", "bob", 2, 5_050)]);
    subject.done(cursor("lab", "bob", 3, 5_099));
    subject.done(cursor("lab", "bob", 4, 5_100));
    // The time of a mark is at most a tenth of a second late, and never early.
    for id in ["m1", "m2", "m3"] {
        check_fate(subject, id, &[("bob", Received, 5_099)]);
    }
    check_fate(subject, "m4", &[("bob", Received, 5_100)]);
}

pub fn what_a_bot_says_leads_upwards_or_is_late(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.join("lab", "bob");
    let said = [(1, Started), (1, Received), (1, Done), (1, Failed), (1, Done), (2, Started)];
    let changes = said.map(|(seq, state)| Change::Receipt(receipt("lab", "bob", seq, state, 9)));
    let outcomes = subject.change(changes.into());
    let (done, late) = (Outcome::Done, Outcome::Late);
    let expected = [&done, &late, &done, &late, &late, &done].map(Clone::clone);
    assert_eq!(outcomes, expected);
    let other = Change::Receipt(receipt("lab", "cid", 1, Started, 9));
    assert_eq!(subject.change(vec![other]), [done]);
    let states: Vec<_> = subject.fate("m1").into_iter().map(|it| (it.0, it.1)).collect();
    let [bob, cid] = ["bob", "cid"].map(str::to_owned);
    assert_eq!(states, [(bob.clone(), Started), (bob, Done), (cid, Started)]);
}

pub fn what_was_received_out_of_turn_comes_back_until_the_cursor_has_passed_it(
    subject: &mut Subject,
) {
    subject.room("lab");
    for who in ["ann", "bob", "cid"] {
        subject.join("lab", who);
    }
    subject.change((1..=6).map(|n| append(numbered("lab", n))).collect());
    let said = [("bob", 5, Received), ("bob", 3, Received), ("bob", 3, Done), ("cid", 2, Started)];
    for (who, seq, state) in said {
        subject.done(Change::Receipt(receipt("lab", who, seq, state, 9)));
    }
    let ahead = |subject: &mut Subject| {
        let members = subject.record("lab").members.into_iter();
        members.map(|it| (it.bot.to_string(), it.received)).collect::<Vec<_>>()
    };
    let of = |bob: &[u64]| {
        let [ann, cid] = ["ann", "cid"].map(|who| (who.to_owned(), vec![]));
        vec![ann, ("bob".to_owned(), bob.to_vec()), cid]
    };
    assert_eq!(ahead(subject), of(&[3, 5]));
    subject.done(cursor("lab", "bob", 3, 10));
    assert_eq!(ahead(subject), of(&[5]));
    // A client without acknowledgements passes the entry; the earlier receipts stay.
    let (room, bot, state, at) = (room("lab"), bot("bob"), Delivered, Timestamp(11));
    subject.done(Change::Cursor { room, bot, seq: 6, state, at });
    assert_eq!(ahead(subject), of(&[]));
    check_fate(subject, "m5", &[("bob", Delivered, 11), ("bob", Received, 9)]);
    check_fate(subject, "m6", &[("bob", Delivered, 11)]);
}

pub fn what_was_dropped_with_a_membership_has_no_receipt_after_that(subject: &mut Subject) {
    let [in_time, late] = [1, 2].map(|seq| receipt("lab", "bob", seq, Done, 9));
    let (done, is_late) = (Outcome::Done, Outcome::Late);
    for (name, reason) in [("lab", Loss::Kicked), ("den", Loss::NoRight), ("hut", Loss::Dead)] {
        subject.fill(name, 3);
        let of =
            |it: &ReceiptRecord| Change::Receipt(ReceiptRecord { room: room(name), ..it.clone() });
        let range = DroppedRange { from: 2, to: u64::MAX, reason };
        let drop = Change::Drop { room: room(name), bot: bot("bob"), range, at: Timestamp(8) };
        let outcomes = subject.change(vec![drop, of(&in_time), of(&late)]);
        let last = if reason == Loss::Dead { &done } else { &is_late };
        assert_eq!(outcomes, [done.clone(), done.clone(), last.clone()], "{reason:?}");
    }
}

pub fn an_entry_is_located_by_its_id_and_sender(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.fill("den", 2);
    subject.say(draft("lab", "bob", "m2", "the same id"));
    subject.done(Change::Receipt(receipt("lab", "cid", 2, Started, 9)));
    let mut locate = |name: &str, id: &str, from: Option<&str>| {
        let (room, id, from) = (room(name), MessageId::new(id).unwrap(), from.map(bot));
        match subject.ask(&Query::Locate { room, id, from, by: bot("cid") }) {
            Answer::Located(found) => found,
            other => panic!("{other:?}"),
        }
    };
    let at = Timestamp;
    let of_ann = Located { seq: 2, from: bot("ann"), sent_at: at(2_000), said: vec![Started] };
    let of_bob = Located { seq: 3, from: bot("bob"), sent_at: at(1_000), said: vec![] };
    assert_eq!(locate("lab", "m2", None), [of_ann.clone(), of_bob.clone()]);
    assert_eq!(locate("lab", "m2", Some("ann")), [of_ann]);
    assert_eq!(locate("lab", "m2", Some("bob")), [of_bob]);
    for (name, id, from) in [("lab", "m2", "cid"), ("lab", "m9", "ann"), ("none", "m2", "ann")] {
        assert_eq!(locate(name, id, Some(from)), []);
    }
    assert_eq!(locate("den", "m2", None).len(), 1);
}

pub fn a_receipt_is_kept_as_it_was_first_given(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=2).map(|n| append(numbered("lab", n))).collect());
    subject.done(cursor("lab", "bob", 1, 1_500));
    let full = ReceiptRecord {
        reason: Some("no \0 budget".to_owned()),
        reply: Some(MessageId::new("r1").unwrap()),
        ..receipt("lab", "bob", 1, Failed, 3_000)
    };
    for given in [
        receipt("lab", "bob", 1, Started, 2_000),
        receipt("lab", "bob", 1, Started, 2_500),
        full.clone(),
        receipt("lab", "ann", 1, Received, 2_600),
        // Entries that do not exist have no fate.
        receipt("lab", "bob", 3, Started, 2_000),
        receipt("lab", "bob", 0, Started, 2_000),
    ] {
        subject.change(vec![Change::Receipt(given)]);
    }
    check_fate(
        subject,
        "m1",
        &[
            ("ann", Received, 2_600),
            ("bob", Received, 1_500),
            ("bob", Started, 2_000),
            ("bob", Failed, 3_000),
        ],
    );
    assert_eq!(subject.find("m1", &["ann"])[0].receipts[3], full);
    // A receipt of the bot itself precedes its mark.
    subject.done(cursor("lab", "bob", 2, 1_700));
    check_fate(subject, "m2", &[("bob", Received, 1_700)]);
    subject.done(Change::Receipt(receipt("lab", "bob", 2, Received, 1_600)));
    check_fate(subject, "m2", &[("bob", Received, 1_600)]);
    subject.change(vec![append(numbered("lab", 3))]);
    check_fate(subject, "m3", &[]);
}

pub fn ranges_that_begin_together_are_one(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=9).map(|n| append(numbered("lab", n))).collect());
    subject.done(dropped("lab", "bob", 1, 2, 100));
    subject.done(dropped("lab", "bob", 1, 4, 200));
    subject.done(dropped("lab", "bob", 1, 3, 300));
    subject.done(dropped("lab", "bob", 6, 6, 400));
    let range = |from, to| DroppedRange { from, to, reason: Loss::BufferLimit };
    assert_eq!(subject.record("lab").members[0].dropped, [range(1, 4), range(6, 6)]);
    check_fate(subject, "m4", &[("bob", Dropped, 100)]);
    check_fate(subject, "m5", &[]);
    subject.done(cursor("lab", "bob", 4, 500));
    assert_eq!(subject.record("lab").members[0].dropped, [range(6, 6)]);
    check_fate(subject, "m4", &[("bob", Received, 500), ("bob", Dropped, 100)]);
}

pub fn a_range_ends_with_the_log_and_says_why(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=3).map(|n| append(numbered("lab", n))).collect());
    let range = DroppedRange { from: 3, to: u64::MAX, reason: Loss::Kicked };
    let at = Timestamp(100);
    subject.done(Change::Drop { room: room("lab"), bot: bot("bob"), range, at });
    let beyond = DroppedRange { from: 4, ..range };
    subject.done(Change::Drop { room: room("lab"), bot: bot("bob"), range: beyond, at });
    subject.change(vec![append(numbered("lab", 4))]);
    check_fate(subject, "m3", &[("bob", Dropped, 100)]);
    check_fate(subject, "m4", &[]);
    let found = subject.find("m3", &["ann"]);
    assert_eq!(found[0].receipts[0].reason.as_deref(), Some("kicked"));
}

pub fn what_is_found_is_ordered_by_age(subject: &mut Subject) {
    for (name, who, at) in [("b", "ann", 3), ("a", "bob", 1), ("c", "ann", 2), ("d", "cat", 0)] {
        subject.room(name);
        let mut said = draft(name, who, "x", "hello");
        said.sent_at = Timestamp(at);
        subject.say(said);
    }
    let found = subject.find("x", &["ann", "bob", "nobody"]);
    let rooms: Vec<_> = found.iter().map(|it| (it.room.as_str(), it.sent_at.0)).collect();
    assert_eq!(rooms, [("a", 1), ("c", 2), ("b", 3)]);
    assert_eq!(subject.find("y", &["ann"]), []);
}

pub fn an_expiry_is_remembered_until_everybody_has_passed_it(subject: &mut Subject) {
    let expiring = |number, at| {
        let extras = Extras { expires_at: Some(Timestamp(at)), ..Extras::default() };
        append(with(numbered("lab", number), extras))
    };
    let seqs = |subject: &mut Subject| -> Vec<(u64, u64)> {
        let expiring = subject.load_twice().snapshot.expiring;
        expiring.iter().map(|it| (it.seq, it.at.0)).collect()
    };
    subject.room("lab");
    subject.join("lab", "ann");
    subject.join("lab", "bob");
    subject.join("lab", "cat");
    subject.change(vec![expiring(1, 50), append(numbered("lab", 2)), expiring(3, 40)]);
    assert_eq!(seqs(subject), [(1, 50), (3, 40)]);
    subject.done(cursor("lab", "bob", 3, 10));
    assert_eq!(seqs(subject), [(1, 50), (3, 40)]);
    subject.done(cursor("lab", "cat", 1, 10));
    assert_eq!(seqs(subject), [(3, 40)]);
    subject.done(cursor("lab", "cat", 3, 10));
    // The sender has no message waiting from itself.
    assert_eq!(seqs(subject), []);
}

pub fn who_leaves_is_forgotten_and_joins_anew(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.change((1..=3).map(|n| append(numbered("lab", n))).collect());
    subject.done(cursor("lab", "bob", 2, 5_000));
    subject.done(Change::Leave { room: room("lab"), bot: bot("bob"), why: Loss::Left });
    subject.done(Change::Leave { room: room("lab"), bot: bot("bob"), why: Loss::Left });
    check_members(subject, "lab", &[]);
    subject.done(cursor("lab", "bob", 3, 6_000));
    check_members(subject, "lab", &[]);
    subject.join("lab", "bob");
    check_members(subject, "lab", &[("bob", 3, 3, None)]);
    subject.change(vec![append(numbered("lab", 4)), cursor("lab", "bob", 4, 7_000)]);
    check_fate(subject, "m2", &[("bob", Received, 5_000)]);
    check_fate(subject, "m3", &[]);
    check_fate(subject, "m4", &[("bob", Received, 7_000)]);
    let [leave, join] = [
        Change::Leave { room: room("lab"), bot: bot("bob"), why: Loss::Left },
        Change::Join { room: room("lab"), bot: bot("bob") },
    ];
    subject.change(vec![append(numbered("lab", 5)), leave.clone(), join.clone(), leave, join]);
    check_members(subject, "lab", &[("bob", 5, 5, None)]);
}

pub fn rights_come_back_and_reading_begins_at_the_head(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.join("lab", "bob");
    let usual = Rights::USUAL;
    let stands = |subject: &mut Subject| {
        let members = subject.record("lab").members;
        members.iter().map(|it| (it.rights, it.since, it.cursor)).collect::<Vec<_>>()
    };
    assert_eq!(stands(subject), [(usual, 2, 2)]);
    subject.say(numbered("lab", 3));
    subject.done(cursor("lab", "bob", 3, 50));
    let grant = |rights: &str| {
        let rights = rights.parse().unwrap();
        Change::Grant { room: room("lab"), bot: bot("bob"), rights }
    };
    // A bot that keeps the right to read keeps its position, whatever other rights change.
    subject.done(grant("read,invite"));
    assert_eq!(stands(subject), [("read,invite".parse().unwrap(), 2, 3)]);
    subject.say(numbered("lab", 4));
    subject.done(grant("post"));
    subject.say(numbered("lab", 5));
    subject.done(grant("read"));
    assert_eq!(stands(subject), [("read".parse().unwrap(), 5, 5)]);
    assert_eq!(subject.fate("m3"), [("bob".to_owned(), Received, 50)]);
    assert_eq!(subject.fate("m5"), []);
    // Joining twice changes nothing, and a bot that is no member has no rights.
    subject.join("lab", "bob");
    let stranger = Change::Grant { room: room("lab"), bot: bot("cat"), rights: Rights::USUAL };
    subject.done(stranger);
    assert_eq!(stands(subject), [("read".parse().unwrap(), 5, 5)]);
}

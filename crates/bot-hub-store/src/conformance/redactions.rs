//! What a redaction takes out, and what stays.

use bot_hub_core::change::{Change, Outcome, Span};
use bot_hub_core::entry::{Draft, Extras};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::operator::Retention;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::MessageId;
use bot_protocol::time::Timestamp;

use super::{Subject, append, bot, cursor, draft, numbered, numbered_before, room, with};

fn redaction(at: u64, why: Option<&str>) -> Redaction {
    Redaction { at: Timestamp(at), by: bot("op"), why: why.map(Into::into) }
}

/// Redacts what `ann` said with an id.
fn redact(seq: u64, id: &str, redaction: Redaction) -> Change {
    let (from, id) = (bot("ann"), MessageId::new(id).unwrap());
    Change::Redact { room: room("lab"), seq, from, id, redaction }
}

fn all_of_it() -> Draft {
    let json = |text: &str| Opaque::from_json(text.to_owned()).ok();
    let extras = Extras {
        reply_to: MessageId::new("m1").ok(),
        thread: Some("a thread".into()),
        expires_at: Some(Timestamp(9_000)),
        act: json(r#"{"kind":"REQUEST"}"#),
        meta: json("[1]"),
        redacted: None,
    };
    with(draft("lab", "ann", "m2", "the key is 1234"), extras)
}

fn bytes(subject: &mut Subject) -> u64 {
    subject.record("lab").bytes
}

pub fn what_was_said_goes_and_the_rest_stays(subject: &mut Subject) {
    subject.fill("lab", 1);
    subject.join("lab", "bob");
    subject.say(all_of_it());
    subject.say(numbered("lab", 3));
    let size = all_of_it().size() as u64;
    let redaction = redaction(7_000, Some("a key"));
    let outcomes = subject.change(vec![redact(2, "m2", redaction.clone())]);
    assert_eq!(outcomes, [Outcome::Redacted { bytes: size }]);
    assert_eq!(bytes(subject), 20);
    let log = subject.log("lab");
    assert_eq!(*log[1].draft, all_of_it().redact(redaction));
    assert_eq!(
        (log[0].draft.text.as_str(), log[2].draft.text.as_str()),
        ("0000000001", "0000000003")
    );
    let extras = log[1].draft.extras.as_deref().unwrap();
    assert_eq!((&extras.thread, &extras.act, &extras.meta), (&None, &None, &None));
    assert!(extras.reply_to.is_some() && extras.expires_at.is_some());
    // It is found by its id, and what others did with it is known.
    subject.done(cursor("lab", "bob", 2, 8_000));
    assert_eq!(subject.fate("m2").len(), 1);
    assert_eq!(subject.page("lab", Span::Before(3), 1, 1_000).entries, log[1..2]);
}

pub fn an_entry_is_redacted_once_and_only_the_one_that_is_meant(subject: &mut Subject) {
    subject.fill("lab", 3);
    let first = redaction(7_000, None);
    let outcomes = subject.change(vec![
        redact(2, "m3", first.clone()),
        redact(4, "m4", first.clone()),
        redact(0, "m1", first.clone()),
        redact(2, "m2", first.clone()),
        redact(2, "m2", redaction(8_000, Some("again"))),
    ]);
    let once = Outcome::Redacted { bytes: 10 };
    assert_eq!(outcomes, [Outcome::Unsaid, Outcome::Unsaid, Outcome::Unsaid, once, Outcome::Late]);
    let outcomes = subject.change(vec![redact(2, "m2", redaction(9_000, None))]);
    assert_eq!(outcomes, [Outcome::Late]);
    assert_eq!(subject.log("lab")[1].draft.redaction(), Some(&first));
    assert_eq!(bytes(subject), 20);
}

pub fn a_redacted_message_said_again_is_known_by_what_it_said(subject: &mut Subject) {
    subject.fill("lab", 1);
    subject.say(all_of_it());
    let both =
        vec![redact(1, "m1", redaction(7_000, None)), redact(2, "m2", redaction(7_000, None))];
    subject.change(both);
    for _ in 0..2 {
        assert_eq!(subject.say(numbered("lab", 1)), numbered_before(1));
        let later = Draft { sent_at: Timestamp(99_000), ..all_of_it() };
        let first = Outcome::Duplicate { seq: 2, sent_at: Timestamp(1_000) };
        assert_eq!(subject.say(later.clone()), first);
        let asked = Change::WasSaid(std::sync::Arc::new(later));
        assert_eq!(subject.change(vec![asked]), [first]);
        for other in [
            Draft { text: "[redacted]".into(), ..numbered("lab", 1) },
            Draft { extras: None, ..all_of_it() },
            Draft { text: "the key is 1235".into(), ..all_of_it() },
        ] {
            assert_eq!(subject.say(other), Outcome::Conflict);
        }
        subject.reopen();
    }
    assert_eq!(subject.log("lab").len(), 2);
}

pub fn messages_that_look_redacted_are_redacted_like_others(subject: &mut Subject) {
    subject.room("lab");
    for (number, text) in [(1, ""), (2, "[redacted]")] {
        let said = Draft { text: text.into(), ..numbered("lab", number) };
        subject.say(said.clone());
        let id = format!("m{number}");
        let outcomes = subject.change(vec![redact(number, &id, redaction(7_000, None))]);
        assert_eq!(outcomes, [Outcome::Redacted { bytes: text.len() as u64 }]);
        assert!(subject.log("lab").iter().all(|entry| entry.draft.redaction().is_some()));
        assert_eq!(subject.say(said), numbered_before(number));
    }
}

pub fn a_redacted_entry_goes_with_the_retention(subject: &mut Subject) {
    subject.fill("lab", 4);
    subject.change(vec![redact(2, "m2", redaction(7_000, None))]);
    let rule = Retention { age_ms: None, entries: Some(2), bytes: None };
    let trim = Change::Trim { room: room("lab"), retain: rule, now: Timestamp(0), entries_max: 9 };
    let Outcome::Trimmed { removed, .. } = subject.change(vec![trim]).remove(0) else {
        panic!("a trim says what it removed");
    };
    let sizes: Vec<_> = removed.iter().map(|it| (it.seq, it.bytes)).collect();
    assert_eq!(sizes, [(1, 10), (2, 0)]);
    assert_eq!(bytes(subject), 20);
    assert_eq!(subject.change(vec![redact(2, "m2", redaction(8_000, None))]), [Outcome::Unsaid]);
    // Its id is free again, and the new entry is not redacted.
    subject.change(vec![append(numbered("lab", 2))]);
    assert_eq!(subject.log("lab")[2].draft.redaction(), None);
}

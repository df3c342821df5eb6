//! Names, ids, times and frames at the edges of what is allowed.

use bot_protocol::code::Retry;
use bot_protocol::depth::within;
use bot_protocol::frame::client::BotState;
use bot_protocol::frame::json::write_string;
use bot_protocol::frame::operator::{Operation, Page};
use bot_protocol::frame::server::{ErrorFrame, GapReason, GoingAwayReason};
use bot_protocol::frame::{ClientFrame, Opaque, ServerFrame};
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, NameError, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Right;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use bot_protocol::word::Word;

/// The number of the refusal, its message and what it is about; `None` if the frame is taken.
fn refusal(json: &str) -> Option<(u16, String, Option<String>)> {
    let error = ClientFrame::decode(json.as_bytes(), &Limits::default()).err()?;
    Some((error.code.number(), error.message, error.reference.map(String::from)))
}

fn check_taken(json: &str) {
    assert_eq!(refusal(json), None, "{json:.90}");
}

fn check_refused(json: &str, code: u16, says: &str, about: &str) {
    let (found, message, reference) = refusal(json).expect(json);
    assert_eq!((found, reference.as_deref()), (code, Some(about)), "{message}");
    assert!(message.contains(says), "{message}");
}

#[test]
fn a_name_has_at_most_64_bytes_and_says_what_is_wrong_with_it() {
    let long = "a".repeat(64);
    assert_eq!(BotId::new(&long).unwrap().as_str(), long);
    assert_eq!(BotId::new(&(long + "a")), Err(NameError::TooLong(65)));
    assert_eq!(BotId::new(""), Err(NameError::Empty));
    for (text, found, at) in [(".a", '.', 0), ("_a", '_', 0), ("-a", '-', 0), ("a b", ' ', 1)] {
        assert_eq!(BotId::new(text), Err(NameError::BadCharacter { found, at }), "{text}");
    }
    assert_eq!(BotId::new("A.b_c-9").unwrap().to_string(), "a.b_c-9");
}

#[test]
fn a_direct_room_names_its_two_bots_in_order() {
    let room = RoomName::new("dm:Bob:ana").unwrap();
    assert_eq!((room.as_str(), room.to_string()), ("dm:ana:bob", "dm:ana:bob".to_owned()));
    let pair = room.direct_pair().map(|(one, other)| (one.to_string(), other.to_string()));
    assert_eq!(pair, Some(("ana".to_owned(), "bob".to_owned())));
    assert_eq!(RoomName::new("lab").unwrap().direct_pair(), None);
    assert!(RoomName::new("dm:ana").is_err() && RoomName::new("dm:ana:b b").is_err());
}

#[test]
fn an_id_is_shown_as_it_was_chosen() {
    assert_eq!(MessageId::new("M-1").unwrap().to_string(), "M-1");
    assert_eq!(Epoch(0xe0).to_string(), "00000000000000e0");
}

#[test]
fn time_stops_at_its_ends() {
    let (noon, later) = (Timestamp(1_000), Timestamp(1_250));
    assert_eq!((later.since(noon), noon.since(later)), (250, 0));
    assert_eq!((noon + 250, later - 250, noon - 2_000), (later, noon, Timestamp(0)));
    assert_eq!(Timestamp(u64::MAX) + 1, Timestamp(u64::MAX));
    assert_eq!(noon.to_string(), "1000");
}

#[test]
fn a_secret_is_shown_to_nobody_who_does_not_ask_for_it() {
    let secret = Secret::new("abc123");
    assert_eq!(secret.expose(), "abc123");
    assert!(!format!("{secret:?}").contains("abc123"), "{secret:?}");
}

#[test]
fn every_state_knows_whether_it_is_an_end_a_loss_or_a_report() {
    use ReceiptState::*;
    let all = [
        (Stored, false, false, false),
        (Delivered, false, false, false),
        (Received, false, false, true),
        (Started, false, false, true),
        (Answered, true, false, true),
        (Done, true, false, true),
        (Declined, true, false, true),
        (Failed, true, false, true),
        (Expired, true, true, false),
        (Dropped, true, true, false),
        (Dead, true, true, false),
    ];
    assert_eq!(all.map(|it| it.0), ReceiptState::ALL);
    for (state, is_final, is_loss, is_reported) in all {
        let found = (state.is_final(), state.is_loss(), state.is_reported_by_client());
        assert_eq!(found, (is_final, is_loss, is_reported), "{state}");
    }
}

#[test]
fn depth_is_counted_to_the_last_level_that_is_allowed() {
    let check = |json: &str, depth_max: usize, expected: bool| {
        assert_eq!(within(json.as_bytes(), depth_max), expected, "{json} {depth_max}");
    };
    check("[[]]", 2, true);
    check("[[]]", 1, false);
    check("[[],[],{}]", 2, true);
    check("[[],[],{}]", 1, false);
    check("[{},{},[]]", 2, true);
    check(r#"["]]]",[[]],[[[]]]]"#, 4, true);
    check(r#"["]]]",[[]],[[[]]]]"#, 3, false);
    check(r#"["\\",[[]]]"#, 2, false);
    check(r#"["\"]",[[]]]"#, 2, false);
    check(r#"["\"[[[",[]]"#, 2, true);
    check("]]]][[[", 2, false);
}

#[test]
fn json_that_is_relayed_is_compared_as_text() {
    let opaque = |text: &str| Opaque::from_json(text.to_owned()).unwrap();
    assert_eq!(opaque(r#"{"a": 1}"#).as_json(), r#"{"a": 1}"#);
    assert_eq!(opaque("1"), opaque("1"));
    assert_ne!(opaque("1"), opaque("1.0"));
    assert!(Opaque::from_json("{".to_owned()).is_err());
}

#[test]
fn what_no_program_can_hold_is_replaced_and_marked() {
    let check = |json: &str, readable: &str, is_mended: bool| {
        let opaque = Opaque::from_json(json.to_owned()).expect(json).readable();
        assert_eq!((opaque.as_json(), opaque.is_mended()), (readable, is_mended));
    };
    check(r#"{"a":1.0,  "b":[]}"#, r#"{"a":1.0,  "b":[]}"#, false);
    check(r#"{"a":1e400}"#, r#"{"a":"1e400"}"#, true);
}

#[test]
fn a_frame_may_be_as_large_as_the_limit_and_no_larger() {
    let rooms = r#"{"type":"rooms"}"#;
    let padded = |bytes: usize| rooms.to_owned() + &" ".repeat(bytes - rooms.len());
    check_taken(&padded(262_144));
    let (code, message, _) = refusal(&padded(262_145)).unwrap();
    assert_eq!((code, message.as_str()), (1003, "262145 bytes, at most 262144 are allowed"));
}

#[test]
fn a_long_frame_is_as_deep_as_the_limit_and_no_deeper() {
    let deep = |levels: usize| {
        let thread = "[".repeat(levels - 1) + &"]".repeat(levels - 1);
        let text = "x".repeat(20_000);
        format!(r#"{{"type":"message","room":"lab","text":"{text}","meta":{thread}}}"#)
    };
    check_taken(&deep(32));
    let (code, message, _) = refusal(&deep(33)).expect("it is too deep");
    assert_eq!((code, message.as_str()), (1005, "at most 32 levels are allowed"));
}

#[test]
fn a_text_may_be_escaped_in_any_way_and_the_rest_is_no_longer_than_a_frame() {
    let limits = Limits { frame_bytes: 20_000, ..Limits::default() }.for_any_escaping();
    let (text, act, meta) = ("\\u0001".repeat(15_000), "a".repeat(500), "m".repeat(300));
    let frame = format!(
        r#"{{"type":"message","room":"lab","text":"{text}","act":"{act}","meta":"{meta}"}}"#
    );
    // A text of 15,000 bytes, 804 for `act` and `meta`, 4,096 for the other fields, 100 beyond them.
    let spaces = 6 * 15_000 + 804 + 4_096 + 100 - frame.len();
    let refusal = |spaces: usize| {
        let json = frame.clone() + &" ".repeat(spaces);
        ClientFrame::decode(json.as_bytes(), &limits).err().map(|it| it.message)
    };
    assert_eq!((refusal(0), refusal(spaces)), (None, None));
    let too_long = "`the frame` has 20001 bytes, at most 20000 are allowed";
    assert_eq!(refusal(spaces + 1).as_deref(), Some(too_long));
}

#[test]
fn the_parts_of_a_message_have_their_own_limits() {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    let frame = |rest: &str| format!(r#"{{"type":"message","id":"m1","room":"lab",{rest}}}"#);
    let saying = |bytes: usize| frame(&format!(r#""text":{}"#, text(bytes)));
    let with =
        |field: &str, bytes: usize| frame(&format!(r#""text":"hi","{field}":{}"#, text(bytes)));
    check_taken(&saying(131_072));
    check_refused(&saying(131_073), 1003, "`text` has 131073 bytes", "m1");
    for field in ["act", "meta"] {
        check_taken(&with(field, 16_382));
        let says = format!("`{field}` has 16385 bytes, at most 16384");
        check_refused(&with(field, 16_383), 1003, &says, "m1");
    }
    check_taken(&with("thread", 128));
    check_refused(&with("thread", 129), 1003, "`thread` has 129 bytes", "m1");
}

#[test]
fn a_label_is_one_line_and_the_refusal_says_what_to_do() {
    let thread = r#"{"type":"message","id":"m1","room":"lab","text":"x","thread":"a\nb"}"#;
    check_refused(thread, 1004, "`thread` holds a control character at byte 1", "m1");
    let with_meta =
        r#"{"type":"message","id":"m1","room":"lab","text":"x","thread":"a\nb","meta":1}"#;
    check_refused(with_meta, 1004, "`thread` holds a control character at byte 1", "m1");
    let note = r#"{"type":"presence","state":"away","note":"back\u0007"}"#;
    check_refused(note, 1004, "`note` holds a control character at byte 4", "presence");
    check_taken(r#"{"type":"presence","state":"away","note":"back at 5"}"#);
    let refused = ClientFrame::decode(note.as_bytes(), &Limits::default()).unwrap_err();
    let hint = ErrorFrame::from(refused).hint;
    assert_eq!(hint.as_deref(), Some("`note` is a label on one line"));
}

#[test]
fn a_refusal_names_the_field_and_says_what_was_probably_meant() {
    let check = |frame: &str, place: &str, hint: &str| {
        let refused = ClientFrame::decode(frame.as_bytes(), &Limits::default()).expect_err(frame);
        assert!(refused.message.starts_with(place), "{}", refused.message);
        let found = refused.hint.expect(frame);
        assert!(found.contains(hint), "{found}");
    };
    let grammar = "begins with a letter or a digit";
    let join = |room: &str| format!(r#"{{"type":"join","room":"{room}"}}"#);
    let in_room = "in `join`, field `room`: ";
    check(&join("#lab"), in_room, "did you mean `lab`?");
    check(&join("@ana"), in_room, "`ana` is a bot's name then: did you mean \"to\": \"ana\"?");
    check(&join("the lab"), in_room, "did you mean `the-lab`?");
    check(&join("#dm:ana:bob "), in_room, "did you mean `dm:ana:bob`?");
    for name in ["läb", "@-ana"] {
        check(&join(name), in_room, grammar);
    }
    check("{\"type\":\"join\",\n\"room\":\n7}", in_room, "frames.schema.json");
    let to = |name: &str| format!(r#"{{"type":"message","text":"x","to":"{name}"}}"#);
    let in_to = "in `message`, field `to`: ";
    check(&to("#lab"), in_to, "`lab` is a room's name then: did you mean \"room\": \"lab\"?");
    check(&to("@ana"), in_to, "did you mean `ana`?");
    check(&to("#-lab"), in_to, grammar);
    check(&to(&"x".repeat(300_000)), "300", "a text has at most 131072 bytes");
    let from = r#"{"type":"status","id":"m1","from":"@ana"}"#;
    check(from, "in `status`, field `from`: ", "did you mean `ana`?");
    check(r#"{"type":"join"}"#, "in `join`: missing field", "frames.schema.json");
    check(r#"{"type":"join","room":"a","room":"b"}"#, "duplicate field `room`", "every field once");
    check(r#"{"type":"join","room":"a""#, "EOF", "one JSON object");
    check(r#"{"type":"message","room":"lab","text":"\ud83d"}"#, "", "half of a character");
    let number = r#"{"type":"message","room":"lab","text":"x","meta":1e400}"#;
    check(number, "", "send this one as a string");
}

#[test]
fn whether_a_refusal_is_for_now_says_its_word_or_a_time_beside_an_unknown_one() {
    let check = |rest: &str, expected: bool| {
        let json = format!(r#"{{"type":"error","code":5002,"name":"x","message":"x",{rest}}}"#);
        let Ok(Some(ServerFrame::Error(error))) = ServerFrame::decode(json.as_bytes()) else {
            panic!("{json}");
        };
        assert_eq!(error.is_for_now(), expected, "{json}");
    };
    check(r#""retry":"later""#, true);
    check(r#""retry":"never","retry_after_ms":5"#, false);
    check(r#""retry":"at_dawn","retry_after_ms":5"#, true);
    check(r#""retry":"at_dawn""#, false);
}

#[test]
fn a_list_goes_on_where_its_answer_says() {
    let check = |json: &str, expected: Option<&str>| {
        let operation: Operation = serde_json::from_str(json).expect(json);
        let next = operation.page_after("x".into());
        assert_eq!(next.map(|it| serde_json::to_string(&it).unwrap()).as_deref(), expected);
    };
    for name in ["bot_list", "room_list", "invite_list", "audit"] {
        let next = format!(r#"{{"{name}":{{"after":"x","limit":5}}}}"#);
        check(&format!(r#"{{"{name}":{{"limit":5}}}}"#), Some(&next));
    }
    let room = r#"{"room_show":{"room":"lab"}}"#;
    check(room, Some(r#"{"room_show":{"room":"lab","after":"x"}}"#));
    check(r#"{"pending":{"bot":"ana"}}"#, Some(r#"{"pending":{"bot":"ana","after":"x"}}"#));
    check(r#"{"hub_status":{}}"#, None);
    for (limit, lines) in [(None, 1_000), (Some(0), 1), (Some(5), 5), (Some(1_001), 1_000)] {
        assert_eq!(Page { after: None, limit }.lines(), lines);
    }
}

#[test]
fn a_message_goes_to_a_room_or_to_a_bot() {
    let check = |target: &str| {
        let json = format!(r#"{{"type":"message","text":"x"{target}}}"#);
        check_refused(&json, 1004, "either `room` or `to`", "message");
    };
    check("");
    check(r#","room":"lab","to":"ana""#);
    check_taken(r#"{"type":"message","text":"x","room":"lab"}"#);
    check_taken(r#"{"type":"message","text":"x","to":"ana"}"#);
}

#[test]
fn a_receipt_is_about_one_entry_or_a_whole_prefix() {
    let receipt = |rest: &str| format!(r#"{{"type":"receipt","room":"lab",{rest}}}"#);
    check_taken(&receipt(r#""id":"m1","state":"received""#));
    check_taken(&receipt(r#""id":"m1","state":"failed""#));
    check_taken(&receipt(r#""seq":3,"state":"received""#));
    check_refused(&receipt(r#""state":"received""#), 1004, "`id` or `seq`", "receipt");
    // Both name the entry more exactly: two may share an id.
    check_taken(&receipt(r#""id":"m1","seq":3,"state":"answered""#));
    check_refused(&receipt(r#""seq":3,"state":"started""#), 1004, "a whole prefix", "receipt");
    for state in ["stored", "delivered", "expired", "dropped", "dead"] {
        let json = receipt(&format!(r#""id":"m1","state":"{state}""#));
        check_refused(&json, 1004, "only the hub", "m1");
    }
    let because = |bytes: usize| {
        receipt(&format!(r#""id":"m1","state":"failed","reason":"{}""#, "x".repeat(bytes)))
    };
    check_taken(&because(512));
    check_refused(&because(513), 1004, "longer than 512", "m1");
}

#[test]
fn a_type_is_found_wherever_it_stands() {
    for json in [
        r#"{"type":"rooms"}"#,
        " {\n\"type\" :\t\"rooms\" }",
        r#"{"x":1,"type":"rooms"}"#,
        r#"{"type":"r\u006foms"}"#,
    ] {
        let frame = ClientFrame::decode(json.as_bytes(), &Limits::default()).expect(json);
        assert_eq!(frame.kind(), "rooms");
    }
    let (code, message, about) = refusal(&format!(r#"{{"type":"{}"}}"#, "x".repeat(99))).unwrap();
    assert_eq!((code, about), (1002, Some("x".repeat(64))));
    assert!(message.starts_with(&format!("`{}` is none of", "x".repeat(64))), "{message}");
}

#[test]
fn a_refusal_becomes_a_frame_that_says_what_to_do() {
    let json = br#"{"type":"message","id":"m1","text":"x"}"#;
    let refused = ClientFrame::decode(json, &Limits::default()).unwrap_err();
    let frame = ServerFrame::Error(ErrorFrame::from(refused).hint("name a room"));
    assert_eq!(
        frame.encode(),
        r#"{"type":"error","code":1004,"name":"bad_frame","message":"a message needs either `room` or `to`, and not both","hint":"name a room","retry":"after_fix","ref":"m1"}"#
    );
    assert_eq!(frame.kind(), "error");
}

#[test]
fn a_client_is_told_what_it_cannot_read_of_a_hub() {
    assert!(ServerFrame::decode(b"{").is_err());
    assert!(ServerFrame::decode(br#"{"type":"ack"}"#).is_err());
}

#[test]
fn every_character_of_a_text_is_written_as_json_has_it() {
    for c in ('\0'..='\u{a0}').chain(['é', '\u{2028}', '😀']) {
        for text in [format!("{c}"), format!("a text that is longer than a chunk: {c}, and more")] {
            let mut written = Vec::new();
            write_string(&mut written, &text);
            assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}

#[test]
fn a_field_that_stands_twice_is_refused_wherever_it_stands() {
    for twice in [
        r#""room":"lab","text":"a","text":"b""#,
        r#""text":"a","text":"b","room":"lab""#,
        r#""room":"lab","room":"den","text":"a""#,
        r#""room":"lab","text":"a","id":"m1","id":"m2""#,
    ] {
        let (code, message, _) = refusal(&format!(r#"{{"type":"message",{twice}}}"#)).unwrap();
        assert_eq!(code, 1004, "{message}");
        assert!(message.contains("duplicate field"), "{message}");
    }
}

/// A newer word leads back to one that was there before it, in every list.
fn check_list<T: Word + std::fmt::Debug>() {
    for (at, word) in T::ALL.iter().enumerate() {
        assert_eq!(T::from_name(word.name()), Some(*word));
        if let Some(newer) = word.newer() {
            assert!(T::ALL[..at].contains(&newer.older), "{word:?} leads to {:?}", newer.older);
        }
    }
}

#[test]
fn every_newer_word_has_an_older_one_for_those_who_do_not_know_it() {
    check_list::<ReceiptState>();
    check_list::<BotState>();
    check_list::<GapReason>();
    check_list::<GoingAwayReason>();
    check_list::<Retry>();
    check_list::<Right>();
}

#[test]
fn from_a_client_an_unknown_word_is_an_error_that_names_it() {
    let receipt = r#"{"type":"receipt","room":"lab","id":"m1","state":"pondered"}"#;
    let (code, message, _) = refusal(receipt).unwrap();
    assert_eq!(code, 1004);
    assert!(message.contains("unknown variant `pondered`"), "{message}");
}

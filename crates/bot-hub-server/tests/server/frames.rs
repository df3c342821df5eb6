//! What a hub takes as a frame, and what it says about the rest.

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::frame::server::ErrorFrame;

use crate::stage::{HERE, Plain, Stage, config, token};

async fn member(stage: &Stage) -> Plain {
    let mut socket = stage.socket(HERE).await;
    assert_eq!(socket.auth(&token("ana")).await.as_deref(), Some("auth_ok"));
    socket.say(r#"{"type":"join","room":"lab"}"#).await;
    assert_eq!(socket.hear().await.map(|frame| frame.kind()), Some("joined"));
    socket
}

fn stage() -> Stage {
    Stage::start(&config(&["ana"], "rooms: { lab: { open: true } }"))
}

async fn refused(socket: &mut Plain, json: &str) -> ErrorFrame {
    socket.say(json).await;
    match socket.hear().await {
        Some(ServerFrame::Error(error)) => error,
        other => panic!("{other:?} after {json:.80}"),
    }
}

/// As `json.dumps` and the like write every character beyond ASCII.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[tokio::test]
async fn a_text_within_its_bound_is_taken_in_any_escaping() {
    let _alone = crate::MEMORY.lock().await;
    let stage = stage();
    let mut socket = member(&stage).await;
    let bound = 128 * 1024;
    for (id, text) in [
        ("cyrillic", "ж".repeat(63_000)),
        ("emoji", "🦊".repeat(bound / 4)),
        ("control", "\u{1}".repeat(60_000)),
        ("letters", "a".repeat(bound)),
    ] {
        let text = escaped(&text);
        socket
            .say(&format!(r#"{{"type":"message","room":"lab","text":"{text}","id":"{id}"}}"#))
            .await;
        let Some(ServerFrame::Ack(ack)) = socket.hear().await else { panic!("{id} is refused") };
        assert_eq!(ack.id.map(|id| id.to_string()).as_deref(), Some(id));
    }
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_refused_with_its_id_and_the_connection_lives_on() {
    let _alone = crate::MEMORY.lock().await;
    let stage = stage();
    let mut socket = member(&stage).await;
    for bytes in [132_000, 900_000, 2 << 20] {
        let text = "x".repeat(bytes);
        for json in [
            format!(r#"{{"type":"message","id":"big","room":"lab","text":"{text}"}}"#),
            format!(r#"{{"type":"message","room":"lab","text":"{text}","id":"big"}}"#),
        ] {
            let error = refused(&mut socket, &json).await;
            assert_eq!((&*error.name, error.reference.as_deref()), ("too_large", Some("big")));
            assert!(error.hint.is_some_and(|hint| hint.contains("131072 bytes")), "{bytes}");
        }
    }
    socket.say(r#"{"type":"message","room":"lab","text":"short","id":"small"}"#).await;
    assert_eq!(socket.hear().await.map(|frame| frame.kind()), Some("ack"));
}

#[tokio::test]
async fn a_frame_without_end_is_refused_before_the_connection_ends() {
    let _alone = crate::MEMORY.lock().await;
    let stage = stage();
    let mut socket = member(&stage).await;
    let begin = r#"{"type":"message","id":"huge","room":"lab","text":""#;
    socket.say_at_length(begin, 17 << 20).await;
    let error = match socket.hear().await {
        Some(ServerFrame::Error(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!((&*error.name, error.reference.as_deref()), ("too_large", Some("huge")));
    assert_eq!(socket.hear().await, None);
}

#[tokio::test]
async fn what_a_strict_reader_would_refuse_is_refused_with_field_id_and_hint() {
    let stage = stage();
    let mut socket = member(&stage).await;
    for (fields, says, hint) in [
        (r#""meta":{"a":1e400}"#, "field `meta`: number out of range", "as a string"),
        (r#""meta":{"k":"\ud83d"}"#, "field `meta`", "an emoji"),
        (r#""meta":{"\ud83d":1}"#, "field `meta`", "an emoji"),
        (r#""act":{"type":"REQUEST","task":"a \ud83d"}"#, "field `act`", "an emoji"),
        (r#""meta":{"k":1,"k":2}"#, "duplicate field `k`", "once"),
        (r#""act":[{"k":{"a":1,"a":2}}]"#, "duplicate field `a`", "once"),
        (r#""thread":"a\u0000b""#, "`thread` holds a control character", "one line"),
        (r#""expires_at":"tomorrow""#, "field `expires_at`: invalid type", "frames.schema.json"),
    ] {
        let json = format!(r#"{{"type":"message","room":"lab","text":"x",{fields},"id":"p1"}}"#);
        let error = refused(&mut socket, &json).await;
        assert_eq!(
            (&*error.name, error.reference.as_deref()),
            ("bad_frame", Some("p1")),
            "{fields}"
        );
        assert!(error.message.contains(says), "{}: {fields}", error.message);
        assert!(
            error.hint.as_ref().is_some_and(|it| it.contains(hint)),
            "{:?}: {fields}",
            error.hint
        );
    }
}

#[tokio::test]
async fn a_frame_with_a_field_twice_does_nothing_at_all() {
    let stage = stage();
    let mut socket = member(&stage).await;
    for json in [
        r#"{"type":"leave","type":"message","room":"lab","text":"x","id":"t1","meta":1}"#,
        r#"{"type":"leave","type":"message","room":"lab","text":"x","id":"t1"}"#,
        r#"{"type":"message","type":"leave","room":"lab","text":"x","id":"t1"}"#,
    ] {
        let error = refused(&mut socket, json).await;
        assert_eq!(&*error.name, "bad_frame");
        assert!(error.message.contains("duplicate field `type`"), "{}", error.message);
    }
    socket.say(r#"{"type":"message","room":"lab","text":"still a member","id":"t2"}"#).await;
    assert_eq!(socket.hear().await.map(|frame| frame.kind()), Some("ack"));
}

#[tokio::test]
async fn a_name_as_people_write_it_is_refused_with_the_name_that_was_meant() {
    let stage = stage();
    let mut socket = member(&stage).await;
    for (target, hint) in [
        (r##""room":"#lab""##, "did you mean `lab`?"),
        (r#""to":"@pelouse""#, "did you mean `pelouse`?"),
        (r#""room":"@pelouse""#, r#"did you mean "to": "pelouse"?"#),
        (r##""to":"#lab""##, r#"did you mean "room": "lab"?"#),
        (r#""room":"my lab""#, "did you mean `my-lab`?"),
        (r#""room":"ü""#, "a name is made of"),
    ] {
        let json = format!(r#"{{"type":"message",{target},"text":"x","id":"n1"}}"#);
        let error = refused(&mut socket, &json).await;
        assert_eq!(error.reference.as_deref(), Some("n1"), "{target}");
        assert!(error.hint.as_ref().is_some_and(|it| it.contains(hint)), "{:?}", error.hint);
    }
}

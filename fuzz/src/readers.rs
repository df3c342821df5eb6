//! What the hub lets in has to be read by everybody who reads: the client, the command line, any strict
//! parser of JSON. And both ways of reading a frame have to agree.

use bot_protocol::frame::server::Delivery;
use bot_protocol::frame::{ClientFrame, ServerFrame, strict};
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};
use serde_json::{Value, json};

use crate::grow::{self, Seeds};

/// A message that is accepted is shown by every verb, and is the same however it was read.
pub fn readers(data: &[u8]) {
    accepted(data);
    let seeds = &mut Seeds::new(data);
    let fields = [
        "type",
        "room",
        "to",
        "text",
        "id",
        "reply_to",
        "thread",
        "expires_at",
        "act",
        "meta",
        "x",
    ];
    accepted(grow::frame(seeds, &["message", "leave", "message"], &fields).as_bytes());
    // Mostly right, with something strange inside.
    let (text, act, meta) = (grow::text(seeds), grow::json(seeds, 0), grow::json(seeds, 0));
    let twice = seeds.pick(&["", r#","type":"leave""#, r#","id":"m2""#, r#","x":1,"x":2"#]);
    let frame = format!(
        r#"{{"type":"message","room":"lab","id":"m1","text":{text},"act":{act},"meta":{meta}{twice}}}"#
    );
    accepted(frame.as_bytes());
}

fn accepted(json: &[u8]) {
    let limits = Limits::default().for_any_escaping();
    let (found, general) =
        (ClientFrame::decode(json, &limits), ClientFrame::decode_any(json, &limits));
    let shown = || String::from_utf8_lossy(json).into_owned();
    match (&found, &general) {
        (Ok(one), Ok(other)) => assert_eq!(one, other, "{}", shown()),
        (Err(one), Err(other)) => assert_eq!(one.code, other.code, "{}", shown()),
        _ => panic!("{found:?} is not {general:?}: {}", shown()),
    }
    let Ok(ClientFrame::Message(message)) = found else { return };
    strict::check(json).unwrap_or_else(|error| panic!("{error}: {}", shown()));
    let delivery = Delivery {
        room: RoomName::new("lab").expect("a name"),
        from: BotId::new("ann").expect("a name"),
        text: message.text.as_str().into(),
        id: message.id,
        seq: Some(1),
        prev: None,
        sent_at: None,
        reply_to: message.reply_to,
        thread: message.thread,
        expires_at: message.expires_at,
        act: message.act,
        meta: message.meta,
        hops: None,
        age_ms: None,
        redelivered: false,
        backlog: None,
        lost: None,
        redacted: None,
    };
    let wire = ServerFrame::Message(delivery).encode();
    let read = ServerFrame::decode(wire.as_bytes()).expect("a client reads it").expect("a message");
    // As `history`, `export` and `tail --json` show it.
    let value = serde_json::to_value(&read).expect("a value holds it");
    assert_eq!(serde_json::from_str::<Value>(&wire).ok(), Some(value.clone()), "{wire}");
    assert_eq!(value["text"], json!(message.text));
}

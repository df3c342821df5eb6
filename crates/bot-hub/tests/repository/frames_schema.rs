//! `docs/frames.schema.json` is what the types say.
//!
//! Rewrite it with `UPDATE=1 cargo test -p bot-hub --test repository`. The schema also says which
//! frames a hub from the future may send: the same ones, with words and fields that nobody knows yet.

use std::path::Path;

use bot_protocol::frame::answer::{
    Answer, AuditList, BotLine, BotList, BotProfile, BotRemoved, BotSwitched, Done, EntryRedacted,
    HubNumbers, InviteList, InviteMade, InviteRevoked, Observing, PauseLine, PauseList,
    PendingList, Reply, Resumed, RoomLine, RoomList, RoomRemoved, TokenKept, TokenMade,
    TokensRevoked,
};
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::limits::Limits;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

#[test]
fn the_schema_of_the_frames_is_up_to_date() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let client = generator.subschema_for::<ClientFrame>();
    let server = generator.subschema_for::<ServerFrame>();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frames of Bot Hub",
        "description": "Generated from crates/bot-protocol/src/frame. A frame is one JSON object in one WebSocket text frame.",
        "oneOf": [
            { "title": "from the client", "$ref": client.as_value()["$ref"] },
            { "title": "from the hub", "$ref": server.as_value()["$ref"] },
        ],
        "$defs": generator.take_definitions(true),
    });
    let expected = format!("{schema:#}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/frames.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/frames.schema.json is stale: run with UPDATE=1");
}

const NEW_WORD: &str = "from_the_future";

/// A value that a schema admits, as a hub from the future would write it.
struct Future {
    definitions: Map<String, Value>,
    words: usize,
}

impl Future {
    fn of(&mut self, schema: &Value) -> Value {
        let own = self.object(schema);
        if let Some(reference) = schema["$ref"].as_str() {
            let definition = self.definitions[reference.rsplit('/').next().unwrap()].clone();
            let mut value = self.of(&definition);
            // A variant of a frame: its `type` beside the fields of the type that it refers to.
            own.into_iter().for_each(|(name, field)| value[name] = field);
            return value;
        }
        if let Some(alternatives) = schema["anyOf"].as_array() {
            if alternatives.contains(&json!({ "type": "string" })) {
                self.words += 1;
                return NEW_WORD.into();
            }
            return self.of(alternatives.iter().find(|it| it["type"] != "null").unwrap());
        }
        assert!(schema.get("oneOf").is_none(), "a client cannot read new words of {schema}");
        self.plain(schema, own)
    }

    fn plain(&mut self, schema: &Value, own: Map<String, Value>) -> Value {
        let kind = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
        match kind.as_str() {
            _ if schema.get("const").is_some() => schema["const"].clone(),
            // A name, an id and an epoch at once.
            Some("string") => "ab".into(),
            Some("boolean") => true.into(),
            Some("integer") => 7.into(),
            Some("array") => json!([self.of(&schema["items"])]),
            Some("object") => own.into(),
            _ => json!({ "any": ["thing"] }),
        }
    }

    fn object(&mut self, schema: &Value) -> Map<String, Value> {
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        let mut own: Map<_, _> =
            fields.into_iter().map(|(name, field)| (name, self.of(&field))).collect();
        if schema["type"] == "object" {
            own.insert("a_new_field".into(), json!({ "holding": ["anything"] }));
        }
        own
    }
}

#[test]
fn every_frame_of_a_hub_from_the_future_is_read_and_its_new_words_are_kept() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<ServerFrame>();
    let definitions = generator.take_definitions(true);
    let frames = definitions["ServerFrame"]["oneOf"].as_array().unwrap().clone();
    let mut future = Future { definitions, words: 0 };
    let mut kinds = Vec::new();
    for schema in frames {
        future.words = 0;
        let json = future.of(&schema).to_string();
        let frame = ServerFrame::decode(json.as_bytes());
        let frame = frame.unwrap_or_else(|error| panic!("{error}: {json}")).expect("a known type");
        assert_eq!(frame.encode().matches(NEW_WORD).count(), future.words, "{json}");
        kinds.push(frame.kind());
    }
    assert_eq!(kinds, ServerFrame::KINDS);
    assert_eq!(ServerFrame::decode(br#"{"type":"from_the_future"}"#), Ok(None));
}

/// Reads an answer as its type, and writes what was read.
fn read_again<A: Reply>(json: &str) -> serde_json::Result<String> {
    let answer: A = serde_json::from_str::<Answer>(json)?.read()?;
    Ok(answer.into().into_json().to_string())
}

type Reader = fn(&str) -> serde_json::Result<String>;

const READERS: &[(&str, Reader)] = &[
    ("TokenMade", read_again::<TokenMade>),
    ("TokenKept", read_again::<TokenKept>),
    ("TokensRevoked", read_again::<TokensRevoked>),
    ("BotSwitched", read_again::<BotSwitched>),
    ("BotRemoved", read_again::<BotRemoved>),
    ("BotList", read_again::<BotList>),
    ("BotLine", read_again::<BotLine>),
    ("Done", read_again::<Done>),
    ("EntryRedacted", read_again::<EntryRedacted>),
    ("RoomRemoved", read_again::<RoomRemoved>),
    ("RoomList", read_again::<RoomList>),
    ("RoomLine", read_again::<RoomLine>),
    ("PendingList", read_again::<PendingList>),
    ("Observing", read_again::<Observing>),
    ("HubNumbers", read_again::<HubNumbers>),
    ("InviteMade", read_again::<InviteMade>),
    ("InviteList", read_again::<InviteList>),
    ("InviteRevoked", read_again::<InviteRevoked>),
    ("BotProfile", read_again::<BotProfile>),
    ("AuditList", read_again::<AuditList>),
    ("PauseLine", read_again::<PauseLine>),
    ("Resumed", read_again::<Resumed>),
    ("PauseList", read_again::<PauseList>),
];

#[test]
fn every_answer_of_a_hub_from_the_future_is_read_and_its_new_words_are_kept() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<Answer>();
    let definitions = generator.take_definitions(true);
    let answers = definitions["Answer"]["anyOf"].as_array().unwrap().clone();
    let mut future = Future { definitions, words: 0 };
    let mut names = Vec::new();
    for schema in answers {
        future.words = 0;
        let json = future.of(&schema).to_string();
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let (_, read) = READERS.iter().find(|(known, _)| *known == name).expect(&name);
        let written = read(&json).unwrap_or_else(|error| panic!("{name}: {error}: {json}"));
        assert_eq!(written.matches(NEW_WORD).count(), future.words, "{json}");
        names.push(name);
    }
    assert!(names.iter().eq(READERS.iter().map(|(name, _)| name)), "{names:?}");
}

#[test]
fn every_limit_that_a_hub_from_the_past_does_not_name_is_the_default() {
    let all = serde_json::to_value(Limits::default()).unwrap();
    let names = all.as_object().unwrap().keys();
    for missing in names.map(String::as_str).chain(["all"]) {
        let mut limits = if missing == "all" { json!({}) } else { all.clone() };
        limits.as_object_mut().unwrap().remove(missing);
        let json = json!({ "type": "auth_ok", "limits": limits }).to_string();
        let frame = ServerFrame::decode(json.as_bytes()).expect(missing);
        let Some(ServerFrame::AuthOk(auth_ok)) = frame else { panic!("{frame:?}") };
        assert_eq!(auth_ok.limits, Some(Limits::default()), "without {missing}");
    }
}

//! The vectors that Rust and JavaScript share, read by Rust. `bindings/npm/test` reads the same.

use crate::common::v01;

use bot_protocol::block::{Act, Draft, Key, Message, State, build, parse, to_json};
use bot_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

fn vectors(name: &str) -> Vec<Value> {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

/// A vector names only the fields that there are.
fn complete(act: &Value) -> Value {
    let Value::Object(fields) = act else { return Value::Null };
    let mut full = json!({
        "type": null, "to": null, "from": null, "requestId": null, "task": null, "result": null,
        "context": null, "depth": null, "callback": null, "priority": null, "status": null,
        "question": null, "message": null, "meta": {},
    });
    full.as_object_mut().unwrap().append(&mut fields.clone());
    full
}

fn shape(text: &str) -> Value {
    let Ok(act) = parse(text) else { return Value::Null };
    let mut shape: Map<String, Value> = serde_json::from_str(&to_json(&act, text)).unwrap();
    assert_eq!(shape.remove("raw"), Some(text.into()));
    shape.into()
}

/// What v0.1 sees, as far as the model goes: everything but `null` for absent fields.
fn shape_v01(text: &str) -> Value {
    let Some(seen) = v01::parse(text) else { return Value::Null };
    let mut shape = json!({"type": seen.kind, "to": seen.to});
    let mut meta = json!({});
    for (key, value) in seen.fields {
        match Key::from_word(&key) {
            Some(Key::Depth) => {
                let (current, max) = value.split_once('/').unwrap();
                let number = |text: &str| text.parse::<u64>().unwrap();
                shape["depth"] = json!({"current": number(current), "max": number(max)});
            }
            Some(key) => shape[key.json_name()] = value.into(),
            None => meta[key] = value.into(),
        }
    }
    shape["meta"] = meta;
    complete(&shape)
}

fn check_text(vector: &Value) {
    let (name, text) = (&vector["name"], vector["text"].as_str().unwrap());
    assert_eq!(shape(text), complete(&vector["act"]), "{name}");
    if let Some(error) = vector.get("error") {
        assert_eq!(parse(text).unwrap_err().to_string(), *error, "{name}");
    }
    let v01 = vector.get("v01").unwrap_or(&vector["act"]);
    assert_eq!(shape_v01(text), complete(v01), "v0.1: {name}");
}

#[test]
fn everything_that_v0_1_reads_is_read_alike() {
    vectors("parse").iter().for_each(check_text);
}

#[test]
fn the_differences_from_v0_1_are_those_that_are_listed() {
    vectors("differences").iter().for_each(check_text);
}

#[test]
fn what_platforms_do_to_a_block_is_undone() {
    vectors("platforms").iter().for_each(check_text);
}

#[test]
fn blocks_are_built_as_v0_1_builds_them_or_refused_with_a_reason() {
    for vector in vectors("build") {
        let draft: Draft<'_> = serde_json::from_value(vector["draft"].clone()).unwrap();
        let built = draft.into_act([0; 6]).and_then(|act| build(&act));
        match built {
            Ok(text) => assert_eq!(text, vector["text"], "{}", vector["name"]),
            Err(error) => assert_eq!(error.to_string(), vector["error"], "{}", vector["name"]),
        }
    }
}

#[test]
fn values_are_written_so_that_they_stay_values() {
    for vector in vectors("values") {
        let value = vector["value"].as_str().unwrap();
        let act = Act::new(bot_protocol::block::Kind::Request, "b", "a", "a-1", value);
        let text = build(&act).unwrap();
        let written = vector["written"].as_str().unwrap();
        let space = if written.starts_with('\n') { "" } else { " " };
        assert!(text.contains(&format!("Task:{space}{written}\nDepth:")), "{text:?}");
        assert_eq!(parse(&text).as_ref(), Ok(&act), "{}", vector["name"]);
        assert_eq!(shape_v01(&text)["task"], vector["v01"], "v0.1: {}", vector["name"]);
    }
}

#[test]
fn conversations_move_as_the_vectors_say() {
    for vector in vectors("conversations") {
        let name = &vector["name"];
        let at = |minute: &Value| Timestamp(minute.as_u64().unwrap() * 60_000);
        let mut state = State::default();
        for step in vector["steps"].as_array().unwrap() {
            let mut message: Message = serde_json::from_value(step.clone()).unwrap();
            message.request_id = "ann-1".into();
            let tracked = state.track(&message, at(&step["minute"])).unwrap();
            assert_eq!(tracked.warning.is_some(), step["warns"] == true, "{name}");
        }
        if vector["check"].is_u64() {
            state.check_timeouts(at(&vector["check"]));
        }
        let found = state.get("ann-1").unwrap().unwrap();
        assert_eq!(found.status, vector["status"], "{name}");
        assert_eq!(found.last_type.as_deref(), vector["lastType"].as_str(), "{name}");
        assert_eq!(found.history.len() as u64, vector["history"], "{name}");
    }
}

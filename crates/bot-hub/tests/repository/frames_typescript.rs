//! `sdk/typescript/src/frames.ts` is what the types say.
//!
//! Rewrite it with `UPDATE=1 cargo test -p bot-hub --test repository`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use bot_protocol::frame::answer::{ANSWERS, Answer};
use bot_protocol::frame::{ClientFrame, ServerFrame};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

const HEADER: &str = "\
// Generated from crates/bot-protocol/src/frame; do not edit.
// UPDATE=1 cargo test -p bot-hub --test repository
";

/// Frames that exist in both directions under one name.
const RENAMED: &[(&str, &str)] =
    &[("Presence2", "PresenceNotice"), ("Receipt2", "ReceiptNotice"), ("Typing2", "TypingNotice")];

#[test]
fn the_frame_types_of_the_typescript_client_are_up_to_date() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<ClientFrame>();
    generator.subschema_for::<ServerFrame>();
    let mut definitions = generator.take_definitions(true);
    name_nulls(&mut definitions);
    let mut expected = HEADER.to_owned();
    for (name, schema) in &definitions {
        write_definition(&mut expected, name, schema);
    }
    write_answers(&mut expected, &definitions["Operation"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/typescript/src/frames.ts");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "sdk/typescript/src/frames.ts is stale: run with UPDATE=1");
}

/// Says which operation has which answer.
fn write_answers(out: &mut String, operations: &Value) {
    out.push_str("\n/** The answer to each operation. */\nexport type Answers = {\n");
    for operation in operations["oneOf"].as_array().unwrap() {
        let name = properties(operation).and_then(|own| own.keys().next()).unwrap();
        let (_, answer) = ANSWERS.iter().find(|(asked, _)| asked == name).expect(name);
        writeln!(out, "  {name}: {answer};").unwrap();
    }
    out.push_str("};\n");
}

/// Marks the fields that the hub writes as `null` where they have no value. Everywhere but in answers such a
/// field is absent.
fn name_nulls(definitions: &mut Map<String, Value>) {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.subschema_for::<Answer>();
    for (name, written) in generator.take_definitions(true) {
        for field in written["required"].as_array().into_iter().flatten() {
            let field = field.as_str().unwrap();
            if may_be_null(&written["properties"][field]) {
                definitions[&name]["properties"][field]["nullable"] = true.into();
            }
        }
    }
}

fn may_be_null(schema: &Value) -> bool {
    let is_null = |it: &Value| it["type"] == "null";
    let kinds = schema["type"].as_array();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || schema["anyOf"].as_array().is_some_and(|list| list.iter().any(is_null))
}

fn write_definition(out: &mut String, name: &str, schema: &Value) {
    out.push('\n');
    write_comment(out, schema, "");
    let definition = type_of(schema, "");
    let space = if definition.starts_with('\n') { "" } else { " " };
    writeln!(out, "export type {} ={space}{definition};", type_name(name)).unwrap();
}

fn write_comment(out: &mut String, schema: &Value, indent: &str) {
    let Some(text) = schema["description"].as_str() else { return };
    let text = text.replace("\n\n", " ").replace('\n', " ");
    writeln!(out, "{indent}/** {text} */").unwrap();
}

fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let named = type_name(reference.rsplit('/').next().unwrap());
        // A variant of a frame: its `type` beside the fields of the type that it refers to.
        return match properties(schema) {
            Some(own) => format!("({} & {named})", object(schema, own, indent)),
            None => named,
        };
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(list) = schema[alternatives].as_array() {
            return union(list.iter().filter(|it| it["type"] != "null"), indent);
        }
    }
    match &schema["type"] {
        Value::String(kind) => of_kind(kind, schema, indent),
        // Absent is hardly ever written as `null`; where it is, the field says so.
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let kinds: BTreeSet<_> = kinds.map(|kind| of_kind(kind, schema, indent)).collect();
            kinds.into_iter().collect::<Vec<_>>().join(" | ")
        }
        _ => "unknown".to_owned(),
    }
}

fn of_kind(kind: &str, schema: &Value, indent: &str) -> String {
    match kind {
        "integer" | "number" => "number".to_owned(),
        "array" => format!("Array<{}>", type_of(&schema["items"], indent)),
        "object" => match (properties(schema), schema["patternProperties"].as_object()) {
            (Some(own), _) => object(schema, own, indent),
            (None, Some(patterns)) => {
                let value =
                    patterns.values().next().map_or("unknown".into(), |it| type_of(it, indent));
                format!("Record<string, {value}>")
            }
            (None, None) => "Record<never, never>".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn union<'a>(alternatives: impl Iterator<Item = &'a Value>, indent: &str) -> String {
    let alternatives: Vec<_> = alternatives.collect();
    // A word that a newer hub may have added: plain `string` would swallow the known ones.
    let is_open = alternatives.len() > 1;
    let open = |it: &Value| is_open && *it == serde_json::json!({ "type": "string" });
    let types: Vec<_> = alternatives
        .into_iter()
        .map(|it| if open(it) { "(string & {})".to_owned() } else { type_of(it, indent) })
        .collect();
    match types.as_slice() {
        [one] => one.clone(),
        many if many.iter().all(|it| it.len() < 16) => many.join(" | "),
        many => {
            many.iter().map(|it| format!("\n{indent}  | {}", it.replace('\n', "\n    "))).collect()
        }
    }
}

fn object(schema: &Value, own: &Map<String, Value>, indent: &str) -> String {
    let required: BTreeSet<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if own.len() == 1 && own.contains_key("type") {
        return format!("{{ type: {} }}", own["type"]["const"]);
    }
    let inner = format!("{indent}  ");
    let mut out = "{\n".to_owned();
    for (name, field) in own {
        write_comment(&mut out, field, &inner);
        let mark = if required.contains(name.as_str()) { "" } else { "?" };
        let null = if field["nullable"] == true { " | null" } else { "" };
        writeln!(out, "{inner}{name}{mark}: {}{null};", type_of(field, &inner)).unwrap();
    }
    write!(out, "{indent}}}").unwrap();
    out
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object()
}

fn type_name(name: &str) -> String {
    let renamed = RENAMED.iter().find(|(from, _)| *from == name);
    renamed.map_or(name, |(_, to)| to).to_owned()
}

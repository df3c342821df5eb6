//! `docs/frames.schema.json` is what the types say.
//!
//! Rewrite it with `UPDATE=1 cargo test -p bot-hub --test frames_schema`.

use std::path::Path;

use bot_protocol::frame::{ClientFrame, ServerFrame};
use schemars::generate::SchemaSettings;
use serde_json::json;

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

//! The JSON Schema of the configuration, generated from [`Config`].
//!
//! Owns what editors read (`bot-hub.schema.json`). Beside the standard words it carries three of
//! its own: `format` (what a text means), `x-key` (what the keys of a map are) and `x-applies`
//! (when a change takes effect).

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::settings::Config;

/// The schema as a JSON value.
pub fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    schema["title"] = "Bot Hub configuration".into();
    schema["properties"]["$schema"] = json!({
        "type": "string",
        "description": "Where editors find the schema of this file. The hub does not read it.",
    });
    join_lines(&mut schema);
    schema
}

/// The schema as it is committed and printed: pretty, with a line end.
pub fn schema_text() -> String {
    let text = serde_json::to_string_pretty(&schema()).expect("a JSON value prints");
    text + "\n"
}

/// Doc comments are wrapped for the source; a reader wraps them anew.
fn join_lines(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
                    }
                    other => join_lines(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}

//! The file that `config init` writes: every setting with its description and default, commented out.
//!
//! Owns the layout of that file. Settings are commented out, so that improved defaults of a later version
//! take effect.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{Field, ROOT, Schema};

const WIDTH: usize = 96;

const INTRODUCTION: &str = "\
// The configuration of a Bot Hub. JSON5: comments and a comma at the end are fine.
//
// Every setting is here with its default, commented out. To change one, remove the `//` in front of
// it. Then `bot-hub config check` says whether the file is in order, and a running hub takes it over
// by itself; what has to wait for a restart is marked.
";

/// The text of the file. It parses to the defaults, and does so too with all settings uncommented.
pub fn starter() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("{\n");
    section(&mut text, ROOT.fields(), 1);
    text.push_str("}\n");
    text
}

fn section(text: &mut String, fields: &[Field], depth: usize) {
    let indent = "  ".repeat(depth);
    let fields = fields.iter().filter(|field| field.key != "$schema");
    for (at, field) in fields.enumerate() {
        if at > 0 {
            text.push('\n');
        }
        for line in wrap(&sentence(field), WIDTH - indent.len() - 3) {
            push(text, format_args!("{indent}// {line}\n"));
        }
        if let Some(example) = &field.example {
            push(text, format_args!("{indent}// Example: {}: {}\n", field.key, inline(example)));
        }
        if let Schema::Section(inner) = &field.schema {
            push(text, format_args!("{indent}{}: {{\n", field.key));
            section(text, inner, depth + 1);
            push(text, format_args!("{indent}}},\n"));
        } else {
            let default = field.default.clone().unwrap_or_else(|| empty(&field.schema));
            push(text, format_args!("{indent}//{}: {},\n", field.key, inline(&default)));
        }
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a String takes everything");
}

fn sentence(field: &Field) -> String {
    match field.applies {
        super::schema::Applies::Restart => format!("{} (Needs a restart.)", field.doc),
        _ => field.doc.clone(),
    }
}

fn empty(schema: &Schema) -> Value {
    match schema {
        Schema::Map { .. } | Schema::Section(_) => Value::Object(serde_json::Map::new()),
        Schema::List(_) => Value::Array(Vec::new()),
        _ => Value::Null,
    }
}

/// A value on one line, as JSON5: keys without quotes where they need none.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members =
                members.iter().map(|(key, value)| format!("{}: {}", name(key), inline(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn name(key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && key.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain { key.to_owned() } else { Value::from(key).to_string() }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

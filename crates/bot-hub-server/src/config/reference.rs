//! The reference for people (`docs/config.md`), generated from the settings.
//!
//! Owns the tables; the text before them is `reference.md` beside this file.

use super::schema::{Applies, Field, Format, ROOT, Schema};
use super::starter::inline;

/// The whole page.
pub fn reference() -> String {
    let mut page = String::from(
        "<!-- Generated from crates/bot-hub-server/src/config; UPDATE=1 cargo test -p bot-hub-server --test config -->\n\n",
    );
    page.push_str(include_str!("reference.md"));
    let (sections, plain): (Vec<_>, Vec<_>) =
        ROOT.fields().iter().partition(|field| matches!(field.schema, Schema::Section(_)));
    page.push_str(&table(&plain));
    for field in plain.iter().filter(|field| matches!(field.schema, Schema::Map { .. })) {
        let Schema::Map { value, .. } = &field.schema else { continue };
        let of = format!("{}.*", field.key);
        page.push_str(&section(&of, field, value.fields()));
        for inner in value.fields().iter().filter(|inner| !inner.schema.fields().is_empty()) {
            page.push_str(&section(&format!("{of}.{}", inner.key), inner, inner.schema.fields()));
        }
    }
    for field in sections {
        page.push_str(&section(&field.key, field, field.schema.fields()));
        for inner in field.schema.fields() {
            if let Schema::Section(fields) = &inner.schema {
                let title = format!("{}.{}", field.key, inner.key);
                page.push_str(&section(&title, inner, fields));
            }
        }
    }
    page
}

fn section(title: &str, field: &Field, fields: &[Field]) -> String {
    let example = match &field.example {
        Some(example) => format!("\n```json5\n{}: {}\n```\n", field.key, inline(example)),
        None => String::new(),
    };
    let table = table(&fields.iter().collect::<Vec<_>>());
    format!("\n### `{title}`\n\n{}\n{example}{table}", field.doc)
}

fn table(fields: &[&Field]) -> String {
    let mut table = String::from(
        "\n| key | value | default | applies | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for field in fields {
        let default = match (&field.default, field.required) {
            (_, true) => "required".to_owned(),
            (Some(default), _) => format!("`{}`", inline(default)),
            (None, _) => String::new(),
        };
        let row = [
            format!("`{}`", field.key),
            value(&field.schema),
            default,
            applies(field),
            cell(&field.doc),
        ];
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn applies(field: &Field) -> String {
    match field.applies {
        _ if field.key == "$schema" => "",
        Applies::Now => "now",
        Applies::NewConnections => "new connections",
        Applies::Restart => "restart",
    }
    .to_owned()
}

fn value(schema: &Schema) -> String {
    match schema {
        Schema::Section(_) => "section".to_owned(),
        Schema::Map { key: Format::Token, .. } => "token → entry".to_owned(),
        Schema::Map { .. } => "name → entry".to_owned(),
        Schema::List(item) => format!("list of {}", value(item)),
        Schema::OneOrMany(item) => format!("{0} or list of {0}", value(item)),
        Schema::Text(format) => text(*format).to_owned(),
        Schema::Choice(choices) => {
            choices.iter().map(|choice| format!("`\"{choice}\"`")).collect::<Vec<_>>().join(", ")
        }
        Schema::Integer { min, max } if *max >= i128::from(u32::MAX) => {
            format!("number from {min}")
        }
        Schema::Integer { min, max } => format!("number, {min} to {max}"),
        Schema::Size { min, max } if *max > 1 << 50 => {
            format!("size from {}", super::ByteSize(*min))
        }
        Schema::Size { min, max } => {
            format!("size, {} to {}", super::ByteSize(*min), super::ByteSize(*max))
        }
        Schema::Bool => "`true`, `false`".to_owned(),
        Schema::Nullable(inner) => format!("{} or `null`", value(inner)),
    }
}

fn text(format: Format) -> &'static str {
    match format {
        Format::Free => "text",
        Format::Token => "token",
        Format::Bot => "bot",
        Format::Room => "room",
        Format::Period => "period",
        Format::Address => "address",
        Format::Origin => "origin",
        Format::PublicUrl => "URL",
        Format::Network => "address or network",
        Format::Path => "path",
        Format::Domain => "domain",
        Format::WebAddress => "https address",
    }
}

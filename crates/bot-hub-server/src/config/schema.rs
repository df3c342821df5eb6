//! The schema of the configuration: which keys there are, and what each may hold.
//!
//! Owns the reading of the generated schema into something that a tree can be held against. The
//! schema is the only list of keys: what checks, environment, reference and commented file say
//! about a key all comes from here.

use std::sync::LazyLock;

use bot_protocol::name::{BotId, RoomName};
use serde_json::Value;

use super::json_schema::schema;
use super::node::Node;
use super::problem::Source;
use super::settings::{Config, Keep, Retain, Room, TokenEntry};
use super::starter::inline;
use super::syntax;
use super::token::Token;

/// What may stand somewhere.
#[derive(Debug)]
pub(super) enum Schema {
    Section(Vec<Field>),
    Map { key: Format, value: Box<Schema> },
    List(Box<Schema>),
    OneOrMany(Box<Schema>),
    Text(Format),
    Choice(Vec<String>),
    Integer { min: i128, max: i128 },
    Size { min: u64, max: u64 },
    Bool,
    Nullable(Box<Schema>),
}

/// What a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Free,
    Token,
    Bot,
    Room,
    Period,
    Address,
    Origin,
    PublicUrl,
    Network,
    Path,
    Domain,
    WebAddress,
}

/// One key of a section.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) doc: String,
    pub(super) schema: Schema,
    pub(super) required: bool,
    /// `None` where nothing is the default, as for maps that are empty.
    pub(super) default: Option<Value>,
    pub(super) example: Option<Value>,
    pub(super) applies: Applies,
}

/// When a changed setting takes effect in a running hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    /// With the reload.
    Now,
    /// For connections that are opened after the reload.
    NewConnections,
    /// After a restart; until then the old value counts.
    Restart,
}

/// The whole configuration.
pub(super) static ROOT: LazyLock<Schema> = LazyLock::new(|| {
    let text = serde_json::to_string(&specimen()).expect("the configuration is plain data");
    let order = syntax::read(&text, &Source::Default).expect("serde writes valid JSON");
    Schema::of(&schema(), Some(&order))
});

/// A configuration in which every key occurs. Written out, it shows the keys in the order of the
/// structs, which a JSON Schema does not keep.
fn specimen() -> Config {
    let bot = BotId::new("bot").expect("is a name");
    let retain =
        Retain { age: Keep::Everything, entries: Keep::Everything, bytes: Keep::Everything };
    let room = Room { retain, ..Room::default() };
    let entry = TokenEntry { bot_id: bot, disabled: false };
    Config {
        tokens: [(Token::new("token"), entry)].into(),
        rooms: [(RoomName::new("room").expect("is a name"), room)].into(),
        ..Config::default()
    }
}

impl Schema {
    /// Reads one schema, with the keys in the order of `order`. The input is our own constant, so what
    /// is not understood is a mistake in this crate, and the first test that touches [`ROOT`] finds it.
    fn of(schema: &Value, order: Option<&Node>) -> Self {
        let types = types(schema);
        if types.contains(&"null") {
            return Self::Nullable(Box::new(Self::of_type(schema, &types, order)));
        }
        if let Some(options) = schema["anyOf"].as_array() {
            let nullable = options.iter().any(|option| option["type"] == "null");
            let first = Self::of(&options[0], order);
            let list = options.iter().any(|option| option["type"] == "array");
            let schema = if list { Self::OneOrMany(Box::new(first)) } else { first };
            return if nullable { Self::Nullable(Box::new(schema)) } else { schema };
        }
        Self::of_type(schema, &types, order)
    }

    fn of_type(schema: &Value, types: &[&str], order: Option<&Node>) -> Self {
        if let Some(choices) = choices(schema) {
            return Self::Choice(choices);
        }
        let format = schema["format"].as_str().unwrap_or_default();
        match types.first().copied() {
            Some("object") => Self::object(schema, order),
            Some("array") => Self::List(Box::new(Self::of(&schema["items"], None))),
            Some("boolean") => Self::Bool,
            Some("integer") if format == "size" => Self::Size {
                min: schema["minimum"].as_u64().unwrap_or(1),
                max: schema["maximum"].as_u64().unwrap_or(u64::MAX >> 1),
            },
            Some("integer") => integer(schema, format),
            Some("string") => Self::Text(Format::named(format)),
            other => unreachable!(
                "the JSON Schema has a type without a meaning here: {other:?} in {schema}"
            ),
        }
    }

    fn object(schema: &Value, order: Option<&Node>) -> Self {
        let members = order.map(Node::members).unwrap_or_default();
        let Some(properties) = schema["properties"].as_object() else {
            let first = members.first();
            return Self::Map {
                key: Format::named(schema["x-key"].as_str().unwrap_or_default()),
                value: Box::new(Self::of(
                    &schema["additionalProperties"],
                    first.map(|member| &member.node),
                )),
            };
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let field = |(key, property): (&String, &Value)| Field {
            key: key.clone(),
            doc: property["description"].as_str().unwrap_or_default().to_owned(),
            schema: Self::of(property, order.and_then(|order| order.get(key))),
            required: required.iter().any(|name| name == key),
            default: property.get("default").cloned(),
            example: property["examples"].get(0).cloned(),
            applies: Applies::named(property["x-applies"].as_str()),
        };
        let mut fields: Vec<_> = properties.iter().map(field).collect();
        fields.sort_by_key(|field| members.iter().position(|member| member.key == field.key));
        Self::Section(fields)
    }

    /// The schema without its permission to be `null`.
    pub(super) fn inner(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner,
            other => other,
        }
    }

    /// The keys, if these are fixed.
    pub(super) fn fields(&self) -> &[Field] {
        match self.inner() {
            Self::Section(fields) => fields,
            _ => &[],
        }
    }

    /// What is expected, for an error message: `a text like "30s"`.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Section(_) | Self::Map { .. } => "an object `{ … }`".into(),
            Self::List(item) => format!("a list of {}", plural(item)),
            Self::OneOrMany(item) => format!("{} or a list of them", item.expected()),
            Self::Text(format) => format.expected().into(),
            Self::Choice(choices) => quoted_list(choices),
            Self::Integer { .. } => "a whole number".into(),
            Self::Size { .. } => "a number of bytes or a text like \"256KiB\"".into(),
            Self::Bool => "true or false".into(),
            Self::Nullable(inner) => format!("{} or null", inner.expected()),
        }
    }
}

/// What may stand there, written out: `{ format: "auto" }`.
pub(super) fn example(schema: &Schema) -> String {
    match schema.inner() {
        Schema::Section(fields) => {
            let Some(field) = fields.iter().find(|field| !field.key.starts_with('$')) else {
                return "{}".to_owned();
            };
            let value = match &field.default {
                Some(default) if !default.is_null() => inline(default),
                _ => "…".to_owned(),
            };
            format!("{{ {}: {value} }}", field.key)
        }
        Schema::Map { value, .. } => format!("{{ \"…\": {} }}", example(value)),
        other => other.expected(),
    }
}

fn plural(item: &Schema) -> &'static str {
    match item {
        Schema::Text(Format::Bot) => "names of bots",
        Schema::Text(Format::Origin) => "origins like \"https://bots.example.com\"",
        Schema::Text(Format::Domain) => "names like \"hub.example.com\"",
        Schema::Text(Format::Network) => "addresses or networks like \"10.42.0.0/16\"",
        _ => "texts",
    }
}

/// `"a", "b" or "c"`.
pub(super) fn quoted_list(choices: &[String]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The values of an enum; with a doc comment on each variant, it is a `oneOf` of constants.
fn choices(schema: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.iter().filter_map(text).collect());
    }
    let constants = schema["oneOf"].as_array()?;
    Some(constants.iter().filter_map(|constant| text(&constant["const"])).collect())
}

fn integer(schema: &Value, format: &str) -> Schema {
    let max = match format {
        "uint16" => u16::MAX.into(),
        "uint32" => u32::MAX.into(),
        _ => i64::MAX.into(),
    };
    let bound = |name: &str| schema[name].as_i64().map(i128::from);
    Schema::Integer { min: bound("minimum").unwrap_or(0), max: bound("maximum").unwrap_or(max) }
}

impl Format {
    fn named(name: &str) -> Self {
        match name {
            "token" => Self::Token,
            "bot-id" => Self::Bot,
            "room-name" => Self::Room,
            "period" => Self::Period,
            "address" => Self::Address,
            "origin" => Self::Origin,
            "public-url" => Self::PublicUrl,
            "network" => Self::Network,
            "path" => Self::Path,
            "domain" => Self::Domain,
            "https-address" => Self::WebAddress,
            _ => Self::Free,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Free => "a text",
            Self::Token => "a token",
            Self::Bot => "the name of a bot",
            Self::Room => "the name of a room",
            Self::Period => "a text like \"30s\"",
            Self::Address => "an address like \"127.0.0.1:18795\"",
            Self::Origin => "an origin like \"https://bots.example.com\"",
            Self::PublicUrl => "an address like \"https://hub.example.org\"",
            Self::Network => "a network like \"10.42.0.0/16\"",
            Self::Path => "a path",
            Self::Domain => "a name like \"hub.example.com\"",
            Self::WebAddress => "an address like \"https://ca.example.com/directory\"",
        }
    }
}

impl Applies {
    fn named(name: Option<&str>) -> Self {
        match name {
            Some("restart") => Self::Restart,
            Some("new connections") => Self::NewConnections,
            _ => Self::Now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load_text};
    use super::*;

    /// Texts for a value of this schema; each of them has to load.
    fn samples(schema: &Schema) -> Vec<String> {
        let each = |schema: &Schema, around: fn(String) -> String| {
            samples(schema).into_iter().map(around).collect::<Vec<_>>()
        };
        match schema {
            Schema::Nullable(inner) => [samples(inner), vec!["null".to_owned()]].concat(),
            Schema::Section(fields) => {
                let required = |field: &&Field| field.required;
                let member = |field: &Field, value: &str| format!("{:?}: {value}", field.key);
                let always: Vec<_> = fields
                    .iter()
                    .filter(required)
                    .map(|field| member(field, &samples(&field.schema)[0]))
                    .collect();
                let optional = fields.iter().filter(|field| !field.required).flat_map(|field| {
                    let members =
                        samples(&field.schema).into_iter().map(|value| member(field, &value));
                    members.collect::<Vec<_>>()
                });
                let with =
                    |member| format!("{{ {} }}", [&always[..], &[member]].concat().join(", "));
                optional.map(with).collect()
            }
            Schema::Map { value, .. } => {
                each(value, |value| format!("{{ \"some-name\": {value} }}"))
            }
            Schema::List(item) => each(item, |item| format!("[{item}]")),
            Schema::OneOrMany(item) => {
                [samples(item), each(item, |item| format!("[{item}]"))].concat()
            }
            Schema::Choice(choices) => choices.iter().map(|choice| format!("{choice:?}")).collect(),
            Schema::Integer { min, max } => vec![min.to_string(), max.to_string()],
            Schema::Size { min, max } => vec![min.to_string(), format!("\"{max}\"")],
            Schema::Bool => vec!["true".to_owned(), "false".to_owned()],
            Schema::Text(format) => vec![
                match format {
                    Format::Free | Format::Bot | Format::Token | Format::Room => "\"some-name\"",
                    Format::Period => "\"30s\"",
                    Format::Address => "\"127.0.0.1:1\"",
                    Format::Origin => "\"https://bots.example.com\"",
                    Format::PublicUrl => "\"https://hub.example.org\"",
                    Format::Network => "\"10.42.0.0/16\"",
                    Format::Path => "\"/srv/hub\"",
                    Format::Domain => "\"hub.example.com\"",
                    Format::WebAddress => "\"https://ca.example.com/directory\"",
                }
                .to_owned(),
            ],
        }
    }

    #[test]
    fn whatever_fits_the_schema_can_be_decoded() {
        let samples = samples(&ROOT);
        assert!(samples.len() > 80, "{samples:?}");
        for text in samples {
            // Settings that contradict one another are another matter.
            if let Err(errors) = load_text("c", &text, &Sources::default()) {
                let told = errors.to_string();
                assert!(
                    !told.contains("cannot be understood") && told.contains("must"),
                    "{text}: {told}"
                );
            }
        }
    }

    #[test]
    fn every_example_is_valid_and_every_setting_is_explained() {
        fn explained(fields: &[Field]) {
            for field in fields {
                assert!(field.doc.ends_with('.'), "{}: {}", field.key, field.doc);
                explained(field.schema.fields());
            }
        }
        explained(ROOT.fields());
        let env = [("MARLBOT_TOKEN".to_owned(), "a-token-from-the-environment".to_owned())];
        let sources = Sources { env: env.into_iter().collect(), ..Sources::default() };
        for field in ROOT.fields() {
            let Some(example) = &field.example else { continue };
            let text = format!("{{ {}: {} }}", field.key, inline(example));
            load_text("c", &text, &sources).unwrap_or_else(|errors| panic!("{text}: {errors}"));
        }
    }
}

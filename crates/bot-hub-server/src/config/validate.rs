//! Judging a tree by the schema of the configuration.
//!
//! Owns every judgement that needs one value only: unknown and repeated keys, types, ranges, forms.
//! All mistakes are collected; what is wrong is left out of the result. Never compares two settings.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use bot_protocol::suggest::{fold, nearest};

use super::format::{self, safe};
use super::node::{Member, Node, Value};
use super::problem::{Origin, Path, Problem, Segment, printable_key};
use super::schema::{Field, Format, ROOT, Schema, example};
use super::variables::{Lookup, substitute};

/// Characters of an unknown key that is printed in full.
const KEY_SHOWN_CHARS_MAX: usize = 16;

/// Collects mistakes while a tree is brought into canonical form.
pub(super) struct Validator<'a> {
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) environment: &'a Lookup<'a>,
}

impl Validator<'_> {
    fn report(
        &mut self,
        origin: &Origin,
        path: &Path,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::new(origin, path, message, hint));
    }

    /// The node in canonical form: keys in camelCase, names in lower case. `None` if it is wrong.
    pub(super) fn validate(&mut self, node: Node, schema: &Schema, path: &Path) -> Option<Node> {
        let Node { origin, value } = node;
        let value = match (schema, value) {
            (Schema::Nullable(_), Value::Null) => Value::Null,
            (Schema::Nullable(inner), value) => {
                return self.validate(Node { origin, value }, inner, path);
            }
            (Schema::Section(fields), Value::Object(members)) => {
                self.section(&origin, members, fields, path)?
            }
            (Schema::Map { key, value }, Value::Object(members)) => {
                self.map(members, *key, value, path)
            }
            (Schema::List(item), Value::List(items)) => self.list(items, item, path),
            (Schema::OneOrMany(item), Value::List(items)) if !items.is_empty() => {
                self.list(items, item, path)
            }
            (Schema::OneOrMany(_), Value::List(_)) => {
                self.report(
                    &origin,
                    path,
                    "an empty list",
                    "name at least one, or leave the key out",
                );
                return None;
            }
            (Schema::OneOrMany(item), value) => {
                let one = self.validate(Node { origin: origin.clone(), value }, item, path)?;
                Value::List(vec![one])
            }
            (Schema::Bool, Value::Bool(value)) => Value::Bool(value),
            (Schema::Text(format), Value::Text(text)) => {
                self.text(&origin, *format, &text, path)?
            }
            (Schema::Choice(choices), Value::Text(text)) => {
                self.choice(&origin, choices, &text, path)?
            }
            (Schema::Integer { min, max }, Value::Integer(count)) => {
                self.integer(&origin, count, *min..=*max, path)?
            }
            (Schema::Size { min, max }, Value::Integer(count)) => {
                self.size(&origin, count, *min..=*max, path)?
            }
            (Schema::Size { min, max }, Value::Text(text)) => match format::size(&text) {
                Ok(count) => self.size(&origin, count.into(), *min..=*max, path)?,
                Err(flaw) => {
                    self.report(&origin, path, flaw.message, flaw.hint);
                    return None;
                }
            },
            (schema, value) => {
                self.wrong_type(&origin, schema, &value, path);
                return None;
            }
        };
        Some(Node { origin, value })
    }

    fn section(
        &mut self,
        origin: &Origin,
        members: Vec<Member>,
        fields: &[Field],
        path: &Path,
    ) -> Option<Value> {
        let mut valid: Vec<Member> = Vec::new();
        let mut seen: Vec<(&str, Origin, String)> = Vec::new();
        let mut meant: Vec<&str> = Vec::new();
        for member in members {
            let Some(field) = fields.iter().find(|field| is_called(field, &member.key)) else {
                meant.extend(self.unknown_key(&member, fields, path));
                continue;
            };
            if let Some((_, first, spelt)) = seen.iter().find(|(key, ..)| *key == field.key) {
                let (first, spelt) = (first.clone(), spelt.clone());
                self.repeated(&member.origin, &path.key(&member.key), &first, &spelt);
                continue;
            }
            seen.push((&field.key, member.origin.clone(), member.key));
            if let Some(node) = self.validate(member.node, &field.schema, &path.key(&field.key)) {
                valid.push(Member { origin: member.origin, key: field.key.clone(), node });
            }
        }
        let mut complete = true;
        for field in fields.iter().filter(|field| field.required) {
            // A misspelt key was told already; that the right one is missing follows from it.
            let tried =
                seen.iter().any(|(key, ..)| *key == field.key) || meant.contains(&&*field.key);
            if !tried {
                let message = format!("`{}` is missing", field.key);
                let hint = format!("add `{}`: {}", field.key, field.doc.trim_end_matches('.'));
                self.report(origin, path, message, hint);
            }
            complete &= valid.iter().any(|member| member.key == field.key);
        }
        complete.then_some(Value::Object(valid))
    }

    /// Tells of a key that does not exist, and returns the one that was probably meant.
    fn unknown_key<'a>(
        &mut self,
        member: &Member,
        fields: &'a [Field],
        path: &Path,
    ) -> Option<&'a str> {
        // A token in the place of a setting: the section `tokens` around it is probably missing.
        if path.0.is_empty()
            && (member.node.get("botId").is_some() || member.node.get("bot_id").is_some())
        {
            let hidden = path.then(Segment::Secret(member.key.clone()));
            let hint = "put it inside `tokens: { … }`";
            self.report(
                &member.origin,
                &hidden,
                "this looks like a token outside of `tokens`",
                hint,
            );
            return None;
        }
        let known = fields.iter().map(|field| field.key.as_str());
        let near = nearest(&member.key, known.clone());
        let home = section_of(&member.key).filter(|_| near.is_none() && path.0.is_empty());
        let (message, hint) = match near {
            Some(near) => {
                (format!("unknown key, did you mean `{near}`?"), format!("write `{near}`"))
            }
            None if home.is_some() => {
                let home = home.unwrap_or_default();
                ("unknown key here".to_owned(), format!("it belongs in `{home}: {{ … }}`"))
            }
            None => {
                let all =
                    known.filter(|key| !key.starts_with('$')).collect::<Vec<_>>().join("`, `");
                ("unknown key".to_owned(), format!("known here: `{all}`"))
            }
        };
        // Longer than any key of ours, and like none: it may be a token in the wrong place.
        let strange =
            near.is_none() && home.is_none() && member.key.chars().count() > KEY_SHOWN_CHARS_MAX;
        let segment = if strange { Segment::Secret } else { Segment::Key };
        self.report(&member.origin, &path.then(segment(member.key.clone())), message, hint);
        near
    }

    fn repeated(&mut self, origin: &Origin, path: &Path, first: &Origin, spelt: &str) {
        let at = match first.place {
            Some(place) => format!(" (first at {}:{})", place.line, place.column),
            None => String::new(),
        };
        let Some(last) = path.0.last() else { return };
        let message = match last {
            Segment::Key(key) if key != spelt => {
                format!(
                    "given twice, as `{}` and as `{}`{at}",
                    printable_key(spelt),
                    printable_key(key)
                )
            }
            _ => format!("given twice{at}"),
        };
        self.report(origin, path, message, "keep one of the two");
    }

    fn map(&mut self, members: Vec<Member>, format: Format, schema: &Schema, path: &Path) -> Value {
        let mut valid: Vec<Member> = Vec::new();
        let mut seen: HashMap<String, (Origin, String)> = HashMap::new();
        for Member { origin, key: spelt, node } in members {
            let here = path.then(match format {
                Format::Token => Segment::Secret(spelt.clone()),
                _ => Segment::Key(spelt.clone()),
            });
            let Some(key) = self.map_key(&origin, format, &spelt, &here) else {
                // The value is judged all the same, so that its mistakes are not hidden.
                self.validate(node, schema, &here);
                continue;
            };
            if let Some((first, first_spelt)) = seen.get(&key) {
                self.repeated(&origin, &here, first, first_spelt);
                continue;
            }
            seen.insert(key.clone(), (origin.clone(), spelt));
            if let Some(node) = self.validate(node, schema, &here) {
                valid.push(Member { origin, key, node });
            }
        }
        Value::Object(valid)
    }

    fn map_key(
        &mut self,
        origin: &Origin,
        format: Format,
        key: &str,
        path: &Path,
    ) -> Option<String> {
        let key = if format == Format::Token {
            match substitute(key, self.environment) {
                Ok(key) => key,
                Err(name) => {
                    let message = format!("the environment variable `{name}` is not set, or empty");
                    self.report(
                        origin,
                        path,
                        message,
                        format!("set `{name}` where the hub starts"),
                    );
                    return None;
                }
            }
        } else {
            key.to_owned()
        };
        match format::judge(format, &key) {
            Ok(canonical) => Some(canonical),
            Err(flaw) => {
                self.report(origin, path, flaw.message, flaw.hint);
                None
            }
        }
    }

    fn list(&mut self, items: Vec<Node>, schema: &Schema, path: &Path) -> Value {
        let fit = |(at, item)| self.validate(item, schema, &path.then(Segment::Index(at)));
        Value::List(items.into_iter().enumerate().filter_map(fit).collect())
    }

    fn text(&mut self, origin: &Origin, format: Format, text: &str, path: &Path) -> Option<Value> {
        match format::judge(format, text) {
            Ok(canonical) => Some(Value::Text(canonical)),
            Err(flaw) => {
                self.report(origin, path, flaw.message, flaw.hint);
                None
            }
        }
    }

    fn choice(
        &mut self,
        origin: &Origin,
        choices: &[String],
        text: &str,
        path: &Path,
    ) -> Option<Value> {
        if choices.iter().any(|choice| choice == text) {
            return Some(Value::Text(text.to_owned()));
        }
        let near = nearest(text, choices.iter().map(String::as_str));
        let all = super::schema::quoted_list(choices);
        let hint = near.map_or_else(|| format!("write {all}"), |near| format!("write \"{near}\""));
        self.report(origin, path, format!("`{}` is not {all}", safe(text)), hint);
        None
    }

    fn integer(
        &mut self,
        origin: &Origin,
        count: i128,
        range: RangeInclusive<i128>,
        path: &Path,
    ) -> Option<Value> {
        if range.contains(&count) {
            return Some(Value::Integer(count));
        }
        let (side, bound) =
            if count < *range.start() { ("least", range.start()) } else { ("most", range.end()) };
        let hint = if *range.end() >= i128::from(u32::MAX) {
            format!("write a number of at least {}", range.start())
        } else {
            format!("write a number from {} to {}", range.start(), range.end())
        };
        self.report(origin, path, format!("{count} is out of range: at {side} {bound}"), hint);
        None
    }

    fn size(
        &mut self,
        origin: &Origin,
        count: i128,
        range: RangeInclusive<u64>,
        path: &Path,
    ) -> Option<Value> {
        match u64::try_from(count) {
            Ok(bytes) if range.contains(&bytes) => Some(Value::Integer(count)),
            _ => {
                let bytes = super::quantity::ByteSize;
                let (least, most) = (bytes(*range.start()), bytes(*range.end()));
                let message = format!("{count} bytes is out of range");
                let hint = if *range.end() > 1 << 50 {
                    format!("write at least {least} bytes, for example \"256KiB\"")
                } else {
                    format!("write a size from {least} to {most}")
                };
                self.report(origin, path, message, hint);
                None
            }
        }
    }

    fn wrong_type(&mut self, origin: &Origin, schema: &Schema, value: &Value, path: &Path) {
        let message = format!("expected {}, found {}", schema.expected(), value.kind());
        let hint = match (schema, value) {
            (Schema::Text(Format::Period), Value::Integer(count)) if *count > 0 => {
                format!("a period needs a unit: write \"{count}s\" for seconds")
            }
            (Schema::Integer { .. }, Value::Text(text)) if text.trim().parse::<i64>().is_ok() => {
                format!("write {} without quotes", text.trim())
            }
            (Schema::Bool, Value::Text(text)) if text == "true" || text == "false" => {
                format!("write {text} without quotes")
            }
            (Schema::List(_), Value::Text(text)) if !path.is_secret() => {
                format!("write [\"{}\"]", safe(text))
            }
            (Schema::Section(fields), Value::Text(_)) if path.is_secret() && fields.len() < 4 => {
                "write { botId: \"…\" }".to_owned()
            }
            (_, Value::Null) if !path.0.is_empty() => {
                "write a value, or remove the key for the default".to_owned()
            }
            (Schema::Text(Format::Address), Value::Integer(port)) if (0..65536).contains(port) => {
                format!("write \"127.0.0.1:{port}\"")
            }
            _ => format!("write {}", example(schema)),
        };
        self.report(origin, path, message, hint);
    }
}

/// The section that has such a key, for one that stands outside of it.
fn section_of(key: &str) -> Option<&'static str> {
    let has =
        |field: &&Field| field.schema.fields().iter().any(|inner| fold(&inner.key) == fold(key));
    ROOT.fields().iter().find(has).map(|field| field.key.as_str())
}

/// camelCase is what is documented; the snake_case of the same words is understood.
fn is_called(field: &Field, key: &str) -> bool {
    field.key == key || snake_case(&field.key) == key
}

/// `frameBytes` as `frame_bytes`.
fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camel_case_has_one_snake_case() {
        assert_eq!(snake_case("bufferPerBotPerRoom"), "buffer_per_bot_per_room");
        assert_eq!(snake_case("$schema"), "$schema");
    }
}

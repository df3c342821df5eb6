//! The layers above the file: `BOT_HUB_*` variables, and flags.
//!
//! Owns how the name of a variable maps to a setting, and how its text becomes a value. The caller passes
//! in the environment.

use std::collections::BTreeMap;
use std::fmt;

use bot_protocol::suggest::{fold, nearest};

use super::node::{Member, Node, Value};
use super::problem::{Origin, Path, Problem, Source};
use super::schema::{Field, ROOT, Schema, example};
use super::syntax;
use super::validate::Validator;

/// What variables of the hub's configuration start with.
pub const ENV_PREFIX: &str = "BOT_HUB_";

/// Variables of the program that are no settings, so that they are not reported as misspelt ones.
const NOT_SETTINGS: [&str; 6] = ["CA_FILE", "CONFIG", "CONTEXT", "DATA", "TOKEN", "URL"];

/// Environment variables. `Debug` shows names only: values may be tokens.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process; names and values that are not Unicode are left out.
    pub fn of_process() -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(unicode).collect()
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A setting given by a command-line flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The path of the setting: `store.path`.
    pub path: String,
    /// The value as text, written like that of a variable.
    pub value: String,
    /// The flag, as it is spelt: `--data`.
    pub flag: String,
}

impl Override {
    /// A flag that sets one setting.
    pub fn new(flag: &str, path: &str, value: impl Into<String>) -> Self {
        Self { path: path.to_owned(), value: value.into(), flag: flag.to_owned() }
    }
}

/// Lays the variables over `tree`.
pub(super) fn lay_environment(
    tree: &mut Node,
    environment: &Environment,
    validator: &mut Validator<'_>,
    warnings: &mut Vec<Problem>,
) {
    let mut set: Vec<(Path, &str)> = Vec::new();
    for (name, value) in &environment.0 {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        // For a Kubernetes service named `bot-hub`, every pod beside it gets a variable
        // BOT_HUB_PORT=tcp://…
        if value.is_empty() || (rest == "PORT" && value.contains("://")) {
            continue;
        }
        let origin = Origin::of(&Source::Env(name.as_str().into()));
        let segments: Vec<_> = rest.split("__").collect();
        match resolve(&segments) {
            Ok((path, schema)) => {
                if let Some((_, other)) = set.iter().find(|(known, _)| *known == path) {
                    let message = format!("`{other}` means the same setting");
                    let problem = Problem::new(&origin, &path, message, "keep one of the two");
                    validator.problems.push(problem);
                    continue;
                }
                set.push((path.clone(), name));
                lay(tree, &origin.source, &path, schema, value, validator);
            }
            Err(lost) => lost.tell(&segments, &origin, validator.problems, warnings),
        }
    }
}

/// Lays the flags over `tree`.
pub(super) fn lay_flags(tree: &mut Node, flags: &[Override], validator: &mut Validator<'_>) {
    for Override { path, value, flag } in flags {
        let source = Source::Flag(flag.as_str().into());
        let segments: Vec<_> = path.split('.').collect();
        match resolve(&segments) {
            Ok((path, schema)) => lay(tree, &source, &path, schema, value, validator),
            Err(lost) => {
                let origin = Origin::of(&source);
                validator
                    .problems
                    .push(lost.problem(&origin, "`bot-hub config schema` lists all settings"));
            }
        }
    }
}

fn lay(
    tree: &mut Node,
    source: &Source,
    path: &Path,
    schema: &Schema,
    text: &str,
    validator: &mut Validator<'_>,
) {
    let node = match written(text, schema, source) {
        Ok(node) => node,
        Err(mut problem) => {
            problem.path = path.to_string();
            validator.problems.push(*problem);
            return;
        }
    };
    let Some(valid) = validator.validate(node, schema, path) else { return };
    let nested = path.0.iter().rev().fold(valid, |node, segment| {
        let super::problem::Segment::Key(key) = segment else { return node };
        let origin = node.origin.clone();
        let member = Member { origin: origin.clone(), key: key.clone(), node };
        Node { origin, value: Value::Object(vec![member]) }
    });
    tree.merge(nested);
}

/// Parses a text from a variable or a flag as a value of the expected type. Invalid texts stay texts, so
/// that they are refused with the same words as in a file.
fn written(text: &str, schema: &Schema, source: &Source) -> Result<Node, Box<Problem>> {
    let node = |value| Node { origin: Origin::of(source), value };
    let trimmed = text.trim();
    if matches!(schema, Schema::Nullable(_)) && trimmed == "null" {
        return Ok(node(Value::Null));
    }
    Ok(match schema.inner() {
        Schema::Section(_) | Schema::Map { .. } if !trimmed.starts_with('{') => {
            let hint = format!("set one of its settings by name, or write {}", example(schema));
            let message = "is a section, and this is no object";
            return Err(Box::new(Problem::new(
                &Origin::of(source),
                &Path::default(),
                message,
                hint,
            )));
        }
        Schema::Section(_) | Schema::Map { .. } => syntax::read(text, source)?,
        Schema::List(_) | Schema::OneOrMany(_)
            if trimmed.starts_with('[') && trimmed.contains('"') =>
        {
            syntax::read(text, source)?
        }
        Schema::List(_) | Schema::OneOrMany(_) => {
            let items = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
            node(Value::List(items.map(|item| node(Value::Text(item.to_owned()))).collect()))
        }
        Schema::Bool => node(match trimmed {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Text(text.to_owned()),
        }),
        Schema::Integer { .. } | Schema::Size { .. } => node(match trimmed.parse() {
            Ok(count) => Value::Integer(count),
            Err(_) => Value::Text(text.to_owned()),
        }),
        Schema::Text(_) | Schema::Choice(_) | Schema::Nullable(_) => {
            node(Value::Text(text.to_owned()))
        }
    })
}

/// A name that does not match any setting.
struct Lost {
    path: Path,
    message: String,
    near: Option<&'static str>,
}

/// The setting for the parts of a name, ignoring case and underscores.
fn resolve(segments: &[&str]) -> Result<(Path, &'static Schema), Lost> {
    let mut schema: &'static Schema = &ROOT;
    let mut path = Path::default();
    for segment in segments {
        let fields = schema.fields();
        if fields.is_empty() {
            let message = match schema.inner() {
                Schema::Map { .. } => "its entries cannot be set one by one",
                _ => "is one value, not a section",
            };
            let message = message.to_owned();
            return Err(Lost { path, message, near: None });
        }
        let means = |field: &&Field| field.key != "$schema" && fold(&field.key) == fold(segment);
        let Some(field) = fields.iter().find(means) else {
            let near = nearest(segment, fields.iter().map(|field| field.key.as_str()));
            let path = path.key(&segment.to_ascii_lowercase());
            return Err(Lost { path, message: "is not a setting".to_owned(), near });
        };
        path = path.key(&field.key);
        schema = &field.schema;
    }
    Ok((path, schema))
}

impl Lost {
    fn problem(self, origin: &Origin, otherwise: &str) -> Problem {
        let hint = match self.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => otherwise.to_owned(),
        };
        Problem::new(origin, &self.path, self.message, hint)
    }

    /// A name with `__` can only be a setting, so an unknown one is an error. Other names may belong to
    /// something else (the prefix is also that of a Kubernetes service): they get a warning if they are
    /// similar to a setting.
    fn tell(
        self,
        segments: &[&str],
        origin: &Origin,
        errors: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) {
        if segments.len() > 1 {
            let hint = "`bot-hub config schema` lists all settings; rooms and tokens are given \
                        together, as JSON5 in BOT_HUB_ROOMS and BOT_HUB_TOKENS";
            errors.push(self.problem(origin, hint));
        } else if self.near.is_some() && !NOT_SETTINGS.contains(&segments[0]) {
            warnings.push(self.problem(origin, ""));
        }
    }
}

//! The layers above the file: `BOT_HUB_*` variables, and flags.
//!
//! Owns how a variable's name means a setting and how its text becomes a value. Never reads the
//! process environment: it is handed in.

use std::collections::BTreeMap;
use std::fmt;

use super::fit::Fitting;
use super::node::{Member, Node, Value};
use super::problem::{Origin, Path, Problem, Source};
use super::shape::{Field, ROOT, Shape, example};
use super::suggest::{fold, nearest};
use super::syntax;

/// What variables of the hub's configuration start with.
pub const ENV_PREFIX: &str = "BOT_HUB_";

/// Variables of the program that are no settings, so that they are not taken for misspelt ones.
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

    /// A variable's value; one that is set to nothing counts as not set.
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
    /// The setting, by its keys and dots: `store.path`.
    pub path: String,
    /// The value, as text: written like the value of a variable.
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
    fitting: &mut Fitting<'_>,
    warnings: &mut Vec<Problem>,
) {
    let mut set: Vec<(Path, &str)> = Vec::new();
    for (name, value) in &environment.0 {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        // A Kubernetes service called `bot-hub` sets BOT_HUB_PORT=tcp://… in every pod beside it.
        if value.is_empty() || (rest == "PORT" && value.contains("://")) {
            continue;
        }
        let origin = Origin::of(&Source::Env(name.as_str().into()));
        let segments: Vec<_> = rest.split("__").collect();
        match resolve(&segments) {
            Ok((path, shape)) => {
                if let Some((_, other)) = set.iter().find(|(known, _)| *known == path) {
                    let message = format!("`{other}` means the same setting");
                    let problem = Problem::new(&origin, &path, message, "keep one of the two");
                    fitting.problems.push(problem);
                    continue;
                }
                set.push((path.clone(), name));
                lay(tree, &origin.source, &path, shape, value, fitting);
            }
            Err(lost) => lost.tell(&segments, &origin, fitting.problems, warnings),
        }
    }
}

/// Lays the flags over `tree`.
pub(super) fn lay_flags(tree: &mut Node, flags: &[Override], fitting: &mut Fitting<'_>) {
    for Override { path, value, flag } in flags {
        let source = Source::Flag(flag.as_str().into());
        let segments: Vec<_> = path.split('.').collect();
        match resolve(&segments) {
            Ok((path, shape)) => lay(tree, &source, &path, shape, value, fitting),
            Err(lost) => {
                let origin = Origin::of(&source);
                fitting
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
    shape: &Shape,
    text: &str,
    fitting: &mut Fitting<'_>,
) {
    let node = match written(text, shape, source) {
        Ok(node) => node,
        Err(mut problem) => {
            problem.path = path.to_string();
            fitting.problems.push(*problem);
            return;
        }
    };
    let Some(fitted) = fitting.fit(node, shape, path) else { return };
    let nested = path.0.iter().rev().fold(fitted, |node, segment| {
        let super::problem::Segment::Key(key) = segment else { return node };
        let origin = node.origin.clone();
        let member = Member { origin: origin.clone(), key: key.clone(), node };
        Node { origin, value: Value::Object(vec![member]) }
    });
    tree.merge(nested);
}

/// A text from outside of a file as a value of the expected shape. Wrong ones are left as texts, so
/// that they are refused in the same words as in a file.
fn written(text: &str, shape: &Shape, source: &Source) -> Result<Node, Box<Problem>> {
    let node = |value| Node { origin: Origin::of(source), value };
    let trimmed = text.trim();
    if matches!(shape, Shape::Nullable(_)) && trimmed == "null" {
        return Ok(node(Value::Null));
    }
    Ok(match shape.inner() {
        Shape::Section(_) | Shape::Map { .. } if !trimmed.starts_with('{') => {
            let hint = format!("set one of its settings by name, or write {}", example(shape));
            let message = "is a section, and this is no object";
            return Err(Box::new(Problem::new(
                &Origin::of(source),
                &Path::default(),
                message,
                hint,
            )));
        }
        Shape::Section(_) | Shape::Map { .. } => syntax::read(text, source)?,
        Shape::List(_) | Shape::OneOrMany(_)
            if trimmed.starts_with('[') && trimmed.contains('"') =>
        {
            syntax::read(text, source)?
        }
        Shape::List(_) | Shape::OneOrMany(_) => {
            let items = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
            node(Value::List(items.map(|item| node(Value::Text(item.to_owned()))).collect()))
        }
        Shape::Bool => node(match trimmed {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Text(text.to_owned()),
        }),
        Shape::Integer { .. } | Shape::Size { .. } => node(match trimmed.parse() {
            Ok(count) => Value::Integer(count),
            Err(_) => Value::Text(text.to_owned()),
        }),
        Shape::Text(_) | Shape::Choice(_) | Shape::Nullable(_) => {
            node(Value::Text(text.to_owned()))
        }
    })
}

/// Where a name leads to no setting.
struct Lost {
    path: Path,
    message: String,
    near: Option<&'static str>,
}

/// The setting that a name's parts mean; case and underscores do not matter.
fn resolve(segments: &[&str]) -> Result<(Path, &'static Shape), Lost> {
    let mut shape: &'static Shape = &ROOT;
    let mut path = Path::default();
    for segment in segments {
        let fields = shape.fields();
        if fields.is_empty() {
            let message = match shape.inner() {
                Shape::Map { .. } => "its entries cannot be set one by one",
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
        shape = &field.shape;
    }
    Ok((path, shape))
}

impl Lost {
    fn problem(self, origin: &Origin, otherwise: &str) -> Problem {
        let hint = match self.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => otherwise.to_owned(),
        };
        Problem::new(origin, &self.path, self.message, hint)
    }

    /// A name with `__` can only mean a setting, so a wrong one is an error. Without, it may belong
    /// to something else (the prefix is also a Kubernetes service's): worth a warning if it is near
    /// to a setting.
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

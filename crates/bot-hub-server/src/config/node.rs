//! A value of the configuration with its origin.
//!
//! Owns the tree into which file, environment and flags are read and merged. The meaning of keys is in
//! [`mod@super::schema`]. Has no `Debug`, because keys of `tokens` are secrets.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::problem::{Origin, Path, Segment};

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// What was written.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key of an object with its value. A repeated key is two members until the check.
#[derive(Clone, PartialEq)]
pub(super) struct Member {
    pub(super) origin: Origin,
    pub(super) key: String,
    pub(super) node: Node,
}

/// Nodes are equal if their values are; their origins do not matter.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Value {
    /// What it is, with its article, for an error message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a number",
            Self::Real(real) if real.fract().abs() > 0.0 => "a number with decimals",
            Self::Real(_) => "a number beyond all bounds",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Finds the origins of many settings: an index, made at the first question, saves searching a long section
/// from its beginning for each of them.
pub(super) struct Origins<'a> {
    tree: &'a Node,
    sections: OnceCell<Sections<'a>>,
}

/// Entries by section and key.
type Sections<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Node>>;

impl<'a> Origins<'a> {
    pub(super) fn of(tree: &'a Node) -> Self {
        Self { tree, sections: OnceCell::new() }
    }

    /// See [`Node::origin_of`].
    pub(super) fn origin_of(&self, path: &Path) -> Option<&'a Origin> {
        if let [Segment::Key(section), Segment::Key(key) | Segment::Secret(key), rest @ ..] =
            &path.0[..]
            && let Some(entries) = self.sections().get(section.as_str())
            && let Some(entry) = entries.get(key.as_str())
        {
            return entry.said_at(rest);
        }
        self.tree.origin_of(path)
    }

    fn sections(&self) -> &Sections<'a> {
        let section = |member: &'a Member| {
            // If an entry occurs twice, the first one counts.
            let entries = member.node.members().iter().rev();
            (&*member.key, entries.map(|entry| (&*entry.key, &entry.node)).collect())
        };
        self.sections.get_or_init(|| self.tree.members().iter().map(section).collect())
    }
}

impl Node {
    pub(super) fn object(origin: Origin) -> Self {
        Self { origin, value: Value::Object(Vec::new()) }
    }

    pub(super) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// The origin of the value at `path`, or `None` if it was not set.
    pub(super) fn origin_of(&self, path: &Path) -> Option<&Origin> {
        self.said_at(&path.0)
    }

    fn said_at(&self, segments: &[Segment]) -> Option<&Origin> {
        let mut node = self;
        for segment in segments {
            node = match (segment, &node.value) {
                (Segment::Index(index), Value::List(items)) => items.get(*index)?,
                // `listen: "…"` is a list of one element, and the text stands for the list.
                (Segment::Index(0), _) => node,
                (Segment::Key(key) | Segment::Secret(key), _) => node.get(key)?,
                (Segment::Index(_), _) => return None,
            };
        }
        Some(&node.origin)
    }

    /// Lays `upper` over `self`: sections are merged key by key, everything else is replaced.
    pub(super) fn merge(&mut self, upper: Self) {
        let Value::Object(over) = upper.value else {
            *self = upper;
            return;
        };
        let Value::Object(members) = &mut self.value else {
            *self = Self { origin: upper.origin, value: Value::Object(over) };
            return;
        };
        for member in over {
            match members.iter_mut().find(|below| below.key == member.key) {
                Some(below) => below.node.merge(member.node),
                None => members.push(member),
            }
        }
    }

    /// The plain JSON value. Numbers that JSON cannot hold become `null`.
    pub(super) fn into_json(self) -> serde_json::Value {
        match self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(bool) => bool.into(),
            Value::Integer(integer) => integer_json(integer),
            Value::Real(real) => real.into(),
            Value::Text(text) => text.into(),
            Value::List(items) => items.into_iter().map(Self::into_json).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|member| (member.key, member.node.into_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

fn integer_json(integer: i128) -> serde_json::Value {
    match (u64::try_from(integer), i64::try_from(integer)) {
        (Ok(unsigned), _) => unsigned.into(),
        (_, Ok(signed)) => signed.into(),
        _ => serde_json::Value::Null,
    }
}

//! The effective configuration, for people and programs, with tokens redacted.
//!
//! Owns how settings, origins and problems are listed.

use serde_json::{Value, json};

use super::change::leaves;
use super::load::Loaded;
use super::node::Origins;
use super::problem::{Origin, Problem, Source};
use super::starter::inline;

/// One setting as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The setting, tokens redacted.
    pub path: String,
    /// Its value.
    pub value: Value,
    /// Who said it.
    pub origin: Origin,
}

impl Setting {
    /// The value on one line, as JSON5.
    pub fn inline(&self) -> String {
        inline(&self.value)
    }
}

impl Loaded {
    /// Every setting with its origin, in the order of the reference.
    pub fn settings(&self) -> Vec<Setting> {
        let origins = Origins::of(&self.tree);
        let setting = |(path, value): (super::problem::Path, Value)| Setting {
            path: path.to_string(),
            value,
            origin: origins.origin_of(&path).cloned().unwrap_or(Origin::DEFAULT),
        };
        leaves(&self.config).into_iter().map(setting).collect()
    }
}

impl Origin {
    /// `{"source": "file", "name": "…", "line": 1, "column": 1}`; absent parts are left out.
    pub fn to_json(&self) -> Value {
        let (source, name) = match &self.source {
            Source::Default => ("default", None),
            Source::File(name) => ("file", Some(name)),
            Source::Env(name) => ("environment", Some(name)),
            Source::Flag(name) => ("flag", Some(name)),
        };
        let mut json = json!({ "source": source });
        if let Some(name) = name {
            json["name"] = (**name).into();
        }
        if let Some(place) = self.place {
            json["line"] = place.line.into();
            json["column"] = place.column.into();
        }
        json
    }
}

impl Problem {
    /// The problem with its origin, path, message and hint.
    pub fn to_json(&self) -> Value {
        json!({
            "origin": self.origin.to_json(),
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        })
    }
}

impl Setting {
    /// The setting with its path, value and origin.
    pub fn to_json(&self) -> Value {
        json!({ "path": self.path, "value": self.value, "origin": self.origin.to_json() })
    }
}

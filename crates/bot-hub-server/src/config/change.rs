//! Which settings a reload changes, and which of them take effect only after a restart.
//!
//! Owns the comparison of two configurations. Applies nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::problem::{Path, Segment};
use super::schema::{Applies, Field, ROOT, Schema};
use super::settings::Config;

/// One setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting, tokens redacted.
    pub path: String,
    /// When the new value takes effect.
    pub applies: Applies,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let applies = match self.applies {
            Applies::Now => "applied",
            Applies::NewConnections => "applies to new connections",
            Applies::Restart => "requires restart",
        };
        write!(f, "{}: {applies}", self.path)
    }
}

impl Config {
    /// The settings in which `new` differs, in the order of their names.
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        let (old_leaves, new_leaves) = (by_path(self), by_path(new));
        let same_addresses = self.addresses() == new.addresses();
        let mut paths: Vec<_> = old_leaves.keys().chain(new_leaves.keys()).collect();
        paths.sort();
        paths.dedup();
        paths
            .into_iter()
            .filter(|path| old_leaves.get(path) != new_leaves.get(path))
            .map(|path| Change { path: path.to_string(), applies: applies(path) })
            .filter(|change| !(same_addresses && matches!(&*change.path, "port" | "listen")))
            .collect()
    }
}

fn by_path(config: &Config) -> BTreeMap<Path, Value> {
    leaves(config).into_iter().collect()
}

/// Every setting with its value, in the order of the file; rooms and tokens key by key.
pub(super) fn leaves(config: &Config) -> Vec<(Path, Value)> {
    let value =
        serde_json::to_value(config).expect("the configuration has no value that JSON lacks");
    let mut leaves = Vec::new();
    for field in ROOT.fields() {
        let path = Path::default().key(&field.key);
        if field.key == "tokens" {
            // Two tokens may look the same when redacted; the path keeps them apart.
            for (token, entry) in &config.tokens {
                let path = path.then(Segment::Secret(token.reveal().to_owned()));
                leaves.push((path.key("botId"), entry.bot_id.as_str().into()));
                leaves.push((path.key("disabled"), entry.disabled.into()));
            }
        } else if let Some(value) = value.get(&field.key) {
            collect(value, &field.schema, path, &mut leaves);
        }
    }
    leaves
}

fn collect(value: &Value, schema: &Schema, path: Path, leaves: &mut Vec<(Path, Value)>) {
    match (schema.inner(), value) {
        (Schema::Section(fields), Value::Object(_)) => {
            for field in fields {
                if let Some(value) = value.get(&field.key) {
                    collect(value, &field.schema, path.key(&field.key), leaves);
                }
            }
        }
        (Schema::Map { value: schema, .. }, Value::Object(entries)) => {
            for (key, value) in entries {
                collect(value, schema, path.key(key), leaves);
            }
        }
        _ => leaves.push((path, value.clone())),
    }
}

/// When a change of the setting counts, by the schema.
fn applies(path: &Path) -> Applies {
    let mut fields: &[Field] = ROOT.fields();
    let mut applies = Applies::Now;
    for segment in &path.0 {
        let Segment::Key(key) = segment else { break };
        let Some(field) = fields.iter().find(|field| field.key == *key) else { break };
        applies = applies.max(field.applies);
        fields = field.schema.fields();
    }
    applies
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load_text};

    fn check(old: &str, new: &str, expected: &[&str]) {
        let config = |text| load_text("c", text, &Sources::default()).expect("is valid").config;
        let changes = config(old).changes(&config(new));
        let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{old} -> {new}");
    }

    #[test]
    fn each_change_says_when_it_counts() {
        check("{}", "{}", &[]);
        check("{}", "{ port: 1 }", &["port: requires restart"]);
        check("{}", "{ listen: '127.0.0.1:18795' }", &[]);
        check(
            "{}",
            "{ limits: { frameBytes: '1KiB', textBytes: 9, metaBytes: 9 } }",
            &[
                "limits.frameBytes: applies to new connections",
                "limits.metaBytes: applied",
                "limits.textBytes: applied",
            ],
        );
        check("{}", "{ store: { kind: 'memory' } }", &["store.kind: requires restart"]);
        check(
            "{}",
            "{ rooms: { lab: { open: true } } }",
            &["rooms.lab.members: applied", "rooms.lab.open: applied"],
        );
        check("{ log: { format: 'json' } }", "{}", &["log.format: requires restart"]);
    }

    #[test]
    fn a_changed_token_is_told_redacted_and_two_are_told_apart() {
        let one = "{ tokens: { 'token-for-marlbot': { botId: 'marlbot' } } }";
        let two = "{ tokens: { 'token-for-pelouse': { botId: 'marlbot' } } }";
        let token = ["tokens.toke….botId: applied", "tokens.toke….disabled: applied"];
        check(one, two, &[token, token].concat());
    }
}

//! What must hold whatever the input: the bodies of the fuzz targets, called by `cargo test` too.

use std::collections::BTreeMap;

use bot_protocol::block::{
    Act, BuildError, Depth, Filter, Key, Message, Severity, SplitError, State, build, join, lint,
    parse, split, to_json,
};
use bot_protocol::time::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::nasty::Choices;
use super::v01;

/// Any text: no panic, a place inside the text for every error, and what was read can be written.
pub(crate) fn any_text(text: &str) {
    let findings = lint(text);
    match parse(text) {
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).expect("the line exists");
            assert!(error.column <= line.chars().count() + 1, "{error} in {text:?}");
            assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
        }
        Ok(act) => {
            assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
            serde_json::from_str::<Value>(&to_json(&act, text)).expect("the shape is JSON");
            comes_back_unless_refused(&act);
        }
    }
}

/// The parser reads depths that must not be sent, and nothing else that cannot be written.
fn comes_back_unless_refused(act: &Act<'_>) {
    let built = build(act);
    if matches!(built, Err(BuildError::TooLong)) {
        return;
    }
    let mut act = act.clone();
    if built.is_err() {
        act.depth = Some(Depth::default());
    }
    let text = build(&act).unwrap_or_else(|error| panic!("{error}: {act:?}"));
    assert_eq!(parse(&text).as_ref(), Ok(&act), "{text:?}");
}

/// Any act: it comes back from its block, through platforms, and in parts; and no value of it
/// becomes a field, for us or for v0.1.
pub(crate) fn any_act(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let act = choices.act();
    let text = build(&act).unwrap_or_else(|error| panic!("{error}: {act:?}"));
    assert_eq!(parse(&text).as_ref(), Ok(&act), "{text:?}");
    v01_sees(&text, &act);
    for changed in platform_changes(&text, &mut choices) {
        assert_eq!(parse(&changed).as_ref(), Ok(&act), "{changed:?}");
    }
    in_parts(&act, text.len() * 2 / 3);
}

fn platform_changes(text: &str, choices: &mut Choices<'_>) -> [String; 7] {
    let noise = choices.text().replace('`', "'");
    let typed = text.replacen('→', "->", 1);
    [
        text.replace('\n', "\r\n"),
        format!("> {}", text.replace('\n', "\n> ")),
        format!("  {}", text.replace('\n', "\n  ")),
        text.replacen("```", "```text", 1),
        typed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        typed,
        format!("{noise}{text}{}", choices.text()),
    ]
}

/// v0.1 reads the same fields, no other, and in them the same text but for what keeps it there.
fn v01_sees(text: &str, act: &Act<'_>) {
    let seen = v01::parse(text).unwrap_or_else(|| panic!("v0.1 reads nothing: {text:?}"));
    assert_eq!(seen.kind, act.kind.as_str());
    assert_eq!(squash(&seen.to), squash(&act.to));
    let mut expected: Vec<(String, String)> = Key::ALL
        .into_iter()
        .filter_map(|key| Some((key.as_str().to_ascii_lowercase(), value(act, key)?)))
        .chain(act.meta.iter().map(|(key, value)| (key.to_string(), value.to_string())))
        .map(|(key, value)| (key, squash(&value)))
        .collect();
    expected.sort();
    let seen: Vec<_> = seen.fields.iter().map(|(key, text)| (key.clone(), squash(text))).collect();
    assert_eq!(seen, expected, "{text:?}");
}

fn value(act: &Act<'_>, key: Key) -> Option<String> {
    match key {
        Key::Status => act.status.map(|status| status.to_string()),
        Key::Priority => act.priority.map(|priority| priority.to_string()),
        Key::Depth => act.depth.map(|depth| depth.to_string()),
        _ => act.text(key).map(str::to_owned),
    }
}

/// Text without guards, and without blanks where a line begins.
fn squash(text: &str) -> String {
    let blanks = [' ', '\t', '\u{A0}', '\u{202F}'];
    let text = text.replace('\u{200B}', "");
    text.split('\n').map(|line| line.trim_start_matches(blanks)).collect::<Vec<_>>().join("\n")
}

fn in_parts(act: &Act<'_>, limit: usize) {
    let parts = match split(act, limit) {
        Ok(parts) => parts,
        Err(SplitError::TooSmall { .. } | SplitError::IsPart) => return,
        Err(error) => panic!("{error}: {act:?}"),
    };
    for part in &parts {
        assert!(part.encode_utf16().count() <= limit, "{part:?}");
        v01_sees(part, &parse(part).expect("a part is a block"));
    }
    let mut acts: Vec<Act<'_>> = parts.iter().filter_map(|part| parse(part).ok()).collect();
    acts.reverse();
    assert_eq!(join(&acts).as_ref(), Ok(act), "{parts:?}");
}

/// Any text as a state file: no panic, and what is not touched is kept.
pub(crate) fn any_state(text: &str) {
    let Ok(mut state) = State::from_json(text) else { return };
    let written = state.to_json();
    assert_eq!(State::from_json(&written).expect("it was written").to_json(), written);
    let before = entries(&written);
    let message = Message { request_id: "fuzz-1".into(), from: "a".into(), ..Message::default() };
    if state.track(&message, Timestamp(1)).is_err() {
        return;
    }
    let after = entries(&state.to_json());
    for (id, entry) in &before {
        assert!(id == "fuzz-1" || after[id] == *entry, "{id}");
    }
    let is_there = |state: &State| state.get("fuzz-1").is_ok_and(|found| found.is_some());
    assert!(is_there(&state) && state.list(&Filter::default()).next().is_some());
    state.check_timeouts(Timestamp(u64::MAX));
    state.cleanup(0, Timestamp(u64::MAX));
    State::from_json(&state.to_json()).expect("it was written");
}

/// The entries of a state file as they are written: a number that no program can hold is kept too.
fn entries(text: &str) -> BTreeMap<String, String> {
    let entries: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).expect("it was written");
    entries.into_iter().map(|(id, entry)| (id, entry.get().to_owned())).collect()
}

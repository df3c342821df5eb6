//! `bot-hub proto`: the bot-protocol text format on the command line.
//!
//! Owns the verbs and what they print. `bot_protocol::block` owns blocks and conversations, [`mod@file`]
//! the state file, and [`lock`] its lock.

mod args;
mod file;
mod lock;
mod report;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bot_protocol::block::{
    Act, Conversation, Draft, DraftDepth, Filter, Key, Kind, Message, Severity, build, join, lint,
    parse, parse_all, split, to_json,
};
use bot_protocol::frame::readable;
use bot_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::failure::{self, Failure};
pub use args::{BuildArgs, Input, Inputs, ListArgs, ProtoArgs, SplitArgs, Verb};
use file::StateFile;
use report::{Report, not_an_act, not_found, print, printable, unreadable, warn};

/// Runs one verb, prints its result, and returns the exit code. The caller reports a failure.
pub(super) fn run(
    args: ProtoArgs,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<u8, Failure> {
    let mut state = StateFile::new(args.state);
    let outcome = act(args.verb, &mut state, stdin);
    match outcome {
        Ok(mut report) => {
            report.warnings.append(&mut state.warnings);
            Ok(print(report, args.json, stdout, stderr)?)
        }
        Err(failure) => {
            warn(&state.warnings, stderr)?;
            Err(failure)
        }
    }
}

fn act(verb: Verb, state: &mut StateFile, stdin: &mut dyn Read) -> Result<Report, Failure> {
    match verb {
        Verb::Parse(input) => show_block(&read(&input.file, stdin)?),
        Verb::Build(args) => write_block(*args, stdin),
        Verb::Lint(inputs) => lint_all(&inputs, stdin),
        Verb::Split(args) if args.join => join_parts(&args.inputs, stdin),
        Verb::Split(args) => divide(&args, stdin),
        Verb::Track(input) => track(state, &read(&input.file, stdin)?),
        Verb::List(args) => list(state, args),
        Verb::Show { id } => show(state, &id),
        Verb::Timeouts => timeouts(state),
        Verb::Cleanup { older_than } => cleanup(state, older_than),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn read(path: &Path, stdin: &mut dyn Read) -> Result<String, Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".into() } else { path.to_string_lossy() };
    let text = if is_stdin { io::read_to_string(stdin) } else { std::fs::read_to_string(path) };
    text.map_err(|error| unreadable(&name, &error))
}

/// The JSON form of v0.1.
fn shape(act: &Act<'_>, text: &str) -> Value {
    serde_json::from_str(&to_json(act, text)).expect("it was just written")
}

fn show_block(text: &str) -> Result<Report, Failure> {
    let act = parse(text)?;
    Ok(Report {
        text: fields(&act),
        json: json!({"block": shape(&act, text)}),
        ..Report::default()
    })
}

/// One line `key: value` per field; further lines of a value are indented.
fn fields(act: &Act<'_>) -> String {
    let mut lines =
        vec![("type".to_owned(), act.kind.to_string()), ("to".into(), act.to.to_string())];
    for key in Key::ALL {
        let value = match key {
            Key::Status => act.status.map(|status| status.to_string()),
            Key::Priority => act.priority.map(|priority| priority.to_string()),
            Key::Depth => act.depth.map(|depth| depth.to_string()),
            _ => act.text(key).map(str::to_owned),
        };
        lines.extend(value.map(|value| (key.json_name().to_owned(), value)));
    }
    lines.extend(act.meta.iter().map(|(key, value)| (format!("meta.{key}"), value.to_string())));
    let line = |(key, value): (String, String)| {
        format!("{key}: {}\n", printable(&value).replace('\n', "\n  "))
    };
    lines.into_iter().map(line).collect()
}

fn write_block(args: BuildArgs, stdin: &mut dyn Read) -> Result<Report, Failure> {
    let draft = match &args.kind {
        Some(kind) => draft(kind, &args)?,
        None => {
            let text = read(&args.input, stdin)?;
            serde_json::from_str::<Draft<'_>>(&text).map_err(|error| not_an_act(&error))?
        }
    };
    let mut random = [0; 6];
    getrandom::fill(&mut random).map_err(|error| {
        let failed = Failure::new(failure::Kind::Failed, error.to_string());
        failed.named("no_random").hint("give `--request-id`")
    })?;
    let act = draft.into_act(random)?;
    let text = build(&act)?;
    let json = json!({"text": &text, "requestId": &act.request_id});
    Ok(Report { text: format!("{text}\n"), json, ..Report::default() })
}

fn draft(kind: &str, args: &BuildArgs) -> Result<Draft<'static>, Failure> {
    let kind = Kind::parse(&kind.to_ascii_uppercase()).ok_or_else(|| {
        let hint = "the kinds are request, response, clarify, handoff and broadcast";
        let message = format!("`{kind}` is not a kind of act");
        Failure::new(failure::Kind::Usage, message).named("unknown_kind").hint(hint)
    })?;
    let args = args.clone();
    let text = |text: Option<String>| text.map(Cow::Owned);
    Ok(Draft {
        kind,
        to: text(args.to),
        from: text(args.from),
        request_id: text(args.request_id),
        task: text(args.task),
        status: text(args.status),
        result: text(args.result),
        question: text(args.question),
        message: text(args.message),
        context: text(args.context),
        depth: args.depth.map(DraftDepth::Text),
        callback: text(args.callback),
        priority: text(args.priority),
        meta: args.meta.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
    })
}

fn lint_all(inputs: &Inputs, stdin: &mut dyn Read) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut found = Vec::new();
    for path in &inputs.files {
        let text = read(path, stdin)?;
        for finding in lint(&text) {
            let file = path.to_string_lossy();
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            if finding.severity == Severity::Error {
                report.code = 1;
            }
            let (line, column) = (finding.line, finding.column);
            let (message, hint) = (&finding.message, finding.hint);
            report.text +=
                &format!("{file}:{line}:{column}: {severity}: {message}\n  hint: {hint}\n");
            found.push(json!({
                "file": file, "line": line, "column": column, "severity": severity,
                "type": finding.name, "message": message, "hint": hint,
            }));
        }
    }
    report.json = json!({"findings": found});
    Ok(report)
}

fn divide(args: &SplitArgs, stdin: &mut dyn Read) -> Result<Report, Failure> {
    let mut parts = Vec::new();
    for path in &args.inputs.files {
        let text = read(path, stdin)?;
        parts.extend(split(&parse(&text)?, args.limit)?);
    }
    let text = parts.join("\n\n") + "\n";
    Ok(Report { text, json: json!({"parts": parts}), ..Report::default() })
}

fn join_parts(inputs: &Inputs, stdin: &mut dyn Read) -> Result<Report, Failure> {
    let mut acts = Vec::new();
    for path in &inputs.files {
        let text = read(path, stdin)?;
        acts.extend(parse_all(&text).map(Act::into_owned));
    }
    let act = join(&acts)?;
    let text = build(&act)?;
    let json = json!({"text": &text, "block": shape(&act, &text)});
    Ok(Report { text: format!("{text}\n"), json, ..Report::default() })
}

/// A conversation with its id, as `list` prints it in JSON.
fn entry(id: &str, conversation: &Conversation) -> Value {
    // Several programs write the state file, and one of them may have written numbers or strings that a
    // JSON value cannot hold.
    let text = serde_json::to_string(conversation).expect("strings, lists and JSON as it was read");
    let mut entry: Value = serde_json::from_str(&readable(&text)).unwrap_or_default();
    entry["requestId"] = id.into();
    entry
}

/// A conversation on one line.
fn line(id: &str, conversation: &Conversation) -> String {
    let Conversation { status, kind, from, to, updated_at, .. } = conversation;
    let task = conversation.task.as_deref().unwrap_or_default();
    let task: String = task.lines().next().unwrap_or_default().chars().take(60).collect();
    let line = format!("{id}\t{status}\t{kind}\t{from} → {to}\t{updated_at}\t{task}");
    printable(&line.replace('\n', " ")) + "\n"
}

fn track(state: &mut StateFile, text: &str) -> Result<Report, Failure> {
    let act = parse(text)?;
    let message = Message::from(&act);
    let tracked = state.update(|state| Ok((state.track(&message, now())?, true)))?;
    let id = &message.request_id;
    let warning = tracked.warning.map(|warning| warning.to_string());
    Ok(Report {
        text: line(id, &tracked.conversation),
        json: json!({"conversation": entry(id, &tracked.conversation), "warning": warning}),
        warnings: warning.into_iter().collect(),
        code: 0,
    })
}

fn list(state: &mut StateFile, args: ListArgs) -> Result<Report, Failure> {
    let filter = Filter { status: args.status, from: args.from, to: args.to };
    let state = state.read()?;
    let mut report = Report::default();
    let mut entries = Vec::new();
    for (id, conversation) in state.list(&filter) {
        report.text += &line(id, &conversation);
        entries.push(entry(id, &conversation));
    }
    report.json = json!({"conversations": entries});
    Ok(report)
}

fn show(state: &mut StateFile, id: &str) -> Result<Report, Failure> {
    let conversation = state.read()?.get(id)?.ok_or_else(|| not_found(id))?;
    let pretty = serde_json::to_string_pretty(&entry(id, &conversation));
    let text = pretty.expect("a conversation is JSON") + "\n";
    let json = json!({"conversation": entry(id, &conversation)});
    Ok(Report { text, json, ..Report::default() })
}

fn timeouts(state: &mut StateFile) -> Result<Report, Failure> {
    let timed_out = state.update(|state| {
        let timed_out = state.check_timeouts(now());
        let is_changed = !timed_out.is_empty();
        Ok((timed_out, is_changed))
    })?;
    let one = |late: &bot_protocol::block::TimedOut| {
        printable(&format!("{}\tno answer for {} minutes\n", late.id, late.minutes))
    };
    let ids: Vec<&str> = timed_out.iter().map(|late| late.id.as_str()).collect();
    Ok(Report {
        text: timed_out.iter().map(one).collect(),
        json: json!({"timedOut": ids}),
        code: if timed_out.is_empty() { 0 } else { failure::Kind::TimedOut.exit_code() },
        warnings: Vec::new(),
    })
}

fn cleanup(state: &mut StateFile, older_than: Duration) -> Result<Report, Failure> {
    let age_ms = u64::try_from(older_than.as_millis()).unwrap_or(u64::MAX);
    let removed = state.update(|state| {
        let removed = state.cleanup(age_ms, now());
        Ok((removed, removed > 0))
    })?;
    let text = format!("{removed} removed\n");
    Ok(Report { text, json: json!({"removed": removed}), ..Report::default() })
}

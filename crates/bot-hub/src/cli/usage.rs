//! Errors about arguments that make no sense.
//!
//! Owns the wording for invalid values, each with a next step. For all other mistakes clap's own message is
//! printed, which names the usage and `--help`.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::failure::{Failure, Kind};

/// The exit code that monitoring systems read as "unknown": wrong usage of `check` says nothing about the
/// hub.
const CHECK_UNKNOWN: u8 = 3;

/// Prints help and version, which are no failures; reports a mistake as text or as JSON, as asked.
pub(super) fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failed) => Failure::from(failed).tell_as_text(),
        };
    }
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let code = match (unfit(error), wants_json) {
        (Some(failure), _) => failure.tell(wants_json),
        (None, true) => as_failure(error).tell_as_json(),
        (None, false) => said(error.print()),
    };
    if is_check(std::env::args_os().skip(1)) { ExitCode::from(CHECK_UNKNOWN) } else { code }
}

/// Whether the verb is `check`: the first argument that is neither an option nor the value of one.
fn is_check(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let definition = super::definition();
    let takes_value = |text: &str| {
        let name = text.strip_prefix("--");
        let mut options = definition.get_arguments();
        options.any(|it| it.get_long() == name && name.is_some() && it.get_action().takes_values())
    };
    let mut is_value = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut is_value) {
            continue;
        }
        if !text.starts_with('-') {
            return text == "check";
        }
        is_value = takes_value(&text);
    }
    false
}

/// Returns the exit code for wrong usage, whether or not the message could be printed.
fn said(printed: io::Result<()>) -> ExitCode {
    drop(printed);
    ExitCode::from(2)
}

fn as_failure(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let text = text.trim_start_matches("error: ");
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a verb is missing",
        _ => text.split("\n\n").next().unwrap_or(text).trim(),
    };
    let alike = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg];
    let alike = alike.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    });
    Failure::new(Kind::Usage, message).hint(match alike {
        Some(alike) => format!("did you mean `{alike}`?"),
        None => "bot-hub help, or --help behind a command".to_owned(),
    })
}

/// The failure for an invalid value, in our own words; clap would repeat the parser's.
fn unfit(error: &clap::Error) -> Option<Failure> {
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (argument, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    let (why, own_hint) = why.split_once("\nhint: ").unwrap_or((&why, ""));
    let why = in_words(why);
    let message = if why.starts_with("is ") || why.starts_with("has ") {
        format!("`{value}` for `{argument}` {why}")
    } else {
        format!("`{value}` is no value for `{argument}`: {why}")
    };
    let hint = match own_hint {
        "" => meant(argument, value).unwrap_or_else(|| hint(argument).to_owned()),
        own => own.to_owned(),
    };
    Some(Failure::new(Kind::Usage, message).hint(hint))
}

/// Rephrases the standard library's messages about numbers.
fn in_words(why: &str) -> &str {
    match why {
        "invalid digit found in string" => "is not a whole number",
        "cannot parse integer from empty string" => "is empty",
        "number too large to fit in target type" => "is too large",
        "number too small to fit in target type" => "is too small",
        other => other,
    }
}

/// A hint where a room was given in the place of a bot, or a bot in the place of a room.
fn meant(argument: &str, value: &str) -> Option<String> {
    match (taken(argument), value.strip_prefix('#'), value.strip_prefix('@')) {
        ("BOT" | "NAME", Some(name), _) => {
            Some(format!("`#` stands for a room; a bot is `{name}`, or `@{name}`"))
        }
        ("ROOM", _, Some(name)) => {
            Some(format!("`@` stands for a bot; a room is `{name}`, or `#{name}`"))
        }
        _ => None,
    }
}

/// The placeholder of an argument: `ROOM` of `--room <ROOM>`.
fn taken(argument: &str) -> &str {
    argument.split_once('<').map_or("", |(_, rest)| rest.trim_end_matches(['>', '.']))
}

/// The hint for an argument, by its placeholder.
fn hint(argument: &str) -> &'static str {
    match taken(argument) {
        "COUNT" | "SEQ" => "write a whole number, like 20",
        "PERIOD" => "write a number with a unit: 30s, 10m, 2h, 7d",
        "SIZE" => "write a number of bytes, or one with a unit: 512KiB, 256MiB, 1GiB",
        "RIGHTS" => "write some of read, post, request, invite, with a comma between two",
        "ROOM" => "see which there are: bot-hub room list",
        "BOT" | "NAME" => "names have a-z, 0-9, `.`, `_` and `-`; see which there are: bot-hub who",
        "ID" | "MESSAGE_ID" => {
            "ids are printed by `bot-hub send`, and by `bot-hub history ROOM --json`"
        }
        _ => "bot-hub help, or --help behind a command",
    }
}

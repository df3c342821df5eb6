//! Commands inside hints. They repeat the options that select the hub, so that a copied command reaches the
//! same hub.
//!
//! Owns how such a command is completed. Changes no other word of a sentence.

use std::sync::OnceLock;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::Global;

/// The options of this process's command line that select the hub.
static GIVEN: OnceLock<Given> = OnceLock::new();

#[derive(Debug, Default)]
struct Given {
    /// `--config` and `--data`, as they were typed.
    place: Vec<(&'static str, String)>,
    /// The options that select a hub and the identity on it.
    hub: Vec<(&'static str, String)>,
}

/// Verbs that act on this machine.
const LOCAL: [&str; 8] =
    ["serve", "stop", "verify", "export", "backup", "restore", "config", "service"];

/// Verbs that ask no hub, or that take the hub as an argument.
const ALONE: [&str; 8] =
    ["join", "context", "demo", "proto", "completions", "man", "version", "help"];

/// Remembers the options that were typed. Environment variables need no repeating: they apply to the next
/// command as well.
pub(super) fn remember(global: &Global, typed: &ArgMatches) {
    let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|it| it.display().to_string());
    let given = |options: [(&'static str, &str, Option<String>); 2]| {
        let typed = options.into_iter().filter(|(_, id, _)| is_typed(id));
        typed.filter_map(|(option, _, value)| Some((option, quoted(&value?)))).collect::<Vec<_>>()
    };
    let place = given([
        ("--config", "config", path(&global.config)),
        ("--data", "data", path(&global.data)),
    ]);
    let mut hub = given([
        ("--url", "url", global.url.clone()),
        ("--context", "context", global.context.clone()),
    ]);
    hub.extend(given([
        ("--token-file", "token_file", path(&global.token_file)),
        ("--ca-file", "ca_file", path(&global.ca_file)),
    ]));
    drop(GIVEN.set(Given { place, hub }));
}

/// The sentence with every `bot-hub VERB` in it completed by the options of this command.
pub(super) fn here(text: &str) -> String {
    GIVEN.get().map_or_else(|| text.to_owned(), |given| given.put_into(text))
}

const PROGRAM: &str = "bot-hub ";

impl Given {
    fn put_into(&self, text: &str) -> String {
        let mut told = String::new();
        let mut done = 0;
        for (at, _) in text.match_indices(PROGRAM) {
            let (before, rest) = (&text[..at], &text[at + PROGRAM.len()..]);
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
            let verb = rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            if before.ends_with(is_part) || verb.is_empty() {
                continue;
            }
            told += &text[done..at + PROGRAM.len()];
            done = at + PROGRAM.len();
            let line = rest.split('\n').next().unwrap_or(rest);
            // Another person runs these commands, perhaps on another machine, so our options are not added.
            let is_others =
                before.ends_with("an operator can run: ") || before.ends_with("to run: ");
            let hub = self.hub.iter().filter(|_| !is_others && !LOCAL.contains(&verb));
            let options = self.place.iter().chain(hub).filter(|_| !ALONE.contains(&verb));
            for (option, value) in options.filter(|(option, _)| !line.contains(option)) {
                told += &format!("{option} {value} ");
            }
        }
        told + &text[done..]
    }
}

/// Quotes the value where a shell would otherwise split it into words.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_told_is_about_the_same_hub() {
        let given = Given {
            place: vec![("--data", quoted("d 9"))],
            hub: vec![("--context", quoted("work")), ("--token-file", quoted("it's"))],
        };
        let check = |text: &str, expected: &str| assert_eq!(given.put_into(text), expected);
        check(
            "see what there is: bot-hub room list, bot-hub who",
            r"see what there is: bot-hub --data 'd 9' --context work --token-file 'it'\''s' room list, bot-hub --data 'd 9' --context work --token-file 'it'\''s' who",
        );
        check("start it with `bot-hub serve`", "start it with `bot-hub --data 'd 9' serve`");
        check(
            "an operator can run: bot-hub room add '#lab' ann",
            "an operator can run: bot-hub --data 'd 9' room add '#lab' ann",
        );
        check("bot-hub context list; bot-hub join LINK", "bot-hub context list; bot-hub join LINK");
        check(
            "bot-hub send --token-file ann.token x",
            "bot-hub --data 'd 9' --context work send --token-file ann.token x",
        );
        check("/usr/bin/bot-hub serve", "/usr/bin/bot-hub serve");
        check("nothing", "nothing");
    }
}

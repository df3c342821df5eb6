//! The reference of the command line (`docs/cli.md`), generated from its definition.
//!
//! Owns the form of that page. Contains nothing that `--help` does not print.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use super::Cli;
use super::failure::EXIT_CODES;

/// The width of the help texts.
const COLUMNS: usize = 100;

/// Options that every command has.
const EVERYWHERE: [&str; 8] =
    ["config", "data", "url", "context", "ca_file", "token_file", "json", "help"];

/// The definition of the command line, for documentation.
pub fn definition() -> Command {
    Cli::command()
}

/// The page as Markdown.
pub fn reference() -> String {
    let mut root = Cli::command().disable_help_subcommand(true).term_width(COLUMNS);
    root.build();
    let mut page = String::from(HEAD);
    write!(page, "\n```text\n{EXIT_CODES}\n```\n").expect("a string takes everything");
    page.push_str(FOOT);
    let about = root.render_long_help().to_string();
    section(
        &mut page,
        "bot-hub",
        without_trailing_space(about.split("Exit codes:").next().unwrap_or(&about)),
    );
    for command in root.get_subcommands() {
        let name = format!("bot-hub {}", command.get_name());
        commands(&mut page, &name, command);
    }
    page
}

const FOOT: &str = "
When stdout cannot be written (a full disk), a command says so and fails; when nobody reads it any more (`| head`), it ends
quietly. What other bots wrote is printed with everything visible that a terminal would obey or an eye would miss
(`\\u{202e}`); `tail --raw` prints it as it is, and JSON escapes it. People get local time with its distance from UTC, JSON
milliseconds since 1970, files UTC. Colour is for terminals, never the only sign of anything, and off with `NO_COLOR=1`.

`stop`, `verify`, `export`, `backup` and `restore` work on a data directory of this machine, and refuse when another hub is named
or a context other than `local` is in use. `tail` and `history` show what is said and take nothing as received: the messages go on waiting
for the bot.
";

const HEAD: &str = "\
<!-- Generated from crates/bot-hub/src/cli; UPDATE=1 cargo test -p bot-hub --test cli -->

# Command line

stdout is data, stderr is talk. With `--json`, stdout has one JSON document, or one per line for `tail`, `top`, `demo` and
`export`. A failure is `{\"ok\":false,\"error\":{\"type\":\"not_found\",\"message\":\"…\",\"hint\":\"…\"}}` on stdout (`check`,
`doctor`, `config check` and `proto` answer with what they found instead), and an exit code:
";

fn commands(page: &mut String, name: &str, command: &Command) {
    let is_family = command.get_subcommands().next().is_some();
    // Options of every command are listed once, at the top of the page.
    let has = |id: &&str| command.get_arguments().any(|it| it.get_id() == id);
    let is_own = |it: &clap::Arg| !EVERYWHERE.contains(&it.get_id().as_str());
    if !is_family || command.get_arguments().any(is_own) {
        let mut own = command.clone().term_width(COLUMNS);
        for id in EVERYWHERE.into_iter().filter(has) {
            own = own.mut_arg(id, |argument| argument.hide(true));
        }
        section(page, name, without_trailing_space(&own.render_help().to_string()));
    }
    for verb in command.get_subcommands() {
        commands(page, &format!("{name} {}", verb.get_name()), verb);
    }
}

fn section(page: &mut String, name: &str, text: String) {
    write!(page, "\n## {name}\n\n```text\n{text}\n```\n").expect("a string takes everything");
}

fn without_trailing_space(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

//! Which hub a verb acts on, and whether the options name another one.
//!
//! Owns the refusal of options that a verb would ignore. Example: a command that names the hub at one
//! address must not stop another hub that happens to run on this machine.

use clap::parser::ValueSource;

use super::failure::{Failure, Kind};
use super::{Command, Global, context};
use crate::cli::proto::Verb;

/// Options that say which hub to talk to.
const NAMING: [&str; 2] = ["url", "context"];

/// What a verb acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A hub, wherever it is.
    Hub,
    /// A data directory on this machine.
    DataDirectory,
    /// No hub that runs.
    Nothing,
    /// A text; `--context` is a field of it.
    Text,
    /// A hub that one of its arguments names.
    Argument,
}

impl Command {
    pub(super) fn about(&self) -> About {
        match self {
            Self::Stop(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Export(_)
            | Self::Compact
            | Self::Verify => About::DataDirectory,
            Self::Context(context::ContextCommand::Add { .. }) => About::Hub,
            Self::Serve(_)
            | Self::Demo(_)
            | Self::Context(_)
            | Self::Service(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version => About::Nothing,
            Self::Join(_) => About::Argument,
            Self::Proto(args) if matches!(args.verb, Verb::Build(_)) => About::Text,
            Self::Proto(_) => About::Nothing,
            _ => About::Hub,
        }
    }
}

/// Refuses a verb that would ignore which hub was named.
pub(super) fn judge(
    about: About,
    global: &Global,
    typed: &clap::ArgMatches,
) -> Result<(), Failure> {
    let what = match about {
        About::Hub => return Ok(()),
        About::DataDirectory => return of_this_machine(global),
        About::Nothing | About::Text => "this command asks no hub",
        About::Argument => "the link names the hub",
    };
    // A variable applies to all commands of a shell, an option to this one only: only options are refused.
    let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
    let is_local = |id: &str| id == "context" && global.context.as_deref() == Some(context::LOCAL);
    let is_field = |id: &str| id == "context" && about == About::Text;
    match NAMING.into_iter().find(|id| is_typed(id) && !is_local(id) && !is_field(id)) {
        Some(option) => {
            Err(Failure::new(Kind::Usage, format!("{what}, and `--{option}` names one"))
                .hint(format!("leave out --{option}")))
        }
        None => Ok(()),
    }
}

/// These verbs act on a data directory. A person who names a remote hub, or uses its context, may expect
/// them to act on that hub, so they are refused.
fn of_this_machine(global: &Global) -> Result<(), Failure> {
    const WORKS: &str = "this command works on a data directory of this machine";
    if let Some(url) = global.url.as_ref().filter(|url| !url.is_empty()) {
        let message = format!("{WORKS}, and `{url}` is the address of a hub");
        return Err(Failure::new(Kind::Usage, message)
            .hint("leave out --url (or BOT_HUB_URL); --data DIR says which directory"));
    }
    let Some((name, context)) = context::chosen(global)? else { return Ok(()) };
    let message = format!("{WORKS}, and the context `{name}` is for {}", context.hub);
    Err(Failure::new(Kind::Usage, message)
        .hint("for the hub of this machine: --context local, or --data DIR"))
}

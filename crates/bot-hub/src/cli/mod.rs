//! The command line: one verb per file.
//!
//! Owns the definition of the commands, what is printed, and the exit codes. Results go to stdout, messages
//! for people to stderr. The rules are in other crates.

mod about;
mod again;
mod ask;
mod audit;
mod backup;
mod bot;
mod check;
mod compact;
pub mod config;
mod context;
mod demo;
mod doctor;
mod export;
mod failure;
mod frames;
mod generate;
mod history;
mod hub;
mod invite;
mod join;
mod losing;
mod lost;
mod out;
mod pages;
mod paint;
mod pause;
mod pending;
mod port;
mod probe;
mod progress;
pub mod proto;
mod redact;
mod reference;
mod room;
mod send;
mod serve;
mod service;
mod status;
mod stop;
mod tail;
mod target;
mod top;
mod trace;
mod usage;
mod verify;
mod visible;
mod who;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::config::{ConfigCommand, Context as ConfigContext};
use self::failure::{EXIT_CODES, Failure};
use self::hub::with_hub;
use self::out::Out;
use self::proto::ProtoArgs;
use bot_hub_server::config::{Environment, Override};

pub use self::reference::{definition, reference};

/// Rooms where AI agents of different owners talk, and nothing disappears silently.
///
/// Without a command it serves. The other commands find a hub that runs on this machine through its data
/// directory; with --url and a token they talk to any hub.
#[derive(Debug, Parser)]
#[command(name = "bot-hub", version, max_term_width = 100, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The configuration file [default: the user's or the system's, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [default: the user's]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The hub to talk to [default: the one that runs on the data directory]
    #[arg(long, global = true, value_name = "wss://HOST", env = "BOT_HUB_URL", hide_env = true)]
    url: Option<String>,
    /// Who to be on which hub, as `join` keeps it [default: the one in use]
    #[arg(long, global = true, value_name = "NAME", env = context::VARIABLE, hide_env = true)]
    context: Option<String>,
    /// Certificates of a private authority that issued the hub's certificate, in PEM
    #[arg(long, global = true, value_name = "FILE", env = "BOT_HUB_CA_FILE", hide_env = true)]
    ca_file: Option<PathBuf>,
    /// A file with the token to use [default: BOT_HUB_TOKEN, or the local operator's]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    json: bool,
}

impl Global {
    /// The settings that options give to every command.
    fn overrides(&self) -> Vec<Override> {
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        data.map(|dir| Override::new("--data", "store.path", dir)).into_iter().collect()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub
    Serve(serve::Serve),
    /// Stop the hub that runs on the data directory, and wait until it has ended
    Stop(stop::Stop),
    /// Watch two scripted bots talk over a hub in memory; nothing is kept
    Demo(demo::Demo),
    /// Make, show, switch off and remove bots
    #[command(subcommand)]
    Bot(bot::BotCommand),
    /// Invite somebody's bot, with one line to paste
    Invite(invite::Invite),
    /// Come to a hub by an invite, and keep who you are there as a context
    Join(join::Join),
    /// List, choose, show and forget contexts: who you are on which hub
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Make and show rooms, and say who is in them
    #[command(subcommand)]
    Room(room::RoomCommand),
    /// List the rooms that you may see; the same as `room list`
    Rooms,
    /// List the bots that you may see, and what each is doing
    Who(who::Who),
    /// Say who you are here, on which hub, and what you may do
    Whoami,
    /// Say something, and wait for what becomes of it
    Send(send::Send),
    /// Watch what is said
    Tail(tail::Tail),
    /// Read back what was said
    History(history::History),
    /// Show one message's life, per recipient
    Trace(trace::Trace),
    /// Show what waits for whom, and why
    Pending(pending::Pending),
    /// Let a room or a bot stand still: what is said waits until you resume
    Pause(pause::Pause),
    /// Let go on what is paused
    Resume(pause::Resume),
    /// Stop everything: no bot gets or says anything until you resume
    StopAll(pause::StopAll),
    /// List what is paused, since when and why
    Pauses,
    /// Show the hub in numbers
    Status,
    /// List what operators did: who, when, from where and why
    Audit(audit::Audit),
    /// Watch rooms, bots and rates live
    Top(top::Top),
    /// Ask the hub whether it answers
    Ping(status::Ping),
    /// Find out what is wrong, why it matters, and what to do next
    Doctor(doctor::Doctor),
    /// Say whether the hub is well, for Nagios, Prometheus and the like
    Check(check::Check),
    /// Copy the store into a file, also while the hub runs
    Backup(backup::Backup),
    /// Make a store from a copy
    Restore(backup::Restore),
    /// Write what was said as JSON lines or Markdown, also while the hub runs
    Export(export::Export),
    /// Take out of a room's log what a message says, for everybody and for good
    Redact(redact::Redact),
    /// Write the store anew, so that nothing is left in its files of what was removed; while no hub runs
    Compact,
    /// Check the whole store: every checksum, every link; also while the hub runs
    Verify,
    /// Read, write and track bot-protocol blocks
    Proto(ProtoArgs),
    /// Run the hub as a service of systemd
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Look at the configuration, or make one
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions(generate::Completions),
    /// Print the manual page
    Man(generate::ManPages),
    /// Print the version
    Version,
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|typed| {
        let cli = Cli::from_arg_matches(&typed)?;
        Ok((cli, typed))
    });
    let (cli, typed) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::not_understood(&error),
    };
    let global = cli.global;
    let json = global.json;
    again::remember(&global, &typed);
    let command = cli.command.unwrap_or_else(|| Command::Serve(serve::Serve::default()));
    let performed = about::judge(command.about(), &global, &typed);
    match performed.and_then(|()| perform(command, &global)) {
        Ok(code) => code,
        Err(failure) => failure.tell(json),
    }
}

fn perform(command: Command, global: &Global) -> Result<ExitCode, Failure> {
    let out = Out { json: global.json };
    match command {
        Command::Serve(serve) => return Ok(serve.run(global)),
        Command::Proto(args) => return proto(args),
        Command::Config(command) => return config(command, global),
        Command::Demo(demo) => demo.run(out),
        Command::Bot(verb) => with_hub(global, async |hub| verb.run(hub).await),
        Command::Invite(invite) => with_hub(global, async |hub| invite.run(hub).await),
        Command::Join(join) => join.run(global),
        Command::Context(verb) => verb.run(global, out),
        Command::Room(verb) => with_hub(global, async |hub| verb.run(hub).await),
        Command::Rooms => with_hub(global, async |hub| room::list(hub).await),
        Command::Who(who) => with_hub(global, async |hub| who.run(hub).await),
        Command::Whoami => with_hub(global, async |hub| who::whoami(hub).await),
        Command::Send(send) => with_hub(global, async |hub| send.run(hub).await),
        Command::Tail(tail) => with_hub(global, async |hub| tail.run(hub).await),
        Command::History(history) => history.run_anywhere(global, out),
        Command::Trace(trace) => with_hub(global, async |hub| trace.run(hub).await),
        Command::Pending(pending) => with_hub(global, async |hub| pending.run(hub).await),
        Command::Pause(pause) => with_hub(global, async |hub| pause.run(hub).await),
        Command::Resume(resume) => with_hub(global, async |hub| resume.run(hub).await),
        Command::StopAll(stop) => with_hub(global, async |hub| stop.run(hub).await),
        Command::Pauses => with_hub(global, async |hub| pause::list(hub).await),
        Command::Status => with_hub(global, async |hub| status::status(hub).await),
        Command::Audit(audit) => with_hub(global, async |hub| audit.run(hub).await),
        Command::Top(top) => with_hub(global, async |hub| top.run(hub).await),
        Command::Ping(ping) => with_hub(global, async |hub| ping.run(hub).await),
        Command::Doctor(doctor) => return doctor.run(global, out),
        Command::Check(check) => return Ok(check.run(global)),
        Command::Backup(backup) => backup.run(global, out),
        Command::Restore(restore) => restore.run(global, out),
        Command::Export(export) => export.run(global, out),
        Command::Stop(stop) => stop.run(global, out),
        Command::Redact(redact) => with_hub(global, async |hub| redact.run(hub).await),
        Command::Compact => compact::run(global, out),
        Command::Verify => verify::run(global, out),
        Command::Service(verb) => verb.run(global, out),
        Command::Completions(completions) => completions.run(Cli::command(), out),
        Command::Man(pages) => pages.run(Cli::command(), out),
        Command::Version => generate::version(out),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn proto(args: ProtoArgs) -> Result<ExitCode, Failure> {
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let code = proto::run(args, &mut stdin.lock(), &mut stdout.lock(), &mut stderr.lock())?;
    Ok(ExitCode::from(code))
}

fn config(command: ConfigCommand, global: &Global) -> Result<ExitCode, Failure> {
    let context = ConfigContext {
        flags: global.overrides(),
        file: global.config.clone(),
        env: Environment::of_process(),
        json: global.json,
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr().lock(),
    };
    Ok(config::run(command, context).map(ExitCode::from)?)
}

//! `bot-hub doctor`: what is wrong, why it matters, and what to do next.
//!
//! Owns the order of the examination and how its findings are printed; each part has its own file. Works
//! with a running and with a stopped hub. Changes nothing without `--fix`, and with it only what can be
//! undone and harms nobody.

mod bots;
mod clock;
mod finding;
mod home;
mod reach;
mod settings;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use self::finding::Findings;
pub(super) use self::store::{astray_words, saved_by_stop};
use super::Global;
use super::context;
use super::failure::{Failure, Kind};
use super::frames::in_commands;
use super::hub::{Hub, until_interrupted};
use super::out::{Out, counted, say};
use super::probe::readiness;
use bot_hub_server::config::{Environment, Loaded, Period, Sources, config_file, load};
use bot_hub_server::server::{Home, RunningHub};
use bot_hub_store::sqlite::obstacle;

/// What to examine, and whether to mend.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
--fix makes secrets and the data directory readable by their owner only, and removes what a hub that was killed
left behind. It never touches messages, bots, rooms, tokens or the configuration.

Exit codes: 0 nothing is broken (there may be warnings), 1 something is.")]
pub(super) struct Doctor {
    /// Mend what can be mended safely, and say what was done
    #[arg(long)]
    fix: bool,
    /// Check every message of the store, as `verify` does; takes a while
    #[arg(long)]
    deep: bool,
    /// Leave out what needs the network: the public address
    #[arg(long)]
    offline: bool,
    /// Tell what waits longer than this
    #[arg(long, value_name = "PERIOD", default_value = "10m")]
    waiting: Period,
}

/// The installation that is examined.
struct Patient<'a> {
    global: &'a Global,
    options: Doctor,
    /// The address of the hub, if it is not the one of this machine.
    elsewhere: Option<String>,
    /// Certificates of the private authority that issued the hub's certificate.
    ca_file: Option<PathBuf>,
    /// `None` if the configuration is invalid.
    loaded: Option<Loaded>,
    /// The data directory, if it exists.
    dir: Option<PathBuf>,
    /// What the data directory says about the running hub.
    running: Option<RunningHub>,
    /// The hub, if it answers.
    hub: Option<Hub>,
}

impl Doctor {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<ExitCode, Failure> {
        let mut findings = Findings::new(self.fix);
        let examined = &mut findings;
        until_interrupted(async move {
            let mut patient = admit(self, global, examined)?;
            if patient.is_here() {
                home::examine(&mut patient, examined);
            }
            patient.connect(examined).await;
            store::examine(&patient, examined);
            bots::examine(&patient, examined).await;
            clock::examine(&patient, examined).await;
            reach::examine(&patient, examined).await;
            patient.discharge().await;
            Ok(())
        })?;
        tell(&findings, out)?;
        Ok(if findings.problems() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn admit<'a>(
    options: Doctor,
    global: &'a Global,
    findings: &mut Findings,
) -> Result<Patient<'a>, Failure> {
    let url = global.url.clone().filter(|url| !url.is_empty());
    let context = if url.is_some() { None } else { context::chosen(global)? };
    if let Some((name, _)) = context.as_ref().filter(|_| global.context.is_none()) {
        let next = "for the hub of this machine: bot-hub doctor --context local";
        findings.note("context", format!("`{name}` is in use"), "its hub is examined", next);
    }
    let elsewhere = url.or_else(|| context.as_ref().map(|(_, context)| context.ws_url.clone()));
    if elsewhere.is_some() {
        let ca_file = context.and_then(|(_, context)| context.ca_file);
        let ca_file = global.ca_file.clone().or(ca_file);
        // The hub runs on another machine, so nothing on this one belongs to it.
        let (loaded, dir, running, hub) = (None, None, None, None);
        return Ok(Patient { global, options, elsewhere, ca_file, loaded, dir, running, hub });
    }
    Ok(admit_here(options, global, findings))
}

/// The hub of this machine, with its configuration and its data directory.
fn admit_here<'a>(options: Doctor, global: &'a Global, findings: &mut Findings) -> Patient<'a> {
    let env = Environment::of_process();
    let mut file = config_file(global.config.clone(), &env);
    let read = |file: &Option<PathBuf>| {
        let (file, env) = (file.clone(), Environment::of_process());
        load(&Sources { file, env, flags: global.overrides() })
    };
    let mut loaded = read(&file);
    let dir = match &loaded {
        Ok(loaded) => loaded.data_dir.clone(),
        Err(_) => global.data.clone(),
    };
    let dir = dir.filter(|dir| dir.is_dir());
    let running = dir.as_deref().and_then(Home::find_running).map(|(running, _)| running);
    // Uses the configuration file that the hub was started with, unless the options name another one.
    let of_hub = running.as_ref().and_then(|hub| hub.config.clone());
    if of_hub.is_some() && global.config.is_none() && file != of_hub {
        file = of_hub;
        loaded = read(&file);
    }
    settings::examine(file.as_deref(), &loaded, findings);
    let (loaded, ca_file) = (loaded.ok(), global.ca_file.clone());
    Patient { global, options, elsewhere: None, ca_file, loaded, dir, running, hub: None }
}

impl Patient<'_> {
    /// Whether the examined hub is the one of this machine.
    fn is_here(&self) -> bool {
        self.elsewhere.is_none()
    }

    async fn connect(&mut self, findings: &mut Findings) {
        if self.running.is_none() && self.is_here() {
            let is_blocked = self.dir.as_deref().is_some_and(|dir| obstacle(dir).is_some());
            return findings.note(
                "hub",
                "no hub runs here",
                "what only a running hub knows was not looked at",
                if is_blocked {
                    "none starts here: see `store`"
                } else {
                    "start it: bot-hub serve"
                },
            );
        }
        match Hub::connect(self.global).await {
            Ok(hub) => {
                is_ready(&hub.url, findings).await;
                self.hub = Some(hub);
            }
            Err(failure) if failure.kind == Kind::Auth => {
                self.is_not_let_in(failure, findings).await;
            }
            Err(failure) => findings.problem(
                "hub",
                failure.message,
                "bots cannot come in either",
                failure.hint.unwrap_or_else(|| "look into its log".to_owned()),
            ),
        }
        self.compare_versions(findings);
    }

    /// Reports a refused token: the hub works, but the token is wrong or has expired.
    async fn is_not_let_in(&self, failure: Failure, findings: &mut Findings) {
        let running = self.running.as_ref().map(|running| running.url.clone());
        if let Some(url) = self.elsewhere.clone().or(running) {
            is_ready(&url, findings).await;
        }
        let failure = in_commands(failure, None);
        let what = format!("the token that this command uses is not accepted: {}", failure.message);
        let why = "what only somebody who is let in is told was not looked at";
        let next = "name another one with --token-file, or ask whoever runs the hub";
        findings.problem("token", what, why, failure.hint.unwrap_or_else(|| next.to_owned()));
    }

    /// Compares the running hub's version with that of the program on the disk.
    fn compare_versions(&self, findings: &mut Findings) {
        let own = env!("CARGO_PKG_VERSION");
        let Some(running) = &self.running else { return };
        let program = std::fs::read_link(format!("/proc/{}/exe", running.pid));
        let is_replaced = program.is_ok_and(|path| path.to_string_lossy().ends_with(" (deleted)"));
        if running.version != own {
            let what = format!("the hub that runs is {}, this program is {own}", running.version);
            let why = "answers and files of the two may not fit together";
            findings.warning("versions", what, why, "start the hub again with the new program");
        } else if is_replaced {
            let what = "the program of the hub was replaced on the disk since it was started";
            let why = "what runs is still the old one";
            findings.warning("versions", what, why, "start the hub again");
        } else {
            findings.fine("versions", format!("hub and command line are {own}"));
        }
    }

    async fn discharge(self) {
        if let Some(hub) = self.hub {
            drop(hub.events);
            hub.client.close().await;
        }
    }
}

/// Checks that the hub accepts messages: one that answers may still refuse them.
async fn is_ready(url: &str, findings: &mut Findings) {
    match readiness(url).await {
        Ok(()) => findings.fine("hub", format!("answers at {url}")),
        Err(why) => {
            let what = format!("answers at {url}, but is not ready: {why}");
            let next = "see `disk` here; look into its log";
            findings.problem("hub", what, "messages are refused", next);
        }
    }
}

fn tell(findings: &Findings, out: Out) -> Result<(), Failure> {
    let (problems, warnings) = (findings.problems(), findings.warnings());
    if out.json {
        let value = json!({
            "ok": problems == 0,
            "problems": problems,
            "warnings": warnings,
            "fixed": findings.fixed,
            "findings": findings.list.iter().map(finding::Finding::to_json).collect::<Vec<_>>(),
        });
        return out.document(&value);
    }
    out.text(&findings.to_text())?;
    say(&format!("\n{}, {}", counted(problems, "problem"), counted(warnings, "warning")));
    if findings.fixable > 0 {
        say("bot-hub doctor --fix mends what is marked with `fix:`");
    }
    Ok(())
}

/// Reports that a part of the examination got no answer.
fn unknown(area: &'static str, failure: &Failure, findings: &mut Findings) {
    if failure.kind != Kind::Interrupted {
        let why = "this part was not examined";
        findings.warning(area, failure.message.clone(), why, "try again: bot-hub doctor");
    }
}

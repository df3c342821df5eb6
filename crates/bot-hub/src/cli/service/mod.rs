//! `bot-hub service`: the hub as a systemd service.
//!
//! Owns what is installed, in which order, and what is printed about it. Never touches data.

mod systemctl;
mod unit;

use std::io;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use self::systemctl::Systemctl;
use self::unit::{NAME, Scope};
use super::Global;
use super::failure::{Failure, Kind};
use super::out::{Out, counted, say};
use bot_hub_server::config::Environment;

/// What to do with the service.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// Install the hub as a service of systemd, start it, and start it with the machine
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(Whose),
    /// Stop the service and remove it; data and configuration stay
    Uninstall(Whose),
    /// Show whether it is installed, and how it is
    Status(Whose),
}

const INSTALL_EXAMPLES: &str = "\
Examples:
  sudo bot-hub service install            # as /etc/systemd/system/bot-hub.service, data in /var/lib/bot-hub
  bot-hub service install --user          # as a service of yours, with your data
  bot-hub service install --dry-run       # print the unit and the commands, change nothing";

/// The service of the machine or of a user.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Whose {
    /// The service of the user who calls, not of the machine
    #[arg(long)]
    user: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// One step: a change of a file, or a command to systemd.
enum Step<'a> {
    Write(&'a Path, &'a str),
    Remove(&'a Path),
    Systemctl(&'a [&'a str]),
}

impl ServiceCommand {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let env = Environment::of_process();
        match self {
            Self::Install(whose) => Service::of(&whose, &env)?.install(global, out),
            Self::Uninstall(whose) => Service::of(&whose, &env)?.uninstall(out),
            Self::Status(whose) => Service::of(&whose, &env)?.status(out),
        }
    }
}

struct Service {
    scope: Scope,
    path: PathBuf,
    systemctl: Systemctl,
    dry_run: bool,
}

impl Service {
    fn of(whose: &Whose, env: &Environment) -> Result<Self, Failure> {
        let scope = if whose.user { Scope::User } else { Scope::System };
        let path = scope.path(env).ok_or_else(|| {
            Failure::new(Kind::Failed, "there is no place for the unit: `HOME` is not set")
                .hint("set HOME, or leave `--user` out")
        })?;
        Ok(Self { scope, path, systemctl: Systemctl { scope }, dry_run: whose.dry_run })
    }

    fn install(&self, global: &Global, out: Out) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(
                Kind::Failed,
                format!("where this program is cannot be found out: {error}"),
            )
        })?;
        // Usage is checked first, wherever the program file is.
        let options = self.options(global)?;
        if self.scope.hides(&program) {
            self.object(&hidden(&program))?;
        }
        let unit = self.scope.unit(&program, &options);
        let steps = [
            Step::Write(&self.path, &unit),
            Step::Systemctl(&["daemon-reload"]),
            Step::Systemctl(&["enable", NAME]),
            // `restart` replaces an older service that already runs.
            Step::Systemctl(&["restart", NAME]),
        ];
        self.perform(&steps, out, "installed")?;
        if !self.dry_run && !out.json {
            say(self.next());
        }
        Ok(())
    }

    fn uninstall(&self, out: Out) -> Result<(), Failure> {
        if !self.path.exists() && !self.dry_run {
            let message = format!("no service is installed at `{}`", self.path.display());
            let hint = match self.scope {
                Scope::System => "is it a service of yours? add `--user`",
                Scope::User => "is it a service of the machine? leave `--user` out",
            };
            return Err(Failure::new(Kind::NotFound, message).hint(hint));
        }
        let steps = [
            Step::Systemctl(&["disable", "--now", NAME]),
            Step::Remove(&self.path),
            Step::Systemctl(&["daemon-reload"]),
        ];
        self.perform(&steps, out, "uninstalled")
    }

    fn status(&self, out: Out) -> Result<(), Failure> {
        if self.dry_run {
            let line = self.systemctl.line(&["show", NAME]);
            let value = json!({ "unit": self.path, "dry_run": true, "steps": [{ "step": line }] });
            return out.answer(&value, || line.clone());
        }
        self.systemctl.answers()?;
        let shown = self.systemctl.show(NAME)?;
        let of = |name: &str| shown.get(name).map_or("", String::as_str);
        let installed = of("LoadState") == "loaded";
        let value = json!({
            "installed": installed, "unit": self.path, "active": of("ActiveState"), "state": of("SubState"),
            "enabled": of("UnitFileState") == "enabled", "pid": of("MainPID").parse::<u32>().ok(),
            "restarts": of("NRestarts").parse::<u32>().ok(), "says": of("StatusText"),
        });
        out.answer(&value, || {
            if !installed {
                return "not installed: bot-hub service install".to_owned();
            }
            let says = match of("StatusText") {
                "" => String::new(),
                says => format!("\n  says       {says}"),
            };
            format!(
                "{NAME} is {} ({}), {}\n  unit       {}\n  pid        {}, restarted {}{says}",
                of("ActiveState"),
                of("SubState"),
                of("UnitFileState"),
                self.path.display(),
                of("MainPID"),
                counted(of("NRestarts").parse().unwrap_or(0), "time"),
            )
        })
    }

    /// The options that the service passes to `serve`.
    fn options(&self, global: &Global) -> Result<Vec<String>, Failure> {
        let mut options = Vec::new();
        let absolute = |path: &Path| {
            let absolute = std::path::absolute(path)?;
            Ok::<_, io::Error>(absolute.display().to_string())
        };
        if let Some(config) = &global.config {
            if self.scope.hides(config) {
                let message = format!("the service cannot see `{}`", config.display());
                self.object(&Failure::new(Kind::Failed, message).hint("put it into /etc/bot-hub"))?;
            }
            options.extend(["--config".to_owned(), absolute(config)?]);
        }
        match (&global.data, self.scope) {
            (Some(_), Scope::System) => {
                let message = "the service of the machine keeps its data in /var/lib/bot-hub";
                return Err(Failure::new(Kind::Usage, message).hint("leave `--data` out"));
            }
            (Some(data), Scope::User) => options.extend(["--data".to_owned(), absolute(data)?]),
            (None, _) => {}
        }
        Ok(options)
    }

    /// An obstacle is an error; with `--dry-run` it is only printed.
    fn object(&self, failure: &Failure) -> Result<(), Failure> {
        let Failure { kind, message, hint, .. } = failure;
        let hint = hint.clone().unwrap_or_default();
        if self.dry_run {
            say(&format!("warning: {message}\nhint: {hint}"));
            return Ok(());
        }
        Err(Failure::new(*kind, message.clone()).hint(hint))
    }

    fn perform(&self, steps: &[Step<'_>], out: Out, done: &str) -> Result<(), Failure> {
        if !self.dry_run {
            self.systemctl.answers()?;
        }
        let mut told: Vec<Value> = Vec::new();
        let mut lines = Vec::new();
        for step in steps {
            if !self.dry_run {
                self.take(step)?;
            }
            let (line, more) = self.told(step);
            if let (true, Some(more)) = (self.dry_run, more) {
                lines.push(format!("{line}\n\n{more}"));
                told.push(json!({ "step": line, "text": more }));
            } else {
                told.push(json!({ "step": line }));
                lines.push(line);
            }
        }
        let value = json!({ "unit": self.path, "dry_run": self.dry_run, "steps": told });
        out.answer(&value, || {
            let end = if self.dry_run { "nothing was changed" } else { done };
            lines.push(format!("{}: {end}", self.path.display()));
            lines.join("\n")
        })
    }

    fn told<'a>(&self, step: &Step<'a>) -> (String, Option<&'a str>) {
        match step {
            Step::Write(path, text) => (format!("write {}", path.display()), Some(text)),
            Step::Remove(path) => (format!("remove {}", path.display()), None),
            Step::Systemctl(words) => (self.systemctl.line(words), None),
        }
    }

    fn take(&self, step: &Step<'_>) -> Result<(), Failure> {
        match step {
            Step::Write(path, text) => {
                let folder = path.parent().unwrap_or(path);
                let written =
                    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
                written.map_err(|error| unwritable(path, &error))
            }
            Step::Remove(path) => {
                std::fs::remove_file(path).map_err(|error| unwritable(path, &error))
            }
            Step::Systemctl(words) => self.systemctl.run(words).map(drop).map_err(|failure| {
                let journal =
                    if self.scope == Scope::User { "journalctl --user" } else { "journalctl" };
                failure.hint(format!("{journal} -u bot-hub -n 20 says what the hub said"))
            }),
        }
    }

    fn next(&self) -> &'static str {
        match self.scope {
            Scope::System => {
                "\nNext, give a bot a way in\n  sudo bot-hub --data /var/lib/bot-hub bot add marlbot"
            }
            Scope::User => {
                "\nNext, let it run while you are not logged in\n  loginctl enable-linger\n\
                 and give a bot a way in\n  bot-hub bot add marlbot"
            }
        }
    }
}

fn hidden(program: &Path) -> Failure {
    let program = program.display();
    let message = format!("the service runs in a sandbox that hides `{program}`");
    let hint = format!(
        "sudo install -m 755 {program} /usr/local/bin/bot-hub && sudo /usr/local/bin/bot-hub service install"
    );
    Failure::new(Kind::Failed, message).hint(hint)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure =
        Failure::new(Kind::Failed, format!("cannot change `{}`: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failure.hint("use sudo, or `--user` for a service of yours")
        }
        _ => failure,
    }
}

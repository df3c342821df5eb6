//! Calls to systemd.
//!
//! Owns running `systemctl` and turning its errors into failures.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use super::unit::Scope;
use crate::cli::failure::{Failure, Kind};

/// `systemctl`, for the machine or for the user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Systemctl {
    pub(super) scope: Scope,
}

impl Systemctl {
    /// The command as a person would type it.
    pub(super) fn line(self, words: &[&str]) -> String {
        let scope: &[&str] = if self.scope == Scope::User { &["--user"] } else { &[] };
        [&["systemctl"], scope, words].concat().join(" ")
    }

    /// Runs the command; a failure contains its error output.
    pub(super) fn run(self, words: &[&str]) -> Result<String, Failure> {
        let output = self.output(words)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::new(Kind::Failed, format!("`{}` failed: {said}", self.line(words))))
    }

    /// Checks that systemd answers, before anything is changed.
    pub(super) fn answers(self) -> Result<(), Failure> {
        let hint = match self.scope {
            Scope::System => "start `bot-hub serve` by whatever supervises programs here",
            Scope::User => "log in as the user, not by `su`; or leave `--user` out",
        };
        self.run(&["show-environment"]).map(drop).map_err(|failure| failure.hint(hint))
    }

    /// Properties of the service.
    pub(super) fn show(self, unit: &str) -> Result<BTreeMap<String, String>, Failure> {
        let wanted =
            "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID,StatusText,NRestarts";
        let text = self.run(&["show", unit, wanted])?;
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn output(self, words: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new("systemctl");
        if self.scope == Scope::User {
            command.arg("--user");
        }
        // Without a pager, and without asking for a password.
        command.arg("--no-pager").arg("--no-ask-password").args(words);
        command.output().map_err(|error| {
            Failure::new(Kind::Failed, format!("there is no systemd here: {error}"))
                .hint("start `bot-hub serve` by whatever supervises programs here")
        })
    }
}

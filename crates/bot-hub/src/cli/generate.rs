//! `bot-hub completions`, `man` and `version`: information about the program itself.
//!
//! Owns nothing but the output: everything comes from the one definition of the command line.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::out::Out;

/// Which shell.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bot-hub completions bash > ~/.local/share/bash-completion/completions/bot-hub"
)]
pub(super) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, mut command: Command, out: Out) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "bot-hub", &mut script);
        let script = String::from_utf8_lossy(&script);
        let value = json!({ "shell": self.shell.to_string(), "script": script });
        out.answer(&value, || script.trim_end().to_owned())
    }
}

/// Where to.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bot-hub man | man -l -\n  bot-hub man --dir ~/.local/share/man/man1"
)]
pub(super) struct ManPages {
    /// Write a page for every command into this directory, which must be there, instead of one to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManPages {
    pub(super) fn run(self, command: Command, out: Out) -> Result<(), Failure> {
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            let page = String::from_utf8_lossy(&page);
            return out.answer(&json!({ "page": page }), || page.trim_end().to_owned());
        };
        is_there(&dir)?;
        clap_mangen::generate_to(command, &dir).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot write to `{}`: {error}", dir.display()))
                .hint("choose another directory")
        })?;
        let value = json!({ "dir": dir });
        out.answer(&value, || format!("the pages are in {}", dir.display()))
    }
}

/// Refuses a directory that does not exist. Creating a mistyped one would hide the pages.
pub(super) fn is_there(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    let shown = dir.display();
    if dir.exists() {
        return Err(Failure::new(Kind::NotFound, format!("`{shown}` is no directory"))
            .hint("name a directory"));
    }
    Err(Failure::new(Kind::NotFound, format!("there is no directory `{shown}`"))
        .hint(format!("make it first: mkdir -p {shown}")))
}

/// `version`.
pub(super) fn version(out: Out) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({ "name": "bot-hub", "version": version });
    out.answer(&value, || format!("bot-hub {version}"))
}

//! `bot-hub completions`, `man` and `version`: what the program says about itself.
//!
//! Owns nothing but the output: everything comes from the one definition of the command line.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::out::{Out, say, write_line};

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
    pub(super) fn run(self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "bot-hub", &mut script);
        Ok(write_line(String::from_utf8_lossy(&script).trim_end())?)
    }
}

/// Where to.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bot-hub man | man -l -\n  bot-hub man --dir ~/.local/share/man/man1"
)]
pub(super) struct ManPages {
    /// Write a page for every command into this directory, instead of one to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManPages {
    pub(super) fn run(self, command: Command) -> Result<(), Failure> {
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            return Ok(write_line(String::from_utf8_lossy(&page).trim_end())?);
        };
        write_pages(command, &dir).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot write to `{}`: {error}", dir.display()))
                .hint("choose another directory")
        })?;
        say(&format!("written to {}", dir.display()));
        Ok(())
    }
}

fn write_pages(command: Command, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command, dir)
}

/// `version`.
pub(super) fn version(out: Out) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({ "name": "bot-hub", "version": version });
    out.answer(&value, || format!("bot-hub {version}"))
}

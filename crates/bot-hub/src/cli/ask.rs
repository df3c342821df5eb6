//! Asks a person for confirmation before something is deleted.
//!
//! Owns the question and which answers count as yes. Without a terminal nobody can be asked: the caller
//! must give `--yes`.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use super::failure::{Failure, Kind};

/// An answer is read up to this length.
const ANSWER_BYTES_MAX: u64 = 64;

/// Whether stdin and stderr lead to a person.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks the question. Every answer except yes ends the command.
pub(super) fn confirm(question: &str) -> Result<(), Failure> {
    let mut stderr = std::io::stderr();
    drop(write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()));
    let mut answer = String::new();
    let read = std::io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut answer);
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if read.is_ok() && is_yes {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, "nothing was changed").hint("answer `y`, or add --yes"))
}

/// Asks from a verb that is connected to a hub; ctrl-c still works meanwhile. Without a terminal it does
/// not ask: a script is expected to know what it does.
pub(super) async fn confirm_if_somebody_is_there(question: String) -> Result<(), Failure> {
    if !somebody_is_there() {
        return Ok(());
    }
    let asked = tokio::task::spawn_blocking(move || confirm(&question)).await;
    asked.unwrap_or_else(|error| Err(Failure::new(Kind::Failed, error.to_string())))
}

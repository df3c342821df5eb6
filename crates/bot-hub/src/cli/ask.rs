//! Asking a person before something is lost.
//!
//! Owns the question and what counts as yes. Where nobody can be asked, the caller says with `--yes` that
//! it is meant.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use super::failure::{Failure, Kind};

/// No answer is longer.
const ANSWER_BYTES_MAX: u64 = 64;

/// Whether somebody sits there who can be asked.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks; anything but yes is a no, and the end of the command.
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

/// The same from a verb that talks to a hub, which goes on hearing ctrl-c meanwhile. Where nobody can be
/// asked, a script knows what it does.
pub(super) async fn confirm_if_somebody_is_there(question: String) -> Result<(), Failure> {
    if !somebody_is_there() {
        return Ok(());
    }
    let asked = tokio::task::spawn_blocking(move || confirm(&question)).await;
    asked.unwrap_or_else(|error| Err(Failure::new(Kind::Failed, error.to_string())))
}

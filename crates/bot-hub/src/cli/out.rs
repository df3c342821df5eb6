//! Output of the commands: results on stdout, messages for people on stderr.
//!
//! Owns the two forms of an answer, JSON and text, and tables. Every write can fail, because the reader may
//! have gone.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::failure::{Failure, Kind};
use super::paint::bold;
use crate::cli::visible::escaped_json;

/// The form of what goes to stdout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub(super) json: bool,
}

impl Out {
    /// Prints the answer of a command: one JSON document, or text.
    pub(super) fn answer(
        self,
        value: &Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return self.text(&text());
        }
        let mut document = json!({ "ok": true });
        if let (Some(document), Some(fields)) = (document.as_object_mut(), value.as_object()) {
            document.extend(fields.clone());
        }
        self.document(&document)
    }

    /// Prints the answer of a command that changed something. If it cannot be written, the failure says
    /// that the change was made.
    pub(super) fn done(self, value: &Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        self.answer(value, text).map_err(|failure| match failure.kind {
            Kind::Unheard => failure,
            _ => failure.hint("it is done; only the answer is lost"),
        })
    }

    /// Prints an answer that is shown only once. If stdout is a file, the answer is on the disk when this
    /// returns.
    pub(super) fn secret(
        self,
        value: &Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.answer(value, text)?;
        match rustix::fs::fsync(io::stdout()) {
            Err(
                error @ (rustix::io::Errno::NOSPC
                | rustix::io::Errno::DQUOT
                | rustix::io::Errno::IO),
            ) => Err(io::Error::from(error).into()),
            // Pipes and terminals cannot be synced.
            _ => Ok(()),
        }
    }

    /// Prints one JSON document.
    pub(super) fn document(self, document: &Value) -> Result<(), Failure> {
        Ok(write_line(&escaped_json(&format!("{document:#}")))?)
    }

    /// Prints text; an empty text prints no line.
    pub(super) fn text(self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        Ok(write_line(text)?)
    }

    /// Prints one line of a stream of JSON.
    pub(super) fn json_line(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(io::Error::other)?;
        Ok(write_line(&escaped_json(&line))?)
    }
}

/// The most bytes that a secret takes with the JSON around it.
const SECRET_BYTES: u64 = 4_096;

/// Checks that stdout can take a secret, and reserves space if stdout is a file. Called before the hub
/// makes the secret, which is shown only once. On a file system that cannot reserve space, nothing is
/// reserved.
pub(super) fn reserve_for_secret() -> Result<(), Failure> {
    let stdout = io::stdout();
    let Ok(stat) = rustix::fs::fstat(&stdout) else { return Ok(()) };
    // If stdout was closed at the start, the runtime opened `/dev/null` in its place.
    if rustix::fs::stat("/dev/null")
        .is_ok_and(|null| null.st_rdev != 0 && null.st_rdev == stat.st_rdev)
    {
        let message = "stdout leads nowhere, and what is shown once would be lost";
        let hint = "nothing was changed; send it into a file, or to whoever needs it";
        return Err(Failure::new(Kind::Failed, message).hint(hint));
    }
    let place = u64::try_from(stat.st_size).unwrap_or(0);
    let keep = rustix::fs::FallocateFlags::KEEP_SIZE;
    match rustix::fs::fallocate(&stdout, keep, place, SECRET_BYTES) {
        Err(
            error @ (rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG),
        ) => {
            let message = format!("the token could not be written to stdout: {error}");
            let hint = "nothing was changed; free some space, or send it somewhere else";
            Err(Failure::new(Kind::Failed, message).hint(hint))
        }
        _ => Ok(()),
    }
}

/// Why the output could not be written, in words also for a reader that went away.
pub(super) fn why_unwritten(failure: &Failure) -> String {
    match failure.message.as_str() {
        "" => "the output cannot be written: nobody reads it".to_owned(),
        message => message.to_owned(),
    }
}

/// Writes a line to stdout.
pub(super) fn write_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Returns when nobody can read stdout any more (`| head`). A verb that may wait for hours ends at once
/// then, and not with its next message.
pub(super) async fn unheard() {
    let (sender, gone) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        use rustix::event::{PollFd, PollFlags, poll};
        let stdout = io::stdout();
        loop {
            // Errors and hang-ups are reported without being asked for. A file and a terminal report
            // neither.
            let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
            match poll(&mut watched, None) {
                Ok(_) if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
                    // The receiver is gone if the verb has ended.
                    return sender.send(()).unwrap_or_default();
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return std::mem::forget(sender),
            }
        }
    });
    if gone.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Prints a line on stderr. If it cannot be written, the command goes on.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// A table whose columns are as wide as their widest cell; an empty string without rows.
pub(super) fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut lines = vec![bold(line(&head.map(str::to_uppercase), &widths))];
    lines.extend(rows.iter().map(|row| line(row, &widths)));
    lines.join("\n")
}

fn line<const COLUMNS: usize>(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        write!(text, "{cell:width$}  ").expect("a string takes everything");
    }
    text.trim_end().to_owned()
}

/// `3 rooms`, `1 room`, `2 deliveries`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        _ if count == 1 => format!("{count} {noun}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_its_noun_behind_it() {
        let check = |count, noun, expected: &str| assert_eq!(counted(count, noun), expected);
        check(1, "room", "1 room");
        check(0, "room", "0 rooms");
        check(1, "delivery", "1 delivery");
        check(2, "delivery", "2 deliveries");
        check(2, "day", "2 days");
    }
}

//! Copies of a store: which files are some, and whether one still holds what was redacted.
//!
//! Owns these two questions. Never changes a copy.

use std::path::{Path, PathBuf};

use bot_protocol::frame::server::Redacted;

use super::connect::{self, DATABASE, Options};
use super::error::SqliteError;
use super::place::begins_as_a_copy;
use super::read::{ONE, SqliteReader, single};
use super::stored;
use crate::StoreError;

/// The files of a directory that look like copies of a store, by name; without a hub's own database.
#[must_use]
pub fn copies_in(directory: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = files.filter(|file| file.file_name() != DATABASE).map(|file| file.path());
    let mut copies: Vec<PathBuf> = files.filter(|file| begins_as_a_copy(file)).collect();
    copies.sort();
    copies
}

/// Whether a copy still has the text of a message that was redacted.
///
/// # Errors
///
/// The copy cannot be read.
pub fn holds(copy: &Path, told: &Redacted) -> Result<bool, StoreError> {
    let found = || -> Result<bool, SqliteError> {
        // As it is: a copy of an earlier schema has no redactions.
        let conn = connect::as_it_is(copy, &Options::default())?;
        let Some(number) = stored::room_number(&conn, &told.room)? else { return Ok(false) };
        let SqliteReader { conn, mut names, mut sum, .. } = SqliteReader::new(conn);
        let mut one = conn.prepare_cached(ONE)?;
        let room = (&told.room, number);
        let found = single(&conn, &mut one, &mut names, &mut sum, room, told.seq)?;
        let draft = found.map(|it| it.entry.draft);
        Ok(draft
            .is_some_and(|it| it.id == told.id && it.from == told.from && it.redaction().is_none()))
    };
    found().map_err(|error| error.at(copy))
}

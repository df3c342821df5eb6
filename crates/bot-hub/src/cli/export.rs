//! `bot-hub export`: the messages as a file, for people or programs.
//!
//! Owns the two formats. Reads the store directly, also while a hub runs on it.

use std::io::{BufWriter, Write, stdout};

use bot_protocol::frame::server::Delivery;
use bot_protocol::name::RoomName;
use clap::ValueEnum;
use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::store_dir;
use super::out::Out;
use super::target::{Directory, room_argument};
use super::words;
use crate::cli::visible::escaped_json;
use bot_hub_store::export::{Exported, entries, open};

/// Which rooms, and in which form.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bot-hub export --room lab --format md > lab.md\n  bot-hub export | gzip > everything.jsonl.gz"
)]
pub(super) struct Export {
    /// Only this room; can be given more than once
    #[arg(long, value_name = "ROOM", value_parser = room_argument)]
    room: Vec<RoomName>,
    /// The form
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object per line: the messages as `tail --json` prints them
    Jsonl,
    /// Markdown: every message as a block of text, so that nothing in it is loaded or run
    Md,
}

impl Export {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        if out.json && self.format == Format::Md {
            return Err(Failure::new(Kind::Usage, "Markdown is no JSON")
                .hint("leave out --json, or --format md"));
        }
        let mut reader = open(&store_dir(global)?)?;
        let known = reader.rooms()?;
        if let Some(wrong) = self.room.iter().find(|room| !known.contains(room)) {
            let directory = Directory { rooms: known, is_complete: true, ..Directory::default() };
            return Err(directory.unknown(&words::room(wrong.as_str())));
        }
        let rooms = if self.room.is_empty() { known } else { self.room };
        let mut out = BufWriter::new(stdout().lock());
        for room in rooms {
            if self.format == Format::Md {
                writeln!(out, "# `{}`\n", words::room(room.as_str()))?;
            }
            for entry in entries(&mut reader, room.clone(), 0) {
                match self.format {
                    Format::Jsonl => {
                        writeln!(out, "{}", escaped_json(&line(&room, &entry?).to_string()))?;
                    }
                    Format::Md => write!(out, "{}", paragraph(&entry?))?,
                }
            }
        }
        Ok(out.flush()?)
    }
}

fn line(room: &RoomName, entry: &Exported) -> serde_json::Value {
    match entry {
        Exported::Entry(entry) => super::tail::json_of(&bot_hub_core::delivery(entry)),
        Exported::Damaged(seq) => json!({
            "type": "gap", "room": room, "from_seq": seq, "to_seq": seq, "lost": 1, "reason": "corrupt",
        }),
    }
}

/// One message as a code block whose fence is longer than any in the text. The text cannot end the block,
/// so a viewer of the document loads no image and runs no HTML from it.
fn paragraph(entry: &Exported) -> String {
    let entry = match entry {
        Exported::Entry(entry) => bot_hub_core::delivery(entry),
        Exported::Damaged(seq) => return format!("*message {seq} is damaged*\n\n"),
    };
    let Delivery { from, sent_at, .. } = &entry;
    let at = sent_at.map_or_else(|| "-".to_owned(), words::utc);
    let text = words::said(&entry);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("**{from}** · {at}\n\n{fence}text\n{}\n{fence}\n\n", text.trim_end_matches('\n'))
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

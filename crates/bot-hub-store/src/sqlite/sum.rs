//! Checksums of rows.
//!
//! Owns which fields are hashed and in which order. Checksums are on disk, so every change here needs a new
//! schema. Names are hashed instead of their numbers: then a row is also invalid if the name of its number
//! is damaged.

use bot_hub_core::entry::{Draft, Extras};
use bot_protocol::frame::Opaque;
use bot_protocol::frame::server::Redaction;

/// The checksum of an entry, or a link of a room's chain: the first half of a BLAKE3 hash.
pub(super) type Wide = [u8; 16];

/// Collects the fields of one row. Every field is preceded by its length, so that different rows never give
/// the same bytes.
#[derive(Debug, Default)]
pub(super) struct Sum {
    bytes: Vec<u8>,
}

impl Sum {
    /// Begins a row of a table.
    pub(super) fn of(&mut self, table: &str) -> &mut Self {
        self.bytes.clear();
        self.text(table)
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.raw(text.as_bytes())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn maybe_number(&mut self, number: Option<u64>) -> &mut Self {
        self.bytes.push(u8::from(number.is_some()));
        self.number(number.unwrap_or(0))
    }

    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.bytes.push(u8::from(text.is_some()));
        self.text(text.unwrap_or(""))
    }

    /// The checksum for an entry.
    pub(super) fn wide(&self) -> Wide {
        truncated(&self.bytes)
    }

    /// The checksum for a small row, as SQLite's integer.
    pub(super) fn narrow(&self) -> i64 {
        truncated::<8>(&self.bytes).iter().fold(0, |sum, byte| (sum << 8) | i64::from(*byte))
    }

    /// Adds all fields of an entry.
    pub(super) fn entry(&mut self, seq: u64, size: u64, draft: &Draft) -> Wide {
        let Draft { room, from, id, text, sent_at, extras } = draft;
        self.of("entry").text(room.as_str()).number(seq).text(from.as_str()).text(id.as_str());
        self.number(sent_at.0).number(size);
        // Empty extras are read back as none.
        let extras = extras.as_deref().filter(|extras| **extras != Extras::default());
        self.bytes.push(u8::from(extras.is_some()));
        if let Some(extras) = extras {
            self.maybe_text(extras.reply_to.as_ref().map(|id| id.as_str()))
                .maybe_text(extras.thread.as_deref())
                .maybe_number(extras.expires_at.map(|at| at.0))
                .maybe_text(extras.act.as_ref().map(Opaque::as_json))
                .maybe_text(extras.meta.as_ref().map(Opaque::as_json));
        }
        self.text(text).wide()
    }

    /// Adds what is left of a redacted entry, with its proof from before, and who redacted it.
    pub(super) fn redaction(
        &mut self,
        seq: u64,
        proof: &[u8],
        left: &Draft,
        it: &Redaction,
    ) -> i64 {
        let extras = left.extras.as_deref();
        self.of("redaction").text(left.room.as_str()).number(seq).text(left.from.as_str());
        self.text(left.id.as_str()).number(left.sent_at.0).raw(proof);
        self.maybe_text(extras.and_then(|it| it.reply_to.as_ref()).map(|id| id.as_str()));
        self.maybe_number(left.expires_at().map(|at| at.0));
        self.text(it.by.as_str()).number(it.at.0).maybe_text(it.why.as_deref()).narrow()
    }
}

/// The next link of a room's chain.
pub(super) fn link(before: &Wide, entry: &Wide) -> Wide {
    let mut both = [0; 32];
    both[..16].copy_from_slice(before);
    both[16..].copy_from_slice(entry);
    truncated(&both)
}

fn truncated<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let hash = blake3::hash(bytes);
    let mut short = [0; N];
    short.copy_from_slice(&hash.as_bytes()[..N]);
    short
}

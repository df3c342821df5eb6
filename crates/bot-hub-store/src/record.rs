//! Small records: facts that are no message and need no table of their own.
//!
//! Owns what a record is, its bounds, and how records are asked for. Never knows what a value means:
//! the owner of the kind does.

use std::fmt;

use smol_str::{SmolStr, format_smolstr};

/// The longest name of a kind, in bytes.
pub const KIND_BYTES_MAX: usize = 23;

/// The longest key, in bytes: a room, a bot and a message's id fit, with something between them.
pub const KEY_BYTES_MAX: usize = 256;

/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The longest page that whoever asks a running hub's store gets, in records.
pub const PAGE_RECORDS_MAX: u32 = 500;

/// The same in bytes of keys and values.
pub const PAGE_BYTES_MAX: u32 = 1024 * 1024;

/// Behind every key with the same beginning: no key has this character in it.
const LAST: char = char::MAX;

/// Before every other key with the same beginning: no key has this character in it, either.
const FIRST: char = '\0';

/// Why something is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The kind has another form.
    #[error("a kind is 1 to {KIND_BYTES_MAX} of `a-z`, `0-9` and `_`, and begins with a letter")]
    Kind,
    /// The key has another form.
    #[error("a key is 1 to {KEY_BYTES_MAX} bytes of text without control characters")]
    Key,
    /// The value is too long; it has so many bytes.
    #[error("a value has at most {VALUE_BYTES_MAX} bytes, this one has {0}")]
    Value(usize),
}

/// What a record is about. Keys of different kinds have nothing to do with each other.
///
/// The kinds of this program are constants of this type, all of them here. A store may hold others: a
/// newer program wrote them. They stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKind(SmolStr);

impl RecordKind {
    /// What operators did, by when.
    pub const AUDIT: Self = Self::named("audit");

    /// What is said of a bot, by its name.
    pub const PROFILE: Self = Self::named("profile");

    /// A kind of this program. The name is on disk; never change one. A name of another form does not
    /// compile where the kind is a constant.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        assert!(is_kind(name.as_bytes()), "no name of a kind");
        Self(SmolStr::new_static(name))
    }

    /// A kind of any program, by its name on disk.
    pub fn new(name: &str) -> Result<Self, RecordError> {
        is_kind(name.as_bytes()).then(|| Self(name.into())).ok_or(RecordError::Kind)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_kind(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, others @ ..] = rest {
        if !matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        rest = others;
    }
    name.len() <= KIND_BYTES_MAX && matches!(name, [b'a'..=b'z', ..])
}

/// One record. There is at most one of a kind and key.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    kind: RecordKind,
    key: SmolStr,
    value: Box<[u8]>,
}

impl Record {
    /// A record within the bounds. Keys are in the order of their bytes, so that numbers in them need
    /// leading zeros, and parts a character between them that none of them has. A key is named in logs:
    /// it is no place for a secret.
    pub fn new(
        kind: RecordKind,
        key: impl Into<SmolStr>,
        value: impl Into<Box<[u8]>>,
    ) -> Result<Self, RecordError> {
        let (key, value) = (key.into(), value.into());
        let is_plain = !key.contains(|it: char| it.is_control() || it == LAST);
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !is_plain {
            return Err(RecordError::Key);
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(RecordError::Value(value.len()));
        }
        Ok(Self { kind, key, value })
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> &RecordKind {
        &self.kind
    }

    /// Its name among those of its kind.
    #[must_use]
    pub fn key(&self) -> &SmolStr {
        &self.key
    }

    /// What it says.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Bytes of key and value, by which pages and batches are measured.
    #[must_use]
    pub fn size(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

/// A value may be a secret: it is not printed.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ({} bytes)", self.kind.0, self.key, self.value.len())
    }
}

/// A change of one record. Whatever becomes of it, the rest of its batch is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordWrite {
    /// Make it, or replace the one of its kind and key. → `Done`.
    Put(Record),
    /// Make it, unless there is one of its kind and key. → `Done`, or `Conflict`: then that one stays.
    Add(Record),
    /// Forget the one of this kind and key, if there is one. → `Done`.
    Remove(RecordKind, SmolStr),
}

/// In which order records are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordOrder {
    /// From the first key on.
    #[default]
    Ascending,
    /// From the last key on.
    Descending,
}

/// Which records of one kind are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Of which kind.
    pub kind: RecordKind,
    /// With this key or a later one; an empty one comes before all.
    pub from: SmolStr,
    /// With an earlier key than this.
    pub to: SmolStr,
    /// In which order.
    pub order: RecordOrder,
    /// At most so many, and at least one.
    pub records_max: u32,
    /// Stop after the record that reaches so many bytes of keys and values.
    pub bytes_max: u32,
}

impl RecordQuery {
    /// All of a kind, in pages of a moderate size.
    #[must_use]
    pub fn all(kind: RecordKind) -> Self {
        Self::under(kind, "")
    }

    /// Those of a kind whose key begins with this.
    #[must_use]
    pub fn under(kind: RecordKind, prefix: &str) -> Self {
        Self {
            kind,
            from: prefix.into(),
            to: format_smolstr!("{prefix}{LAST}"),
            order: RecordOrder::Ascending,
            records_max: PAGE_RECORDS_MAX,
            bytes_max: PAGE_BYTES_MAX,
        }
    }

    /// The same for a page that keeps nobody waiting.
    #[must_use]
    pub fn bounded(self) -> Self {
        let records_max = self.records_max.clamp(1, PAGE_RECORDS_MAX);
        Self { records_max, bytes_max: self.bytes_max.min(PAGE_BYTES_MAX), ..self }
    }

    /// Whether a record is asked for.
    pub(crate) fn holds(&self, record: &Record) -> bool {
        record.kind == self.kind && record.key >= self.from && record.key < self.to
    }

    /// The page that such records make: they are in order, and all of them are asked for.
    pub(crate) fn page<E>(
        &self,
        records: impl IntoIterator<Item = Result<Record, E>>,
    ) -> Result<RecordPage, E> {
        let mut page = RecordPage::default();
        let mut bytes = 0;
        for record in records {
            let record = record?;
            let is_full = page.records.len() >= self.records_max as usize;
            if let Some(last) = page.records.last()
                && (is_full || bytes >= self.bytes_max as usize)
            {
                page.next = Some(self.behind(last));
                break;
            }
            bytes += record.size();
            page.records.push(record);
        }
        Ok(page)
    }

    fn behind(&self, last: &Record) -> Self {
        match self.order {
            RecordOrder::Ascending => {
                Self { from: format_smolstr!("{}{FIRST}", last.key), ..self.clone() }
            }
            RecordOrder::Descending => Self { to: last.key.clone(), ..self.clone() },
        }
    }
}

/// Some records of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// Those that are intact, in the order that was asked for.
    pub records: Vec<Record>,
    /// Damaged ones, which are withheld: `kind/key` as it can be read now. They may have been of another
    /// kind.
    pub damaged: Vec<String>,
    /// Asks for what comes behind these.
    pub next: Option<RecordQuery>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: RecordKind = RecordKind::named("pause");

    #[test]
    fn a_record_has_bounds() {
        let check = |key: &str, bytes: usize, expected| {
            let record = Record::new(PAUSE, key, vec![0; bytes]);
            assert_eq!(record.map(|it| it.size()), expected, "{key:?}");
        };
        let long = "k".repeat(KEY_BYTES_MAX);
        check("lab/ann", 0, Ok(7));
        check(&long, VALUE_BYTES_MAX, Ok(KEY_BYTES_MAX + VALUE_BYTES_MAX));
        check("lab/ann", VALUE_BYTES_MAX + 1, Err(RecordError::Value(VALUE_BYTES_MAX + 1)));
        for key in ["", "a\nb", "a\0", "a\u{10ffff}", &format!("{long}k")] {
            check(key, 0, Err(RecordError::Key));
        }
    }

    #[test]
    fn a_kind_is_a_short_word() {
        for name in ["pause", "a", "a_2", &"k".repeat(KIND_BYTES_MAX)] {
            assert_eq!(RecordKind::new(name).map(|it| it.as_str().to_owned()), Ok(name.to_owned()));
        }
        for name in ["", "2a", "_a", "Pause", "a b", "a\0", &"k".repeat(KIND_BYTES_MAX + 1)] {
            assert_eq!(RecordKind::new(name), Err(RecordError::Kind), "{name:?}");
        }
    }

    #[test]
    fn what_a_record_says_is_not_printed() {
        let record = Record::new(PAUSE, "lab", *b"secret").unwrap();
        assert_eq!(format!("{record:?}"), "pause \"lab\" (6 bytes)");
    }
}

//! What operators did, as records of the store.
//!
//! Owns how such a record is named and written. Never decides what is an act, nor how long it is kept.

use bot_hub_store::record::{Record, RecordKind, RecordOrder, RecordQuery};
use bot_hub_store::{Reader, StoreError};
use bot_protocol::frame::audit::{ActOutcome, ActWay, AuditLine};
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

/// The name of a record among those of acts: its time and its number. Both have leading zeros, so that names
/// are in the order of time. The distance of two numbers says how many records are between them at most: a
/// record that the store refused leaves a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActKey {
    /// When; never before an earlier one.
    pub at: Timestamp,
    /// One more than the one before.
    pub number: u64,
}

impl ActKey {
    /// The one that follows.
    #[must_use]
    pub fn after(last: Option<Self>, now: Timestamp) -> Self {
        let Some(last) = last else { return Self { at: now, number: 1 } };
        Self { at: last.at.max(now), number: last.number.saturating_add(1) }
    }

    /// Reads the name of a record.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (at, number) = name.split_once('.')?;
        Some(Self { at: Timestamp(at.parse().ok()?), number: number.parse().ok()? })
    }

    /// The name of its record.
    #[must_use]
    pub fn name(self) -> SmolStr {
        format_smolstr!("{}.{:020}", Self::from(self.at), self.number)
    }

    /// Before the names of all acts from then on.
    #[must_use]
    pub fn from(at: Timestamp) -> SmolStr {
        format_smolstr!("{:020}", at.0)
    }
}

/// The record of an act.
///
/// # Panics
///
/// Never: an act that was accepted is about a few rooms, and its texts are short.
#[must_use]
pub fn record(key: ActKey, line: &AuditLine) -> Record {
    let value = serde_json::to_vec(line).expect("a line is made of strings and numbers");
    Record::new(RecordKind::AUDIT, key.name(), value).expect("a line is short")
}

/// What a record says; `None` where this program cannot read it.
#[must_use]
pub fn line_of(record: &Record) -> Option<AuditLine> {
    serde_json::from_slice(record.value()).ok()
}

/// The newest act that is recorded.
///
/// # Errors
///
/// The store cannot be read.
pub fn newest(reader: &mut dyn Reader) -> Result<Option<ActKey>, StoreError> {
    let order = RecordOrder::Descending;
    let query = RecordQuery { order, records_max: 1, ..RecordQuery::all(RecordKind::AUDIT) };
    let page = reader.records(&query)?;
    Ok(page.records.first().and_then(|record| ActKey::parse(record.key())))
}

/// An act of nobody who connected for it.
#[must_use]
pub fn unasked(by: &str, operation: &str, via: ActWay, at: Timestamp) -> AuditLine {
    AuditLine {
        address: None,
        at,
        bot: None,
        by: by.into(),
        can: None,
        client: None,
        detail: None,
        invite: None,
        operation: operation.into(),
        outcome: ActOutcome::Done.into(),
        rooms: Vec::new(),
        via: via.into(),
        why: None,
    }
}

/// The most bytes of a list in the detail of an act.
const LIST_BYTES_MAX: usize = 1_000;

/// A list as the detail of an act: `a, b and 3 more`.
#[must_use]
pub fn listed(names: &[String]) -> SmolStr {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        if text.len() + name.len() > LIST_BYTES_MAX {
            text += &format!(" and {} more", names.len() - at);
            break;
        }
        text += if at == 0 { "" } else { ", " };
        text += name;
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_acts_are_in_the_order_in_which_they_were_done() {
        let mut keys = Vec::new();
        // The clock is set back in between.
        for now in [5, 5, 1_796_000_000_000, 7, 1_796_000_000_001] {
            keys.push(ActKey::after(keys.last().copied(), Timestamp(now)));
        }
        let names: Vec<SmolStr> = keys.iter().map(|key| key.name()).collect();
        assert!(names.is_sorted());
        assert_eq!(names[0], "00000000000000000005.00000000000000000001");
        assert_eq!(names.iter().map(|name| ActKey::parse(name).unwrap()).collect::<Vec<_>>(), keys);
        assert!(ActKey::from(Timestamp(5)).as_str() < names[0].as_str());
        assert!(names[1].as_str() < ActKey::from(Timestamp(6)).as_str());
        assert_eq!(keys[3].at, Timestamp(1_796_000_000_000));
    }

    #[test]
    fn a_long_list_is_cut_between_two_names() {
        assert_eq!(listed(&["a".to_owned(), "b".to_owned()]), "a, b");
        let long = "n".repeat(LIST_BYTES_MAX - 10);
        let names = [long.clone(), "a-longer-name".to_owned(), "c".to_owned()];
        assert_eq!(listed(&names), format!("{long} and 2 more"));
    }
}

//! The small records.
//!
//! Owns them by kind and key. Never looks into a value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::ops::Bound;

use bot_hub_core::change::Outcome;
use smol_str::SmolStr;

use crate::record::{Record, RecordKind, RecordOrder, RecordPage, RecordQuery, RecordWrite};

#[derive(Debug, Default)]
pub(super) struct Records(BTreeMap<RecordKind, BTreeMap<SmolStr, Record>>);

impl Records {
    pub(super) fn apply(&mut self, write: &RecordWrite) -> Outcome {
        match write {
            RecordWrite::Put(record) => {
                self.of(record.kind()).insert(record.key().clone(), record.clone());
            }
            RecordWrite::Add(record) => match self.of(record.kind()).entry(record.key().clone()) {
                Entry::Occupied(_) => return Outcome::Conflict,
                Entry::Vacant(free) => {
                    free.insert(record.clone());
                }
            },
            RecordWrite::Remove(kind, key) => {
                self.of(kind).remove(key);
            }
        }
        Outcome::Done
    }

    /// Removes every record that a query includes.
    pub(super) fn forget(&mut self, query: &RecordQuery) {
        self.of(&query.kind).retain(|_, record| !query.holds(record));
    }

    fn of(&mut self, kind: &RecordKind) -> &mut BTreeMap<SmolStr, Record> {
        self.0.entry(kind.clone()).or_default()
    }

    pub(super) fn page(&self, query: &RecordQuery) -> RecordPage {
        let Some(all) = self.0.get(&query.kind).filter(|_| query.from < query.to) else {
            return RecordPage::default();
        };
        let keys = (Bound::Included(&query.from), Bound::Excluded(&query.to));
        let found = all.range::<SmolStr, _>(keys);
        let found = found.map(|(_, record)| Ok::<_, Infallible>(record.clone()));
        let page = match query.order {
            RecordOrder::Ascending => query.page(found),
            RecordOrder::Descending => query.page(found.rev()),
        };
        let Ok(page) = page;
        page
    }
}

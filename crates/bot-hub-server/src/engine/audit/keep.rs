//! How long the records of acts stay.
//!
//! Owns their end: by age and by number, a few at a time, so that nobody waits for it.

use bot_protocol::time::Timestamp;

use super::{Audit, Kept};
use crate::acts::ActKey;
use crate::engine::looked_up::Wanted;
use crate::engine::{Engine, Owner};
use bot_hub_store::record::{RecordKind, RecordPage, RecordQuery, RecordWrite};
use bot_hub_store::{StoreError, Write};

/// How often it is looked whether some are over.
const SWEEP_MS: u64 = 3_600_000;

/// How soon again where the store could not do it.
const AGAIN_MS: u64 = 60_000;

/// So many records are looked at, and removed, in one step.
const STEP: u32 = 64;

/// A step of removing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Swept {
    /// There may be more that are over.
    Partly,
    /// What is left stays.
    Wholly,
}

impl Audit {
    /// When to look for what is over.
    pub(in crate::engine) fn deadline(&self) -> Timestamp {
        if self.has_work() { self.sweep_at } else { Timestamp(u64::MAX) }
    }

    fn has_work(&self) -> bool {
        !self.is_sweeping && (self.kept != Kept::default() || !self.unstored.is_empty())
    }

    /// Which of these are over; age counts where the clock can be trusted.
    fn over<'a>(
        &'a self,
        page: &'a RecordPage,
        now: Option<Timestamp>,
    ) -> impl Iterator<Item = Write> + 'a {
        let is_over = move |key: &ActKey| {
            let is_old =
                now.zip(self.kept.age_ms).is_some_and(|(now, age)| now.since(key.at) > age);
            let newer = self.newest.map_or(0, |newest| newest.number.saturating_sub(key.number));
            is_old || self.kept.entries.is_some_and(|entries| newer >= entries)
        };
        // They are in the order of time: behind the first that stays, all stay.
        let over = page
            .records
            .iter()
            .take_while(move |record| ActKey::parse(record.key()).is_some_and(|key| is_over(&key)));
        over.map(|record| {
            let key = record.key().clone();
            Write::Record(RecordWrite::Remove(RecordKind::AUDIT, key))
        })
    }
}

impl Engine {
    /// Looks for records that are over, if it is time for it.
    pub(in crate::engine) fn sweep_acts(&mut self) {
        let wait = self.audit.sweep_at.since(self.now);
        // A clock that was set back does not put it off.
        if !self.audit.has_work() || self.draining || (1..=SWEEP_MS).contains(&wait) {
            return;
        }
        self.audit.sweep_at = self.now + SWEEP_MS;
        for line in std::mem::take(&mut self.audit.unstored) {
            self.store_alone(line);
        }
        self.sweep_on();
    }

    fn sweep_on(&mut self) {
        self.audit.is_sweeping = true;
        let all = RecordQuery::all(RecordKind::AUDIT);
        self.look_up(RecordQuery { records_max: STEP, ..all }, Wanted::OldestActs);
    }

    pub(in crate::engine) fn look_again_soon(&mut self) {
        self.audit.is_sweeping = false;
        self.audit.sweep_at = self.now + AGAIN_MS;
    }

    pub(in crate::engine) fn oldest_acts_read(&mut self, page: Result<RecordPage, StoreError>) {
        let Ok(page) = page else { return self.look_again_soon() };
        let now = Some(self.now).filter(|_| !self.age_waits);
        let over: Vec<Write> = self.audit.over(&page, now).collect();
        if over.is_empty() {
            self.audit.is_sweeping = false;
            return;
        }
        let is_all = over.len() == page.records.len() && page.next.is_some();
        let swept = if is_all { Swept::Partly } else { Swept::Wholly };
        self.write(over, Owner::Swept(swept));
    }

    pub(in crate::engine) fn acts_swept(&mut self, swept: Swept) {
        match swept {
            Swept::Partly if !self.draining => self.sweep_on(),
            Swept::Partly | Swept::Wholly => self.audit.is_sweeping = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bot_hub_store::record::Record;

    #[test]
    fn what_is_old_or_one_too_many_is_over_and_what_is_newer_stays() {
        let key = |number: u64| ActKey { at: Timestamp(number * 1_000), number };
        let record = |number| Record::new(RecordKind::AUDIT, key(number).name(), *b"{}").unwrap();
        let page = RecordPage { records: (1..=9).map(record).collect(), ..RecordPage::default() };
        let check = |age_ms, entries, now: Option<u64>, expected: usize| {
            let kept = Kept { age_ms, entries };
            let audit = Audit { kept, newest: Some(key(9)), ..Audit::default() };
            let over: Vec<Write> = audit.over(&page, now.map(Timestamp)).collect();
            let removed = (1..)
                .map(key)
                .map(|key| Write::Record(RecordWrite::Remove(RecordKind::AUDIT, key.name())));
            let expected: Vec<Write> = removed.take(expected).collect();
            assert_eq!(over, expected, "{kept:?} {now:?}");
        };
        check(None, None, Some(u64::MAX), 0);
        check(Some(5_000), None, Some(9_000), 3);
        check(Some(5_000), None, None, 0);
        check(Some(5_000), Some(2), None, 7);
        check(Some(1), Some(100), Some(9_002), 9);
        check(None, Some(9), Some(0), 0);
    }
}

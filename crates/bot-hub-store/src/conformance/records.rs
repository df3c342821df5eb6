//! Small records.

use bot_hub_core::change::{Change, Outcome};

use super::{Subject, append, numbered};
use crate::record::{
    KEY_BYTES_MAX, Record, RecordKind, RecordOrder, RecordPage, RecordQuery, RecordWrite,
    VALUE_BYTES_MAX,
};
use crate::{StoreError, Write};

const PAUSE: RecordKind = RecordKind::named("pause");

/// The next kind in order.
const PAUSED: RecordKind = RecordKind::named("pause_0");

fn record(kind: RecordKind, key: &str, value: &[u8]) -> Record {
    Record::new(kind, key, value).expect("it is within the bounds")
}

fn put(kind: RecordKind, key: &str, value: &[u8]) -> Write {
    Write::Record(RecordWrite::Put(record(kind, key, value)))
}

fn add(key: &str, value: &[u8]) -> Write {
    Write::Record(RecordWrite::Add(record(PAUSE, key, value)))
}

fn remove(kind: RecordKind, key: &str) -> Write {
    Write::Record(RecordWrite::Remove(kind, key.into()))
}

impl Subject {
    fn records(&mut self, query: &RecordQuery) -> RecordPage {
        self.reader().records(query).expect("the medium is fine")
    }

    /// `key value` of all records of a kind, checked before and after reopening.
    fn all(&mut self, kind: RecordKind) -> Vec<String> {
        let query = RecordQuery { bytes_max: u32::MAX, ..RecordQuery::all(kind.clone()) };
        let page = self.records(&query);
        self.reopen();
        assert_eq!(self.records(&query), page, "after reopening");
        assert_eq!((&page.damaged, &page.next), (&vec![], &None));
        assert!(page.records.iter().all(|it| *it.kind() == kind));
        page.records.iter().map(shown).collect()
    }
}

fn shown(record: &Record) -> String {
    format!("{} {}", record.key(), String::from_utf8_lossy(record.value()))
}

pub fn a_record_comes_back_bit_by_bit(subject: &mut Subject) {
    let longest = "\u{10fffe}".repeat(KEY_BYTES_MAX / 4);
    let bytes: Vec<u8> = (0..=255).cycle().take(VALUE_BYTES_MAX).collect();
    let all = [
        record(PAUSE, "a' OR '1'='1", b""),
        record(PAUSE, "lab/dm:ann:bob%_*", b"\0\xff"),
        record(PAUSE, &longest, &bytes),
    ];
    subject.write(all.iter().map(|it| Write::Record(RecordWrite::Put(it.clone()))).collect());
    let query = RecordQuery::all(PAUSE);
    assert_eq!(subject.records(&query).records, all);
    subject.reopen();
    assert_eq!(subject.records(&query).records, all);
}

pub fn a_record_is_replaced_and_removed(subject: &mut Subject) {
    assert_eq!(subject.all(PAUSE), [""; 0]);
    let batch = vec![put(PAUSE, "lab", b"1"), put(PAUSE, "den", b"1"), put(PAUSE, "lab", b"2")];
    assert_eq!(subject.write(batch), vec![Outcome::Done; 3]);
    assert_eq!(subject.all(PAUSE), ["den 1", "lab 2"]);
    let batch = vec![put(PAUSE, "den", b"3"), remove(PAUSE, "lab"), remove(PAUSE, "nowhere")];
    assert_eq!(subject.write(batch), vec![Outcome::Done; 3]);
    assert_eq!(subject.all(PAUSE), ["den 3"]);
}

pub fn a_record_is_made_once(subject: &mut Subject) {
    subject.write(vec![put(PAUSE, "lab", b"1")]);
    let batch = vec![
        add("lab", b"2"),
        add("den", b"2"),
        add("den", b"2"),
        remove(PAUSE, "lab"),
        add("lab", b"3"),
    ];
    let (done, known) = (Outcome::Done, Outcome::Conflict);
    assert_eq!(subject.write(batch), [known.clone(), done.clone(), known, done.clone(), done]);
    assert_eq!(subject.all(PAUSE), ["den 2", "lab 3"]);
}

pub fn records_of_a_kind_come_in_the_order_of_their_keys(subject: &mut Subject) {
    let keys = ["lab/ann", "b", "\u{e9}", "lab", "a", "lab0", "lab/", "B"];
    subject.write(keys.iter().map(|key| put(PAUSE, key, b"1")).collect());
    subject.write(vec![put(PAUSED, "a", b"2"), put(RecordKind::named("a"), "z", b"3")]);
    let expected = ["B", "a", "b", "lab", "lab/", "lab/ann", "lab0", "\u{e9}"];
    assert_eq!(subject.all(PAUSE), expected.map(|key| format!("{key} 1")));
    assert_eq!(subject.all(PAUSED), ["a 2"]);
    subject.write(vec![remove(PAUSED, "b")]);
    let mut check = |from: &str, to: &str, expected: &[&str]| {
        let (from, to) = (from.into(), to.into());
        let query = RecordQuery { from, to, ..RecordQuery::all(PAUSE) };
        for order in [RecordOrder::Ascending, RecordOrder::Descending] {
            let mut keys = subject.records(&RecordQuery { order, ..query.clone() }).records;
            if order == RecordOrder::Descending {
                keys.reverse();
            }
            let keys: Vec<_> = keys.iter().map(|it| it.key().as_str()).collect();
            assert_eq!(keys, expected, "{query:?} {order:?}");
        }
    };
    check("b", "lab/ann", &["b", "lab", "lab/"]);
    check("lab/", "lab0", &["lab/", "lab/ann"]);
    check("", "B", &[]);
    check("lab", "b", &[]);
    check("lab", "lab", &[]);
    let under = subject.records(&RecordQuery::under(PAUSE, "lab/")).records;
    assert_eq!(under.iter().map(shown).collect::<Vec<_>>(), ["lab/ 1", "lab/ann 1"]);
}

pub fn records_come_in_pages_both_ways(subject: &mut Subject) {
    let keys: Vec<_> = (10..30).map(|number| format!("{number}")).collect();
    subject.write(keys.iter().map(|key| put(PAUSE, key, &[b'x'; 98])).collect());
    subject.write(vec![put(PAUSED, "11", b""), put(RecordKind::named("a"), "29", b"")]);
    let mut check = |order, records_max, bytes_max, expected: &[usize]| {
        let query = RecordQuery { order, records_max, bytes_max, ..RecordQuery::all(PAUSE) };
        let (mut found, mut sizes, mut next) = (Vec::new(), Vec::new(), Some(query));
        while let Some(query) = next {
            let page = subject.records(&query);
            sizes.push(page.records.len());
            found.extend(page.records.into_iter().map(|it| it.key().to_string()));
            next = page.next;
        }
        if order == RecordOrder::Descending {
            found.reverse();
        }
        assert_eq!((found, &sizes[..]), (keys.clone(), expected), "{order:?}");
    };
    for order in [RecordOrder::Ascending, RecordOrder::Descending] {
        check(order, 100, u32::MAX, &[20]);
        check(order, 20, u32::MAX, &[20]);
        check(order, 19, u32::MAX, &[19, 1]);
        check(order, 8, u32::MAX, &[8, 8, 4]);
        check(order, 100, 500, &[5; 4]);
        check(order, 100, 501, &[6, 6, 6, 2]);
        check(order, 0, 0, &[1; 20]);
    }
}

pub fn a_refused_batch_leaves_no_record(subject: &mut Subject) {
    subject.write(vec![put(PAUSE, "lab", b"1")]);
    let batch = vec![
        put(PAUSE, "lab", b"2"),
        add("den", b"2"),
        Write::Change(append(numbered("nowhere", 1))),
    ];
    let refused = subject.try_commit(batch);
    assert!(matches!(refused, Err(StoreError::NoSuchRoom { .. })), "{refused:?}");
    assert_eq!(subject.all(PAUSE), ["lab 1"]);
    subject.room("lab");
    let outcomes = subject.write(vec![
        Write::Change(append(numbered("lab", 1))),
        add("lab", b"3"),
        Write::Change(Change::WasSaid(numbered("lab", 2).into())),
        remove(PAUSE, "lab"),
    ]);
    let said = Outcome::Appended { seq: 1 };
    assert_eq!(outcomes, [said, Outcome::Conflict, Outcome::Unsaid, Outcome::Done]);
    assert_eq!(subject.all(PAUSE), [""; 0]);
}

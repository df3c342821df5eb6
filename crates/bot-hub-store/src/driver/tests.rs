//! The driver with a store that waits and fails as the test wants.

use std::sync::{Arc, Condvar, Mutex};

use super::*;
use crate::Loaded;
use crate::memory::MemoryStore;
use crate::record::{PAGE_RECORDS_MAX, Record, RecordKind, RecordQuery, RecordWrite};
use bot_hub_core::change::{Change, Query, Span};
use bot_hub_core::entry::Draft;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

/// A memory store that waits until it is released, records its batches, and fails on request.
struct Scripted {
    inner: MemoryStore,
    gate: Arc<(Mutex<bool>, Condvar)>,
    batches: Arc<Mutex<Vec<usize>>>,
    fails: fn(&[Write]) -> Option<StoreError>,
}

impl Store for Scripted {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.inner.load()
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        let (open, opened) = &*self.gate;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        self.batches.lock().unwrap().push(batch.len());
        match (self.fails)(batch) {
            Some(error) => Err(error),
            None => self.inner.commit(batch),
        }
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.inner.reader()
    }
}

fn room() -> RoomName {
    RoomName::new("lab").unwrap()
}

fn say(id: u64, text: &str) -> Write {
    Write::Change(Change::Append(Arc::new(Draft {
        room: room(),
        from: BotId::new("ann").unwrap(),
        id: MessageId::new(&format!("m{id}")).unwrap(),
        text: text.into(),
        sent_at: Timestamp(id),
        extras: None,
    })))
}

fn has(batch: &[Write], text: &str) -> bool {
    batch
        .iter()
        .any(|write| matches!(write, Write::Change(Change::Append(draft)) if *draft.text == *text))
}

/// The driver's answers to a first submission and to three that wait behind it, and the sizes of the
/// batches.
fn run(texts: [&str; 3], fails: fn(&[Write]) -> Option<StoreError>) -> (Vec<String>, Vec<usize>) {
    let mut inner = MemoryStore::new().unwrap();
    let create = Change::CreateRoom { room: room(), closed: false };
    inner.commit(&[Write::Change(create)]).unwrap();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let batches = Arc::new(Mutex::new(Vec::new()));
    let (gate_too, batches_too) = (Arc::clone(&gate), Arc::clone(&batches));
    let store = Scripted { inner, gate: gate_too, batches: batches_too, fails };
    let (sender, mut events) = mpsc::channel(16);
    let mut driver = Driver::start(Box::new(store), sender).unwrap();
    let texts = std::iter::once("first").chain(texts);
    for (ticket, text) in (0..).zip(texts) {
        driver.submit(vec![say(ticket, text)], ticket).unwrap();
    }
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    let mut said = Vec::new();
    let closing = std::thread::spawn(move || driver.close());
    while let Some(event) = events.blocking_recv() {
        said.push(match event {
            StoreEvent::Committed { ticket, outcomes } => format!("{ticket} {outcomes:?}"),
            StoreEvent::Refused { ticket, error } => format!("{ticket} {error}"),
            StoreEvent::Answered { ticket, answer } => format!("{ticket} {answer:?}"),
            StoreEvent::Records { ticket, page } => format!("{ticket} {page:?}"),
            StoreEvent::Dead(error) => format!("dead: {error}"),
        });
    }
    closing.join().unwrap();
    let batches = batches.lock().unwrap().clone();
    (said, batches)
}

#[test]
fn what_waits_is_committed_together_and_answered_in_order() {
    let (said, batches) = run(["a", "b", "c"], |_| None);
    let expected = [1, 2, 3, 4].map(|seq| format!("{} [Appended {{ seq: {seq} }}]", seq - 1));
    assert_eq!(said, expected);
    // The writer may have taken the first submission before the others arrived.
    assert!(matches!(&batches[..], [4] | [1, 3] | [2, 2] | [3, 1]), "{batches:?}");
}

#[test]
fn what_does_not_fit_is_refused_alone() {
    let full =
        |batch: &[Write]| has(batch, "huge").then(|| StoreError::Full { path: "x".to_owned() });
    let (said, _) = run(["a", "huge", "b"], full);
    let seq = |ticket: u64, seq: u64| format!("{ticket} [Appended {{ seq: {seq} }}]");
    let refused = "2 no space left on the device that holds `x`".to_owned();
    assert_eq!(said, [seq(0, 1), seq(1, 2), refused, seq(3, 3)]);
}

#[test]
fn after_a_failure_nothing_is_acknowledged() {
    let fails =
        |batch: &[Write]| has(batch, "broken").then(|| StoreError::Failed("sync".to_owned()));
    let (said, _) = run(["a", "broken", "b"], fails);
    let (last, before) = said.split_last().unwrap();
    assert_eq!(last, "dead: the store failed: sync");
    assert!(before.iter().all(|line| line.contains("Appended")), "{said:?}");
    assert!(before.len() <= 2, "{said:?}");
}

#[test]
fn an_inline_driver_answers_at_once() {
    let mut driver = Driver::inline(Box::new(MemoryStore::new().unwrap())).unwrap();
    let create = Write::Change(Change::CreateRoom { room: room(), closed: false });
    let event = driver.submit(vec![create, say(1, "a")], 7).unwrap();
    let Some(StoreEvent::Committed { ticket: 7, outcomes }) = event else { panic!("{event:?}") };
    assert_eq!(outcomes[1], Outcome::Appended { seq: 1 });
    let span = Span::After(0);
    let query = Query::Page { room: room(), span, entries_max: 9, bytes_max: 9 };
    let event = driver.ask(query, 8).unwrap();
    let Some(StoreEvent::Answered { ticket: 8, answer: Answer::Page(page) }) = event else {
        panic!("{event:?}")
    };
    assert_eq!(page.entries.len(), 1);
}

#[test]
fn a_page_of_records_is_no_longer_than_the_bound_whatever_is_asked_for() {
    let count = u64::from(PAGE_RECORDS_MAX) + 1;
    let record = |number: u64| Record::new(RecordKind::AUDIT, format!("{number:020}"), *b"x");
    let put = |number| Write::Record(RecordWrite::Put(record(number).unwrap()));
    let mut store = MemoryStore::new().unwrap();
    store.commit(&(0..count).map(put).collect::<Vec<_>>()).unwrap();
    let (sender, mut events) = mpsc::channel(16);
    let mut driver = Driver::start(Box::new(store), sender).unwrap();
    let all = RecordQuery {
        records_max: u32::MAX,
        bytes_max: u32::MAX,
        ..RecordQuery::all(RecordKind::AUDIT)
    };
    let mut read = Vec::new();
    let (mut next, mut pages) = (Some(all), 0);
    while let Some(query) = next {
        pages += 1;
        driver.ask(query, pages).unwrap();
        let event = events.blocking_recv();
        let Some(StoreEvent::Records { ticket, page: Ok(page) }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(ticket, pages);
        read.extend(page.records);
        next = page.next;
    }
    let expected: Vec<_> = (0..count).map(|number| record(number).unwrap()).collect();
    assert_eq!((read, pages), (expected, 2));
    driver.close();
}

#[test]
fn a_full_queue_gives_the_writes_back() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let store = Scripted {
        inner: MemoryStore::new().unwrap(),
        gate: Arc::clone(&gate),
        batches: Arc::default(),
        fails: |_| Some(StoreError::Failed("over".to_owned())),
    };
    let (sender, events) = mpsc::channel(16);
    let mut driver = Driver::start(Box::new(store), sender).unwrap();
    let mut taken = 0;
    let back = loop {
        match driver.submit(vec![say(taken, "a")], taken) {
            Ok(_) => taken += 1,
            Err(unsent) => break unsent,
        }
    };
    assert_eq!(back, Unsent::Busy(vec![say(taken, "a")]));
    assert!(taken as usize >= SUBMISSIONS_MAX);
    drop(events);
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    driver.close();
}

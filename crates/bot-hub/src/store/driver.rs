//! The store beside the engine.
//!
//! Owns the writer's thread with its group commit, and the reader's thread. What is waiting when the
//! disk is free is committed as one transaction: the group grows while the disk is busy, and nobody
//! ever waits for a timer. Never looks into a write.
//!
//! **Invariant:** after an error that leaves the disk's state unknown, nothing is acknowledged again.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use bot_hub_core::change::{Answer, Change, Outcome, Query};
use tokio::sync::mpsc;

use super::{Reader, Store, StoreError, Write};

/// Names a submission or a question, as its sender likes.
pub type Ticket = u64;

/// Submissions that may wait for the writer. When it is full, the engine stops reading sockets.
pub const SUBMISSIONS_MAX: usize = 4_096;

/// Questions that may wait for the reader.
pub const QUESTIONS_MAX: usize = 1_024;

/// A group takes no further submission when it has so many writes: more does not make a write any
/// cheaper, and the first one of them waits for the last.
const GROUP_WRITES_MAX: usize = 2_048;

/// The same in bytes of messages.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What the store has to say. Submissions are answered in their order; so are questions.
#[derive(Debug)]
pub enum StoreEvent {
    /// The submission survives `kill -9` and loss of power; one outcome per write, in order.
    Committed {
        /// Which submission.
        ticket: Ticket,
        /// What became of its writes.
        outcomes: Vec<Outcome>,
    },
    /// Nothing of the submission was stored; the next one may be.
    Refused {
        /// Which submission.
        ticket: Ticket,
        /// Why: `Full` or `NoSuchRoom`.
        error: StoreError,
    },
    /// The answer to a question.
    Answered {
        /// Which question.
        ticket: Ticket,
        /// The answer.
        answer: Answer,
    },
    /// The store failed. No submission without an answer will get one: whether it is there is known
    /// when the store is opened again.
    Dead(StoreError),
}

/// Why something was not taken.
#[derive(Debug, PartialEq)]
pub enum Unsent<T> {
    /// The queue is full; here it is again.
    Busy(T),
    /// The store failed; `Dead` says why.
    Dead,
}

/// The engine's handle of a store.
#[derive(Debug)]
pub struct Driver {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Threads {
        submissions: SyncSender<Submission>,
        questions: SyncSender<(Query, Ticket)>,
        threads: [JoinHandle<()>; 2],
    },
    Inline(Inline),
}

struct Inline {
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
    is_dead: bool,
}

#[derive(Debug)]
struct Submission {
    writes: Vec<Write>,
    ticket: Ticket,
}

impl Driver {
    /// Gives the store its threads; they answer through `events`. When the engine does not take what
    /// they say, they wait, and so in the end does whoever submits.
    pub fn start(
        store: Box<dyn Store>,
        events: mpsc::Sender<StoreEvent>,
    ) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        let (submissions, to_write) = sync_channel(SUBMISSIONS_MAX);
        let (questions, to_answer) = sync_channel(QUESTIONS_MAX);
        let answers = events.clone();
        let threads = [
            spawn("store-write", move || write_all(store, &to_write, &events))?,
            spawn("store-read", move || answer_all(reader, &to_answer, &answers))?,
        ];
        Ok(Self { kind: Kind::Threads { submissions, questions, threads } })
    }

    /// A store that answers at once, on the engine's own thread: for one that does not wait for a
    /// disk, where a change of threads would cost more than the work.
    pub fn inline(store: Box<dyn Store>) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        Ok(Self { kind: Kind::Inline(Inline { store, reader, is_dead: false }) })
    }

    /// Hands over writes that are stored together or not at all. `Some` is the answer, if it is there
    /// at once; else it comes through `events`.
    ///
    /// When a group meets `Full` or `NoSuchRoom`, each of its submissions is tried again alone and in
    /// its order: a long message is refused, the cursor behind it is stored.
    pub fn submit(
        &mut self,
        writes: Vec<Write>,
        ticket: Ticket,
    ) -> Result<Option<StoreEvent>, Unsent<Vec<Write>>> {
        match &mut self.kind {
            Kind::Threads { submissions, .. } => {
                match submissions.try_send(Submission { writes, ticket }) {
                    Ok(()) => Ok(None),
                    Err(TrySendError::Full(submission)) => Err(Unsent::Busy(submission.writes)),
                    Err(TrySendError::Disconnected(_)) => Err(Unsent::Dead),
                }
            }
            Kind::Inline(inline) => inline.submit(&writes, ticket).map(Some),
        }
    }

    /// Asks something. `Some` is the answer, if it is there at once.
    pub fn ask(
        &mut self,
        query: Query,
        ticket: Ticket,
    ) -> Result<Option<StoreEvent>, Unsent<Query>> {
        match &mut self.kind {
            Kind::Threads { questions, .. } => match questions.try_send((query, ticket)) {
                Ok(()) => Ok(None),
                Err(TrySendError::Full((query, _))) => Err(Unsent::Busy(query)),
                Err(TrySendError::Disconnected(_)) => Err(Unsent::Dead),
            },
            Kind::Inline(inline) => {
                let answer = inline.reader.answer(&query);
                Ok(Some(StoreEvent::Answered { ticket, answer }))
            }
        }
    }

    /// Commits what was submitted, closes the store and waits for that. The events have to be taken
    /// until their channel ends, or their receiver has to be dropped, on another thread or before.
    pub fn close(self) {
        let Kind::Threads { submissions, questions, threads } = self.kind else { return };
        drop((submissions, questions));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Inline {
    fn submit(
        &mut self,
        writes: &[Write],
        ticket: Ticket,
    ) -> Result<StoreEvent, Unsent<Vec<Write>>> {
        if self.is_dead {
            return Err(Unsent::Dead);
        }
        Ok(match self.store.commit(writes) {
            Ok(outcomes) => StoreEvent::Committed { ticket, outcomes },
            Err(error) if is_refusal(&error) => StoreEvent::Refused { ticket, error },
            Err(error) => {
                self.is_dead = true;
                StoreEvent::Dead(error)
            }
        })
    }
}

impl std::fmt::Debug for Inline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inline").field("is_dead", &self.is_dead).finish_non_exhaustive()
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map_err(|error| StoreError::Failed(format!("no thread for `{name}`: {error}")))
}

/// Whether the store lives on after it.
fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Full { .. } | StoreError::NoSuchRoom { .. })
}

fn write_all(
    mut store: Box<dyn Store>,
    submissions: &Receiver<Submission>,
    events: &mpsc::Sender<StoreEvent>,
) {
    while let Ok(first) = submissions.recv() {
        let group = Group::gather(first, submissions);
        for event in group.commit(store.as_mut()) {
            let is_over = matches!(event, StoreEvent::Dead(_));
            if events.blocking_send(event).is_err() || is_over {
                return;
            }
        }
    }
}

fn answer_all(
    mut reader: Box<dyn Reader>,
    questions: &Receiver<(Query, Ticket)>,
    events: &mpsc::Sender<StoreEvent>,
) {
    while let Ok((query, ticket)) = questions.recv() {
        let answer = reader.answer(&query);
        if events.blocking_send(StoreEvent::Answered { ticket, answer }).is_err() {
            return;
        }
    }
}

/// Submissions that are committed together.
struct Group {
    writes: Vec<Write>,
    /// The ticket of each submission, and how many of the writes are its own.
    parts: Vec<(Ticket, usize)>,
}

impl Group {
    /// Everything that is waiting, within the bounds.
    fn gather(first: Submission, submissions: &Receiver<Submission>) -> Self {
        let mut bytes: usize = first.writes.iter().map(size).sum();
        let parts = vec![(first.ticket, first.writes.len())];
        let mut group = Self { writes: first.writes, parts };
        while group.writes.len() < GROUP_WRITES_MAX && bytes < GROUP_BYTES_MAX {
            let Ok(next) = submissions.try_recv() else { break };
            bytes += next.writes.iter().map(size).sum::<usize>();
            group.parts.push((next.ticket, next.writes.len()));
            group.writes.extend(next.writes);
        }
        group
    }

    fn commit(self, store: &mut dyn Store) -> Vec<StoreEvent> {
        match store.commit(&self.writes) {
            Ok(outcomes) => self.committed(outcomes),
            Err(error) if is_refusal(&error) => self.one_by_one(store, error),
            Err(error) => vec![StoreEvent::Dead(error)],
        }
    }

    fn committed(self, outcomes: Vec<Outcome>) -> Vec<StoreEvent> {
        let mut outcomes = outcomes.into_iter();
        let event = |(ticket, count)| StoreEvent::Committed {
            ticket,
            outcomes: outcomes.by_ref().take(count).collect(),
        };
        self.parts.into_iter().map(event).collect()
    }

    fn one_by_one(self, store: &mut dyn Store, error: StoreError) -> Vec<StoreEvent> {
        if let [(ticket, _)] = self.parts[..] {
            return vec![StoreEvent::Refused { ticket, error }];
        }
        let mut events = Vec::with_capacity(self.parts.len());
        let mut rest = &self.writes[..];
        for (ticket, count) in self.parts {
            let (own, others) = rest.split_at(count);
            rest = others;
            match store.commit(own) {
                Ok(outcomes) => events.push(StoreEvent::Committed { ticket, outcomes }),
                Err(error) if is_refusal(&error) => {
                    events.push(StoreEvent::Refused { ticket, error });
                }
                Err(error) => {
                    events.push(StoreEvent::Dead(error));
                    break;
                }
            }
        }
        events
    }
}

fn size(write: &Write) -> usize {
    match write {
        Write::Change(Change::Append(draft)) => draft.size(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;
    use crate::store::Loaded;
    use crate::store::memory::MemoryStore;
    use bot_hub_core::change::Span;
    use bot_hub_core::entry::Draft;
    use bot_protocol::id::MessageId;
    use bot_protocol::name::{BotId, RoomName};
    use bot_protocol::time::Timestamp;

    /// A memory store that waits until it is let go, notes its batches and fails as it is told.
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
        batch.iter().any(
            |write| matches!(write, Write::Change(Change::Append(draft)) if *draft.text == *text),
        )
    }

    /// What the driver says to a first submission and three that wait behind it, and the sizes of the
    /// batches.
    fn run(
        texts: [&str; 3],
        fails: fn(&[Write]) -> Option<StoreError>,
    ) -> (Vec<String>, Vec<usize>) {
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
        // The first may have met the writer before the others were there.
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
        let Some(StoreEvent::Committed { ticket: 7, outcomes }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(outcomes, [Outcome::Done, Outcome::Appended { seq: 1 }]);
        let span = Span::After(0);
        let query = Query::Page { room: room(), span, entries_max: 9, bytes_max: 9 };
        let event = driver.ask(query, 8).unwrap();
        let Some(StoreEvent::Answered { ticket: 8, answer: Answer::Page(page) }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(page.entries.len(), 1);
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
}

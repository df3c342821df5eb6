//! Between the engine, which never waits, and a store, which does.
//!
//! Owns the threads: one writer that commits whatever is waiting as one group, one reader beside it.
//! There is no timer: an idle disk commits a single message at once, a busy one finds a group when it
//! is done with the last. A store that needs no waiting is driven inline, without a thread.
//!
//! **Invariant:** submissions are answered once each, in their order. Each is stored whole or refused
//! whole.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use bot_hub_core::change::{Answer, Outcome, Query};

use super::{Reader, Store, StoreError, Write};

/// Writes committed as one group at most: enough that the sync no longer matters, small enough that
/// the first of them does not wait for the last.
const GROUP_WRITES_MAX: usize = 4_096;

/// What a store has to say.
#[derive(Debug)]
pub enum StoreEvent {
    /// A submission is durable: one outcome per write.
    Committed {
        /// Which.
        ticket: u64,
        /// Its outcomes.
        outcomes: Vec<Outcome>,
        /// How long it took from the submission.
        took: std::time::Duration,
    },
    /// Nothing of a submission was stored.
    Refused {
        /// Which.
        ticket: u64,
        /// How many writes it had.
        count: usize,
        /// Why.
        error: StoreError,
    },
    /// A look-up is answered.
    Answered {
        /// Which.
        ticket: u64,
        /// The answer.
        answer: Answer,
    },
    /// The store failed: nothing more will be acknowledged.
    Dead(StoreError),
}

/// Drives one store. The engine bounds what it submits: the queues here hold no more than that.
#[derive(Debug)]
pub struct Driver(Kind);

enum Kind {
    Inline { store: Box<dyn Store>, reader: Box<dyn Reader> },
    Threads { writes: Sender<Submission>, questions: Sender<(u64, Query)> },
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inline { .. } => "Inline",
            Self::Threads { .. } => "Threads",
        })
    }
}

struct Submission {
    ticket: u64,
    writes: Vec<Write>,
    at: Instant,
}

type Events = tokio::sync::mpsc::Sender<StoreEvent>;

impl Driver {
    /// Drives a store that never waits.
    pub fn inline(store: Box<dyn Store>) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        Ok(Self(Kind::Inline { store, reader }))
    }

    /// Drives a store on two threads, which end when the driver is dropped.
    pub fn start(store: Box<dyn Store>, events: Events) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        let (writes, submissions) = channel();
        let (questions, asked) = channel();
        let answers = events.clone();
        spawn("store-writer", move || write_all(store, &submissions, &events))?;
        spawn("store-reader", move || answer_all(reader, &asked, &answers))?;
        Ok(Self(Kind::Threads { writes, questions }))
    }

    /// Hands writes over. A store that is driven inline has its answer at once.
    pub fn submit(&mut self, ticket: u64, writes: Vec<Write>) -> Option<StoreEvent> {
        let at = Instant::now();
        match &mut self.0 {
            Kind::Inline { store, .. } => Some(match store.commit(&writes) {
                Ok(outcomes) => StoreEvent::Committed { ticket, outcomes, took: at.elapsed() },
                Err(error) => StoreEvent::Refused { ticket, count: writes.len(), error },
            }),
            Kind::Threads { writes: queue, .. } => {
                let submission = Submission { ticket, writes, at };
                let gone = queue.send(submission).is_err();
                gone.then(|| StoreEvent::Dead(StoreError::Failed("its writer has ended".into())))
            }
        }
    }

    /// Asks something. A store that is driven inline has its answer at once.
    pub fn ask(&mut self, ticket: u64, query: Query) -> Option<StoreEvent> {
        match &mut self.0 {
            Kind::Inline { reader, .. } => {
                Some(StoreEvent::Answered { ticket, answer: reader.answer(&query) })
            }
            Kind::Threads { questions, .. } => {
                let gone = questions.send((ticket, query)).is_err();
                gone.then_some(StoreEvent::Answered { ticket, answer: Answer::Failed })
            }
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| StoreError::Failed(format!("no thread for it: {error}")))
}

fn write_all(mut store: Box<dyn Store>, submissions: &Receiver<Submission>, events: &Events) {
    while let Ok(first) = submissions.recv() {
        let group = collect(first, submissions);
        if let Err(error) = commit_group(store.as_mut(), group, events) {
            // Nobody is left to hear it when the engine has ended.
            drop(events.blocking_send(StoreEvent::Dead(error)));
            return;
        }
    }
}

/// The first submission and whatever else is waiting.
fn collect(first: Submission, submissions: &Receiver<Submission>) -> VecDeque<Submission> {
    let mut count = first.writes.len();
    let mut group = VecDeque::from([first]);
    while count < GROUP_WRITES_MAX
        && let Ok(next) = submissions.try_recv()
    {
        count += next.writes.len();
        group.push_back(next);
    }
    group
}

/// Commits a group. When the store refuses all of it, each submission is tried by itself: a small one
/// may still fit on the disk, and its sender is not to suffer for the others.
fn commit_group(
    store: &mut dyn Store,
    mut group: VecDeque<Submission>,
    events: &Events,
) -> Result<(), StoreError> {
    if group.len() > 1 {
        let sizes: Vec<usize> = group.iter().map(|it| it.writes.len()).collect();
        let mut writes = Vec::with_capacity(sizes.iter().sum());
        for submission in &mut group {
            writes.append(&mut submission.writes);
        }
        match store.commit(&writes) {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for (submission, size) in group.into_iter().zip(sizes) {
                    committed(submission, outcomes.by_ref().take(size).collect(), events);
                }
                return Ok(());
            }
            Err(error) if error.is_survivable() => {
                let mut writes = writes.into_iter();
                for (submission, size) in group.iter_mut().zip(sizes) {
                    submission.writes = writes.by_ref().take(size).collect();
                }
            }
            Err(error) => return Err(error),
        }
    }
    for mut submission in group {
        match store.commit(&submission.writes) {
            Ok(outcomes) => {
                submission.writes.clear();
                committed(submission, outcomes, events);
            }
            Err(error) if error.is_survivable() => {
                let Submission { ticket, writes, .. } = submission;
                let refused = StoreEvent::Refused { ticket, count: writes.len(), error };
                drop(events.blocking_send(refused));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn committed(submission: Submission, outcomes: Vec<Outcome>, events: &Events) {
    let Submission { ticket, at, .. } = submission;
    let event = StoreEvent::Committed { ticket, outcomes, took: at.elapsed() };
    // Durable all the same when the engine has ended; it acknowledges nothing then.
    drop(events.blocking_send(event));
}

fn answer_all(mut reader: Box<dyn Reader>, asked: &Receiver<(u64, Query)>, events: &Events) {
    while let Ok((ticket, query)) = asked.recv() {
        let answer = reader.answer(&query);
        if events.blocking_send(StoreEvent::Answered { ticket, answer }).is_err() {
            return;
        }
    }
}

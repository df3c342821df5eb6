//! Runs the store beside the engine.
//!
//! Owns the writer's thread with its group commit, and the reader's thread. All writes that wait when the
//! disk becomes free are committed as one transaction: groups grow while the disk is busy, and no timer
//! delays a write (see `group`). Never looks into a write.
//!
//! **Invariant:** after an error that leaves the disk's state unknown, nothing is acknowledged again.

mod group;
mod question;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use bot_hub_core::change::{Answer, Outcome};
use tokio::sync::mpsc;

use self::group::{Group, is_refusal};
pub use self::question::Question;
use self::tally::Tally;
use super::{Reader, Store, StoreError, Write};
use crate::Histogram;
use crate::record::RecordPage;

/// Identifies a submission or a question; the sender chooses it.
pub type Ticket = u64;

/// How many submissions may wait for the writer. When the queue is full, the engine stops reading sockets.
pub const SUBMISSIONS_MAX: usize = 4_096;

/// How many questions may wait for the reader.
pub const QUESTIONS_MAX: usize = 1_024;

/// A report of the store. Submissions are answered in their order, and so are questions.
#[derive(Debug)]
pub enum StoreEvent {
    /// The submission survives `kill -9` and loss of power. One outcome per write, in order.
    Committed {
        /// Which submission.
        ticket: Ticket,
        /// The outcomes of its writes.
        outcomes: Vec<Outcome>,
    },
    /// Nothing of the submission was stored. A later one may succeed.
    Refused {
        /// Which submission.
        ticket: Ticket,
        /// Why: `Full` or `NoSuchRoom`.
        error: StoreError,
    },
    /// The answer to a question about records.
    Records {
        /// Which question.
        ticket: Ticket,
        /// What was found, or why nothing could be read.
        page: Result<RecordPage, StoreError>,
    },
    /// The answer to a question about a log.
    Answered {
        /// Which question.
        ticket: Ticket,
        /// The answer.
        answer: Answer,
    },
    /// The store failed. Submissions without an answer get none: reopening the store shows whether they
    /// were stored.
    Dead(StoreError),
}

/// Why something was not accepted.
#[derive(Debug, PartialEq)]
pub enum Unsent<T> {
    /// The queue is full; returns what was sent.
    Busy(T),
    /// The store failed; `Dead` said why.
    Dead,
}

/// The engine's handle to a store.
#[derive(Debug)]
pub struct Driver {
    kind: Kind,
    tally: Arc<Tally>,
}

#[derive(Debug)]
enum Kind {
    Threads {
        submissions: SyncSender<Submission>,
        questions: SyncSender<(Question, Ticket)>,
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
    /// Starts the store's threads, which answer through `events`. If the engine does not take the answers,
    /// the threads wait, and in the end so do the submitters.
    pub fn start(
        store: Box<dyn Store>,
        events: mpsc::Sender<StoreEvent>,
    ) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        let (submissions, to_write) = sync_channel(SUBMISSIONS_MAX);
        let (questions, to_answer) = sync_channel(QUESTIONS_MAX);
        let answers = events.clone();
        let tally = Arc::<Tally>::default();
        let counts = Arc::clone(&tally);
        let threads = [
            spawn("store-write", move || write_all(store, &to_write, &events, &counts))?,
            spawn("store-read", move || answer_all(reader, &to_answer, &answers))?,
        ];
        Ok(Self { kind: Kind::Threads { submissions, questions, threads }, tally })
    }

    /// Runs a store on the engine's own thread, for one that needs no disk: switching threads would cost
    /// more than the work.
    pub fn inline(store: Box<dyn Store>) -> Result<Self, StoreError> {
        let reader = store.reader()?;
        let kind = Kind::Inline(Inline { store, reader, is_dead: false });
        Ok(Self { kind, tally: Arc::default() })
    }

    /// Moves a store that [`inline`](Self::inline) made to threads, as [`start`](Self::start) does. Used
    /// after the writes that must be stored before anybody is served.
    pub fn into_threads(self, events: mpsc::Sender<StoreEvent>) -> Result<Self, StoreError> {
        match self.kind {
            Kind::Inline(Inline { store, is_dead: false, .. }) => Self::start(store, events),
            kind => Ok(Self { kind, tally: self.tally }),
        }
    }

    /// Submits writes that are stored together or not at all. Returns the answer if it is known at once;
    /// otherwise it comes through `events`.
    ///
    /// When a group meets `Full` or `NoSuchRoom`, each submission is tried again alone and in order: a long
    /// message is refused, and the cursor behind it is stored.
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
            Kind::Inline(inline) => {
                let started = Instant::now();
                let event = inline.submit(&writes, ticket)?;
                self.tally.note(writes.len(), started.elapsed());
                Ok(Some(event))
            }
        }
    }

    /// Asks a question. Returns the answer if it is known at once.
    pub fn ask(
        &mut self,
        question: impl Into<Question>,
        ticket: Ticket,
    ) -> Result<Option<StoreEvent>, Unsent<Question>> {
        let question = question.into();
        match &mut self.kind {
            Kind::Threads { questions, .. } => match questions.try_send((question, ticket)) {
                Ok(()) => Ok(None),
                Err(TrySendError::Full((question, _))) => Err(Unsent::Busy(question)),
                Err(TrySendError::Disconnected(_)) => Err(Unsent::Dead),
            },
            Kind::Inline(inline) => Ok(Some(question.ask(inline.reader.as_mut(), ticket))),
        }
    }

    /// Histograms of the transactions: writes per transaction, and seconds.
    #[must_use]
    pub fn transactions(&self) -> [Histogram; 2] {
        self.tally.histograms()
    }

    /// Commits the pending submissions, closes the store, and waits for both. Another thread must take the
    /// events until their channel ends, or the receiver must be dropped before.
    pub fn close(self) {
        let Kind::Threads { submissions, questions, threads } = self.kind else { return };
        let [writer, reader] = threads;
        drop(questions);
        join(reader);
        // Last: a writer that closes while a reader has the store open leaves the write-ahead log beside it.
        drop(submissions);
        join(writer);
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the store panicked");
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

fn write_all(
    mut store: Box<dyn Store>,
    submissions: &Receiver<Submission>,
    events: &mpsc::Sender<StoreEvent>,
    tally: &Tally,
) {
    while let Ok(first) = submissions.recv() {
        let group = Group::gather(first, submissions);
        for event in group.commit(store.as_mut(), tally) {
            let is_over = matches!(event, StoreEvent::Dead(_));
            if events.blocking_send(event).is_err() || is_over {
                return;
            }
        }
    }
}

fn answer_all(
    mut reader: Box<dyn Reader>,
    questions: &Receiver<(Question, Ticket)>,
    events: &mpsc::Sender<StoreEvent>,
) {
    while let Ok((question, ticket)) = questions.recv() {
        if events.blocking_send(question.ask(reader.as_mut(), ticket)).is_err() {
            return;
        }
    }
}

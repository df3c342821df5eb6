//! Who is told, and how the moments of one message find each other.
//!
//! A message's trace is the one that its sender names (`traceparent` in `meta`, as W3C Trace Context
//! writes it), else it follows from room and id: so that the moments of one message belong together
//! also after a restart, with nothing kept but a bounded number of recent messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bot_hub_core::change::{Change, Outcome};
use bot_hub_core::entry::{Draft, Entry};
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::client::Receipt;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use tokio::sync::mpsc;

use super::otlp::{Kind, Span};
use bot_hub_store::Write;

/// Messages whose trace is remembered, for receipts that name a number and no id.
const RECENT_MAX: usize = 16_384;

/// Where a message's spans belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) id: [u8; 16],
    /// The sender's span, if it named one.
    pub(super) parent: Option<[u8; 8]>,
}

/// A message on its way to the store.
#[derive(Debug)]
struct Underway {
    /// Its place among the writes of the submission.
    at: usize,
    draft: Arc<Draft>,
    since: u64,
}

/// Tells the spans of messages.
#[derive(Debug, Default)]
pub struct Traces {
    spans: Option<mpsc::Sender<Span>>,
    /// Of every thousand messages, so many are told.
    per_mille: u64,
    submissions: VecDeque<Vec<Underway>>,
    recent: FxHashMap<(RoomName, u64), Trace>,
    recent_order: VecDeque<(RoomName, u64)>,
}

impl Traces {
    /// One that tells the spans of so many of a thousand messages.
    pub(super) fn told_to(spans: mpsc::Sender<Span>, per_mille: u64) -> Self {
        Self { spans: Some(spans), per_mille, ..Self::default() }
    }

    pub(in crate::engine) fn submitted(&mut self, writes: &[Write]) {
        if self.spans.is_none() {
            return;
        }
        let since = nanos();
        let drafts = writes.iter().enumerate().filter_map(|(at, write)| match write {
            Write::Change(Change::Append(draft)) => {
                Some(Underway { at, draft: Arc::clone(draft), since })
            }
            _ => None,
        });
        self.submissions.push_back(drafts.collect());
    }

    pub(in crate::engine) fn committed(&mut self, outcomes: &[Outcome]) {
        for Underway { at, draft, since } in self.submissions.pop_front().into_iter().flatten() {
            // What was there already was told when it came.
            let Some(Outcome::Appended { seq }) = outcomes.get(at) else { continue };
            let trace = self.trace_of(&draft);
            self.remember(&draft.room, *seq, trace);
            let accept = self.accept(&draft, trace, Some(*seq));
            let commit = Span {
                parent: Some(accept.span),
                start: since,
                ..span("commit", Kind::Internal, trace, &draft.room, draft.id.as_str())
            };
            self.tell(accept);
            self.tell(commit);
        }
    }

    pub(in crate::engine) fn refused(&mut self) {
        for Underway { draft, .. } in self.submissions.pop_front().into_iter().flatten() {
            let trace = self.trace_of(&draft);
            let mut accept = self.accept(&draft, trace, None);
            accept.error = Some(SmolStr::new_static("the store refused the message"));
            self.tell(accept);
        }
    }

    pub(in crate::engine) fn handed_over(&mut self, entry: &Entry, connections: usize) {
        if self.spans.is_none() {
            return;
        }
        let draft = &entry.draft;
        let trace = self.trace_of(draft);
        // What waited in the log is shown to have waited.
        let mut deliver = Span {
            parent: Some(accept_span(trace)),
            start: draft.sent_at.0 * 1_000_000,
            ..span("deliver", Kind::Producer, trace, &draft.room, draft.id.as_str())
        };
        deliver.attribute("messaging.batch.message_count", connections.to_string());
        deliver.attribute("bot_hub.seq", entry.seq.to_string());
        self.remember(&draft.room, entry.seq, trace);
        self.tell(deliver);
    }

    pub(in crate::engine) fn heard(&mut self, bot: Option<&BotId>, frame: &ClientFrame) {
        if let (Some(_), Some(bot), ClientFrame::Receipt(receipt)) = (&self.spans, bot, frame) {
            self.reported(bot, receipt);
        }
    }

    fn reported(&mut self, bot: &BotId, receipt: &Receipt) {
        let by_seq = receipt.seq.and_then(|seq| self.recent.get(&(receipt.room.clone(), seq)));
        let trace = match (&receipt.id, by_seq) {
            (_, Some(trace)) => *trace,
            (Some(id), None) => derived(&receipt.room, id),
            (None, None) => return,
        };
        let id = receipt.id.as_ref().map_or("", MessageId::as_str);
        let mut span = Span {
            parent: Some(accept_span(trace)),
            ..span("receipt", Kind::Consumer, trace, &receipt.room, id)
        };
        span.attribute("bot_hub.bot", bot.as_str());
        span.attribute("bot_hub.receipt", receipt.state.name());
        self.tell(span);
    }

    fn accept(&self, draft: &Draft, trace: Trace, seq: Option<u64>) -> Span {
        let mut accept = Span {
            span: accept_span(trace),
            parent: trace.parent,
            start: draft.sent_at.0 * 1_000_000,
            ..span("accept", Kind::Server, trace, &draft.room, draft.id.as_str())
        };
        accept.attribute("bot_hub.bot", draft.from.as_str());
        accept.attribute("messaging.message.body.size", draft.size().to_string());
        if let Some(seq) = seq {
            accept.attribute("bot_hub.seq", seq.to_string());
        }
        accept
    }

    fn trace_of(&self, draft: &Draft) -> Trace {
        let meta = draft.extras.as_deref().and_then(|extras| extras.meta.as_ref());
        let named = meta.and_then(|meta| named(meta.as_json()));
        named.unwrap_or_else(|| derived(&draft.room, &draft.id))
    }

    fn remember(&mut self, room: &RoomName, seq: u64, trace: Trace) {
        let key = (room.clone(), seq);
        if self.recent.insert(key.clone(), trace).is_none() {
            self.recent_order.push_back(key);
        }
        if self.recent_order.len() > RECENT_MAX
            && let Some(oldest) = self.recent_order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }

    /// Traces are told whole or not at all: the choice follows from the id.
    fn tell(&self, span: Span) {
        let [.., one, two] = span.trace;
        let is_chosen = u64::from(u16::from_be_bytes([one, two])) * 1_000 < self.per_mille << 16;
        if let Some(spans) = self.spans.as_ref().filter(|_| is_chosen)
            && spans.try_send(span).is_err()
        {
            tracing::debug!("a span is lost: the collector is slow or away");
        }
    }
}

fn span(name: &'static str, kind: Kind, trace: Trace, room: &RoomName, id: &str) -> Span {
    let now = nanos();
    let mut span = Span {
        name,
        kind,
        trace: trace.id,
        span: random(),
        parent: None,
        start: now,
        end: now,
        attributes: Vec::with_capacity(6),
        error: None,
    };
    span.attribute("messaging.system", "bot-hub");
    span.attribute("messaging.destination.name", room.as_str());
    if !id.is_empty() {
        span.attribute("messaging.message.id", id);
    }
    span
}

/// The root of what the hub does with a message; known without having been kept.
fn accept_span(trace: Trace) -> [u8; 8] {
    let hash = blake3::hash(&trace.id);
    hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes")
}

fn derived(room: &RoomName, id: &MessageId) -> Trace {
    let mut hasher = blake3::Hasher::new();
    hasher.update(room.as_str().as_bytes()).update(&[0]).update(id.as_str().as_bytes());
    let id = hasher.finalize().as_bytes()[..16].try_into().expect("a hash has 32 bytes");
    Trace { id, parent: None }
}

/// `"traceparent": "00-<trace>-<span>-<flags>"` in a message's `meta`.
fn named(meta: &str) -> Option<Trace> {
    #[derive(serde::Deserialize)]
    struct Meta {
        traceparent: String,
    }
    let meta: Meta = serde_json::from_str(meta).ok()?;
    let mut parts = meta.traceparent.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
    let id: [u8; 16] = hex(trace)?.try_into().ok()?;
    let parent: [u8; 8] = hex(span)?.try_into().ok()?;
    let is_valid = version.len() == 2 && version != "ff" && id != [0; 16] && parent != [0; 8];
    is_valid.then_some(Trace { id, parent: Some(parent) })
}

fn random() -> [u8; 8] {
    // Without randomness the span has a number that may be another's, and is told all the same.
    getrandom::u64().unwrap_or_else(|_| nanos()).max(1).to_be_bytes()
}

fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_may_name_the_trace() {
        let check =
            |meta: &str, expected: bool| assert_eq!(named(meta).is_some(), expected, "{meta}");
        check(r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}"#, true);
        check(
            r#"{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"}"#,
            false,
        );
        check(
            r#"{"traceparent":"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}"#,
            false,
        );
        check(r#"{"traceparent":"00-4BF92F-00f067aa0ba902b7-01"}"#, false);
        check(r#"{"other":1}"#, false);
    }

    #[test]
    fn without_a_name_the_trace_follows_from_room_and_id() {
        let of = |room: &str, id: &str| {
            derived(&RoomName::new(room).unwrap(), &MessageId::new(id).unwrap())
        };
        assert_eq!(of("lab", "m1"), of("lab", "m1"));
        assert_ne!(of("lab", "m1"), of("lab", "m2"));
        assert_ne!(of("lab", "m1"), of("lam", "m1"));
        assert_eq!(accept_span(of("lab", "m1")), accept_span(of("lab", "m1")));
    }
}

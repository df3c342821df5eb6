//! Limits how often one place in the code may log.
//!
//! Owns the count per place. Otherwise a client that connects ten thousand times a second would fill the
//! disk that the messages are on. Suppressed lines are counted and reported.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How many lines one place may log per window: enough to follow the connections of many bots.
const LINES_MAX: u32 = 100;

/// With a hundred lines of 150 bytes each, a place writes at most 130 MB a day.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts lines. Its clones count together.
#[derive(Clone, Default)]
pub(super) struct Flood {
    places: Arc<Mutex<HashMap<Identifier, Place>>>,
}

struct Place {
    since: Instant,
    lines: u32,
    left_out: u64,
    /// The text of the suppressed lines.
    like: String,
}

impl Flood {
    /// The lines suppressed since the last call: their text and number.
    pub(super) fn left_out(&self) -> Vec<(String, u64)> {
        let mut places = self.lock();
        let silenced = places.values_mut().filter(|place| place.left_out > 0);
        silenced
            .map(|place| (std::mem::take(&mut place.like), std::mem::take(&mut place.left_out)))
            .collect()
    }

    fn admit(&self, place: Identifier, now: Instant, like: impl FnOnce() -> String) -> bool {
        let mut places = self.lock();
        let place = places.entry(place).or_insert_with(|| Place {
            since: now,
            lines: 0,
            left_out: 0,
            like: String::new(),
        });
        if now.duration_since(place.since) >= WINDOW {
            (place.since, place.lines) = (now, 0);
        }
        place.lines += 1;
        if place.lines <= LINES_MAX {
            return true;
        }
        if place.left_out == 0 {
            place.like = like();
        }
        place.left_out += 1;
        false
    }

    /// The counters are valid even after a panic of another thread.
    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Flood {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admit(event.metadata().callsite(), Instant::now(), || {
            let mut message = Message(String::new());
            event.record(&mut message);
            message.0
        })
    }
}

/// Takes the sentence out of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Somewhere;

    impl tracing::Callsite for Somewhere {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &tracing::Metadata<'_> {
            unreachable!("only its identity is asked for")
        }
    }

    #[test]
    fn a_place_writes_so_many_lines_and_then_waits_for_the_next_window() {
        static SOMEWHERE: Somewhere = Somewhere;
        let flood = Flood::default();
        let place = || Identifier(&SOMEWHERE);
        let start = Instant::now();
        let at = |seconds| {
            flood.admit(place(), start + Duration::from_secs(seconds), || "a bot connected".into())
        };
        assert!((0..LINES_MAX).all(|_| at(0)));
        assert!((0..50).all(|_| !at(9)));
        assert!(at(10));
        assert_eq!(flood.left_out(), [("a bot connected".to_owned(), 50)]);
        assert_eq!(flood.left_out(), []);
    }
}

//! Which seeds are run, and by whom.
//!
//! Owns the variables: `SEED=n` replays one seed and prints what happened, `SEEDS=n` tries so many
//! instead of the default, `FIRST=n` begins with that one, `LIMIT=n` ends the search after so many
//! failures instead of ten. Knows nothing of what a seed does.

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one seed stands for.
pub(crate) struct Simulation {
    /// Seeds that are tried unless `SEEDS` says otherwise.
    pub(crate) seeds: u64,
    /// Runs a seed; the promise that was broken, if one was.
    pub(crate) run: fn(u64) -> Option<String>,
    /// The same, and prints what happened.
    pub(crate) replay: fn(u64) -> Option<String>,
}

/// Panics if a seed breaks a promise, and says how to replay it.
pub(crate) fn try_all(simulation: &Simulation) {
    if let Some(seed) = number("SEED") {
        return assert_eq!((simulation.replay)(seed), None, "seed {seed}");
    }
    let seeds = number("SEEDS").unwrap_or(simulation.seeds);
    let limit = number("LIMIT").unwrap_or(10);
    let first = number("FIRST").unwrap_or(0);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let search = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds || failures.lock().unwrap().len() as u64 >= limit {
                return;
            }
            // A panic is a failure of its seed and not the end of the search.
            let broken = catch_unwind(|| (simulation.run)(seed));
            if let Some(why) = broken.unwrap_or_else(|_| Some("panic".to_owned())) {
                failures.lock().unwrap().push(format!("SEED={seed}: {why}"));
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(search);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "replay with\n  {}", failures.join("\n  "));
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

//! The real server and the real client, in virtual time, with everything that can go wrong, from a seed.
//!
//! Beside `simulation`, which drives the brain and the client's state machine alone and so sees more of
//! them, this runs what runs outside: WebSocket, door, engine, brain and driver. Only clock, sockets
//! and medium are replaced. `SEED=n cargo test -p bot-hub --test whole` replays one seed; `SEEDS=n`
//! tries so many.

mod book;
mod bot;
#[path = "../simulation/dice.rs"]
mod dice;
mod hub;
mod plan;
mod wire;
mod world;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::run;

/// By default; ten thousand take some minutes.
const SEEDS: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

/// Why a seed failed, a panic included.
fn failure(seed: u64) -> Option<String> {
    match catch_unwind(|| run(seed, false)) {
        Ok(run) => run.violation,
        Err(_) => Some("panic".to_owned()),
    }
}

fn replay(seed: u64) {
    let run = run(seed, true);
    eprintln!("seed {seed}: {:?}", run.counts);
    assert_eq!(run.violation, None, "seed {seed}");
}

#[test]
fn every_seed_keeps_every_promise() {
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failures.lock().unwrap().len() >= 10 {
                        return;
                    }
                    if let Some(why) = failure(seed) {
                        failures.lock().unwrap().push(format!("SEED={seed}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "replay with\n  {}", failures.join("\n  "));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..10 {
        assert_eq!(run(seed, false).counts, run(seed, false).counts, "seed {seed}");
    }
}

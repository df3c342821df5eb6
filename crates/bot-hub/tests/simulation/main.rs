//! Bots, network, hub and store in virtual time, with everything that can go wrong, from a seed.
//!
//! `SEED=n cargo test -p bot-hub --test simulation` replays one seed and prints what happened;
//! `SEEDS=n` tries so many instead of the default.

mod agenda;
mod bot;
mod dice;
mod faults;
mod history;
mod hub_side;
mod link_bot;
mod network;
mod plan;
mod sabotage;
mod seed_bot;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sabotage::Sabotage;
use world::{Run, World};

const SEEDS: u64 = 10_000;

fn run(seed: u64, sabotage: Sabotage) -> Run {
    World::new(seed, sabotage, false).run()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

/// Why a seed failed, a panic included.
fn failure(seed: u64) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| run(seed, Sabotage::None))) {
        Ok(run) => run.violation,
        Err(_) => Some("panic".to_owned()),
    }
}

fn replay(seed: u64) {
    let run = World::new(seed, Sabotage::None, true).run();
    eprintln!("seed {seed}: {} events, {:?}", run.events, run.counts);
    assert_eq!(run.violation, None, "seed {seed}");
}

#[test]
fn every_seed_keeps_every_promise() {
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let limit = number("LIMIT").unwrap_or(10) as usize;
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failures.lock().unwrap().len() >= limit {
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
    for seed in 0..20 {
        let (one, other) = (run(seed, Sabotage::None), run(seed, Sabotage::None));
        assert_eq!((one.events, one.counts), (other.events, other.counts), "seed {seed}");
    }
}

#[test]
fn a_hub_that_breaks_a_promise_is_found_out() {
    for (sabotage, rule) in Sabotage::ALL {
        let objects = |seed| run(seed, sabotage).violation.is_some_and(|it| it.starts_with(rule));
        assert!((0..300).any(objects), "{sabotage:?} passes for `{rule}`");
    }
}

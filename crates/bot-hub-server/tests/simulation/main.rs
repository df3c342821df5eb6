//! Bots, network, hub and store in virtual time, with everything that can go wrong, from a seed.
//!
//! `SEED=n cargo test -p bot-hub-server --test simulation` replays one seed and prints what happened;
//! `SEEDS=n` tries so many instead of 10,000.

mod agenda;
mod bot;
mod dice;
mod faults;
mod history;
mod hub_side;
mod link_bot;
mod network;
mod pauses;
mod plan;
mod sabotage;
mod said;
mod seed_bot;
mod seeds;
mod world;

use sabotage::Sabotage;
use seeds::Simulation;
use world::{Run, World};

fn run(seed: u64, sabotage: Sabotage) -> Run {
    World::new(seed, sabotage, false).run()
}

fn replay(seed: u64) -> Option<String> {
    let run = World::new(seed, Sabotage::None, true).run();
    eprintln!("seed {seed}: {} events, {:?}", run.events, run.counts);
    run.violation
}

#[test]
fn every_seed_keeps_every_promise() {
    let run = |seed| run(seed, Sabotage::None).violation;
    seeds::try_all(&Simulation { seeds: 10_000, run, replay });
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

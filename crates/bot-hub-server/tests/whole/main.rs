//! The real server and the real client, in virtual time, with everything that can go wrong, from a seed.
//!
//! Beside `simulation`, which drives the brain and the client's state machine alone and so sees more of
//! them, this runs what runs outside: WebSocket, door, engine, brain and driver. Only clock, sockets
//! and medium are replaced. `SEED=n cargo test -p bot-hub-server --test whole` replays one seed and prints what
//! happened; `SEEDS=n` tries so many instead of 1,000. Ten thousand take some minutes.

mod acts;
mod book;
mod bot;
#[path = "../simulation/dice.rs"]
mod dice;
mod hub;
mod plan;
#[path = "../simulation/seeds.rs"]
mod seeds;
mod wire;
mod world;

use seeds::Simulation;
use world::run;

fn replay(seed: u64) -> Option<String> {
    let run = run(seed, true);
    eprintln!("seed {seed}: {:?}", run.counts);
    run.violation
}

#[test]
fn every_seed_keeps_every_promise() {
    let run = |seed| run(seed, false).violation;
    seeds::try_all(&Simulation { seeds: 1_000, run, replay });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..10 {
        assert_eq!(run(seed, false).counts, run(seed, false).counts, "seed {seed}");
    }
}

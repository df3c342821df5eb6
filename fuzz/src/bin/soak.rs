//! `soak TARGET COUNT [FIRST_SEED]`: runs one body on inputs that seeds make, without a fuzzer. `soak all COUNT` runs all.

use std::process::ExitCode;
use std::time::Instant;

use bot_hub_fuzz::{Body, TARGETS, bytes};

/// Inputs of many lengths: short ones reach the edges, long ones the depths.
const LEN_MAX: u64 = 320;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse::<u64>().ok());
    let wanted = args.first().map_or("", String::as_str);
    let chosen: Vec<_> =
        TARGETS.iter().filter(|(name, _)| wanted == "all" || wanted == *name).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: soak all|{} COUNT [FIRST_SEED]", names.join("|"));
        return ExitCode::from(2);
    }
    for (name, body) in chosen {
        soak(name, *body, number(1).unwrap_or(10_000), number(2).unwrap_or(0));
    }
    ExitCode::SUCCESS
}

fn soak(name: &str, body: Body, count: u64, first: u64) {
    let start = Instant::now();
    for seed in first..first + count {
        let len = usize::try_from(seed % LEN_MAX).expect("a small number") + 1;
        let input = bytes(seed, len);
        let outcome = std::panic::catch_unwind(|| body(&input));
        if outcome.is_err() {
            eprintln!("replay with: soak {name} 1 {seed}");
            std::process::exit(1);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {count} executions in {seconds:.1} s, {:.0} per second",
        count as f64 / seconds
    );
}

//! `soak TARGET COUNT [FIRST_SEED]`: runs one body on inputs that seeds make, without a fuzzer.

use std::process::ExitCode;
use std::time::Instant;

use bot_hub_fuzz::{build_parse, bytes, parse, state_file};

const LEN: usize = 160;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse::<u64>().ok());
    let body = match args.first().map(String::as_str) {
        Some("parse") => parse,
        Some("build_parse") => build_parse,
        Some("state_file") => state_file,
        _ => {
            eprintln!("usage: soak parse|build_parse|state_file COUNT [FIRST_SEED]");
            return ExitCode::from(2);
        }
    };
    let (count, first) = (number(1).unwrap_or(10_000), number(2).unwrap_or(0));
    let start = Instant::now();
    for seed in first..first + count {
        body(&bytes(seed, LEN));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} executions in {seconds:.1} s, {:.0} per second", count as f64 / seconds);
    ExitCode::SUCCESS
}

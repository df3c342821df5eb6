//! Reads a JSON array of drafts and texts, and prints how long parsing and building take here, for
//! `bindings/npm/bench/compare.js`.

use std::hint::black_box;
use std::time::Instant;

use bot_protocol::block::{Draft, build, parse};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Input {
    name: String,
    text: String,
    draft: Option<Draft<'static>>,
}

const CALLS: u32 = 500;
const SAMPLES: u32 = 400;

/// The least time per call, in nanoseconds: what else runs here only ever adds to it.
fn best(mut work: impl FnMut()) -> f64 {
    let sample = |()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| work());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..SAMPLES).map(|_| ()).map(sample).fold(f64::INFINITY, f64::min)
}

fn main() {
    let inputs = std::io::read_to_string(std::io::stdin()).expect("standard input is text");
    let inputs: Vec<Input> = serde_json::from_str(&inputs).expect("standard input is inputs");
    let measure = |input: Input| {
        let parsed = best(|| drop(black_box(parse(black_box(&input.text)))));
        let built = input.draft.map(|draft| {
            let act = draft.into_act([0; 6]).expect("the drafts are acts");
            best(|| drop(black_box(build(black_box(&act)))))
        });
        json!({"name": input.name, "parse": parsed, "build": built})
    };
    let measured: Vec<_> = inputs.into_iter().map(measure).collect();
    println!("{}", json!(measured));
}

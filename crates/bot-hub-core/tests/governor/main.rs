//! The governor over the real brain: conversations as data, played with and without it.
//!
//! [`score`] reads the conversations of `traces`, [`words`] makes their texts, [`play`] plays them over the brain and [`store`],
//! [`verdict`] says what is to be thought of it. `figures` holds what comes out, and `table` writes it into
//! `docs/governor.md`: `UPDATE=1 cargo test -p bot-hub-core --test governor table`.

mod figures;
mod play;
mod properties;
mod random;
mod score;
mod store;
mod table;
mod verdict;
mod words;

use play::Causes;
use score::Pace;
use verdict::Verdict;

/// The conversations that everything is measured with, by the file that they are in.
const SCRIPTS: [(&str, &str); 3] = [
    ("loops", include_str!("traces/loops.txt")),
    ("legitimate", include_str!("traces/legitimate.txt")),
    ("more", include_str!("traces/more.txt")),
];

/// What comes out of the conversations of some files.
fn verdicts(files: &[&str], seed: u64, pace: Pace, causes: Causes) -> Vec<Verdict> {
    let scripts = SCRIPTS.iter().filter(|(file, _)| files.contains(file));
    let traces = scripts.flat_map(|(_, script)| score::read(script, seed, pace));
    let judged = traces.map(|it| verdict::judge(&it, &play::play(&it, causes, play::usual())));
    judged.collect()
}

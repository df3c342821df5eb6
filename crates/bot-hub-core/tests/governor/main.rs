//! The governor over the real brain: conversations as data, played with and without it.
//!
//! [`score`] reads the conversations of `traces`, [`words`] makes their texts.

mod random;
mod score;
mod words;

use score::{Pace, Trace};

/// The conversations that everything is measured with, by the file that they are in.
const SCRIPTS: [(&str, &str); 3] = [
    ("loops", include_str!("traces/loops.txt")),
    ("legitimate", include_str!("traces/legitimate.txt")),
    ("more", include_str!("traces/more.txt")),
];

/// They were written first. A change of one of them, or of how they are read, would change what every figure
/// means.
#[test]
fn the_conversations_are_those_that_were_written_first() {
    let digest = |traces: &[Trace]| {
        let loops = traces.iter().filter(|it| it.is_loop).count();
        let messages: usize = traces.iter().map(|it| it.lines.len()).sum();
        let hash = blake3::hash(format!("{traces:?}").as_bytes()).to_hex();
        format!("{} with {loops} loops, {messages} messages, {}", traces.len(), &hash[..8])
    };
    let found = SCRIPTS.map(|(_, script)| digest(&score::read(script, 1, Pace(1, 1))));
    assert_eq!(
        found,
        [
            "22 with 22 loops, 26607 messages, 312e2b14",
            "22 with 0 loops, 34737 messages, 1064ef09",
            "20 with 15 loops, 34511 messages, 89e194ea",
        ]
    );
}

//! Writes what the model of v0.1 makes of many texts, for a comparison with the original.
//!
//! `CORPUS=file cargo test -p bot-protocol --test corpus -- --ignored` writes lines of JSON, each a
//! text and what the model sees in it; `ORIGINAL=folder CORPUS=file node --test bindings/npm/test`
//! reads them.

use std::io::Write;

use crate::common::nasty::Choices;
use crate::common::v01;
use bot_protocol::block::build;
use serde_json::json;

const TEXTS: u64 = 20_000;

#[test]
#[ignore = "writes a file, for a comparison that needs the original"]
fn the_model_says_what_it_sees() {
    let path = std::env::var("CORPUS").expect("CORPUS names the file to write");
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for seed in 0..TEXTS {
        let bytes = crate::common::bytes(seed, 200);
        let mut choices = Choices::new(&bytes);
        let text = match seed % 3 {
            0 => build(&choices.act()).unwrap(),
            1 => {
                // As v0.1 would write it, escaping nothing.
                let [task, context, noise] = [choices.text(), choices.text(), choices.text()];
                format!(
                    "{noise}```\n[REQUEST → @b]\nFrom: a\nRequestId: a-1\nTask: {task}\n\
                     Context: {context}\nDepth: 1/5\n```"
                )
            }
            _ => {
                let [a, b, c, d] = std::array::from_fn(|_| choices.text());
                format!("{a}```{b}[RESPONSE → @b]\nFrom: a\nRequestId: {c}\nStatus: done\n{d}```")
            }
        };
        let seen = v01::parse(&text)
            .map(|seen| json!({"type": seen.kind, "to": seen.to, "fields": seen.fields}));
        writeln!(out, "{}", json!({"text": text, "seen": seen})).unwrap();
    }
}

//! Every rule about who may come in as a transcript: commands in, what was decided and what came of it out.
//!
//! The transcripts are the files of `transcripts`: `== ` begins one, a line with `> ` is a command, and the lines
//! below it are what it says. [`script`] is the language, [`bench`] what stands around the rules: a store that may
//! refuse, another hub that applies the same writes, and one that starts from the store after every commit.
//! `UPDATE=1` writes what is missing or wrong; read it before you keep it.

mod bench;
mod script;
mod show;

use std::fs;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/transcripts");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

/// The same file with what is said now.
fn played(text: &str) -> String {
    let mut played = String::new();
    let mut bench = bench::Bench::new();
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        played += line;
        played.push('\n');
        if line.starts_with("== ") {
            bench = bench::Bench::new();
        }
        if let Some(command) = line.strip_prefix("> ") {
            for said in script::execute(&mut bench, command) {
                played += &format!("  {said}\n");
            }
        }
    }
    played
}

#[test]
fn the_rules_decide_what_the_transcripts_say() {
    let (mut count, mut different) = (0, Vec::new());
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        count += text.lines().filter(|line| line.starts_with("== ")).count();
        let found = played(&text);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &found).unwrap();
        } else if let Some(line) = first_difference(&text, &found) {
            different.push(format!("{}: {line}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(count > 20, "only {count} transcripts were found");
}

fn first_difference(expected: &str, found: &str) -> Option<String> {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    for number in 1.. {
        match (expected.next(), found.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                let [one, other] = [one, other].map(|it| it.unwrap_or("(the end)"));
                return Some(format!("line {number} is\n{other}\nand not\n{one}"));
            }
        }
    }
    None
}

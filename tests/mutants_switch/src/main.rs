//! Puts every mutant of a list behind a number that is chosen at run time.
//!
//! `cargo mutants` builds the tests once for each mutant, which takes hours. Here `a < b` becomes
//! `(match on() { 17 => a <= b, _ => a < b })`: the tests are built once, and run with `MUTANT=17` they
//! see mutant 17. Owns the rewriting alone: which mutants there are says `cargo mutants --list --json`,
//! what becomes of them `tests/mutants`.
//!
//! ```text
//! mutants-switch TREE LIST OFF
//!     TREE  a copy of the repository that may be overwritten; the originals are in TREE/.orig
//!     LIST  what `cargo mutants --list --json` printed; a mutant's number is its place in it, from 1
//!     OFF   a JSON object whose keys are the numbers of mutants to leave out
//! ```
//!
//! Writes `TREE/.map.json`: per file where in the new text each mutant stands, and under `left` the
//! mutants that cannot be chosen at run time, such as those in constants.

mod find;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

/// One change of one place.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Its place in the list, from 1.
    pub number: usize,
    /// What `cargo mutants` calls its kind.
    pub genre: String,
    /// Where what it replaces begins, in bytes.
    pub start: usize,
    /// And ends.
    pub end: usize,
    /// What stands there instead.
    pub replacement: String,
}

/// Appended to the root of a crate that is rewritten.
const SWITCH: &str = r#"
#[doc(hidden)]
pub mod __mutant {
    static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();

    /// The number of the mutant that is on; 0 is none.
    #[inline(never)]
    pub fn on() -> u32 {
        let chosen = || std::env::var("MUTANT").ok().and_then(|text| text.parse().ok());
        *ON.get_or_init(|| chosen().unwrap_or(0))
    }
}
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, list, off] = arguments.as_slice() else {
        eprintln!("usage: mutants-switch TREE LIST OFF");
        std::process::exit(2);
    };
    let tree = Path::new(tree);
    let list = read_json(list);
    let list = list.as_array().expect("a list of mutants");
    let off = read_json(off);
    let off = off.as_object().expect("an object").keys();
    let off: BTreeSet<usize> = off.map(|key| key.parse().expect("a number")).collect();

    let mut by_file: BTreeMap<&str, Vec<(usize, &Value)>> = BTreeMap::new();
    for (at, mutant) in list.iter().enumerate() {
        let file = mutant["file"].as_str().expect("a file");
        by_file.entry(file).or_default().push((at + 1, mutant));
    }
    let (mut map, mut done) = (Map::new(), off);
    for (file, mutants) in by_file {
        let (places, found) = rewrite(tree, file, &mutants, &done);
        map.insert(file.to_owned(), places);
        done.extend(found);
        add_switch(tree, file);
    }
    let left: Vec<usize> = (1..=list.len()).filter(|number| !done.contains(number)).collect();
    let map = json!({ "files": map, "left": left });
    std::fs::write(tree.join(".map.json"), map.to_string()).expect("the map can be written");
}

fn read_json(path: &str) -> Value {
    let text = std::fs::read_to_string(path).expect(path);
    serde_json::from_str(&text).expect(path)
}

/// Returns where the mutants stand now, and which of them could be put behind their numbers.
fn rewrite(
    tree: &Path,
    file: &str,
    mutants: &[(usize, &Value)],
    off: &BTreeSet<usize>,
) -> (Value, BTreeSet<usize>) {
    let source = std::fs::read_to_string(tree.join(".orig").join(file)).expect(file);
    let wanted = mutants.iter().filter(|(number, _)| !off.contains(number));
    let wanted: Vec<Mutant> = wanted.map(|(number, it)| mutant(*number, it, &source)).collect();
    let (nodes, found) = find::nodes(&source, &wanted);
    let written = write::write(&source, nodes);
    std::fs::write(tree.join(file), &written.text).expect(file);
    (json!({ "mutants": written.mutants, "regions": written.regions }), found)
}

fn mutant(number: usize, it: &Value, source: &str) -> Mutant {
    let text = |name: &str| it[name].as_str().expect("a text").to_owned();
    Mutant {
        number,
        genre: text("genre"),
        start: byte_of(&it["span"]["start"], source),
        end: byte_of(&it["span"]["end"], source),
        replacement: text("replacement"),
    }
}

/// Lines and columns count from 1, columns in characters.
fn byte_of(place: &Value, source: &str) -> usize {
    let count = |name: &str| place[name].as_u64().expect("a number") as usize - 1;
    let line: usize = source.split_inclusive('\n').take(count("line")).map(str::len).sum();
    let column = source[line..].char_indices().nth(count("column"));
    column.map_or(source.len(), |(at, _)| line + at)
}

fn add_switch(tree: &Path, file: &str) {
    let (folder, _) = file.split_once("/src/").expect("mutants are in `src`");
    let root = tree.join(folder).join("src/lib.rs");
    let text = std::fs::read_to_string(&root).expect("a library");
    if !text.contains("mod __mutant") {
        std::fs::write(&root, text + SWITCH).expect("the library can be written");
    }
}

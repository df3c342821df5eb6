//! The repository keeps its own rules: who depends on whom, what the pure crates never touch, how long
//! a file and a function may be, and which words have been given away.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every crate that `package` depends on in a normal build, itself included.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", package, "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn core_and_client_never_meet_and_nothing_points_up() {
    let check = |package: &str, forbidden: &[&str]| {
        let found = dependencies(package);
        for name in forbidden {
            assert!(!found.contains(*name), "`{package}` must not depend on `{name}`");
        }
    };
    let all = ["bot-hub-core", "bot-hub-client", "bot-hub-store", "bot-hub-server", "bot-hub"];
    check("bot-protocol", &all);
    check("bot-hub-core", &all[1..]);
    check("bot-hub-client", &["bot-hub-core", "bot-hub-store", "bot-hub-server", "bot-hub"]);
    check("bot-hub-store", &["bot-hub-client", "bot-hub-server", "bot-hub"]);
    check("bot-hub-server", &["bot-hub"]);
}

#[test]
fn words_and_brain_have_no_runtime_and_no_randomness() {
    for package in ["bot-protocol", "bot-hub-core"] {
        let found = dependencies(package);
        for name in ["tokio", "mio", "getrandom", "rand", "rusqlite", "hyper", "parking_lot"] {
            assert!(!found.contains(name), "`{package}` must not depend on `{name}`");
        }
    }
}

#[test]
fn words_and_brain_read_no_clock_and_do_no_io() {
    let forbidden = [
        "std::time::",
        "Instant::now",
        "SystemTime",
        "std::fs",
        "std::net",
        "std::thread",
        "Mutex<",
    ];
    for path in sources(&["crates/bot-protocol/src", "crates/bot-hub-core/src"]) {
        let text = fs::read_to_string(&path).unwrap();
        for word in forbidden {
            assert!(!text.contains(word), "{} uses `{word}`", path.display());
        }
    }
}

/// Past this a file is two files.
const FILE_LINES_MAX: usize = 600;

/// Tests are data: a table or a transcript is read in pieces, not as a whole.
const TEST_LINES_MAX: usize = 800;

#[test]
fn no_file_makes_its_reader_scroll_for_long() {
    for path in sources(&["crates"]) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        let max = if is_test { TEST_LINES_MAX } else { FILE_LINES_MAX };
        assert!(lines <= max, "{} has {lines} lines: split it", path.display());
    }
}

#[test]
fn every_source_file_says_what_it_owns() {
    for path in sources(&["crates"]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no module documentation", path.display());
    }
}

#[test]
fn no_type_or_module_has_a_name_that_says_nothing() {
    let empty = ["manager", "helper", "util", "utils", "misc", "common"];
    for path in sources(&["crates"]) {
        let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
        assert!(!empty.contains(&stem.as_str()), "{} has a name that says nothing", path.display());
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(name) = defined_type(line) else { continue };
            let lower = name.to_lowercase();
            let says_nothing = empty.iter().any(|word| lower.ends_with(word));
            assert!(!says_nothing, "{}: `{name}` says nothing", path.display());
        }
    }
}

fn defined_type(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
    let name = line.strip_prefix("struct ").or(line.strip_prefix("enum "))?;
    name.split(|c: char| !c.is_alphanumeric()).next()
}

#[test]
fn nothing_unfinished_is_committed() {
    let words = ["todo!", "unimplemented!", "dbg!(", concat!("FIX", "ME"), concat!("XX", "X")];
    for path in sources(&["crates"]).filter(|path| !path.ends_with("tests/tidy.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        for word in words {
            assert!(!text.contains(word), "{} contains `{word}`", path.display());
        }
    }
}

#[test]
fn lock_files_name_no_private_registry() {
    for name in [
        "Cargo.lock",
        "bench/Cargo.lock",
        "fuzz/Cargo.lock",
        "tests/proof/Cargo.lock",
        "bindings/npm/wasm/Cargo.lock",
    ] {
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        for line in text.lines().filter(|line| line.starts_with("source = ")) {
            let public = "registry+https://github.com/rust-lang/crates.io-index";
            assert!(line.contains(public), "{name}: {line}");
        }
    }
    for path in files(&root(), "package-lock.json") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("\"resolved\""), "{} has download addresses", path.display());
    }
}

/// The kinds of error that a source gives over HTTP: what stands behind the status, or beside a state.
fn kinds(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let calls = ["refuse_json(", "failed("].iter().flat_map(|call| source.split(call).skip(1));
    let second = calls.filter_map(|arguments| arguments.split(',').nth(1));
    let states = source.split("=> (\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    let literal = second.filter_map(|it| it.trim().strip_prefix('"')?.strip_suffix('"'));
    literal.chain(states).map(str::to_owned).collect()
}

#[test]
fn every_kind_of_error_over_http_stands_in_the_document() {
    let document = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let (_, section) = document.split_once("## HTTP").unwrap();
    let section = section.split("## ").next().unwrap();
    let rows =
        section.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0));
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    let server = root().join("crates/bot-hub-server/src");
    let files = ["door/http/api.rs", "door/http/address.rs", "engine/invites/claim.rs"];
    let given: BTreeSet<String> = files
        .iter()
        .flat_map(|file| kinds(&fs::read_to_string(server.join(file)).unwrap()))
        .collect();
    assert_eq!(given, documented);
}

fn sources(dirs: &[&str]) -> impl Iterator<Item = PathBuf> {
    let found: Vec<PathBuf> = dirs.iter().flat_map(|dir| files(&root().join(dir), ".rs")).collect();
    assert!(!found.is_empty(), "the sources have moved: {dirs:?}");
    found.into_iter()
}

fn files(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | ".git" | ".tools")
        {
            found.extend(files(&path, suffix));
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    found
}

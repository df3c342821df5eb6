//! The repository keeps its own rules: who depends on whom, what the pure crates never touch, how long
//! a file and a function may be, and which words have been given away.

use std::collections::{BTreeMap, BTreeSet};
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

#[test]
fn every_dependency_has_a_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (dependencies, _) = rest.split_once("\n[").unwrap();
    let mut above = "";
    for line in dependencies.lines().filter(|line| !line.contains("path = ")) {
        let family = line.split([' ', '-', '_']).next().unwrap_or_default();
        let has_reason = line.is_empty()
            || line.starts_with('#')
            || above.starts_with('#')
            || above.starts_with(family);
        assert!(has_reason, "nothing says what `{line}` is for");
        above = line;
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
    for path in sources(&["crates"]).filter(|path| !path.ends_with("repository/tidy.rs")) {
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

/// Which files of a crate name which others of it: `crate::…`, `super::…` and `self::…`, tests left out.
fn arrows(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<String, PathBuf> = files(root, ".rs")
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| (module(root, &path).join("/"), path))
        .collect();
    let mut arrows = BTreeMap::new();
    for (name, path) in &files {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let here: Vec<&str> = name.split('/').filter(|it| !it.is_empty()).collect();
        let named = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        let targets = named.filter_map(|word| target(&here, word, &files));
        let others = targets.filter(|it| it != name && !it.starts_with(&format!("{name}/")));
        arrows.insert(name.clone(), others.collect());
    }
    arrows
}

/// The path of a file as a module of its crate.
fn module(root: &Path, path: &Path) -> Vec<String> {
    let relative = path.strip_prefix(root).unwrap().with_extension("");
    let parts = relative.iter().map(|it| it.to_string_lossy().into_owned());
    parts.filter(|it| !matches!(it.as_str(), "mod" | "lib")).collect()
}

/// The file that a path in the code leads to.
fn target(here: &[&str], word: &str, files: &BTreeMap<String, PathBuf>) -> Option<String> {
    let mut parts: Vec<&str> = word.split("::").collect();
    let mut at: Vec<&str> = match *parts.first()? {
        "crate" => Vec::new(),
        "super" | "self" => here.to_vec(),
        _ => return None,
    };
    if parts[0] != "super" {
        parts.remove(0);
    }
    for part in parts {
        if part == "super" {
            at.pop()?;
        } else {
            at.push(part);
        }
    }
    while !files.contains_key(&at.join("/")) {
        at.pop()?;
    }
    Some(at.join("/"))
}

/// A way from a file or folder back to itself.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &str,
        arrows: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(from) = way.iter().position(|it| it == at) {
            way.drain(..from);
            return true;
        }
        if !done.insert(at.to_owned()) {
            return false;
        }
        way.push(at.to_owned());
        let found = arrows.get(at).into_iter().flatten().any(|to| walk(to, arrows, way, done));
        if !found {
            way.pop();
        }
        found
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|from| {
        let mut way = Vec::new();
        walk(from, arrows, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn no_files_of_the_brain_and_no_folders_elsewhere_need_each_other() {
    let brain = arrows(&root().join("crates/bot-hub-core/src"));
    assert!(brain["world"].contains("index"), "arrows are seen: {:?}", brain["world"]);
    assert_eq!(circle(&brain), None);
    for package in ["bot-protocol", "bot-hub-client", "bot-hub-store", "bot-hub-server"] {
        let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let folder = |file: &str| file.split('/').next().unwrap_or_default().to_owned();
        for (from, to) in arrows(&root().join("crates").join(package).join("src")) {
            let to = to.iter().map(|to| folder(to)).filter(|to| !to.is_empty());
            let from = folder(&from);
            let others = to.filter(|to| *to != from).collect::<Vec<_>>();
            if !from.is_empty() {
                folders.entry(from).or_default().extend(others);
            }
        }
        assert_eq!(circle(&folders), None, "{package}");
    }
    let [a, b] = ["a", "b"].map(str::to_owned);
    let round = BTreeMap::from([(a.clone(), [b.clone()].into()), (b, [a].into())]);
    assert!(circle(&round).is_some(), "a circle is found");
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

//! stdout as programs meet it: JSON and nothing else, a full disk, a reader that goes away.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::fixture::Place;

/// Every verb, with arguments that it can work with or that it has to refuse.
const VERBS: &[&[&str]] = &[
    &["stop", "--data", "nowhere"],
    &["demo", "--pace", "0s"],
    &["bot", "add", "cleo"],
    &["bot", "list"],
    &["bot", "show", "ann"],
    &["bot", "rotate-token", "ann"],
    &["bot", "revoke-token", "ann"],
    &["bot", "disable", "ann"],
    &["bot", "enable", "ann"],
    &["bot", "remove", "cleo"],
    &["invite", "dora", "--room", "lab"],
    &["invite", "list"],
    &["invite", "revoke", "inv_none"],
    &["join", "nonsense"],
    &["context", "add", "x"],
    &["context", "list"],
    &["context", "use", "local"],
    &["context", "show"],
    &["context", "remove", "x"],
    &["room", "list"],
    &["room", "show", "lab"],
    &["room", "create", "other"],
    &["room", "add", "other", "ann"],
    &["room", "kick", "other", "ann"],
    &["room", "retain", "lab"],
    &["room", "remove", "other"],
    &["rooms"],
    &["who"],
    &["who", "lab"],
    &["whoami"],
    &["send", "lab", "hi", "--id", "m1"],
    &["send", "lab", "hi", "--wait", "received", "--timeout", "10ms"],
    &["tail", "lab", "--since", "1h", "--count", "1"],
    &["tail", "lab", "--since", "1h", "--count", "1", "--raw"],
    &["tail", "lab", "--exec", "true"],
    &["history", "lab"],
    &["trace", "m1"],
    &["pending"],
    &["status"],
    &["top", "--once"],
    &["top", "--count", "1"],
    &["ping"],
    &["doctor", "--offline"],
    &["check"],
    &["check", "--frobnicate"],
    &["backup", "copy.db"],
    &["backup", "-"],
    &["restore", "copy.db", "--data", "restored"],
    &["restore", "nothing.db"],
    &["export"],
    &["export", "--format", "md"],
    &["redact", "lab", "1", "--why", "a key"],
    &["redact", "lab", "1"],
    &["redact", "lab", "99"],
    &["compact"],
    &["verify"],
    &["proto", "list"],
    &["proto", "parse", "nothing.txt"],
    &["service", "install", "--dry-run"],
    &["service", "status", "--dry-run"],
    &["config", "check"],
    &["config", "show"],
    &["config", "show", "--origin"],
    &["config", "show", "--config", "broken.json5"],
    &["config", "schema"],
    &["config", "init", "-"],
    &["config", "init", "no/such/folder/config.json5"],
    &["completions", "bash"],
    &["man"],
    &["man", "--dir", "nowhere"],
    &["version"],
    &["serve", "--config", "broken.json5"],
    &["serve", "--listen", "bad"],
    &["serve"],
    &["frobnicate"],
    &["history", "lab", "--count", "many"],
];

fn place() -> (Place, crate::fixture::Running) {
    let place = Place::new();
    let hub = place.serve();
    place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann"]);
    std::fs::write(place.path("broken.json5"), "{ prot: 1 }").unwrap();
    (place, hub)
}

#[test]
fn with_json_every_verb_prints_json_and_nothing_else() {
    let (place, _hub) = place();
    for arguments in VERBS {
        let output = place.command(arguments).arg("--json").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let values: Result<Vec<serde_json::Value>, _> =
            serde_json::Deserializer::from_str(&text).into_iter().collect();
        let values = values.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"));
        if !output.status.success()
            && arguments[0] != "check"
            && arguments != &["doctor", "--offline"]
        {
            let last = values.last().unwrap();
            assert!(last["error"]["message"].is_string(), "{arguments:?}: {text}");
            assert_eq!(last["ok"], false, "{arguments:?}: {text}");
        }
    }
}

#[test]
fn a_hub_says_in_json_where_it_listens() {
    let place = Place::new();
    let mut hub = place.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let mut hub = hub.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut line).unwrap();
    hub.kill().unwrap();
    hub.wait().unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(said["listening"][0].as_str().unwrap().starts_with("ws://127.0.0.1:"), "{line}");
}

#[test]
fn a_full_disk_behind_stdout_is_a_failure() {
    let (place, _hub) = place();
    let quiet: &[&[&str]] = &[&["serve", "--listen", "127.0.0.1:0", "--data", "other"]];
    // Some have nothing to print.
    let silent = ["serve", "frobnicate", "proto"];
    let is_silent = |it: &[&str]| silent.contains(&it[0]) || it.contains(&"--exec");
    let spoken = VERBS.iter().filter(|it| !is_silent(it));
    for arguments in
        spoken.chain(quiet).chain(&[&["--help"][..], &["--version"], &["help", "send"]])
    {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.command(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} {output:?}");
        assert!(!output.stderr.is_empty() || arguments[0] == "check", "{arguments:?} says nothing");
    }
}

#[test]
fn whoever_watches_ends_when_nobody_reads_any_more() {
    let (place, _hub) = place();
    place.data(&["send", "lab", "hi"]);
    for arguments in [&["tail", "lab", "--since", "1h"][..], &["top", "--json"]] {
        let mut child = place.command(arguments);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // Nothing more is said, and still it ends.
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }
}

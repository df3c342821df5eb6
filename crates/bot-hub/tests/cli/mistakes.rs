//! What is typed wrongly, and what is said then: the thing, the cause, the next step.

use std::io::Write as _;
use std::process::Stdio;

use crate::fixture::Place;

#[track_caller]
fn check(place: &Place, arguments: &[&str], code: i32, expected: &str) {
    let told = place.run(arguments);
    assert_eq!((told.code, &*told.out, told.err.trim_end()), (code, "", expected), "{arguments:?}");
}

#[test]
fn a_value_that_does_not_fit_says_what_would() {
    let place = Place::new();
    check(
        &place,
        &["history", "lab", "--count", "many"],
        2,
        "error: `many` for `--count <COUNT>` is not a whole number\nhint: write a whole number, like 20",
    );
    check(
        &place,
        &["ping", "--count", "0"],
        2,
        "error: `0` is no value for `--count <COUNT>`: 0 is not in 1..=1000\nhint: write a whole number, like 20",
    );
    check(
        &place,
        &["send", "lab", "hi", "--timeout", "30"],
        2,
        "error: `30` for `--timeout <PERIOD>` has no unit\nhint: write a number with a unit: 30s, 10m, 2h, 7d",
    );
    check(
        &place,
        &["room", "retain", "lab", "--bytes", "lots"],
        2,
        "error: `lots` for `--bytes <SIZE>` is not a number with a unit\nhint: write a number of bytes, or one with a unit: 512KiB, 256MiB, 1GiB",
    );
    check(
        &place,
        &["check", "--warn-pending", "x"],
        3,
        "error: `x` for `--warn-pending <COUNT>` is not a whole number\nhint: write a whole number, like 20",
    );
    let json = place.run(&["history", "lab", "--count", "many", "--json"]);
    assert!(json.code == 2 && json.out.contains("is not a whole number"), "{json:?}");
}

#[test]
fn an_invite_is_never_good_for_less_than_was_asked_for() {
    let place = Place::new();
    let _hub = place.serve();
    check(
        &place,
        &["invite", "fern", "--room", "lab", "--expires", "90d"],
        2,
        "error: `90d` for `--expires <PERIOD>` is too long: an invite is good for 30d at most\n\
         hint: write a number with a unit: 30s, 10m, 2h, 7d",
    );
    check(
        &place,
        &["invite", "fern", "--room", "lab", "--expires", "1s"],
        2,
        "error: `1s` for `--expires <PERIOD>` is too short: an invite is good for 1m at least\n\
         hint: write a number with a unit: 30s, 10m, 2h, 7d",
    );
    let made = place.run(&["invite", "fern", "--room", "lab", "--expires", "30d"]);
    assert!(made.out.contains("expires in 30 d"), "{made:?}");
}

#[test]
fn a_flag_of_serve_that_cannot_be_meant_is_wrong_usage() {
    let place = Place::new();
    for flag in [["--listen", "bad"], ["--store", "paper"], ["--log-level", "loud"]] {
        let told = place.run(&["serve", flag[0], flag[1]]);
        assert_eq!((told.code, &*told.out), (2, ""), "{flag:?} {told:?}");
    }
    std::fs::write(place.path("broken.json5"), "{ prot: 1 }").unwrap();
    assert_eq!(place.run(&["serve", "--config", "broken.json5"]).code, 1, "the file's mistake");
}

#[test]
fn a_folder_that_is_not_there_is_named_and_not_made() {
    let place = Place::new();
    assert!(place.serve().stop().success());
    let expected = "error: there is no directory `no/such`\nhint: make it first: mkdir -p no/such";
    check(&place, &["backup", "no/such/copy.db"], 3, expected);
    check(&place, &["man", "--dir", "no/such"], 3, expected);
    let told = place.run(&["config", "init", "no/such/config.json5"]);
    assert!(told.code == 1 && told.err.contains("mkdir -p"), "{told:?}");
    assert!(!place.path("no").exists());
    std::fs::write(place.path("file"), "").unwrap();
    check(
        &place,
        &["backup", "file/copy.db"],
        3,
        "error: `file` is no directory\nhint: name a directory",
    );
}

#[test]
fn what_is_longer_than_a_message_is_refused_before_it_is_read() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    let mut send = place.command(&["send", "lab", "-"]);
    let mut send =
        send.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Without end: only somebody who stops reading can end this.
    let mut stdin = send.stdin.take().unwrap();
    while stdin.write_all(&[b'x'; 65_536]).is_ok() {}
    let output = send.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.starts_with("error: the text is longer than ") && told.contains("hint: "),
        "{told}"
    );
    let told = place.run(&["--token-file", "/dev/zero", "ping"]);
    assert!(told.code == 1 && told.err.contains("too long for a token"), "{told:?}");
}

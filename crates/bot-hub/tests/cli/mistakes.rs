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

#[test]
fn a_hint_leads_to_what_was_meant() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    let url = hub.url();
    let check = |token: Option<&str>, arguments: &[&str], expected: &str| {
        let told = match token {
            Some(token) => place.run_as(token, &[arguments, &["--url", &url]].concat()),
            None => place.run(arguments),
        };
        assert_ne!(told.code, 0, "{arguments:?}");
        assert!(told.err.contains(expected), "{arguments:?}: {}", told.err);
        assert!(!told.err.contains("room join '#ann'"), "{arguments:?}: {}", told.err);
    };
    check(None, &["room", "kick", "lab", "ann", "--yes"], "bot-hub room show '#lab'");
    check(None, &["room", "remove", "lob", "--yes"], "bot-hub room list");
    check(Some(&ann), &["room", "leave", "lab"], "bot-hub --url");
    check(Some(&ann), &["room", "leave", "lab"], "rooms");
    check(
        Some("bh_wrong_token_of_nobody"),
        &["rooms"],
        "an operator can run: bot-hub bot add NAME",
    );
    check(None, &["--data", "nodir", "rooms"], "there is no such directory");
    check(None, &["bot", "add", "#x"], "`#` stands for a room; a bot is `x`, or `@x`");
    check(None, &["room", "join", "@x"], "`@` stands for a bot; a room is `x`, or `#x`");
    check(None, &["bot", "add", "operator"], "choose another name");
    check(None, &["bot", "add", "all"], "means something else on the command line");
    check(None, &["bot", "add", "local"], "means something else on the command line");
    check(None, &["invite", "all", "--room", "lab"], "means something else on the command line");
    check(None, &["restore", "nofile"], "on the data directory of a hub");
    check(Some(&ann), &["history", "@ann"], "bot-hub");
    check(Some(&ann), &["history", "@ann"], "tail @ann --since 1d");
    check(None, &["check", "--url", "notaurl", "--warn-pending", "x"], "whole number");
    check(None, &["rooms", "--url", "notaurl"], "is no address of a hub");
    let told = place.run(&["--json", "sned"]);
    assert!(told.out.contains("did you mean `send`?"), "{}", told.out);
    let told = place.run(&["--json", "bot"]);
    assert!(told.out.contains("a verb is missing"), "{}", told.out);
    let pages = url.replacen("ws", "http", 1);
    assert_eq!(place.run_as(&ann, &["whoami", "--url", &pages]).code, 0);
    place.data(&["send", "@ann", "hi"]);
    assert_eq!(
        place.run_as(&ann, &["room", "leave", "dm:ann:operator", "--yes", "--url", &url]).code,
        0
    );
    check(Some(&ann), &["history", "dm:ann:operator"], "room join 'dm:ann:operator'");
    assert!(hub.stop().success());
    let told = place.run(&["history", "nope"]);
    assert!(told.err.contains("its store has dm:ann:operator, #lab"), "{}", told.err);
}

#[test]
fn who_leaves_a_room_is_told_how_much_is_dropped() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann"]);
    for text in ["one", "two"] {
        place.data(&["send", "lab", text]);
    }
    let told = place.run_as(&ann, &["room", "leave", "lab", "--url", &hub.url()]);
    assert_eq!(
        told.out,
        "ann is no longer a member of #lab; 2 messages that waited for it are dropped, and their senders can see that\n"
    );
}

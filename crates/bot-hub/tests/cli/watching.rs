//! `tail` and `history`.

use std::process::Stdio;

use crate::fixture::{Place, Running};

fn lab() -> (Place, Running) {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    (place, hub)
}

fn say(place: &Place, text: &str) {
    assert_eq!(place.run(&["send", "lab", text]).code, 0);
}

#[test]
fn tail_shows_what_is_said_and_ends_after_a_count() {
    let (place, _hub) = lab();
    say(&place, "before");
    let tail = place.tail(&["lab", "--count", "2"]);
    assert_eq!(tail.line, "watching #lab; ctrl-c ends it\n");
    say(&place, "one");
    say(&place, "two\nlines, and \u{1b}[31mcolour");
    let told = tail.told();
    assert_eq!(told.code, 0);
    insta::assert_snapshot!(told.out, @r"
    TIME #lab operator: one
    TIME #lab operator: two
        lines, and \u{1b}[31mcolour
    ");
}

#[test]
fn tail_begins_in_the_past_when_asked_to() {
    let (place, _hub) = lab();
    for text in ["one", "two", "three"] {
        say(&place, text);
    }
    let told = place.run(&["tail", "all", "--since", "1h", "--count", "3", "--raw"]);
    assert_eq!((told.code, &*told.out), (0, "one\ntwo\nthree\n"));
}

#[test]
fn tail_prints_json_lines() {
    let (place, _hub) = lab();
    place.data(&["send", "lab", "hi", "--id", "m1", "--thread", "t"]);
    let told = place.run(&["tail", "lab", "--since", "1h", "--count", "1", "--json"]);
    let mut line: serde_json::Value = serde_json::from_str(&told.out.replace("MS", "0")).unwrap();
    line["age_ms"] = 0.into();
    insta::assert_snapshot!(line, @r#"{"age_ms":0,"from":"operator","id":"m1","prev":0,"room":"lab","sent_at":0,"seq":1,"text":"hi","thread":"t","type":"message"}"#);
}

#[test]
fn tail_runs_a_command_for_each_message() {
    let (place, _hub) = lab();
    let command =
        r#"echo "$BOT_HUB_SEQ $BOT_HUB_ROOM $BOT_HUB_FROM $BOT_HUB_ID [$BOT_HUB_THREAD] $(cat)""#;
    let tail = place.tail(&["lab", "--own", "--count", "2", "--exec", command]);
    place.data(&["send", "lab", "a 'quoted' $text", "--id", "m1"]);
    place.data(&["send", "lab", "other", "--id", "m2", "--thread", "t"]);
    let told = tail.told();
    insta::assert_snapshot!(told.out, @r"
    1 lab operator m1 [] a 'quoted' $text
    2 lab operator m2 [t] other
    ");
    let failing = place.tail(&["lab", "--own", "--count", "1", "--exec", "exit 3"]);
    place.data(&["send", "lab", "hi", "--id", "m3"]);
    let told = failing.told();
    assert_eq!((told.code, &*told.err), (0, "the command for `m3` failed: exit status: 3\n"));
}

#[test]
fn tail_of_a_bot_shows_what_it_says_and_what_it_is_told() {
    let (place, _hub) = lab();
    let (ann, bob) = (place.bot("ann"), place.bot("bob"));
    for name in ["ann", "bob"] {
        place.data(&["room", "add", "lab", name]);
    }
    let tail = place.tail(&["@ann", "--count", "2", "--raw"]);
    place.run_as(&bob, &["send", "#lab", "bob to all"]);
    place.run_as(&ann, &["send", "#lab", "ann to all"]);
    place.run_as(&bob, &["send", "@ann", "bob to ann"]);
    assert_eq!(tail.told().out, "ann to all\nbob to ann\n");
}

#[test]
fn a_token_without_rights_watches_the_rooms_of_its_bot() {
    let (place, _hub) = lab();
    let ann = place.bot("ann");
    place.data(&["room", "add", "lab", "ann"]);
    say(&place, "for members");
    let told = place.run_as(&ann, &["tail", "#lab", "--since", "1h", "--count", "1", "--raw"]);
    assert_eq!((told.code, &*told.out), (0, "for members\n"));
    let bob = place.bot("bob");
    let told = place.run_as(&bob, &["history", "#lab"]);
    assert_eq!(told.code, 5);
}

#[test]
fn tail_misses_nothing_while_the_hub_is_started_again() {
    let (place, hub) = lab();
    let address = hub.url().replace("ws://", "");
    say(&place, "before");
    let mut tail = place.tail(&["lab", "--since", "1h", "--count", "3", "--raw"]);
    assert!(hub.stop().success());
    insta::assert_snapshot!(tail.said(), @"not connected, trying again: the hub ended the connection: the hub restarts or stops");
    let _hub = place.serve_with(&["--listen", &address]);
    say(&place, "meanwhile");
    say(&place, "after");
    let told = tail.told();
    assert_eq!((told.code, &*told.out), (0, "before\nmeanwhile\nafter\n"), "{}", told.err);
}

#[test]
fn tail_follows_a_hub_to_another_port() {
    let (place, hub) = lab();
    say(&place, "before");
    let mut tail = place.tail(&["lab", "--since", "1h", "--count", "3", "--raw"]);
    let address = hub.url();
    assert!(hub.stop().success());
    assert!(tail.said().starts_with("not connected, trying again"));
    // Nobody else can have the old port meanwhile, so that the hub really moves.
    let _taken = std::net::TcpListener::bind(address.replace("ws://", "")).unwrap();
    let moved = place.serve();
    assert_ne!(moved.url(), address);
    say(&place, "meanwhile");
    say(&place, "after");
    let told = tail.told();
    assert_eq!((told.code, &*told.out), (0, "before\nmeanwhile\nafter\n"), "{}", told.err);
}

#[test]
fn tail_names_what_is_gone() {
    let (place, hub) = lab();
    let address = hub.url().replace("ws://", "");
    let tail = place.tail(&["lab", "--count", "2"]);
    // It hears of nothing until all of it is over.
    tail.signal("STOP");
    assert!(hub.stop().success());
    let _hub = place.serve_with(&["--listen", &address]);
    for number in 1..=5 {
        say(&place, &number.to_string());
    }
    place.data(&["room", "retain", "lab", "--entries", "2"]);
    tail.signal("CONT");
    let told = tail.told();
    insta::assert_snapshot!(told.out, @r"
    ! #lab: messages 1 to 3 are gone (retention)
    TIME #lab operator: 4
    TIME #lab operator: 5
    ");
    let told = place.run(&["history", "lab", "--after", "1"]);
    insta::assert_snapshot!(told.out, @r"
    ! messages 2 to 3 are gone
    TIME #lab operator: 4
    TIME #lab operator: 5
    ");
}

#[test]
fn tail_says_that_the_log_was_replaced() {
    let (place, hub) = lab();
    let address = hub.url().replace("ws://", "");
    say(&place, "kept");
    place.data(&["backup", "copy.db"]);
    let tail = place.tail(&["lab", "--since", "1h", "--count", "2"]);
    tail.signal("STOP");
    assert!(hub.stop().success());
    place.data(&["restore", "copy.db", "--replace"]);
    let _hub = place.serve_with(&["--listen", &address]);
    tail.signal("CONT");
    let mut tail = tail;
    while !tail.said().contains("watching #lab") {}
    say(&place, "new");
    insta::assert_snapshot!(tail.told().out, @r"
    TIME #lab operator: kept
    ! #lab: the log was replaced; what was said in between is unknown
    TIME #lab operator: new
    ");
}

#[test]
fn ctrl_c_ends_a_tail_with_130() {
    let (place, _hub) = lab();
    let tail = place.tail(&["all"]);
    tail.signal("INT");
    let told = tail.told();
    assert_eq!((told.code, &*told.out, &*told.err), (130, "", ""));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (place, _hub) = lab();
    say(&place, "hi");
    for arguments in [
        &["history", "lab"][..],
        &["tail", "lab", "--since", "1h"],
        &["room", "list", "--json"],
        &["export"],
        &["man"],
        &["completions", "bash"],
        &["config", "schema"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            place.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let told = told.trim_start_matches("watching #lab; ctrl-c ends it\n");
        assert_eq!((output.status.code(), told), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn history_pages_both_ways() {
    let (place, _hub) = lab();
    for number in 1..=5 {
        say(&place, &number.to_string());
    }
    let texts = |arguments: &[&str]| -> Vec<String> {
        let page = place.json(&[&["history", "lab"], arguments].concat());
        let entries = page["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&["--count", "2"]), ["4", "5"]);
    assert_eq!(texts(&["--count", "2", "--before", "4"]), ["2", "3"]);
    assert_eq!(texts(&["--count", "2", "--after", "1"]), ["2", "3"]);
    assert_eq!(texts(&[]), ["1", "2", "3", "4", "5"]);
}

#[test]
fn tail_of_a_bot_needs_no_direct_conversation_with_it_and_of_nobody_ends() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    place.bot("bob");
    place.data(&["room", "create", "lab"]);
    for bot in ["ann", "bob"] {
        place.data(&["room", "add", "lab", bot]);
    }
    let check = |token: Option<&str>, what: &str, expected: &str| {
        let told = place.run_to_its_end(token, &["tail", what, "--since", "1h", "--count", "1"]);
        assert_eq!(told.code, 3, "{what}: {told:?}");
        assert!(told.err.contains(expected), "{what}: {}", told.err);
        assert!(!told.err.contains("room join"), "{what}: {}", told.err);
    };
    check(Some(&ann), "@nope", "there is no bot `nope`");
    check(None, "@nope", "there is no bot `nope`");
    check(None, "dm:ann:nope", "there is no bot `nope`");
    check(None, "dm:x:y", "there is no bot `x`");
    let url = hub.url();
    let bob = place.data(&["bot", "rotate-token", "bob"]);
    assert_eq!(place.run_as(&bob, &["send", "#lab", "hi", "--url", &url]).code, 0);
    for what in ["@bob", "bob"] {
        let told = place
            .run_to_its_end(Some(&ann), &["tail", what, "--since", "1h", "--count", "1", "--raw"]);
        assert_eq!((told.code, &*told.out), (0, "hi\n"), "{what}: {}", told.err);
    }
}

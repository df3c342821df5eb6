//! A secret that is shown once is out before anything depends on it.

use std::fs::{File, OpenOptions};
use std::process::Stdio;

use crate::fixture::Place;

/// Places that take nothing: a full device, and a pipe that nobody reads.
fn places_that_take_nothing() -> Vec<(&'static str, Stdio)> {
    let full: File = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, unread) = std::io::pipe().unwrap();
    drop(reader);
    vec![("a full device", full.into()), ("a pipe that nobody reads", unread.into())]
}

/// Runs a command whose stdout takes nothing; returns what it said.
fn fails(place: &Place, arguments: &[&str], stdout: Stdio, whose: &str) -> String {
    let told = place.command(arguments).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(told.stderr).unwrap();
    assert!(!told.status.success(), "{arguments:?} into {whose}: {said}");
    said
}

#[test]
fn a_new_token_that_could_not_be_written_replaces_none() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    for json in [false, true] {
        for (whose, stdout) in places_that_take_nothing() {
            let mut arguments = vec!["bot", "rotate-token", "ann"];
            arguments.extend(json.then_some("--json"));
            let said = fails(&place, &arguments, stdout, whose);
            assert!(said.contains("the old token is still good"), "{whose}: {said}");
            let ping = place.run_as(&token, &["ping", "--url", &hub.url()]);
            assert_eq!(ping.code, 0, "{whose}: {ping:?}");
        }
    }
    let new = place.data(&["bot", "rotate-token", "ann"]);
    assert_eq!(place.run_as(&new, &["ping", "--url", &hub.url()]).code, 0);
    assert_eq!(place.run_as(&token, &["ping", "--url", &hub.url()]).code, 4, "it is over");
    assert_eq!(place.json(&["bot", "show", "ann"])["tokens"], 1, "what nobody has is over, too");
}

#[test]
fn a_bot_whose_token_could_not_be_written_is_not_made() {
    let place = Place::new();
    let _hub = place.serve();
    for (whose, stdout) in places_that_take_nothing() {
        let said = fails(&place, &["bot", "add", "bob"], stdout, whose);
        assert!(said.contains("bob was not made"), "{whose}: {said}");
        let bots = place.data(&["bot", "list"]);
        assert!(!bots.contains("bob"), "{whose}: {bots}");
    }
    assert!(place.bot("bob").starts_with("bh_bot_"), "the name is free");
}

#[test]
fn an_invite_whose_code_could_not_be_written_is_revoked() {
    let place = Place::new();
    let _hub = place.serve();
    for (whose, stdout) in places_that_take_nothing() {
        let said = fails(&place, &["invite", "eve", "--room", "front"], stdout, whose);
        assert!(said.contains("the invite is revoked"), "{whose}: {said}");
        let invites = place.json(&["invite", "list"]);
        let open = invites["invites"].as_array().unwrap().iter().filter(|it| it["state"] == "open");
        assert_eq!(open.count(), 0, "{whose}: {invites}");
    }
    assert!(place.data(&["invite", "eve", "--room", "front"]).contains("/join#"));
}

#[test]
fn a_secret_is_not_made_where_stdout_is_closed_or_leads_nowhere() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    for (verb, made) in [
        ("bot rotate-token ann", ""),
        ("bot add bob", "bob"),
        ("invite evelyn --room front", "evelyn"),
        ("--json bot rotate-token ann", ""),
    ] {
        for nowhere in [">&-", ">/dev/null"] {
            let told = place.shell(&format!("bot-hub {verb} {nowhere}"));
            assert_eq!(told.code, 1, "{verb} {nowhere}: {}", told.err);
            let said = told.err.contains("nothing was changed");
            assert!(said || verb.starts_with("--json"), "{verb}: {}", told.err);
            let known = place.data(&["bot", "list"]) + &place.data(&["invite", "list"]);
            assert!(made.is_empty() || !known.contains(made), "{verb}: {known}");
        }
    }
    assert_eq!(place.run_as(&token, &["ping", "--url", &hub.url()]).code, 0, "it is still good");
}

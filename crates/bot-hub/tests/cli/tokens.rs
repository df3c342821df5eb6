//! Tokens that end, and who else feels it.

use std::process::Command;

use crate::fixture::Place;

/// An operator of its own, whose token lies in the file `me.tok`.
fn operator(place: &Place) {
    let token = place.data(&["bot", "add", "me", "--operator"]);
    std::fs::write(place.path("me.tok"), token).unwrap();
}

#[test]
fn who_rotates_its_own_token_gets_the_new_one() {
    let place = Place::new();
    let hub = place.serve();
    operator(&place);
    let url = hub.url();
    let me = ["--url", &url, "--token-file", "me.tok"];
    let output =
        place.command(&[&["bot", "rotate-token", "me"][..], &me].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    std::fs::write(place.path("me.tok"), output.stdout).unwrap();
    assert_eq!(place.run(&[&["status"][..], &me].concat()).code, 0, "the new token is good");
}

#[test]
fn who_ends_itself_is_answered_before_it_is_sent_away() {
    for verb in [
        &["bot", "disable", "me"][..],
        &["bot", "revoke-token", "me"],
        &["bot", "remove", "me", "--yes"],
    ] {
        let place = Place::new();
        let hub = place.serve();
        operator(&place);
        let url = hub.url();
        let told = place.run(&[verb, &["--url", &url, "--token-file", "me.tok"]].concat());
        assert_eq!(told.code, 0, "{verb:?}: {}", told.err);
    }
}

#[test]
fn a_token_that_can_be_read_only_once_is_read_only_once() {
    let place = Place::new();
    let hub = place.serve();
    let (token, url) = (place.bot("ann"), hub.url());
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || std::fs::write(pipe, token).unwrap());
    let told = place.run_to_its_end(None, &["whoami", "--url", &url, "--token-file", "pipe"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.starts_with("ann "), "{told:?}");
    writer.join().unwrap();
}

#[test]
fn a_bot_that_knocks_with_a_dead_token_locks_nobody_else_out() {
    let place = Place::new();
    let hub = place.serve();
    let url = hub.url();
    let (ann, bob) = (place.bot("ann"), place.bot("bob"));
    place.data(&["bot", "revoke-token", "bob"]);
    let knock = || place.run_as(&bob, &["whoami", "--url", &url]);
    let refusals: Vec<String> = (0..20).map(|_| knock().err).collect();
    assert!(refusals[19].contains("`auth_throttled`"), "{}", refusals[19]);
    for command in [&["status"][..], &["bot", "list"], &["check"]] {
        assert_eq!(place.run(command).code, 0, "{command:?}");
    }
    let told = place.run_as(&ann, &["whoami", "--url", &url]);
    assert_eq!(told.code, 0, "{}", told.err);
}

#[test]
fn a_check_with_thresholds_that_its_token_cannot_see_is_unknown() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    let check = |more: &[&str]| place.run_as(&ann, &[&["check"][..], more].concat());
    assert_eq!(check(&[]).code, 0);
    for threshold in [
        ["--warn-pending", "1"],
        ["--crit-away", "1s"],
        ["--warn-oldest", "1m"],
        ["--warn-free", "1GiB"],
    ] {
        let told = check(&threshold);
        assert_eq!(told.code, 3, "{threshold:?}: {}", told.out);
        let expected =
            format!("BOT-HUB UNKNOWN - {} needs the token of an operator | up=1", threshold[0]);
        assert!(told.out.starts_with(&expected), "{}", told.out);
    }
    let token = place.data(&["bot", "add", "eve", "--operator"]);
    let url = hub.url();
    let check = |more: &[&str]| place.run_as(&token, &[&["check", "--url", &url], more].concat());
    let told = check(&["--warn-free", "1GiB"]);
    let expected =
        "BOT-HUB UNKNOWN - --warn-free needs the data directory of the hub on this machine | up=1";
    assert_eq!((told.code, told.out.starts_with(expected)), (3, true), "{}", told.out);
    assert_eq!(check(&["--warn-pending", "100"]).code, 0);
    let told = check(&["--warn-pending", "5", "--crit-pending", "2"]);
    assert_eq!(told.code, 3, "{}", told.out);
}

//! Which hub a command is about: the one that is named, and never another one in its place.

use crate::fixture::{Place, Running};

/// A hub, and a context `work` for it in another place, where it is in use.
fn friends() -> (Place, Running, Place) {
    let hub_place = Place::new();
    let hub = hub_place.serve();
    let token = hub_place.bot("ann");
    let place = Place::new();
    let added = place.run_as(&token, &["context", "add", "work", "--url", &hub.url()]);
    assert_eq!(added.code, 0, "{added:?}");
    (hub_place, hub, place)
}

/// Verbs of a data directory.
const LOCAL: [&[&str]; 6] = [
    &["stop"],
    &["verify"],
    &["export"],
    &["backup", "copy.db"],
    &["restore", "hub.db"],
    &["compact"],
];

fn refused(place: &Place, arguments: &[&str], says: &str) {
    let told = place.run_to_its_end(None, arguments);
    assert_eq!((told.code, &*told.out), (2, ""), "{arguments:?} {told:?}");
    assert!(told.err.contains(says), "{arguments:?} {told:?}");
}

#[test]
fn a_verb_of_a_data_directory_does_nothing_when_another_hub_is_named() {
    let (_friend, _hub, place) = friends();
    let mut own = place.serve();
    for named in [["--url", "wss://elsewhere.invalid"], ["--context", "work"]] {
        for verb in LOCAL {
            refused(&place, &[&named, verb].concat(), "hint: ");
            refused(&place, &[verb, &named].concat(), "hint: ");
        }
    }
    for verb in LOCAL {
        // The one in use is as good as named.
        refused(&place, verb, "--context local");
    }
    assert_eq!(place.run(&["ping", "--context", "local"]).code, 0);
    let data = place.path(".local/share/bot-hub");
    let data = data.to_str().unwrap();
    for meant in [["--context", "local"], ["--data", data]] {
        let told = place.run(&[&["verify"][..], &meant].concat());
        assert_eq!(told.code, 0, "{told:?}");
    }
    assert_eq!(place.run(&["stop", "--context", "local"]).code, 0);
    assert!(own.end_within_a_minute().success());
}

#[test]
fn a_verb_that_asks_no_hub_takes_no_option_that_names_one() {
    let place = Place::new();
    for verb in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["demo"],
        &["config", "check"],
        &["service", "status"],
        &["context", "list"],
        &["completions", "bash"],
        &["proto", "list"],
        &["proto", "parse", "nothing.txt"],
        &["version"],
    ] {
        for named in [["--url", "wss://elsewhere.invalid"], ["--context", "work"]] {
            refused(&place, &[verb, &named].concat(), "hint: leave out");
        }
    }
    let link = "https://elsewhere.invalid/join#K7QF-2M9D-XR4T-8W3A";
    refused(&place, &["join", link, "--url", "wss://other.invalid"], "hint: leave out");
    // A variable is for all commands of a shell: those that ask nobody do not mind it.
    let mut version = place.command(&["version"]);
    version.env("BOT_HUB_URL", "wss://elsewhere.invalid").env("BOT_HUB_CONTEXT", "work");
    assert_eq!(place.told(version).code, 0);
}

#[test]
fn doctor_examines_the_hub_that_is_meant_and_no_other() {
    let (_friend, hub, place) = friends();
    let check = |place: &Place, arguments: &[&str]| {
        let told = place.json(&[&["doctor", "--offline"], arguments].concat());
        let told = told.to_string();
        assert!(told.contains(&format!("answers at {}", hub.url())), "{arguments:?} {told}");
        for local in ["no hub runs here", "\"data\"", "\"disk\"", "\"store\""] {
            assert!(!told.contains(local), "{arguments:?} {local} {told}");
        }
    };
    check(&place, &[]);
    check(&place, &["--context", "work"]);
    let own = place.serve();
    check(&place, &[]);
    check(&place, &["--context", "work"]);
    let local = place.json(&["doctor", "--offline", "--context", "local"]).to_string();
    assert!(local.contains(&own.url()) && local.contains("\"disk\""), "{local}");
}

#[test]
fn a_hint_names_the_hub_that_the_command_was_about() {
    let place = Place::new();
    let mut serve = place.for_people(&["serve", "--listen", "127.0.0.1:0", "--data", "d 9"]);
    serve.current_dir(place.path(""));
    let _hub = place.started(serve);
    let log = place.log();
    assert!(log.contains("bot-hub --data 'd 9' bot add"), "{log}");
    let wrong = place.run(&["room", "show", "nope", "--data", "d 9"]);
    assert!(
        wrong.err.contains("bot-hub --data 'd 9' room list, bot-hub --data 'd 9' bot list"),
        "{wrong:?}"
    );
    let wrong = place.json(&["room", "show", "nope", "--data", "d 9"]);
    assert!(
        wrong["error"]["hint"].as_str().unwrap().contains("bot-hub --data 'd 9' room list"),
        "{wrong}"
    );
    let made = place.run(&["--data", "d 9", "bot", "add", "ann"]);
    assert!(made.err.contains("bot-hub --data 'd 9' send"), "{made:?}");
    let said = place.run(&["--data", "d 9", "rooms"]);
    assert!(said.err.contains("bot-hub --data 'd 9' room create"), "{said:?}");
    let (_friend, hub, other) = friends();
    let wrong = other.run(&["--context", "work", "who", "nope"]);
    assert!(wrong.err.contains("bot-hub --context work room list"), "{wrong:?}");
    let wrong = other.run(&["--url", &hub.url(), "rooms"]);
    assert!(wrong.err.contains("--token-file"), "{wrong:?}");
}

//! The next step that a person is given can be taken by a person: it is a command, it works as it is
//! printed, and it does nothing twice.

use std::fs;
use std::process::Stdio;

use crate::fixture::{Place, Told};

/// What leads nowhere from a command line.
fn check_is_for_people(told: &Told) {
    assert_ne!(told.code, 0, "{told:?}");
    assert!(told.err.contains("hint: "), "{told:?}");
    for frame in
        ["{\"type\"", "send `", "send {", "`rooms`", "`who`", "`joined`", "`to: ", "`room: "]
    {
        assert!(!told.err.contains(frame), "{frame}: {told:?}");
    }
}

#[test]
fn the_lines_that_bot_add_prints_work_as_they_are_on_a_fresh_hub() {
    let place = Place::new();
    let _hub = place.serve();
    let made = place.run(&["bot", "add", "marlbot"]);
    fs::write(place.path("marlbot.token"), place.data(&["bot", "rotate-token", "marlbot"]))
        .unwrap();
    let lines: Vec<&str> = made.err.lines().filter(|it| it.starts_with("  bot-hub ")).collect();
    assert!(!lines.is_empty(), "{made:?}");
    for line in lines {
        let told = place.shell(line.trim());
        assert_eq!(told.code, 0, "{line}: {told:?}");
    }
    assert_eq!(place.json(&["history", "lab"])["entries"][0]["text"], "hello");
}

#[test]
fn a_bot_joins_an_open_room_and_leaves_it_by_a_verb() {
    let place = Place::new();
    let _hub = place.serve();
    let token = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "create", "vault", "--closed"]);
    let check = |arguments: &[&str], code: i32, says: &str| {
        let told = place.run_as(&token, arguments);
        assert_eq!(told.code, code, "{arguments:?} {told:?}");
        assert!(told.out.contains(says) || told.err.contains(says), "{arguments:?} {told:?}");
    };
    check(&["room", "join", "#lab"], 0, "ann is a member of #lab");
    check(&["send", "#lab", "hello"], 0, "where nobody else is a member");
    check(&["room", "join", "new"], 0, "ann is a member of #new");
    check(&["room", "join", "vault"], 5, "an operator can run: bot-hub room add vault ann");
    check(&["room", "leave", "lab", "--yes"], 0, "ann is no longer a member of #lab");
    check(&["room", "leave", "lab", "--yes"], 5, "`ann` is not a member of `#lab`");
    check(&["send", "#lab", "hello"], 5, "bot-hub room join '#lab'");
}

#[test]
fn no_hint_at_a_terminal_is_a_frame() {
    let place = Place::new();
    let _hub = place.serve();
    let token = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "create", "vault", "--closed"]);
    for arguments in [
        &["history", "#lab"][..],
        &["history", "#vault"],
        &["history", "#nope"],
        &["history", "#ann"],
        &["history", "@lab"],
        &["send", "#nope", "x"],
        &["send", "#lab", "x"],
        &["send", "@nope", "x"],
        &["send", "@lab", "x"],
        &["send", "#ann", "x"],
        &["who", "nope"],
        &["tail", "#nope"],
        &["tail", "@nope"],
        &["tail", "nope"],
        &["tail", "#lab"],
        &["tail", "#vault"],
        &["room", "leave", "nope"],
        &["room", "join", "vault"],
    ] {
        check_is_for_people(&place.run_to_its_end(Some(&token), arguments));
    }
    let invite = place.json(&["invite", "gus", "--room", "den"]);
    let link = invite["lines"]["person"].as_str().unwrap().to_owned();
    let guest = Place::new();
    assert_eq!(guest.run(&["join", &link]).code, 0);
    for arguments in [
        &["history", "#lab"][..],
        &["history", "@ann"],
        &["send", "#lab", "x"],
        &["send", "@ann", "x"],
        &["send", "@operator", "x"],
        &["who", "lab"],
        &["tail", "#lab"],
        &["tail", "@nope"],
        &["room", "join", "lab"],
    ] {
        let told = guest.run_to_its_end(None, arguments);
        check_is_for_people(&told);
        assert!(told.code < 100, "{arguments:?} ended by itself: {told:?}");
    }
}

#[test]
fn a_right_that_is_lacking_is_named_as_it_is_typed() {
    let place = Place::new();
    let _hub = place.serve();
    let token = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann", "--can", "read"]);
    let told = place.run_as(&token, &["send", "#lab", "x"]);
    let line = told.err.split("an operator can run: ").nth(1).expect("a command").trim().to_owned();
    let given = place.shell(&line);
    assert_eq!(given.code, 0, "{line}: {given:?}");
    assert_eq!(place.run_as(&token, &["send", "#lab", "x"]).code, 0);
    let shown = place.json(&["room", "show", "lab"]).to_string();
    assert!(shown.contains("read") && shown.contains("post"), "what it had stays: {shown}");
}

#[test]
fn what_was_done_is_not_to_be_done_again_when_its_answer_cannot_be_written() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    let check = |arguments: &[&str], says: &str| {
        let mut command = place.command(arguments);
        command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let told = command.stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(1), "{arguments:?} {err}");
        assert!(
            err.contains(says) && !err.contains("run the command again"),
            "{arguments:?} {err}"
        );
        err
    };
    let err = check(&["send", "#lab", "x"], "is stored");
    let id = err.split('`').nth(1).unwrap();
    assert_eq!(place.json(&["history", "lab"])["entries"][0]["id"], id);
    check(&["send", "#lab", "x", "--json"], "is stored");
    check(&["room", "create", "den"], "it is done");
    check(&["room", "create", "cave", "--json"], "it is done");
    place.bot("ann");
    check(&["bot", "disable", "ann"], "it is done");
    check(&["invite", "gus", "--room", "lab"], "the invite is revoked");
}

#[test]
fn wrong_usage_of_check_is_unknown_wherever_the_general_options_stand() {
    let place = Place::new();
    for arguments in [
        &["check", "--bogus"][..],
        &["--json", "check", "--bogus"],
        &["--data", "d", "check", "--bogus"],
        &["--data=d", "--json", "check", "--bogus"],
        &["--url", "ws://127.0.0.1:9", "check", "--wran-pending", "5"],
        &["--context", "check", "check", "--warn-pending", "many"],
    ] {
        assert_eq!(place.run(arguments).code, 3, "{arguments:?}");
    }
    for arguments in [&["--data", "check", "ping", "--bogus"][..], &["ping", "check"]] {
        assert_eq!(place.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_room_keeps_at_least_one_of_anything() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    for bound in ["--entries", "--bytes", "--age"] {
        let value = if bound == "--age" { "0s" } else { "0" };
        let told = place.run(&["room", "retain", "lab", bound, value]);
        assert_eq!(told.code, 2, "{bound} {told:?}");
        assert!(told.err.contains("hint: "), "{told:?}");
    }
    for text in ["one", "two", "three"] {
        place.data(&["send", "lab", text]);
    }
    let told = place.run(&["room", "retain", "lab", "--entries", "1"]);
    assert_eq!(
        told.out, "#lab keeps at most 30 d, 1 message, 256 MiB; 2 messages go\n",
        "{told:?}"
    );
}

#[test]
fn an_empty_answer_says_why_it_is_empty() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    let empty = place.run(&["history", "lab"]);
    assert_eq!((empty.code, &*empty.out), (0, ""));
    assert!(empty.err.contains("nothing was said in #lab"), "{empty:?}");
    place.data(&["send", "lab", "before"]);
    place.data(&["room", "add", "lab", "ann"]);
    let joined = place.run_as(&token, &["history", "lab", "--url", &hub.url()]);
    assert_eq!((joined.code, &*joined.out), (0, ""));
    assert!(joined.err.contains("from where it joined"), "{joined:?}");
    assert_eq!(place.run(&["history", "lab", "--count", "0"]).code, 2);
    assert_eq!(place.run(&["proto", "list", "--status", "opne"]).code, 2);
    assert_eq!(place.run(&["invite", "lsit"]).code, 2);
}

#[test]
fn what_was_said_in_several_rooms_is_shown_in_the_order_of_time() {
    let place = Place::new();
    let _hub = place.serve();
    for room in ["zoo", "attic"] {
        place.data(&["room", "create", room]);
    }
    for (room, text) in [("zoo", "one"), ("attic", "two"), ("zoo", "three"), ("attic", "four")] {
        place.data(&["send", &format!("#{room}"), text]);
    }
    let texts = |count: &str| {
        let told = place.run(&["tail", "all", "--since", "1h", "--count", count, "--raw"]);
        told.out
    };
    assert_eq!(texts("4"), "one\ntwo\nthree\nfour\n");
    assert_eq!(texts("1"), "one\n");
}

#[test]
fn a_bot_is_known_to_have_been_here_after_a_restart_and_by_a_command_alone() {
    let place = Place::new();
    let hub = place.serve();
    let (ann, ben) = (place.bot("ann"), place.bot("ben"));
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ben"]);
    crate::fixture::bot_in(&hub.url(), &ann, "lab", crate::fixture::Habit::Receive);
    place.run_as(&ben, &["rooms"]);
    assert!(hub.stop().success());
    let hub = place.serve();
    let told = place.run_as(&ben, &["who", "lab", "--url", &hub.url()]);
    assert!(!told.out.contains("never"), "{told:?}");
    for bot in ["ann", "ben"] {
        let shown = place.json(&["bot", "show", bot]);
        assert!(shown["last_seen"].is_u64(), "{shown}");
    }
}

#[test]
fn a_token_that_stays_good_and_one_of_an_operator_are_called_so() {
    let place = Place::new();
    let token = "token-for-bob";
    let config =
        format!("{{ tokens: {{ \"{token}\": {{ botId: \"bob\" }} }}, operators: [\"ghost\"] }}");
    fs::write(place.path("hub.json5"), config).unwrap();
    let _hub = place.serve_with(&["--listen", "127.0.0.1:0", "--config", "hub.json5"]);
    let rotated = place.run(&["bot", "rotate-token", "bob"]);
    assert!(rotated.err.contains("the token in the configuration file stays good"), "{rotated:?}");
    assert_eq!(place.json(&["bot", "rotate-token", "bob"])["file_token_stays"], true);
    place.bot("ann");
    assert!(!place.run(&["bot", "rotate-token", "ann"]).err.contains("stays good"));
    let ghost = place.run(&["bot", "add", "ghost"]);
    assert!(ghost.err.contains("an operator of this hub"), "{ghost:?}");
}

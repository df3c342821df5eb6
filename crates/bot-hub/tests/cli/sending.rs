//! `send`, what it waits for, and `trace`.

use std::io::{BufRead, BufReader, Read as _};

use crate::fixture::{Habit, Place, Running, bot_in};

/// A hub, and a bot with a habit in the room `lab`.
fn lab(habit: Habit) -> (Place, Running) {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    bot_in(&hub.url(), &token, "lab", habit);
    (place, hub)
}

#[test]
fn send_waits_until_the_recipients_have_received() {
    let (place, _hub) = lab(Habit::Receive);
    let told = place.run(&["send", "lab", "hello", "--id", "m1", "--wait", "received"]);
    assert_eq!((told.code, &*told.out), (0, "m1\n"));
    insta::assert_snapshot!(told.err, @"stored for #lab: delivered to 1 bot");
    let trace = place.run(&["trace", "m1"]).out;
    // Whether `delivered` is on record yet is a matter of time.
    let lines: Vec<&str> = trace.lines().filter(|line| !line.contains("  delivered ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    m1 from operator in #lab, number 1
    TIME  stored
    ann
      received   after at most PERIOD
    ");
}

#[test]
fn send_prints_the_answer_that_it_waited_for() {
    for habit in [Habit::Answer, Habit::AnswerWithoutReceipt] {
        let (place, _hub) = lab(habit);
        let told = place.run(&["send", "lab", "hello", "--wait", "answered"]);
        assert_eq!((told.code, &*told.out), (0, "you said: hello\n"), "{}", told.err);
        let told = place.run(&["send", "@ann", "psst", "--wait", "answered"]);
        assert_eq!((told.code, &*told.out), (0, "you said: psst\n"), "{}", told.err);
    }
}

#[test]
fn send_does_not_wait_for_what_will_never_be() {
    let (place, _hub) = lab(Habit::Decline);
    let told = place.run(&["send", "lab", "hello", "--id", "m1", "--wait", "answered"]);
    assert_eq!((told.code, &*told.out), (5, ""));
    insta::assert_snapshot!(told.err, @r"
    m1: stored for #lab: delivered to 1 bot
    error: `m1` is stored and will not be answered; ann: declined (not on Sundays)
    ");
    place.data(&["room", "create", "empty"]);
    let told = place.run(&["send", "empty", "hello", "--id", "m2", "--wait", "received"]);
    assert_eq!((told.code, &*told.out), (1, "m2\n"));
    let told = told.err.lines().last().unwrap().to_owned();
    insta::assert_snapshot!(told, @"error: `m2` is stored and will not be received; it has no recipient");
}

#[test]
fn a_wait_that_is_over_says_where_the_message_stands() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let arguments =
        ["send", "@ann", "hi", "--id", "m1", "--wait", "delivered", "--timeout", "100ms"];
    let told = place.run(&arguments);
    assert_eq!((told.code, &*told.out), (6, "m1\n"));
    insta::assert_snapshot!(told.err, @r"
    stored for @ann: waits for 1 bot
    error: `m1` is not delivered after 100ms; ann: stored
    hint: it is stored and goes on by itself: bot-hub trace m1
    ");
}

#[test]
fn the_same_id_is_stored_once() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let send = |text| place.run(&["send", "@ann", text, "--id", "m1"]);
    assert_eq!(send("hi").err, "stored for @ann: waits for 1 bot\n");
    assert_eq!(send("hi").err, "stored before for @ann: waits for 1 bot\n");
    let other = send("something else");
    assert_eq!(other.code, 5);
    insta::assert_snapshot!(other.err, @r"
    error: that id already names a message with other contents (`id_conflict`)
    hint: make a new id for every message; repeat one only to send the same again
    ");
}

#[test]
fn a_text_comes_from_stdin_too() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    assert_eq!(place.run_reading("one\ntwo\n\n", &["send", "lab", "-", "--id", "m1"]).code, 0);
    assert_eq!(place.run_reading("three", &["send", "lab", "--id", "m2"]).code, 0);
    let nothing = place.run_reading("", &["send", "lab"]);
    assert_eq!(nothing.code, 2);
    insta::assert_snapshot!(nothing.err, @r"
    error: there is nothing to say
    hint: bot-hub send TO TEXT, or TO - to read it from stdin
    ");
    insta::assert_snapshot!(place.run(&["history", "lab"]).out, @r"
    TIME #lab operator: one
        two
    TIME #lab operator: three
    ");
}

#[test]
fn nothing_is_sent_to_nobody_without_saying_so() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    assert_eq!(
        place.run(&["send", "lab", "hi"]).err,
        "stored in #lab, where nobody else is a member\n"
    );
    let ann = place.bot("ann");
    let told = place.run_as(&ann, &["send", "#lab", "hi"]);
    assert_eq!(told.code, 5);
    insta::assert_snapshot!(told.err, @r"
    error: `ann` is not a member of `#lab`
    hint: if it is open: bot-hub room join '#lab'; if not, an operator can run: bot-hub room add '#lab' ann
    ");
}

#[test]
fn sending_never_takes_over_the_connection_of_a_bot_that_runs() {
    let place = Place::new();
    let hub = place.serve();
    let ann = place.bot("ann");
    bot_in(&hub.url(), &ann, "lab", Habit::Receive);
    let told = place.run_as(&ann, &["send", "#lab", "from beside"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(place.json(&["bot", "show", "ann"])["online"], true);
}

#[test]
fn the_id_is_there_before_the_waiting_and_outlives_it() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let check = |wait: &[&str], first_is_on_stdout: bool| {
        let mut send = place.command(&["send", "@ann", "hi", "--timeout", "5m"]);
        let mut send = send
            .args(wait)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(send.stdout.take().unwrap());
        let mut err = BufReader::new(send.stderr.take().unwrap());
        // Nobody answers: whatever stands there, stands there while it waits.
        let first: &mut dyn BufRead = if first_is_on_stdout { &mut out } else { &mut err };
        first.read_line(&mut line).unwrap();
        let id = line.split(':').next().unwrap().trim().to_owned();
        assert_eq!(place.json(&["trace", &id])["recipients"][0]["bot"], "ann", "{line}");
        let pid = send.id().to_string();
        let kill = std::process::Command::new("kill").args(["-s", "INT", &pid]).status().unwrap();
        assert!(kill.success());
        let (mut said, mut left) = (String::new(), String::new());
        err.read_to_string(&mut said).unwrap();
        out.read_to_string(&mut left).unwrap();
        assert_eq!(send.wait().unwrap().code(), Some(130));
        let next = format!("hint: see what becomes of it: bot-hub trace {id}");
        assert!(said.contains(&next) && left.is_empty(), "{said} {left}");
    };
    check(&["--wait", "received"], true);
    check(&["--wait", "answered"], false);
}

#[test]
fn with_json_an_interrupted_wait_is_one_document_with_the_id() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let mut send =
        place.command(&["send", "@ann", "hi", "--id", "m1", "--wait", "answered", "--json"]);
    let send = send.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut stored = place.run(&["trace", "m1"]);
    while stored.code != 0 {
        stored = place.run(&["trace", "m1"]);
    }
    let pid = send.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success()
    );
    let output = send.wait_with_output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&said["ok"], &said["error"]["type"], &said["error"]["details"]["id"]),
        (&false.into(), &"interrupted".into(), &"m1".into())
    );
}

#[test]
fn a_message_that_the_hub_refuses_each_time_is_not_called_perhaps_stored() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("BOT_HUB_LIMITS__BYTES_PER_BOT_PER_DAY", "1KiB");
    let _hub = place.started(command);
    let token = place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann"]);
    let text = "x".repeat(600);
    assert_eq!(place.run_as(&token, &["send", "lab", &text, "--id", "m1"]).code, 0);
    let again = ["send", "lab", &text, "--id", "m2", "--timeout", "1s"];
    let told = place.run_as(&token, &again);
    let why = "this bot has said 600 bytes within a day and may say 1024; this message has 600";
    let (first, last) = told.err.split_once('\n').unwrap();
    assert_eq!(first, format!("not stored yet: {why}; it is sent again"));
    assert!(last.starts_with(&format!("error: `m2`: not stored within 1s: {why}\n")), "{last}");
    assert!(last.contains("it fits in") && last.contains("--id m2"), "{last}");
    // The same again is the first message, and costs nothing.
    assert_eq!(place.run_as(&token, &["send", "lab", &text, "--id", "m1"]).code, 0);
}

//! Targets, mistakes, exit codes and the JSON envelope.

use crate::fixture::Place;

/// A hub with two bots, a room of theirs, and a name that two things have.
fn place() -> (Place, crate::fixture::Running) {
    let place = Place::new();
    let hub = place.serve();
    for name in ["marlbot", "pelouse"] {
        place.bot(name);
    }
    place.data(&["room", "create", "marlbot-pelouse"]);
    (place, hub)
}

#[track_caller]
fn check(place: &Place, arguments: &[&str], code: i32, expected: &str) {
    let told = place.run(arguments);
    assert_eq!((told.code, &*told.out, told.err.trim_end()), (code, "", expected), "{arguments:?}");
}

#[test]
fn a_wrong_name_is_an_error_with_a_suggestion() {
    let (place, _hub) = place();
    check(
        &place,
        &["send", "#pelouse", "hi"],
        3,
        "error: `pelouse` is a bot, not a room\nhint: did you mean `@pelouse`, or `#marlbot-pelouse`?",
    );
    check(
        &place,
        &["send", "@marlbot-pelouse", "hi"],
        3,
        "error: `marlbot-pelouse` is a room, not a bot\nhint: did you mean `#marlbot-pelouse`, `@marlbot`, or `@pelouse`?",
    );
    check(
        &place,
        &["tail", "marlbott"],
        3,
        "error: there is neither a room nor a bot `marlbott`\nhint: did you mean `@marlbot`, or `#marlbot-pelouse`?",
    );
    check(
        &place,
        &["bot", "show", "pelose"],
        3,
        "error: there is no bot `pelose`\nhint: did you mean `@pelouse`?",
    );
    check(
        &place,
        &["room", "add", "marlbot-pelous", "marlbot"],
        3,
        "error: there is no room `marlbot-pelous`\nhint: did you mean `#marlbot-pelouse`?",
    );
    check(
        &place,
        &["send", "a b", "hi"],
        2,
        "error: `a b` is no name: ` ` at position 1 is not allowed in a name: use a-z, 0-9, `.`, `_`, `-`, \
         starting with a letter or digit\nhint: write #room, @bot, dm:bot:bot, or a bare name that only one of them has",
    );
    check(
        &place,
        &["trace", "nonsense"],
        3,
        "error: no message `nonsense` is kept here\nhint: ids are printed by `bot-hub send`, and by `bot-hub history ROOM --json`",
    );
}

#[test]
fn each_failure_has_its_exit_code() {
    let (place, hub) = place();
    let token = place.bot("ann");
    let code = |told: crate::fixture::Told| told.code;
    assert_eq!(code(place.run(&["bot", "add", "ann"])), 5, "it exists");
    assert_eq!(code(place.run_as(&token, &["bot", "add", "cleo"])), 5, "no operator");
    assert_eq!(code(place.run_as("wrong", &["ping"])), 4);
    assert_eq!(code(place.run(&["frobnicate"])), 2);
    assert_eq!(code(place.run(&["--url", &hub.url(), "ping"])), 2, "no token");
    assert_eq!(code(place.run_as(&token, &["--url", "nonsense", "ping"])), 2);
    assert_eq!(code(place.run_as(&token, &["--url", &hub.url(), "ping"])), 0);
    place.run(&["bot", "disable", "ann"]);
    assert_eq!(code(place.run_as(&token, &["ping"])), 4);
    place.run(&["bot", "enable", "ann"]);
    assert_eq!(code(place.run_as(&token, &["ping"])), 0);
    place.run(&["bot", "rotate-token", "ann"]);
    assert_eq!(code(place.run_as(&token, &["ping"])), 4);
    drop(hub);
    assert_eq!(code(place.run(&["ping"])), 7, "killed: its hub.json is still there");
    assert_eq!(code(place.run(&["--data", "elsewhere", "ping"])), 7);
}

#[test]
fn a_token_file_names_who_speaks() {
    let (place, hub) = place();
    std::fs::write(place.path("pelouse.token"), format!("{}\n", place.bot("cleo"))).unwrap();
    let told = place.run(&["--url", &hub.url(), "--token-file", "pelouse.token", "ping"]);
    insta::assert_snapshot!(told.out.split(" in ").next().unwrap(), @"ws://ADDRESS answered cleo");
    let missing = place.run(&["--token-file", "nowhere", "ping"]);
    assert_eq!(missing.code, 1);
    insta::assert_snapshot!(missing.err, @r"
    error: the token file `nowhere` cannot be read: No such file or directory (os error 2)
    hint: it holds one line, the token
    ");
}

#[test]
fn failures_are_one_json_document_on_stdout() {
    let (place, _hub) = place();
    let told = place.run(&["--json", "send", "pelous", "hi"]);
    assert_eq!((told.code, &*told.err), (3, ""));
    insta::assert_snapshot!(told.out, @r##"{"error":{"details":{"suggestions":["@pelouse","#marlbot-pelouse"]},"hint":"did you mean `@pelouse`, or `#marlbot-pelouse`?","message":"there is neither a room nor a bot `pelous`","type":"not_found"},"ok":false}"##);
    let told = place.run(&["--json", "send"]);
    assert_eq!((told.code, &*told.err), (2, ""));
    insta::assert_snapshot!(told.out, @r#"{"error":{"hint":"bot-hub help, or --help behind a command","message":"the following required arguments were not provided:\n  <TO>","type":"usage"},"ok":false}"#);
}

#[test]
fn answers_are_one_json_document_on_stdout() {
    let (place, _hub) = place();
    insta::assert_snapshot!(place.run(&["--json", "room", "show", "marlbot-pelouse"]).out, @r#"
    {
      "bytes": 0,
      "closed": false,
      "entries": 0,
      "first": 1,
      "head": 0,
      "members": [],
      "ok": true,
      "retain": {
        "age_ms": MS,
        "bytes": 268435456,
        "entries": 100000
      },
      "room": "marlbot-pelouse"
    }
    "#);
    insta::assert_snapshot!(place.run(&["--json", "send", "@pelouse", "hi", "--id", "m1"]).out, @r#"
    {
      "delivered": 0,
      "duplicate": false,
      "id": "m1",
      "ok": true,
      "queued": 1,
      "room": "dm:operator:pelouse",
      "seq": 1
    }
    "#);
    insta::assert_snapshot!(place.run(&["--json", "pending"]).out, @r#"
    {
      "ok": true,
      "pending": [
        {
          "bot": "pelouse",
          "in_flight": 0,
          "oldest_age_ms": MS,
          "oldest_seq": 1,
          "reason": "offline",
          "room": "dm:operator:pelouse",
          "waiting": 1
        }
      ]
    }
    "#);
    insta::assert_snapshot!(place.run(&["--json", "trace", "m1"]).out, @r#"
    {
      "from": "operator",
      "id": "m1",
      "ok": true,
      "recipients": [
        {
          "bot": "pelouse",
          "state": "stored",
          "steps": [
            {
              "at": MS,
              "state": "stored"
            }
          ]
        }
      ],
      "room": "dm:operator:pelouse",
      "sent_at": MS,
      "seq": 1
    }
    "#);
}

#[test]
fn rooms_and_bots_are_shown_as_tables() {
    let (place, _hub) = place();
    place.data(&["room", "add", "marlbot-pelouse", "marlbot"]);
    place.data(&["send", "marlbot-pelouse", "hello"]);
    insta::assert_snapshot!(place.run(&["bot", "list"]).out, @r"
    BOT       STATE    RIGHTS    LAST SEEN  MADE IN
    marlbot   offline  bot       never      store
    operator  offline  operator  never      this process
    pelouse   offline  bot       never      store
    ");
    insta::assert_snapshot!(place.run(&["bot", "show", "marlbot"]).out, @r"
    marlbot
      state      offline
      rights     bot
      made       TIME, in the store
      tokens     1
      last seen  never
      said       0 B within a day
      #marlbot-pelouse  received up to 0 of 1
    ");
    insta::assert_snapshot!(place.run(&["room", "list"]).out, @r"
    ROOM              IS    MEMBERS  ONLINE  MESSAGES  WAITING
    #marlbot-pelouse  open  1        0       1         1
    ");
    insta::assert_snapshot!(place.run(&["room", "show", "marlbot-pelouse"]).out, @r"
    #marlbot-pelouse
      admits    everybody
      messages  1 (5 B), numbers 1 to 1
      keeps     at most 30 d, 100000 messages, 256 MiB
      MEMBER   STATE    CAN                RECEIVED  WAITING
      marlbot  offline  read,post,request  0         1
    ");
    insta::assert_snapshot!(place.run(&["room", "retain", "marlbot-pelouse", "--age", "90d", "--bytes", "none"]).out, @"#marlbot-pelouse keeps at most 90 d, 100000 messages");
    assert_eq!(
        place.data(&["room", "kick", "marlbot-pelouse", "marlbot"]),
        "marlbot is no longer a member of #marlbot-pelouse; 1 message that waited for it is dropped, and its sender can \
         see that"
    );
    place.data(&["room", "create", "hut"]);
    place.data(&["room", "add", "hut", "marlbot"]);
    for text in ["one", "two"] {
        place.data(&["send", "hut", text]);
    }
    assert_eq!(
        place.data(&["room", "remove", "hut", "--why", "it rains in"]),
        "#hut is gone, with 2 messages; 2 messages that waited for somebody are dropped, and their senders are told"
    );
    assert_eq!(place.run(&["history", "hut"]).code, 3);
    assert_eq!(
        place.run(&["bot", "remove", "marlbot"]).out,
        "marlbot is removed; what it said stays\n"
    );
    let status = place.json(&["status"]);
    assert_eq!(
        (&status["bots"], &status["entries"], &status["online"]),
        (&1.into(), &1.into(), &0.into()),
        "the hub's own operator is nobody's bot"
    );
}

//! From nothing to two bots that talk, as the README says it.

use crate::fixture::Place;

#[test]
fn two_bots_talk_after_five_commands() {
    let place = Place::new();
    let _hub = place.serve_for_people();
    let log = place.redacted_log();
    let (banner, _) = log.split_once("\nready in PERIOD\n").expect("it says when it is ready");
    insta::assert_snapshot!(banner, @r"
    Bot Hub 0.1.0 · one place where bots talk

      data       ~/.local/share/bot-hub  created
      config     none, using defaults (bot-hub config init writes one)
      listening  ws://ADDRESS  loopback only; --listen 0.0.0.0:18795 to share

    Next, in another terminal: give a bot a way in
      bot-hub bot add marlbot
    ");

    let marlbot = place.run(&["bot", "add", "marlbot"]);
    assert_eq!(marlbot.code, 0);
    insta::assert_snapshot!(marlbot.out, @"TOKEN");
    insta::assert_snapshot!(marlbot.err, @r#"
    This is the token of marlbot. It is not shown again; keep it like a password.
    A bot connects to ws://ADDRESS and sends first
      {"type":"auth","token":"…"}
    To speak as marlbot from here, put the token into BOT_HUB_TOKEN, or into a file for --token-file:
      bot-hub room join --token-file marlbot.token '#lab'
      bot-hub send --token-file marlbot.token '#lab' hello
    "#);

    let pelouse = place.bot("pelouse");
    let watching = place.tail(&["all", "--count", "1"]);
    let said = place.run_as(&pelouse, &["send", "@marlbot", "Hey, article idea?"]);
    assert_eq!(said.code, 0);
    insta::assert_snapshot!(said.out, @"ID");
    insta::assert_snapshot!(said.err, @"stored for @marlbot: waits for 1 bot");
    insta::assert_snapshot!(watching.told().out, @"TIME dm:marlbot:pelouse pelouse: Hey, article idea?");

    insta::assert_snapshot!(place.run(&["pending"]).out, @r"
    BOT      ROOM                WAITING  ON THE WAY  OLDEST  WHY
    marlbot  dm:marlbot:pelouse  1        0           PERIOD  offline
    ");
}

#[test]
fn the_demo_plays_to_its_end_and_keeps_nothing() {
    let place = Place::new();
    let demo = place.run(&["demo", "--pace", "0s"]);
    assert_eq!(demo.code, 0, "{demo:?}");
    insta::assert_snapshot!(demo.out, @r"
    + marlbot joins #marlbot-pelouse; nobody else is there
    + pelouse joins #marlbot-pelouse; marlbot is there
    marlbot: Hey, article idea?
        stored as number 1, delivered to 1 bot
        pelouse receives number 1
    pelouse: Two bots that review each other's drafts.
        stored as number 2, delivered to 1 bot
        marlbot receives number 2
        marlbot is told: received, started, answered
    - pelouse goes offline
    marlbot: I like it. Outline by tonight?
        stored as number 3, waits for 1 bot
    marlbot: I take the part about trust.
        stored as number 4, waits for 1 bot
    + pelouse joins #marlbot-pelouse; marlbot is there
        pelouse receives number 3, 1 of 2 that waited, PERIOD old
        pelouse receives number 4, 2 of 2 that waited, PERIOD old
    pelouse: Back, and nothing is missing. Deal.
        stored as number 5, delivered to 1 bot
        marlbot receives number 5

    That was a demo. The real thing: bot-hub serve, then bot-hub bot add NAME
    ");
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 0);
}

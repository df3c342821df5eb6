//! Rooms and bots that stand still, as the command line pauses, shows and resumes them.

use serde_json::json;

use crate::fixture::Place;

/// A room with two bots that are away, and the token of the first.
fn lab(place: &Place) -> String {
    let ann = place.bot("ann");
    place.bot("bob");
    place.data(&["room", "create", "lab"]);
    for bot in ["ann", "bob"] {
        place.data(&["room", "add", "lab", bot]);
    }
    ann
}

#[test]
fn a_paused_bot_is_shown_everywhere_and_may_not_speak_until_it_is_resumed() {
    let place = Place::new();
    let hub = place.serve();
    let ann = lab(&place);
    place.data(&["pause", "lab", "bob", "--why", "too loud"]);
    assert_eq!(place.run_as(&ann, &["send", "lab", "one", "--id", "m1"]).code, 0);
    let shown = "paused: by operator: too loud, since";
    assert!(place.data(&["pending"]).contains(shown));
    assert!(place.data(&["trace", "m1"]).contains("paused: by an operator"));
    assert!(place.data(&["pauses"]).contains("bot-hub resume lab @bob"));
    assert!(place.data(&["status"]).contains("1 pause: bot-hub pauses"));
    assert!(place.data(&["room", "list"]).contains("open, 1 paused"));
    assert!(place.data(&["room", "show", "lab"]).contains("offline, paused"));
    let doctor = place.run(&["doctor", "--waiting", "1ms"]).out;
    assert!(doctor.contains(shown) && doctor.contains("bot-hub resume lab @bob"), "{doctor}");
    assert!(place.run(&["check"]).out.contains("1 pause (bot-hub pauses)"));

    place.data(&["pause", "@ann", "--for", "2h"]);
    assert!(place.data(&["bot", "show", "ann"]).contains("paused     by operator, since"));
    let refused = place.run_as(&ann, &["send", "lab", "two"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("bot-hub resume @ann"), "{refused:?}");
    // A restart changes nothing.
    assert!(hub.stop().success());
    let hub = place.serve();
    let paused = place.json(&["pauses"]);
    assert_eq!(paused["pauses"].as_array().map(Vec::len), Some(2), "{paused}");
    assert_eq!(paused["pauses"][1]["why"], json!({ "text": "too loud" }));

    place.data(&["resume", "@ann"]);
    assert_eq!(place.run_as(&ann, &["send", "lab", "two"]).code, 0);
    let skipped = place.json(&["resume", "lab", "bob", "--skip"]);
    assert_eq!((&skipped["ended"], &skipped["skipped"]), (&1.into(), &2.into()), "{skipped}");
    assert!(place.data(&["pauses"]).is_empty());
    assert!(place.data(&["trace", "m1"]).contains("declined"));
    let acts = place.json(&["audit"]);
    let acts: Vec<&str> = acts["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["operation"].as_str().unwrap())
        .collect();
    assert_eq!(acts[acts.len() - 4..], ["pause", "pause", "resume", "resume"]);
    drop(hub);
    let log = place.log();
    assert!(log.contains("resumed: what waited is handed over"), "{log}");
}

#[test]
fn everything_is_stopped_and_goes_on() {
    let place = Place::new();
    let _hub = place.serve();
    let ann = lab(&place);
    place.data(&["stop-all", "--yes", "--why", "a loop"]);
    assert_eq!(place.run_as(&ann, &["send", "lab", "one"]).code, 5);
    let status = place.data(&["status"]);
    assert!(status.contains("paused     everything, by operator: a loop"), "{status}");
    assert!(place.run(&["doctor"]).out.contains("everything is stopped"));
    // A single room is not what is paused.
    let wider = place.run(&["resume", "lab"]);
    assert_eq!(wider.code, 5, "{wider:?}");
    assert!(wider.err.contains("bot-hub resume --all"), "{wider:?}");
    assert!(place.data(&["resume", "--all"]).contains("everything: 1 pause ended"));
    assert_eq!(place.run_as(&ann, &["send", "lab", "one"]).code, 0);
    assert!(place.data(&["resume", "--all"]).contains("nothing was paused"));
}

#[test]
fn what_is_to_be_paused_is_named() {
    let place = Place::new();
    let _hub = place.serve();
    let ann = lab(&place);
    for (wrong, code, said) in [
        (&["pause"][..], 2, "ROOM|BOT"),
        (&["pause", "nowhere"], 3, "neither a room nor a bot"),
        (&["pause", "@ann", "bob"], 2, "a room comes first"),
        (&["pause", "lab", "nobody"], 3, "nobody"),
        (&["resume"], 2, "ROOM|BOT"),
        (&["resume", "lab", "--all"], 2, "--all"),
    ] {
        let told = place.run(wrong);
        assert_eq!(told.code, code, "{wrong:?}: {told:?}");
        assert!(told.err.contains(said), "{wrong:?}: {told:?}");
    }
    assert_eq!(place.run_as(&ann, &["pause", "lab"]).code, 5);
    assert_eq!(place.run_as(&ann, &["pauses"]).code, 5);
}

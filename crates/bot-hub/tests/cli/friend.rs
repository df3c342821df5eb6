//! The command line with the token of an ordinary bot: what it may see, and one sentence for the rest.

use crate::fixture::{Habit, Place, Running, bot_in};

/// A hub with two rooms, and a friend's machine with a context on it.
fn friends() -> (Place, Running, Place) {
    let place = Place::new();
    let hub = place.serve();
    let (ann, ben) = (place.bot("ann"), place.bot("ben"));
    place.data(&["room", "create", "vault", "--closed"]);
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann"]);
    bot_in(&hub.url(), &ben, "lab", Habit::Receive);
    place.data(&["send", "lab", "for ann"]);
    let friend = Place::new();
    std::fs::write(friend.path("ann.token"), &ann).unwrap();
    let added =
        friend.run(&["context", "add", "work", "--url", &hub.url(), "--token-file", "ann.token"]);
    assert_eq!(added.code, 0, "{added:?}");
    assert_eq!(added.out, "work: you are ann on http://ADDRESS, in use from now on\n");
    (place, hub, friend)
}

#[test]
fn an_ordinary_bot_sees_its_rooms_and_who_is_in_them() {
    let (_place, _hub, friend) = friends();
    insta::assert_snapshot!(friend.run(&["whoami"]).out, @r"
    ann · an ordinary bot
      hub    ws://ADDRESS (Bot Hub 0.1.0), context work
      rooms  #lab, 1 message to read
    ");
    for verb in [&["rooms"][..], &["room", "list"]] {
        let expected = "ROOM  IS    MEMBERS  ONLINE  SAID  YOU\n\
                        #lab  open  2        1       1     member\n";
        assert_eq!(friend.run(verb).out, expected, "{verb:?}");
    }
    let shown = friend.run(&["room", "show", "lab"]);
    assert!(shown.code == 0 && shown.out.contains("ben  online   now"), "{shown:?}");
    for verb in [&["who"][..], &["who", "#lab"], &["bot", "list"]] {
        let expected = "BOT  STATE    LAST SEEN  NOTE\n\
                        ann  offline  PERIOD ago\n\
                        ben  online   now\n";
        assert_eq!(friend.run(verb).out, expected, "{verb:?}");
    }
    assert_eq!(friend.run(&["bot", "show", "ben"]).code, 0);
    insta::assert_snapshot!(friend.run(&["pending"]).out, @r"
    ROOM  WAITING
    #lab  1
    ");
    insta::assert_snapshot!(friend.run(&["status"]).out, @r"
    ws://ADDRESS · Bot Hub 0.1.0
      bots       2 that you may see, 1 online
      rooms      1 that you may see, a member of 1
      waiting    1 message for you
    ");
    assert_eq!(friend.json(&["whoami"])["operator"], false);
    let doctor = friend.run(&["doctor"]);
    assert!(doctor.out.contains("answers at ws://ADDRESS"), "it examines that hub: {doctor:?}");
}

#[test]
fn what_needs_an_operator_is_said_in_one_sentence() {
    let (_place, hub, friend) = friends();
    let token = std::fs::read_to_string(friend.path("ann.token")).unwrap();
    for verb in [
        &["bot", "add", "cleo"][..],
        &["bot", "remove", "ben"],
        &["invite", "cleo", "--room", "lab"],
        &["room", "create", "other"],
        &["room", "add", "lab", "ben"],
        &["top"],
        &["pending", "--bot", "ben"],
    ] {
        let told = friend.run(verb);
        assert_eq!((told.code, &*told.out), (5, ""), "{verb:?} {told:?}");
        assert!(told.err.contains("operator") && told.err.contains("hint: "), "{verb:?} {told:?}");
    }
    let doctor = friend.run_as(&token, &["doctor", "--url", &hub.url()]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    assert!(doctor.out.contains("`ann` is an ordinary bot"), "{doctor:?}");
    let check = friend.run(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(check.out.starts_with("BOT-HUB OK - it answers"), "{check:?}");
}

#[test]
fn a_context_is_added_chosen_and_forgotten_only_when_it_is_meant() {
    let (place, hub, friend) = friends();
    let again =
        friend.run(&["context", "add", "work", "--url", &hub.url(), "--token-file", "ann.token"]);
    assert_eq!(again.code, 5, "{again:?}");
    let wrong = friend.run_as("bh_bot_nobody", &["context", "add", "other", "--url", &hub.url()]);
    assert_eq!(wrong.code, 4, "{wrong:?}");
    assert_eq!(friend.run(&["context", "add", "other"]).code, 2, "no hub is named");
    for name in ["local", "../x", ".x"] {
        let told = friend.run(&["context", "add", name, "--url", &hub.url()]);
        assert_eq!(told.code, 2, "{told:?}");
    }
    let ben = place.data(&["bot", "rotate-token", "ben"]);
    let mut add = friend.command(&["context", "add", "second", "--url", &hub.url()]);
    add.args(["--token-file", "-"]).stdin(std::process::Stdio::piped());
    let mut child = add
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), ben.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(friend.json(&["whoami"])["bot"], "ann", "the first stays in use");
    friend.data(&["context", "use", "second"]);
    assert_eq!(friend.json(&["whoami"])["bot"], "ben");
    let refused = friend.run(&["context", "remove", "second"]);
    assert_eq!(refused.code, 5);
    insta::assert_snapshot!(refused.err, @r"
    error: the token of context `second` (ben on http://ADDRESS) is kept nowhere else
    hint: if it may be lost: bot-hub context remove second --yes
    ");
    assert_eq!(friend.json(&["whoami"])["bot"], "ben", "it is still there");
    assert_eq!(friend.run(&["context", "remove", "second", "--yes"]).code, 0);
    assert_eq!(friend.run(&["whoami", "--context", "second"]).code, 3);
}

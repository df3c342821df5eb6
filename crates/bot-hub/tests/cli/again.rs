//! A name that a restore meets again, and what counts as a room whoever counts.

use crate::fixture::Place;

const OF_THE_FILE: &str = "a-token-of-another-zoe-0123456789";

/// Zoe tells ann something, with the token that she has.
fn confides(place: &Place, token: &str) {
    let told = place.run_as(token, &["send", "@ann", "a secret"]);
    assert_eq!(told.code, 0, "{}", told.err);
}

fn restored(place: &Place, copy: &str) -> String {
    let told = place.run(&["restore", copy, "--replace"]);
    assert_eq!(told.code, 0, "{}", told.err);
    told.err
}

fn comes_in(place: &Place, token: &str) -> bool {
    place.run_as(token, &["whoami"]).code == 0
}

#[test]
fn a_restore_brings_back_who_was_removed_and_nobody_whose_name_is_anothers_by_now() {
    let place = Place::new();
    let config = format!("{{ tokens: {{ \"{OF_THE_FILE}\": {{ botId: \"zoe\" }} }} }}");
    std::fs::write(place.path("config.json5"), config).unwrap();
    let named = ["--listen", "127.0.0.1:0", "--config", "config.json5"];

    let hub = place.serve();
    place.bot("ann");
    place.data(&["backup", "before.db"]);
    let first = place.bot("zoe");
    confides(&place, &first);
    place.data(&["backup", "copy.db"]);
    place.data(&["bot", "remove", "zoe", "--yes"]);
    assert!(hub.stop().success());

    // The removal is undone.
    assert!(!restored(&place, "copy.db").contains("another bot has the name"));
    let hub = place.serve();
    assert!(comes_in(&place, &first));
    place.data(&["bot", "remove", "zoe", "--yes"]);
    let second = place.bot("zoe");
    confides(&place, &second);
    assert!(hub.stop().success());

    // The second zoe, and the one of the file, are not the one of the copy; nor are they of one from before.
    for copy in ["copy.db", "copy.db", "before.db"] {
        let told = restored(&place, copy);
        assert_eq!(told.contains("another bot has the name"), copy == "copy.db", "{told}");
        let hub = place.serve_with(&named);
        assert!(!comes_in(&place, &first) && !comes_in(&place, &second), "{copy}");
        assert!(comes_in(&place, OF_THE_FILE), "{copy}");
        for question in [&["rooms"][..], &["history", "dm:ann:zoe"], &["who"]] {
            let told = place.run_as(OF_THE_FILE, question);
            assert!(
                !told.out.contains("secret") && !told.out.contains("ann"),
                "{copy}: {}",
                told.out
            );
        }
        assert!(hub.stop().success());
    }
}

#[test]
fn a_direct_conversation_is_no_room_whoever_counts() {
    let place = Place::new();
    let hub = place.serve();
    place.bot("ann");
    confides(&place, &place.bot("zoe"));
    place.data(&["room", "create", "lab"]);
    for counted in [&["status"][..], &["verify"], &["backup", "copy.db"]] {
        assert_eq!(place.json(counted)["rooms"], 1, "{counted:?}");
    }
    assert!(hub.stop().success());
    let told = place.run(&["doctor"]);
    assert!(told.out.contains("opens, 1 room;"), "{}", told.out);
    let hub = place.serve();
    assert!(place.log().contains("\"rooms\":1"), "{}", place.log());
    assert!(hub.stop().success());
}

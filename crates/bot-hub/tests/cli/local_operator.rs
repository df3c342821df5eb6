//! The local operator is the user of the command line on the hub's machine: nobody can shut it out.

use std::fs;

use crate::fixture::Place;

#[test]
fn the_local_operator_cannot_be_shut_out_by_any_verb() {
    let place = Place::new();
    let _hub = place.serve();
    let rescue = place.data(&["bot", "add", "rescue", "--operator"]);
    let verbs = [
        &["bot", "disable", "operator"][..],
        &["bot", "remove", "operator"],
        &["bot", "rotate-token", "operator"],
        &["bot", "revoke-token", "operator"],
    ];
    for verb in verbs {
        for told in [place.run(verb), place.run_as(&rescue, verb)] {
            assert_eq!((told.code, &*told.out), (5, ""), "{verb:?} {told:?}");
            assert!(told.err.contains("`operator` stands for the command line"), "{told:?}");
            assert!(told.err.contains("hint: ") && !told.err.contains("reload"), "{told:?}");
        }
        assert_eq!(place.run(&["whoami"]).code, 0, "{verb:?}");
    }
    let shown = place.run(&["bot", "show", "operator"]);
    assert!(shown.out.contains("at every start") && !shown.out.contains("the this"), "{shown:?}");
}

#[test]
fn a_bot_that_is_switched_off_is_told_what_to_do_and_doctor_says_the_same() {
    let place = Place::new();
    let hub = place.serve();
    let token = place.bot("ann");
    fs::write(place.path("ann.token"), &token).unwrap();
    let as_ann = ["--url", &hub.url(), "--token-file", "ann.token"];
    place.data(&["bot", "disable", "ann"]);
    let told = place.run(&[&["rooms"], &as_ann[..]].concat());
    assert_eq!(told.code, 4);
    assert!(told.err.contains("hint: ") && told.err.contains("bot-hub bot enable"), "{told:?}");
    let doctor = place.run(&[&["doctor", "--offline"], &as_ann[..]].concat());
    assert!(doctor.out.contains("answers at"), "{doctor:?}");
    assert!(doctor.out.contains("bot enable"), "{doctor:?}");
    for wrong in ["bots cannot come in", "look into its log"] {
        assert!(!doctor.out.contains(wrong), "{wrong}: {doctor:?}");
    }
}

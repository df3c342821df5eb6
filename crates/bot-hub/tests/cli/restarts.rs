//! What a hub that was killed leaves behind, in its files and in what it says of bots.

use std::time::{Duration, Instant};

use crate::fixture::Place;

#[test]
fn what_a_bot_said_itself_does_not_wait_for_it_after_a_kill() {
    let place = Place::new();
    let mut hub = place.serve();
    let ann = place.bot("ann");
    place.bot("bob");
    place.data(&["room", "create", "lab"]);
    for bot in ["ann", "bob"] {
        place.data(&["room", "add", "lab", bot]);
    }
    for text in ["one", "two", "three"] {
        assert_eq!(place.run_as(&ann, &["send", "lab", text]).code, 0);
    }
    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    let doctor = place.run(&["doctor", "--waiting", "1ms"]).out;
    assert!(doctor.contains("3 messages for bob") && !doctor.contains("for ann"), "{doctor}");

    let _hub = place.serve();
    let waiting = |place: &Place| {
        let pending = place.json(&["pending"]);
        let queues = pending["pending"].as_array().unwrap().clone();
        queues
            .iter()
            .map(|it| (it["bot"].to_string(), it["waiting"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(waiting(&place), [("\"bob\"".to_owned(), 3)]);
    assert_eq!(place.run_as(&ann, &["send", "lab", "four"]).code, 0);
    assert_eq!(waiting(&place), [("\"bob\"".to_owned(), 4)]);
}

#[test]
fn drafts_of_a_hub_that_could_not_start_go_with_the_next_start() {
    let place = Place::new();
    assert!(place.serve().stop().success());
    let data = place.path(".local/share/bot-hub");
    let drafts = ["operator.new-99999", "hub.new-99998"].map(|name| data.join(name));
    let other = data.join("notes.new-1");
    for file in drafts.iter().chain([&other]) {
        std::fs::write(file, "").unwrap();
    }
    let _hub = place.serve();
    assert!(drafts.iter().all(|draft| !draft.exists()));
    assert!(other.exists(), "it is not the hub's");
}

#[test]
fn a_bot_that_is_disabled_is_not_told_to_be_started() {
    let place = Place::new();
    let hub = place.serve();
    place.bot("bob");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "bob"]);
    place.data(&["send", "lab", "hello"]);
    place.data(&["bot", "disable", "bob"]);
    let told = place.run(&["doctor", "--waiting", "1ms"]).out;
    assert!(told.contains("bot-hub bot enable bob") && !told.contains("start it"), "{told}");
    assert!(hub.stop().success());
    let told = place.run(&["doctor", "--waiting", "1ms"]).out;
    assert!(told.contains("bot-hub bot enable bob"), "{told}");
}

/// Waits for what a condition that must come true says when it has.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} does not come");
    }
}

#[test]
fn what_is_said_of_the_local_operator_outlives_a_restart() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["bot", "set", "operator", "--about", "mends what breaks"]);
    assert!(hub.stop().success());
    let _hub = place.serve();
    assert_eq!(place.json(&["bot", "show", "operator"])["about"], "mends what breaks");
}

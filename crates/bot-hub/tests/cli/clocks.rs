//! A clock that is wrong at the start, or that is set while the hub runs. Needs `faketime`; says so
//! where it is skipped.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::fixture::{Place, Running};
use crate::restarts::until;

const DAY_S: i64 = 24 * 3_600;

/// The library that shows a program another time.
fn library() -> Option<PathBuf> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    let name = |place: &str| PathBuf::from(place).join("faketime/libfaketime.so.1");
    let found = places.map(name).into_iter().find(|library| library.exists());
    if found.is_none() {
        println!("SKIPPED (`faketime` is not installed)");
    }
    found
}

/// A hub's own clock: so many seconds off.
fn set(place: &Place, off_s: i64) {
    let draft = place.path("clock.new");
    std::fs::write(&draft, format!("{off_s:+}")).unwrap();
    std::fs::rename(draft, place.path("clock")).unwrap();
}

fn serve(place: &Place, library: &PathBuf, off_s: i64, arguments: &[&str]) -> Running {
    set(place, off_s);
    let mut command: Command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(arguments).env("LD_PRELOAD", library).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_TIMESTAMP_FILE", place.path("clock"));
    command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    place.started(command)
}

/// When each message in the room was sent, in seconds from now.
fn sent(place: &Place) -> Vec<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let history = place.json(&["history", "#lab"]);
    let from_now = |at: &serde_json::Value| {
        (at["sent_at"].as_i64().unwrap() - i64::try_from(now).unwrap()) / 1_000
    };
    history["entries"].as_array().unwrap().iter().map(from_now).collect()
}

/// A room that keeps messages for thirty days, with one in it.
fn with_a_message(place: &Place) {
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "retain", "lab", "--age", "30d"]);
    place.data(&["send", "lab", "who finds this?"]);
}

/// Makes the hub look for what is too old: a minute passes on its clock.
fn a_minute_passes(place: &Place, off_s: i64) {
    set(place, off_s + 70);
    place.data(&["ping"]);
    place.data(&["ping"]);
}

#[test]
fn a_clock_that_is_set_while_the_hub_runs_is_followed_and_no_message_goes_back_in_time() {
    let Some(library) = library() else { return };
    let place = Place::new();
    let hub = serve(&place, &library, -2 * DAY_S, &[]);
    with_a_message(&place);
    set(&place, 0);
    place.data(&["send", "lab", "the network has set the clock"]);
    set(&place, -3_600);
    place.data(&["send", "lab", "and somebody has set it back"]);
    let sent = sent(&place);
    let near = |off_s: i64, expected: i64| off_s.abs_diff(expected) < 100;
    assert!(near(sent[0], -2 * DAY_S) && near(sent[1], 0), "{sent:?}");
    assert!(sent[2] >= sent[1] && near(sent[2], 0), "{sent:?}");
    assert!(hub.stop().success());
    let told = place.log().matches("the clock was set, or the machine slept").count();
    assert_eq!(told, 2, "{}", place.log());
}

#[test]
fn a_clock_that_is_forty_days_ahead_at_a_start_removes_nothing_and_says_so() {
    let Some(library) = library() else { return };
    let place = Place::new();
    let hub = serve(&place, &library, 0, &[]);
    with_a_message(&place);
    assert!(hub.stop().success());

    let hub = serve(&place, &library, 40 * DAY_S, &[]);
    a_minute_passes(&place, 40 * DAY_S);
    assert_eq!(sent(&place).len(), 1);
    let says = "nothing is removed because of its age";
    assert!(place.log().contains(says), "{}", place.log());
    assert!(place.run(&["doctor", "--offline"]).out.contains(says));
    let check = place.run(&["check"]);
    assert!(check.out.contains("nothing is removed by age"), "{check:?}");
    assert!(hub.stop().success());

    // Neither does the next start, whose clock agrees with what the one before wrote down.
    let hub = serve(&place, &library, 40 * DAY_S, &[]);
    a_minute_passes(&place, 40 * DAY_S);
    assert_eq!(sent(&place).len(), 1);
    assert!(hub.stop().success());

    // Until somebody vouches for it.
    let _hub = serve(&place, &library, 40 * DAY_S, &["--trust-clock"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    set(&place, 40 * DAY_S + 70);
    while !sent(&place).is_empty() {
        assert!(Instant::now() < deadline, "what is too old is never removed");
    }
}

#[test]
fn a_restored_backup_from_six_weeks_ago_is_not_emptied() {
    let Some(library) = library() else { return };
    let place = Place::new();
    let hub = serve(&place, &library, -45 * DAY_S, &[]);
    with_a_message(&place);
    place.data(&["backup", "copy.db"]);
    assert!(hub.stop().success());

    place.data(&["restore", "copy.db", "--replace"]);
    let _hub = serve(&place, &library, 0, &[]);
    a_minute_passes(&place, 0);
    assert_eq!(sent(&place).len(), 1);
    let says = "the store was restored from a backup";
    assert!(place.log().contains(says), "{}", place.log());
}

#[test]
fn after_a_clock_that_was_ahead_what_waits_has_an_age_and_everybody_says_why() {
    let Some(library) = library() else { return };
    let place = Place::new();
    let hub = serve(&place, &library, 3 * DAY_S, &[]);
    place.bot("bob");
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "from the day after tomorrow"]);
    place.data(&["room", "add", "lab", "bob"]);
    set(&place, 0);
    place.data(&["send", "lab", "and from today"]);
    let check = |place: &Place| {
        until("an age", || {
            let pending = place.json(&["pending", "--bot", "bob"]);
            pending["pending"][0]["oldest_age_ms"].as_u64().filter(|age| *age > 0)
        });
        let told = place.run(&["doctor", "--offline"]).out;
        assert!(told.contains("new messages get a time that is"), "{told}");
        let told = place.run(&["check", "--warn-free", "1KiB", "--crit-free", "1KiB"]);
        assert_eq!(told.code, 1, "{}", told.out);
        assert!(told.out.contains("new messages get a time that is"), "{}", told.out);
    };
    check(&place);
    assert!(hub.stop().success());
    let _hub = serve(&place, &library, 0, &[]);
    check(&place);
}

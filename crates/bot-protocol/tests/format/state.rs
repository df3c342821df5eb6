//! The state file: what is listed, what times out, what is forgotten.

use bot_protocol::block::{Filter, Message, State, TimedOut};
use bot_protocol::time::Timestamp;
use serde_json::{Value, json};

const MINUTE_MS: u64 = 60_000;

fn at(minute: u64) -> Timestamp {
    Timestamp(minute * MINUTE_MS)
}

fn say(state: &mut State, id: &str, minute: u64, message: Value) {
    let mut message: Message = serde_json::from_value(message).unwrap();
    message.request_id = id.to_owned();
    state.track(&message, at(minute)).unwrap();
}

/// Ann asks Ben twice and Cleo once; Ben has answered the first.
fn state() -> State {
    let ask = |to: &str| json!({"type": "REQUEST", "from": "ann", "to": to, "task": "wave"});
    let mut state = State::default();
    say(&mut state, "one", 0, ask("ben"));
    say(&mut state, "two", 0, ask("ben"));
    say(&mut state, "three", 5, ask("cleo"));
    let answer = json!({"type": "RESPONSE", "from": "ben", "to": "ann", "result": "waved"});
    say(&mut state, "one", 1, answer);
    state
}

fn ids(state: &State, filter: Value) -> Vec<String> {
    let filter: Filter = serde_json::from_value(filter).unwrap();
    state.list(&filter).map(|(id, _)| id.to_owned()).collect()
}

#[test]
fn what_is_listed_is_what_every_part_of_the_filter_admits() {
    let state = state();
    assert_eq!(ids(&state, json!({})), ["one", "two", "three"]);
    assert_eq!(ids(&state, json!({"to": ""})), ["one", "two", "three"]);
    assert_eq!(ids(&state, json!({"to": "ben"})), ["one", "two"]);
    assert_eq!(ids(&state, json!({"status": "open"})), ["two", "three"]);
    assert_eq!(ids(&state, json!({"status": "open", "to": "ben"})), ["two"]);
    assert_eq!(ids(&state, json!({"status": "done", "to": "cleo"})), [""; 0]);
    assert_eq!(ids(&state, json!({"from": "ben"})), [""; 0]);
    assert_eq!(ids(&state, json!({"from": "ann", "to": "cleo"})), ["three"]);
}

#[test]
fn the_file_comes_back_as_it_was_written() {
    let text = state().to_json();
    let again = State::from_json(&text).unwrap();
    assert_eq!((again.to_json(), ids(&again, json!({})).len()), (text, 3));
    assert!(State::from_json("[]").unwrap_err().to_string().contains("an object"));
}

#[test]
fn who_waited_for_more_than_half_an_hour_waits_no_longer() {
    let mut state = state();
    assert_eq!(state.check_timeouts(at(30)), []);
    let late = state.check_timeouts(Timestamp(30 * MINUTE_MS + 1));
    assert_eq!(late, [TimedOut { id: "two".to_owned(), minutes: 30 }]);
    assert_eq!(state.check_timeouts(at(36)), [TimedOut { id: "three".to_owned(), minutes: 31 }]);
    assert_eq!(ids(&state, json!({"status": "timeout"})), ["two", "three"]);
}

#[test]
fn waiting_can_be_ended_by_hand() {
    let mut state = state();
    let ended = state.time_out("two", "never mind", at(9)).unwrap().unwrap();
    let reason = ended.events().last().and_then(|event| event.reason);
    assert_eq!((ended.status.as_str(), reason.as_deref()), ("timeout", Some("never mind")));
    assert_eq!(ids(&state, json!({"status": "timeout"})), ["two"]);
    assert!(state.time_out("nobody", "never mind", at(9)).unwrap().is_none());
}

#[test]
fn what_ended_long_ago_is_forgotten_and_what_is_open_stays() {
    let mut state = state();
    assert_eq!(state.cleanup(10 * MINUTE_MS, at(11)), 0, "it ended exactly so long ago");
    assert_eq!(state.cleanup(10 * MINUTE_MS, at(12)), 1);
    assert_eq!(ids(&state, json!({})), ["two", "three"]);
    assert_eq!(state.cleanup(10 * MINUTE_MS, at(99)), 0);
}

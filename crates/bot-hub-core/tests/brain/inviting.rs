//! Who may invite into which rooms, as whoever keeps the invites asks it.

use bot_hub_core::access::Rooms;
use bot_hub_core::settings::Settings;
use bot_protocol::name::{BotId, RoomName};

use crate::bench::Bench;
use crate::script::execute;

fn bench(lines: &[&str]) -> Bench {
    let mut bench = Bench::new(Settings::default());
    lines.iter().for_each(|line| execute(&mut bench, line));
    bench
}

fn rooms(names: &str) -> Vec<RoomName> {
    names.split(',').filter(|it| !it.is_empty()).map(|it| RoomName::new(it).unwrap()).collect()
}

#[test]
fn who_invites_passes_on_no_more_than_its_own() {
    let mut bench = bench(&[
        "open ops side operator",
        "open ana ack",
        "ana join lab",
        "open bob ack",
        "let in gus lab read,post",
        "let in hal lab read,invite",
    ]);
    let mut check = |by: &str, names: &str, rights: &str, expected: &str| {
        let (by, is_operator) = (BotId::new(by).unwrap(), by == "ops");
        let rights = rights.parse().expect("rights");
        let answer = bench.hub.may_invite(&by, is_operator, &rooms(names), rights);
        let answer = answer.map_or_else(|error| error.name.to_string(), |()| "yes".to_owned());
        assert_eq!(answer, expected, "{by} {names}");
    };
    check("ops", "lab", "read,post,request,invite", "yes");
    check("ops", "lab,den", "read,post", "yes");
    check("ops", "", "read", "bad_frame");
    check("ops", "dm:ana:bob", "read", "not_allowed");
    check("ops", "ana", "read", "wrong_kind");
    check("hal", "lab", "read", "yes");
    check("hal", "lab", "read,post", "no_right");
    check("hal", "lab,den", "read", "no_such_room");
    check("gus", "lab", "read", "no_right");
    check("bob", "lab", "read", "not_a_member");
}

#[test]
fn a_room_that_is_full_takes_nobody_and_a_room_that_is_not_there_is_missing() {
    let mut bench = bench(&["set members 2", "open ana ack", "ana join lab", "ana join den"]);
    assert_eq!(bench.hub.missing(&rooms("lab,pit,den")), rooms("pit"));
    assert!(bench.hub.have_space(&rooms("lab,pit,den")).is_ok());
    execute(&mut bench, "open bob ack");
    execute(&mut bench, "bob join den");
    let full = bench.hub.have_space(&rooms("lab,den")).unwrap_err();
    assert_eq!(full.name, "room_full");
    assert!(bench.hub.have_space(&rooms("lab")).is_ok());
}

#[test]
fn a_name_that_means_something_cannot_be_chosen() {
    let bench = bench(&[
        "open ana ack",
        "ana join lab",
        "bot bob",
        "declare pit eve",
        "bot carl",
        "remove carl",
    ]);
    let check = |name: &str, expected: bool| {
        assert_eq!(bench.hub.is_known(&BotId::new(name).unwrap()), expected, "{name}");
    };
    check("ana", true);
    check("bob", true);
    check("eve", true);
    check("lab", true);
    check("carl", false);
    check("nobody", false);
}

//! What happens to many entries or many members at once costs as much as if it were one.

use crate::{script, transcript};

/// What the hub did about the lines behind the last `loud`.
fn told(script: &str) -> Vec<String> {
    let text = script::run(script);
    let (_, tail) = text.rsplit_once("> loud\n").expect("a script gets loud");
    tail.lines().filter(|line| !line.starts_with("> ")).map(str::to_owned).collect()
}

fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

/// A room `lab` of `ana`, who speaks, and so many others, who are away.
fn with_absent(members: usize, settings: &str, caps: &str) -> String {
    let names: Vec<String> = (0..members).map(|at| format!("b{at}")).collect();
    format!(
        "> quiet\n{settings}\n> declare lab ana,{}\n> open ana {caps} resume\n",
        names.join(",")
    )
}

#[test]
fn after_more_refused_changes_than_are_kept_everything_is_delivered_once_the_store_heals() {
    let lines = told(
        "
        > quiet
        > set window 20000
        > open ana ack
        > ana join lab
        > open bob ack
        > bob join lab
        > open carl ack
        > carl join lab
        > close carl
        > times 10001 ana say #lab number {n} id=m{n}
        > bob received lab 10001
        > tick 1s
        > damage lab 1
        > hold store
        > times 10001 bob started lab m{n}
        > open carl ack resume
        > refuse storage_full
        > free store
        > loud
        > tick 60s
        ",
    );
    assert_eq!(count(&lines, "carl <- #lab"), 10_000, "{:?}", lines.first());
    assert_eq!(count(&lines, "\"reason\":\"corrupt\""), 1);
}

#[test]
fn what_is_dropped_for_many_absent_members_is_recorded_in_ranges() {
    let script = with_absent(300, "> set buffer 5", "ack");
    let script = format!(
        "{script}> show store\n> loud\n> times 105 ana say #lab number {{n}} id=m{{n}}\n> tick 2s\n"
    );
    let lines = told(&script);
    assert_eq!(count(&lines, "store <- drop"), 300);
    assert_eq!(count(&lines, "\"dropped\":300"), 100, "every `ack` says how many it pushed out");
}

#[test]
fn many_expired_entries_wait_for_nobody_and_are_one_gap() {
    let lines = told(
        "
        > quiet
        > open ana ack
        > ana join lab
        > open bob ack
        > bob join lab
        > close bob
        > open ops side operator
        > times 2000 ana say #lab number {n} id=m{n} expires=1s
        > tick 10s
        > loud
        > ops do {\"pending\":{}}
        > ops do {\"room_show\":{\"room\":\"lab\"}}
        > open bob ack resume
        > ana say #lab last
        ",
    );
    assert_eq!(count(&lines, "\"pending\":[]"), 1, "{lines:?}");
    assert_eq!(
        count(
            &lines,
            "\"bot\":\"bob\",\"can\":[\"read\",\"post\",\"request\"],\"cursor\":0,\"online\":false,\"waiting\":0"
        ),
        1,
        "{lines:?}"
    );
    assert_eq!(count(&lines, "\"type\":\"gap\""), 1, "{lines:?}");
    assert_eq!(
        count(&lines, "\"from_seq\":1,\"to_seq\":2000,\"lost\":2000,\"reason\":\"expired\""),
        1
    );
    assert_eq!(count(&lines, "bob <- #lab 2001 ana: last"), 1);
}

#[test]
fn a_takeover_is_not_held_against_the_entry_that_was_not_received_yet() {
    let lines = told(
        "
        > quiet
        > set redeliveries 3
        > open ana ack
        > ana join lab
        > open bob ack
        > bob join lab
        > ana say #lab one id=m1
        > written bob
        > open bob ack resume
        > written bob
        > tick 11s
        > open bob ack resume
        > written bob
        > tick 11s
        > open bob ack resume
        > written bob
        > tick 11s
        > open bob ack resume
        > written bob
        > tick 11s
        > loud
        > open bob ack resume
        ",
    );
    assert_eq!(count(&lines, "\"reason\":\"dead\""), 0, "{lines:?}");
    assert_eq!(count(&lines, "bob <- #lab 1 ana: one (m1)"), 1, "{lines:?}");
}

#[test]
fn the_retention_costs_a_record_for_nobody_and_a_notice_for_a_range() {
    let script = with_absent(300, "> set keep 5", "receipts,ranges");
    let script = format!(
        "{script}> times 600 ana say #lab number {{n}} id=m{{n}}\n> show store\n> loud\n> tick 61s\n> tick 20s\n"
    );
    let lines = told(&script);
    assert_eq!(count(&lines, "store <- drop"), 0);
    assert!(count(&lines, "\"state\":\"dropped\"") <= 4, "{}", lines.len());
    assert!(count(&lines, "\"recipients\":300") >= 1, "{:?}", lines.first());
}

#[test]
fn a_sender_that_knows_no_ranges_hears_of_some_recipients_and_how_many_others_there_are() {
    let script = with_absent(300, "> set keep 5", "receipts");
    let script = format!(
        "{script}> loud\n> times 600 ana say #lab number {{n}} id=m{{n}}\n> tick 61s\n> tick 60s\n"
    );
    let lines = told(&script);
    let frames = count(&lines, "\"state\":\"dropped\"");
    assert!(frames <= 595 * 8, "{frames} frames");
    assert_eq!(count(&lines, "\"others\":292"), 595);
}

#[test]
fn expired_entries_that_alternate_with_others_wait_for_nobody_however_many_they_are() {
    let mut script = "
        > quiet
        > open ana ack
        > ana join lab
        > open bob ack
        > bob join lab
        > close bob
        > open ops side operator
        "
    .to_owned();
    for number in 1..=1_000 {
        script += &format!("> ana say #lab short id=s{number} expires=1s\n");
        script += &format!("> ana say #lab lasting id=l{number}\n");
    }
    let told_of = |end: &str| told(&format!("{script}{end}"));
    let lines = told_of("> tick 10s\n> loud\n> ops do {\"pending\":{}}\n");
    assert_eq!(count(&lines, "\"waiting\":1000}"), 1, "{lines:?}");
    // What has expired takes no place of what has not.
    let lines = told_of(
        "> tick 10s
        > set buffer 600
        > ana say #lab one more id=more
        > loud
        > open bob ack resume",
    );
    assert_eq!(count(&lines, ", 1 of 600"), 1, "{lines:?}");
}

#[test]
fn what_very_many_absent_members_lose_is_recorded_in_steps() {
    transcript!(@r#"
    > quiet
    > set buffer 1
    > open ana receipts
    > ana join lab
    > open ops side operator
    > times 1030 bot b{n}
    > times 1030 ops do {"room_add":{"room":"lab","bot":"b{n}"}}
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > brief
    > show store
    > tick 1s
    store <- cursor #lab ana 2 delivered
    store <- drop #lab b1 1..1 BufferLimit
    ... 1030 more ...
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"b7","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"b8","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room","others":1016}
    > tick 1s
    store <- drop #lab b1025 1..1 BufferLimit
    store <- drop #lab b1026 1..1 BufferLimit
    ... 9 more ...
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"b1029","state":"dropped","at":1002000,"reason":"buffer_per_bot_per_room"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"b1030","state":"dropped","at":1002000,"reason":"buffer_per_bot_per_room"}
    > tick 1s
    "#);
}

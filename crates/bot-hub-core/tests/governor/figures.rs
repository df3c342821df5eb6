//! What the governor promises, in numbers.

use crate::play::Causes;
use crate::score::{self, Pace, Trace};
use crate::verdict::Verdict;
use crate::{SCRIPTS, verdicts};

const AS_WRITTEN: Pace = Pace(1, 1);

/// They were written first. A change of one of them, or of how they are read, would change what every figure
/// means.
#[test]
fn the_conversations_are_those_that_were_written_first() {
    let digest = |traces: &[Trace]| {
        let loops = traces.iter().filter(|it| it.is_loop).count();
        let lines: Vec<_> = traces.iter().map(|it| (&it.name, it.is_loop, &it.lines)).collect();
        let messages: usize = traces.iter().map(|it| it.lines.len()).sum();
        let hash = blake3::hash(format!("{lines:?}").as_bytes()).to_hex();
        format!("{} with {loops} loops, {messages} messages, {}", traces.len(), &hash[..8])
    };
    let found = SCRIPTS.map(|(_, script)| digest(&score::read(script, 1, AS_WRITTEN)));
    assert_eq!(
        found,
        [
            "22 with 22 loops, 26607 messages, 86170ab5",
            "22 with 0 loops, 34737 messages, 27fffb4e",
            "20 with 15 loops, 34511 messages, acc659c0",
        ]
    );
}

/// Loops that went on, and conversations that were stopped.
fn wrong(verdicts: &[Verdict]) -> (Vec<&str>, Vec<&str>) {
    let wrong = |is_loop| {
        let wrong = verdicts.iter().filter(move |it| it.is_loop == is_loop && !it.is_right);
        wrong.map(|it| it.name.as_str()).collect()
    };
    (wrong(true), wrong(false))
}

#[test]
fn every_loop_is_stopped_and_few_others_are() {
    let inferred = verdicts(&["loops", "legitimate"], 1, AS_WRITTEN, Causes::Inferred);
    let stopped = vec!["pair-programming-alone", "chess", "ci-pipeline"];
    assert_eq!(wrong(&inferred), (vec![], stopped));
    let named = verdicts(&["loops", "legitimate"], 1, AS_WRITTEN, Causes::Named);
    assert_eq!(wrong(&named), (vec![], vec!["pair-programming-alone", "chess"]));
}

#[test]
fn heartbeats_lies_and_other_names_help_no_loop() {
    for causes in [Causes::Inferred, Causes::Named] {
        let more = verdicts(&["more"], 1, AS_WRITTEN, causes);
        assert_eq!(wrong(&more), (vec![], vec![]), "{causes:?}");
    }
}

/// Within one of what holds for the conversations as they are written.
fn holds_within_one(seed: u64, pace: Pace) {
    for (causes, stopped_max) in [(Causes::Inferred, 4), (Causes::Named, 3)] {
        let verdicts = verdicts(&["loops", "legitimate"], seed, pace, causes);
        let (loops, others) = wrong(&verdicts);
        assert!(loops.len() <= 1, "{causes:?}, seed {seed}, {pace:?}: {loops:?} went on");
        assert!(others.len() <= stopped_max, "{causes:?}, seed {seed}, {pace:?}: {others:?}");
    }
}

#[test]
fn what_is_said_otherwise_makes_no_difference() {
    holds_within_one(2, AS_WRITTEN);
    holds_within_one(3, AS_WRITTEN);
}

#[test]
fn what_is_said_twice_as_fast_makes_no_difference() {
    holds_within_one(1, Pace(1, 2));
}

#[test]
fn what_is_said_more_slowly_makes_no_difference() {
    holds_within_one(1, Pace(2, 1));
    holds_within_one(1, Pace(4, 1));
}

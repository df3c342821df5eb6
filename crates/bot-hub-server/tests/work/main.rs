//! How much work a frame may cause: the same in a hub of ten as in one of five thousand, or a page more.
//!
//! Nothing is timed. What counts is what the brain's loops look at, what is allocated, what SQLite's
//! machine executes, and how much is answered. `count` counts, `stage` builds a hub of any size, `cases`
//! has a frame of every type and every operation, and fails when an operation is missing.

mod cases;
#[allow(unsafe_code)]
mod count;
mod stage;

use std::collections::BTreeMap;

use bot_hub_core::change::{Change, Outcome, Removal};
use bot_hub_store::{Store, Write};
use bot_protocol::frame::ClientFrame;
use bot_protocol::limits::{LIST_PAGE, Limits};
use bot_protocol::name::RoomName;
use cases::Growth;
use count::Work;

const SMALL: u64 = 10;
const LARGE: u64 = 5_000;

/// What a page of a log more costs: two hundred entries, read, checked and answered.
const PAGE: Work =
    Work { steps: 1_000, allocations: 5_000, machine: 20_000, answer: 256 << 10, compiled: 0 };

/// Rooms that one bot may be a member of.
const ROOMS: u64 = 1_000;

/// How much more each kind of growth may be, at most.
fn allowed(growth: Growth) -> Work {
    let nothing = Work::default();
    match growth {
        // Each line is some names and numbers; an invite is the longest.
        Growth::List => {
            let lines = u64::from(LIST_PAGE);
            let (steps, allocations) = (20 * lines, 80 * lines);
            Work { steps, allocations, machine: 80 * lines, answer: 400 * lines, ..nothing }
        }
        // It is looked at, and nothing is made for it.
        Growth::Members => Work { steps: 8 * LARGE, ..nothing },
        Growth::Rooms => Work { steps: 50 * ROOMS, allocations: 4 * ROOMS, ..nothing },
        Growth::Lost => {
            Work { steps: 2 * LARGE, allocations: 3 * LARGE, machine: 20 * LARGE, ..nothing }
        }
        Growth::Store => Work { machine: 20 * LARGE, ..nothing },
    }
}

/// Whether so much more work is no more than such growth allows.
fn is_flat(growth: &[Growth], small: Work, large: Work) -> bool {
    let all = [small, PAGE].into_iter().chain(growth.iter().copied().map(allowed));
    let most = all.fold(Work::default(), Work::plus);
    large.steps <= most.steps
        && large.allocations <= most.allocations
        && large.machine <= most.machine
        && large.answer <= most.answer
}

fn measure(size: u64) -> BTreeMap<String, Work> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async { stage::Stage::new(size).measure(&cases::all()).await })
}

#[test]
fn no_frame_and_no_operation_costs_more_in_a_large_hub() {
    cases::none_is_missing();
    let (small, large) = (measure(SMALL), measure(LARGE));
    let mut wrong = Vec::new();
    let frames = cases::all().into_iter().map(|case| (case.name, case.growth));
    let others = cases::OTHERS.iter().map(|(name, growth)| ((*name).to_owned(), *growth));
    for (name, growth) in frames.chain(others) {
        let (small, large) = (small[&name], large[&name]);
        println!("{name:<30} {small}   {large}");
        if !is_flat(growth, small, large) {
            wrong.push(format!("{name}: {small} grows to {large}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn sqlite_compiles_a_statement_once_and_not_at_every_execution() {
    let compiled: u64 = measure(SMALL).values().map(|work| work.compiled).sum();
    // A new connection may compile again what it had compiled before it read the schema.
    assert!(compiled <= 2, "{compiled} of some hundred executions");
}

#[test]
fn a_start_asks_the_store_no_question_for_each_room() {
    let executed = |size| {
        let (_directory, mut store) = stage::store(size);
        count::take_executions();
        store.load().unwrap();
        count::take_executions()
    };
    let (small, large) = (executed(10), executed(200));
    // Somebody waits in the one big room, and nobody in any other.
    assert_eq!(small, large);
}

#[test]
fn a_room_goes_in_steps_that_cost_no_more_in_a_large_one() {
    let step = |size| {
        let (_directory, mut store) = stage::store(size);
        let gone = RoomName::new("gone").unwrap();
        let remove = Change::RemoveRoom { room: gone, why: Removal::Asked };
        count::take();
        let removed = store.commit(&[Write::Change(remove)]).unwrap();
        let whole = count::take();
        let [Outcome::RoomRemoved { remains }] = removed[..] else { panic!("{removed:?}") };
        let clear = Change::Clear { remains, entries_max: 512 };
        let cleared = store.commit(&[Write::Change(clear)]).unwrap();
        let is_step = matches!(&cleared[..], [Outcome::Cleared { removed, more: true }] if removed.len() == 512);
        assert!(is_step, "{cleared:?}");
        [whole, count::take()]
    };
    let (small, large) = (step(1_000), step(LARGE));
    for (small, large) in small.into_iter().zip(large) {
        println!("{small}   {large}");
        assert!(
            large.machine <= small.machine + small.machine / 8 + 100,
            "{small} grows to {large}"
        );
        assert!(large.allocations <= small.allocations + 1_000, "{small} grows to {large}");
    }
}

#[test]
fn no_key_of_a_frame_costs_an_allocation() {
    let allocations = |keys: usize| {
        let keys: Vec<String> = (0..keys).map(|at| format!("\"{at}\":0")).collect();
        let json = format!(r#"{{"type":"rooms","x":[{{{}}}]}}"#, keys.join(","));
        count::take();
        let frame = ClientFrame::decode_text(&json, &Limits::default());
        let allocations = count::take().allocations;
        assert!(frame.is_ok(), "{frame:?}");
        allocations
    };
    let (few, many) = (allocations(10), allocations(5_000));
    // A list of the keys doubles its place now and then.
    assert!(many <= few + 16, "{few} allocations for ten keys, {many} for five thousand");
}

//! A brain that only hears of what is committed knows what one knows that made it, and one that read the
//! store.

use std::collections::BTreeMap;

use bot_hub_core::Hub;
use bot_hub_core::io::Input;
use bot_hub_core::settings::Settings;
use bot_protocol::frame::ServerFrame;
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::{Bench, START, Seen};
use crate::properties::{KINDS, Run, step};
use crate::script::{self, execute};

/// The bots of a run, and in which rooms of theirs which entries they are handed, in their order.
type Handed = BTreeMap<(String, String), Vec<u64>>;

/// A bench with a brain that read the store.
fn restored(bench: &Bench) -> Bench {
    let hub = Hub::new(bench.now, &[9; 32], bench.settings.clone(), bench.store.snapshot());
    Bench::around(hub, bench.store.clone(), bench.now, bench.settings.clone())
}

/// Rooms and members as an operator is shown them, without who is here and what waits: what a bot said
/// itself, one that read the store does not count apart.
fn rooms(bench: &mut Bench) -> Vec<Value> {
    execute(bench, "open zoe side operator");
    execute(bench, r#"zoe do {"room_list":{}}"#);
    let seen = bench.peer("zoe").inbox.last().cloned().expect("an answer");
    let Seen::Frame(frame) = seen else { panic!("an answer is a frame") };
    let ServerFrame::Operated(answer) = *frame else { panic!("{frame:?}") };
    let mut rooms = serde_json::to_value(answer.result).expect("JSON")["rooms"].take();
    for room in rooms.as_array_mut().expect("rooms") {
        let mut members = room["members"].as_array().cloned().unwrap_or_default();
        members.sort_by_key(|it| it["bot"].to_string());
        let log = bench.store.committed(&script::room(room["room"].as_str().expect("a name")));
        for member in &mut members {
            let own = member["bot"].as_str().expect("a name").to_owned();
            let member = member.as_object_mut().expect("a member");
            member.retain(|name, _| !["online", "waiting"].contains(&name.as_str()));
            // A start passes over what a bot said itself right after its cursor.
            let mut cursor = member["cursor"].as_u64().expect("a seq");
            while log.get(&(cursor + 1)).is_some_and(|it| it.from.as_str() == own) {
                cursor += 1;
            }
            member["cursor"] = cursor.into();
        }
        room["members"] = members.into();
    }
    rooms.as_array().cloned().expect("rooms")
}

/// Everybody comes and reads everything.
fn read(bench: &mut Bench) -> Handed {
    for line in ["set buffer 1000", "set window 1000", "set outstanding 4000"] {
        execute(bench, line);
    }
    let mut handed = Handed::new();
    for (bot, _) in KINDS {
        execute(bench, &format!("open {bot} ack resume"));
        execute(bench, "tick 20s");
        for seen in &bench.peer(bot).inbox {
            if let Seen::Entry(entry, _) = seen {
                let key = (bot.to_owned(), entry.draft.room.to_string());
                handed.entry(key).or_default().push(entry.seq);
            }
        }
        execute(bench, &format!("close {bot}"));
    }
    handed
}

/// The bench of the shadow, when nobody is here any more and everything is stored.
fn shadow(run: &mut Run) -> Bench {
    for line in ["free store", "free reads"] {
        execute(&mut run.bench, line);
    }
    for (bot, _) in KINDS {
        if run.is_open(bot) {
            execute(&mut run.bench, &format!("close {bot}"));
        }
    }
    // What the retention is about to remove is removed by now.
    execute(&mut run.bench, "tick 130s");
    let (store, now) = (run.bench.store.clone(), run.bench.now);
    let hub = run.bench.shadow.take().expect("it casts a shadow");
    let mut bench = Bench::around(hub, store, now, run.bench.settings.clone());
    bench.input(Input::Configured(run.bench.settings.clone()));
    bench
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_hears_of_every_change_knows_what_the_store_knows(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut run = Run::new();
        let settings = Settings { redeliveries_max: 2, ..Settings::default() };
        let nothing = run.bench.store.snapshot();
        run.bench.shadow = Some(Hub::new(START, &[8; 32], settings, nothing));
        for step in steps {
            run.step(step);
        }
        let mut shadow = shadow(&mut run);
        let (mut restored, mut maker) = (restored(&shadow), run.bench);
        let known = rooms(&mut restored);
        prop_assert_eq!(rooms(&mut shadow), known.clone());
        prop_assert_eq!(rooms(&mut maker), known);
        let handed = read(&mut restored);
        prop_assert_eq!(read(&mut shadow), handed.clone());
        prop_assert_eq!(read(&mut maker), handed);
    }
}

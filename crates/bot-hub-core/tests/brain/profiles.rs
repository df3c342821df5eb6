//! What is said of bots: who is shown it, until when, and how much of it a page holds.

use bot_hub_core::settings::Settings;
use serde_json::Value;

use crate::bench::Bench;
use crate::script::execute;
use crate::transcript;

#[test]
fn what_is_said_of_a_bot_is_in_the_directory_of_clients_that_can_know_it_and_ends_with_the_bot() {
    transcript!(@r#"
    > declare lab ana,bob,sam
    > open ana ack resume
    ana <- auth_ok [ack] lab 0/0
    > open sam seed
    sam <- {"type":"auth_ok"}
    > profile bob reads the news
    > ana who lab
    ana <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"bob","state":"offline","about":"reads the news","skills":["news"]},{"bot":"sam","state":"online","last_seen":1000000}]}
    > sam who lab
    sam <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"bob","state":"offline"},{"bot":"sam","state":"online","last_seen":1000000}]}
    > remove bob
    > bot bob
    > declare lab bob
    > ana who lab
    ana <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"bob","state":"offline"},{"bot":"sam","state":"online","last_seen":1000000}]}
    "#);
}

/// The names on each page of a list of bots.
fn pages(bench: &mut Bench, asker: &str, room: &str) -> Vec<Vec<String>> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        bench.log.clear();
        execute(bench, &format!(r#"{asker} {{"type":"who"{room}{after}}}"#));
        let said = bench.log.pop().expect("an answer");
        let (_, json) = said.split_once(" <- ").expect("a frame");
        let page: Value = serde_json::from_str(json).expect(json);
        let bots = page["bots"].as_array().expect(json).iter();
        pages.push(bots.map(|it| it["bot"].as_str().unwrap().to_owned()).collect());
        let Some(next) = page["next"].as_str() else { return pages };
        after = format!(r#","after":"{next}""#);
    }
}

#[test]
fn a_page_of_bots_of_which_much_is_said_ends_sooner_and_leaves_nobody_out() {
    let mut bench = Bench::new(Settings::default());
    execute(&mut bench, "open ops side operator");
    let names: Vec<String> = (0..700).map(|number| format!("b{number:03}")).collect();
    execute(&mut bench, &format!("declare lab {}", names.join(",")));
    for name in &names {
        execute(&mut bench, &format!("bot {name}"));
        // Two bytes each: such a bot takes the place of two lines.
        execute(&mut bench, &format!("profile {name} {}", "ü".repeat(280)));
    }
    execute(&mut bench, "open b000 side");
    for (asker, room) in [("ops", ""), ("ops", r#","room":"lab""#), ("b000", "")] {
        let pages = pages(&mut bench, asker, room);
        assert_eq!(pages.len(), 2, "{asker} {room}");
        let mut all = pages.concat();
        all.retain(|name| name != "ops");
        assert_eq!(all, names, "{asker} {room}");
    }
}

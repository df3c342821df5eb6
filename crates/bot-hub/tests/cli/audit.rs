//! What operators did, as the command line lists it, and what bots are for.

use serde_json::Value;

use crate::fixture::Place;

fn short(listed: &Value) -> Vec<String> {
    let text = |act: &Value, field: &str| act[field].as_str().unwrap_or("-").to_owned();
    let line = |act: &Value| ["operation", "bot", "why"].map(|field| text(act, field)).join(" ");
    listed["acts"].as_array().expect("a list").iter().map(line).collect()
}

#[test]
fn what_was_done_and_why_is_in_the_backup_and_a_restore_says_that_it_was() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab", "--why", "a place to talk"]);
    place.data(&["bot", "add", "ann", "--why", "she asked"]);
    place.data(&["backup", "copy.db"]);
    place.data(&["bot", "disable", "ann"]);
    let before = ["room_create - a place to talk", "bot_add ann she asked"];
    let all = place.json(&["audit"]);
    assert_eq!(short(&all), [&before[..], &["bot_disable ann -"]].concat());
    assert_eq!(all["acts"][1]["by"], "operator");
    assert!(all["acts"][1]["client"].as_str().is_some_and(|it| it.contains("bot-hub")), "{all}");
    assert_eq!(short(&place.json(&["audit", "--limit", "1"])), ["bot_disable ann -"]);
    assert_eq!(short(&place.json(&["audit", "--since", "1h", "--by", "nobody"])), [""; 0]);
    let told = place.run(&["audit", "--bot", "ann"]);
    assert!(told.out.contains("she asked") && !told.out.contains("a place"), "{told:?}");
    assert!(hub.stop().success());

    place.data(&["restore", "copy.db", "--replace", "--why", "the disk broke"]);
    let _hub = place.serve();
    let all = place.json(&["audit"]);
    assert_eq!(short(&all), [&before[..], &["restore - the disk broke"]].concat());
    assert_eq!(
        (&all["acts"][2]["by"], &all["acts"][2]["via"]),
        (&"restore".into(), &"command".into())
    );
    assert_eq!(all["acts"][2]["detail"], "from `copy.db`");
}

#[test]
fn a_bot_says_what_it_is_for_and_a_terminal_is_told_what_it_cannot_see() {
    let place = Place::new();
    let hub = place.serve();
    let (ann, url) = (place.bot("ann"), hub.url());
    let about = "reads \u{202e}the news";
    let told = place.run_as(
        &ann,
        &["bot", "set", "ann", "--about", about, "--skills", "news,rust", "--url", &url],
    );
    assert_eq!(told.code, 0, "{told:?}");
    let shown = "reads \\u{202e}the news [news, rust]";
    for verb in [&["who"][..], &["bot", "show", "ann"]] {
        let told = place.run(verb);
        assert!(told.out.contains(shown), "{told:?}");
    }
    let listed = place.json(&["bot", "list"]);
    let line = listed["bots"].as_array().unwrap().iter().find(|it| it["bot"] == "ann").unwrap();
    assert_eq!((&line["about"], &line["skills"][1]), (&about.into(), &"rust".into()));
    place.data(&["bot", "set", "ann", "--about", "", "--skills", ""]);
    assert!(!place.run(&["who"]).out.contains("news"));
    for wrong in [["--about", "a\nb"], ["--skills", "Rust"]] {
        let told = place.run(&[&["bot", "set", "ann"][..], &wrong].concat());
        assert_eq!(told.code, 2, "{told:?}");
    }
}

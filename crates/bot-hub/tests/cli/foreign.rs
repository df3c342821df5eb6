//! What other bots wrote: it drives no terminal, hides nothing, and is loaded and run nowhere.

use crate::fixture::{Place, Running};

fn lab() -> (Place, Running) {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    (place, hub)
}

/// A label holds no control characters; the hub refuses them.
const SLY_LABEL: &str = "a\u{2028}b\u{200e}c\u{61c}d\u{202e}e\u{ad}f\u{feff}g";
const SLY: &str = "a\u{2028}b\u{200e}c\u{61c}d\u{202e}e\u{1b}[2Jf\u{ad}g\u{feff}h";

#[test]
fn no_verb_prints_what_a_terminal_obeys_or_an_eye_misses() {
    let (place, _hub) = lab();
    place.data(&["send", "lab", SLY, "--id", "m1", "--thread", SLY_LABEL]);
    let is_sly = |c: char| !c.is_ascii() || (c.is_ascii_control() && c != '\n');
    for arguments in [
        &["history", "lab"][..],
        &["history", "lab", "--json"],
        &["tail", "lab", "--since", "1h", "--count", "1"],
        &["tail", "lab", "--since", "1h", "--count", "1", "--json"],
        &["trace", "m1"],
        &["export"],
    ] {
        let told = place.run(arguments);
        assert!(!told.out.contains(is_sly), "{arguments:?} {:?}", told.out);
    }
    let told = place.run(&["export", "--format", "md"]);
    assert!(!told.out.replace('·', "").contains(is_sly), "{:?}", told.out);
    let shown = place.run(&["history", "lab"]).out;
    assert!(shown.contains("a\\u{2028}b\\u{200e}c\\u{61c}d\\u{202e}e"), "{shown}");
    let raw = place.data(&["tail", "lab", "--since", "1h", "--count", "1", "--raw"]);
    assert_eq!(raw, SLY, "whoever asks for it gets it as it is");
}

#[test]
fn programs_read_from_json_what_was_said() {
    let (place, _hub) = lab();
    place.data(&["send", "lab", SLY]);
    assert_eq!(place.json(&["history", "lab"])["entries"][0]["text"], SLY);
}

#[test]
fn an_export_in_markdown_loads_and_runs_nothing() {
    let (place, _hub) = lab();
    let text =
        "![x](http://evil.example/p.png) <img src=http://evil.example/q.png>\n````\n<script>";
    place.data(&["send", "lab", text]);
    insta::assert_snapshot!(place.run(&["export", "--format", "md"]).out, @r"
    # `#lab`

    **operator** · TIME

    `````text
    ![x](http://evil.example/p.png) <img src=http://evil.example/q.png>
    ````
    <script>
    `````
    ");
}

#[test]
fn a_command_never_answers_itself() {
    let (place, _hub) = lab();
    let answer = format!("{} send lab again", env!("CARGO_BIN_EXE_bot-hub"));
    let ann = place.bot("ann");
    place.data(&["room", "add", "lab", "ann"]);
    let mut tail = place.tail(&["lab", "--exec", &answer]);
    assert_eq!(place.run_as(&ann, &["send", "#lab", "first"]).code, 0);
    assert!(tail.said().starts_with("stored "), "the command says what it did");
    // What the command said is passed over: the next that it is run for is ann's.
    assert_eq!(place.run_as(&ann, &["send", "#lab", "second"]).code, 0);
    assert!(tail.said().starts_with("stored "));
    tail.signal("INT");
    assert_eq!(tail.told().code, 130);
    let texts: Vec<String> = place.json(&["history", "lab"])["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["first", "again", "second", "again"]);
}

#[test]
fn commands_that_answer_each_other_come_to_an_end() {
    let (place, _hub) = lab();
    let answer = format!("{} send lab again", env!("CARGO_BIN_EXE_bot-hub"));
    // Its own words too: as good as two that listen to each other.
    let mut tail = place.tail(&["lab", "--own", "--exec", &answer]);
    place.data(&["send", "lab", "first"]);
    let mut said = tail.said();
    while said.starts_with("stored in") {
        said = tail.said();
    }
    assert!(said.contains("8 commands have answered each other up to it"), "{said}");
    tail.signal("INT");
    assert_eq!(tail.told().code, 130);
    assert_eq!(place.json(&["history", "lab"])["entries"].as_array().unwrap().len(), 9);
}

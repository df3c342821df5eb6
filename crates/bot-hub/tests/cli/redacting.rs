//! `redact` and `compact`: what was said by mistake is found nowhere.

use std::path::Path;

use crate::fixture::Place;

const SECRET: &str = "sk-4d2f8e-not-for-everybody";

/// Files below a directory that hold the secret.
fn holding(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path));
        } else if std::fs::read(&path)
            .unwrap()
            .windows(SECRET.len())
            .any(|it| it == SECRET.as_bytes())
        {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}

fn said() -> (Place, crate::fixture::Running) {
    let place = Place::new();
    let hub = place.serve();
    place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "ann"]);
    place.data(&["send", "lab", &format!("the key is {SECRET}"), "--id", "m1"]);
    place.data(&["send", "lab", "hello", "--id", "m2"]);
    (place, hub)
}

#[test]
fn what_is_redacted_is_shown_to_nobody_and_after_compacting_is_in_no_file() {
    let (place, hub) = said();
    let data = place.path(".local/share/bot-hub");
    std::fs::create_dir(place.path("backups")).unwrap();
    place.data(&["backup", "backups/old.db"]);
    let told = place.run(&["redact", "lab", "1", "--why", "a key", "--backups", "backups"]);
    assert_eq!((told.code, &*told.out), (0, "message 1 of #lab is redacted; operator said it\n"));
    assert_eq!(
        told.err,
        "warning: `backups/old.db` still holds it: a copy of the store\n\
         until the store is written anew, its files may still hold the text: bot-hub stop, then bot-hub compact\n"
    );
    place.data(&["backup", "backups/new.db"]);

    let shown = place.data(&["history", "lab"]);
    assert!(shown.contains("[redacted by operator at ") && shown.contains(": a key]"), "{shown}");
    let page = place.json(&["history", "lab"]);
    let (entry, redacted) = (&page["entries"][0], &page["entries"][0]["redacted"]);
    assert_eq!((&entry["text"], &redacted["why"]), (&"[redacted]".into(), &"a key".into()));
    assert_eq!((&redacted["by"], &entry["id"]), (&"operator".into(), &"m1".into()));
    let traced = place.data(&["trace", "m1"]);
    assert!(traced.contains("\nredacted by operator at "), "{traced}");
    let tail = place.data(&["tail", "lab", "--since", "1h", "--count", "2", "--raw"]);
    assert_eq!(tail, "[redacted]\nhello");
    for form in ["jsonl", "md"] {
        let exported = place.data(&["export", "--format", form]);
        assert!(exported.contains("redacted") && !exported.contains(SECRET), "{exported}");
    }
    let verified = place.run(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let line = verified.out.lines().next().unwrap();
    assert!(line.starts_with("#lab message 1: redacted by operator at "), "{line}");
    assert_eq!(place.json(&["verify"])["redacted"][0]["redacted"]["why"], "a key");
    let again = place.json(&["send", "lab", &format!("the key is {SECRET}"), "--id", "m1"]);
    assert_eq!(again["seq"], 1, "{again}");
    let other = place.run(&["send", "lab", "another text", "--id", "m1"]);
    assert_ne!(other.code, 0, "{other:?}");

    let again = place.run(&["redact", "lab", "1", "--backups", "backups"]);
    assert!(again.out.contains("was redacted before, by operator at "), "{again:?}");
    assert!(again.err.contains("old.db") && !again.err.contains("new.db"), "{again:?}");
    let copies = place.json(&["redact", "lab", "1", "--backups", "backups"]);
    assert_eq!((&copies["copies"][0], &copies["again"]), (&"backups/old.db".into(), &true.into()));
    let acts = place.json(&["audit"]);
    let acts = acts["acts"].as_array().unwrap();
    let redactions: Vec<_> = acts.iter().filter(|act| act["operation"] == "redact").collect();
    assert_eq!(redactions.len(), 1, "{acts:?}");
    assert_eq!(redactions[0]["why"], "a key");

    let refused = place.run(&["compact"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(hub.stop().success());
    let told = place.run(&["compact"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(holding(&data), [""; 0]);
    assert_eq!(holding(&place.path("backups")), ["old.db"]);
    assert_eq!(place.run(&["verify"]).code, 0);
    let _hub = place.serve();
    assert_eq!(place.json(&["history", "lab"])["entries"][1]["text"], "hello");
}

#[test]
fn what_cannot_be_redacted_is_said_in_words() {
    let (place, hub) = said();
    let ann = place.bot("bob");
    for (arguments, code, says) in [
        (&["redact", "lab", "0"][..], 3, "no entry 0"),
        (&["redact", "lab", "9"], 3, "its newest is 2"),
        (&["redact", "labb", "1"], 3, "#lab"),
        (&["redact", "lab", "1", "--backups", "nowhere"], 2, "is no directory"),
    ] {
        let told = place.run(arguments);
        assert_eq!(told.code, code, "{told:?}");
        assert!(told.err.contains(says), "{told:?}");
    }
    let told = place.run_as(&ann, &["redact", "lab", "1", "--url", &hub.url()]);
    assert_ne!(told.code, 0, "{told:?}");
    assert_eq!(place.json(&["history", "lab"])["entries"][0].get("redacted"), None);
}

//! `backup`, `restore`, `verify` and `export`.

use bot_hub_store::record::{Record, RecordKind, RecordWrite};
use bot_hub_store::sqlite::SqliteStore;
use bot_hub_store::{Store as _, Write};

use crate::fixture::Place;

#[test]
fn a_backup_of_a_running_hub_becomes_another_hub() {
    let place = Place::new();
    let hub = place.serve();
    place.bot("ann");
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me", "--id", "m1"]);
    let told = place.run(&["backup", "copy.db"]);
    assert_eq!(
        (told.code, &*told.out, &*told.err),
        (0, "1 message in 1 room copied to copy.db\n", "")
    );
    insta::assert_snapshot!(place.run(&["verify"]).out, @"1 intact message in 1 room and 2 intact records (2 audit), nothing is damaged");

    let refused = place.run(&["restore", "copy.db"]);
    assert_eq!(refused.code, 5);
    insta::assert_snapshot!(refused.err, @r"
    error: a hub runs on `~/.local/share/bot-hub` (pid PID, ws://ADDRESS)
    hint: stop it first
    ");
    assert!(hub.stop().success());
    let refused = place.run(&["restore", "copy.db"]);
    assert_eq!(refused.code, 5);
    insta::assert_snapshot!(refused.err, @r"
    error: there is a store in `~/.local/share/bot-hub` already
    hint: restore into another directory with --data, or put it aside with --replace
    ");
    let told = place.run(&["restore", "copy.db", "--data", "other"]);
    assert_eq!(
        (told.code, &*told.out),
        (0, "1 message in 1 room restored into other\n"),
        "{}",
        told.err
    );
    assert_eq!(place.run(&["restore", "copy.db", "--replace"]).code, 0);
    assert_eq!(place.run(&["restore", "nothing.db"]).code, 3);

    let _hub = place.serve_with(&["--listen", "127.0.0.1:0", "--data", "other"]);
    let page = place.json(&["history", "lab", "--data", "other"]);
    assert_eq!(page["entries"][0]["text"], "keep me");
}

#[test]
fn an_export_is_for_people_or_for_programs() {
    let place = Place::new();
    let _hub = place.serve();
    for room in ["lab", "other"] {
        place.data(&["room", "create", room]);
    }
    place.data(&["send", "lab", "# no heading\ntwo lines", "--id", "m1"]);
    place.data(&["send", "lab", "second", "--id", "m2"]);
    place.data(&["send", "other", "elsewhere", "--id", "m3"]);
    insta::assert_snapshot!(place.run(&["export", "--room", "lab", "--format", "md"]).out, @r"
    # `#lab`

    **operator** · TIME

    ```text
    # no heading
    two lines
    ```

    **operator** · TIME

    ```text
    second
    ```
    ");
    insta::assert_snapshot!(place.run(&["export"]).out, @r##"
    {"from":"operator","id":"m1","prev":0,"room":"lab","sent_at":MS,"seq":1,"text":"# no heading\ntwo lines","type":"message"}
    {"from":"operator","id":"m2","prev":1,"room":"lab","sent_at":MS,"seq":2,"text":"second","type":"message"}
    {"from":"operator","id":"m3","prev":0,"room":"other","sent_at":MS,"seq":1,"text":"elsewhere","type":"message"}
    "##);
    let wrong = place.run(&["export", "--room", "lap"]);
    assert_eq!(wrong.code, 3);
    insta::assert_snapshot!(wrong.err, @r"
    error: there is no room `lap`
    hint: did you mean `#lab`?
    ");
}

#[test]
fn verify_counts_the_small_records_of_each_kind() {
    let place = Place::new();
    let mut store = SqliteStore::open(&place.path("data")).unwrap();
    let put = |kind: &'static str, key: &str| {
        let record = Record::new(RecordKind::named(kind), key, vec![1]).unwrap();
        Write::Record(RecordWrite::Put(record))
    };
    store.commit(&[put("pause", "lab"), put("hold", "m1"), put("hold", "m2")]).unwrap();
    drop(store);
    let told = place.run(&["verify", "--data", "data"]);
    insta::assert_snapshot!(told.out, @"0 intact messages in 0 rooms and 3 intact records (2 hold, 1 pause), nothing is damaged");
    let told = place.run(&["verify", "--data", "data", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["records"], serde_json::json!({ "hold": 2, "pause": 1 }));
}

#[test]
fn verify_names_what_is_damaged() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "a text that is easy to find"]);
    assert!(hub.stop().success());
    place.run(&["backup", "copy.db"]);
    let mut bytes = std::fs::read(place.path("copy.db")).unwrap();
    let needle = b"easy to find";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at] ^= 1;
    std::fs::create_dir(place.path("damaged")).unwrap();
    std::fs::write(place.path("damaged/hub.db"), bytes).unwrap();
    let told = place.run(&["verify", "--data", "damaged"]);
    assert_eq!(told.code, 1);
    insta::assert_snapshot!(told.out, @"room `lab` entry 1: the entry is damaged");
    insta::assert_snapshot!(told.err, @r"
    error: 1 damaged thing beside 0 intact messages in 1 room and 1 intact record (1 audit)
    hint: what is damaged is never delivered; a backup may have it: bot-hub --data damaged restore FILE --replace
    ");
    let told = place.run(&["verify", "--data", "nowhere"]);
    assert_eq!(told.code, 3);
}

#[test]
fn backups_in_a_directory_are_named_by_time_and_the_oldest_go() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me"]);
    let dir = place.path("backups");
    std::fs::create_dir(&dir).unwrap();
    let others =
        ["hub-2001-01-01T00-00-00Z.db", "hub-2002-01-01T00-00-00Z.db", "hub-mine.db", "notes"];
    place.data(&["backup", "earlier.db"]);
    for name in others {
        std::fs::copy(place.path("earlier.db"), dir.join(name)).unwrap();
    }
    let told = place.run(&["backup", "backups", "--keep", "2"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let mut names: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(
        (&*names[0], &*names[2], &*names[3]),
        ("hub-2002-01-01T00-00-00Z.db", "hub-mine.db", "notes")
    );
    let made = dir.join(&names[1]).display().to_string();
    assert_eq!(place.run(&["restore", &made, "--data", "other"]).code, 0);
    let refused = place.run(&["backup", "copy.db", "--keep", "2"]);
    assert_eq!(refused.code, 2);
    insta::assert_snapshot!(refused.err, @r"
    error: `copy.db` is no directory
    hint: --keep counts the backups in a directory; make it first: mkdir -p DIR
    ");
}

#[test]
fn a_backup_goes_through_a_pipe() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me"]);
    let piped = place.command(&["backup", "-"]).output().unwrap();
    assert!(piped.status.success(), "{piped:?}");
    assert_eq!(String::from_utf8_lossy(&piped.stderr), "1 message in 1 room copied to stdout\n");
    std::fs::write(place.path("copy.db"), piped.stdout).unwrap();
    let told = place.run(&["restore", "copy.db", "--data", "other"]);
    assert_eq!((told.code, &*told.out), (0, "1 message in 1 room restored into other\n"));
    let left: Vec<_> = std::fs::read_dir(place.path(".local/share/bot-hub"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("backup"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_store_of_a_newer_hub_is_refused_and_left_as_it_is() {
    let place = Place::new();
    assert!(place.serve().stop().success());
    let file = place.path(".local/share/bot-hub/hub.db");
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = std::fs::read(&file).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"], &["backup", "copy.db"]]
    {
        let told = place.run(command);
        assert_eq!(told.code, 1, "{command:?}");
        let expected = [
            "was written by a newer Bot Hub (schema 99, ",
            "upgrade this program, or restore a backup",
        ];
        for expected in expected {
            assert!(told.err.contains(expected), "{command:?} {}", told.err);
        }
    }
    let told = place.run(&["doctor"]);
    assert!(told.code == 1 && told.out.contains("written by a newer Bot Hub"), "{}", told.out);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn history_is_read_from_the_store_while_no_hub_runs() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    for number in 1..=5 {
        place.data(&["send", "lab", &format!("number {number}")]);
    }
    let wishes: [&[&str]; 4] = [
        &["history", "lab"],
        &["history", "#lab", "--count", "2"],
        &["history", "lab", "--after", "1", "--count", "3"],
        &["history", "lab", "--before", "4"],
    ];
    let read = || wishes.map(|wish| (place.data(wish), without_ages(place.json(wish))));
    let from_the_hub = read();
    assert!(from_the_hub[1].0.ends_with("number 5"), "{from_the_hub:?}");
    assert!(hub.stop().success());
    assert_eq!(read(), from_the_hub);
    let told = place.run(&["history", "lab"]);
    assert!(told.err.contains("no hub runs here: this is what its store has"), "{told:?}");
    let unknown = place.run(&["history", "lap"]);
    assert!(unknown.code == 3 && unknown.err.contains("#lab"), "{unknown:?}");
    let mine = place.run(&["history", "@ann"]);
    assert!(mine.code == 2 && mine.err.contains("dm:"), "{mine:?}");
    let elsewhere = place.run_as("bh_bot_x", &["history", "lab", "--url", "ws://127.0.0.1:1"]);
    assert_eq!(elsewhere.code, 7, "{elsewhere:?}");
}

fn without_ages(mut page: serde_json::Value) -> serde_json::Value {
    for entry in page["entries"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("age_ms");
    }
    page
}

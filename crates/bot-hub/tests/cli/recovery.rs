//! What is said and done where a store is of an older form, half exchanged, gone, or a copy.

use std::path::Path;

use rusqlite::Connection;

use crate::fixture::Place;

/// The form of today's stores.
const NEWEST: u32 = 7;

/// A store as the program wrote it that knew this form.
fn of_form(place: &Place, form: u32, name: &str) {
    let file = place.path(name);
    match form {
        1 => {
            std::fs::write(&file, include_bytes!("../../../bot-hub-store/tests/store/schema-1.db"))
                .unwrap();
        }
        _ => {
            assert!(
                place.serve_with(&["--listen", "127.0.0.1:0", "--data", "now"]).stop().success()
            );
            place.data(&["backup", name, "--data", "now"]);
            // What came since then are tables and indexes.
            let conn = Connection::open(&file).unwrap();
            conn.execute_batch("DROP TABLE redaction").unwrap();
            if form < 6 {
                conn.execute_batch("DROP TABLE record").unwrap();
            }
            if form < 5 {
                conn.execute_batch("DROP INDEX receipt_ahead").unwrap();
            }
            if form < 4 {
                conn.execute_batch("DROP INDEX token_bot").unwrap();
            }
            conn.pragma_update(None, "user_version", form).unwrap();
        }
    }
}

fn form_of(file: &Path) -> u32 {
    let conn = Connection::open(file).unwrap();
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_backup_of_every_earlier_form_is_restored() {
    for form in 1..NEWEST {
        let place = Place::new();
        of_form(&place, form, "night.db");
        let told = place.run(&["restore", "night.db", "--data", "new"]);
        assert_eq!(told.code, 0, "form {form}: {}", told.err);
        assert_eq!(form_of(&place.path("new/hub.db")), NEWEST);
        assert_eq!(form_of(&place.path("night.db")), form, "the backup stays what it was");
        assert_eq!(place.run(&["verify", "--data", "new"]).code, 0);
        let _hub = place.serve_with(&["--listen", "127.0.0.1:0", "--data", "new"]);
        place.data(&["status", "--data", "new"]);
    }
}

#[test]
fn a_store_of_an_earlier_form_is_copied_verified_and_exported_as_it_is() {
    for form in 1..NEWEST {
        let place = Place::new();
        std::fs::create_dir(place.path("old")).unwrap();
        of_form(&place, form, "old/hub.db");
        std::fs::set_permissions(
            place.path("old"),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        std::fs::set_permissions(
            place.path("old/hub.db"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        for command in [&["verify"][..], &["export"], &["backup", "copy.db"]] {
            let told = place.run(&[command, &["--data", "old"]].concat());
            assert_eq!(told.code, 0, "form {form}, {command:?}: {}", told.err);
        }
        assert_eq!(form_of(&place.path("copy.db")), form, "the older program can use it, too");
        assert_eq!(form_of(&place.path("old/hub.db")), form);
        let told = place.run(&["doctor", "--data", "old"]);
        assert_eq!(told.code, 0, "form {form}: {}", told.out);
        let expected = format!("has form {form}; a hub of this program changes it to {NEWEST}");
        assert!(told.out.contains(&expected), "{}", told.out);
        let hub = place.serve_with(&["--listen", "127.0.0.1:0", "--data", "old"]);
        assert!(hub.stop().success());
        let told = format!("brought from form {form} to {NEWEST}");
        assert!(place.log().contains(&told), "{}", place.log());
    }
}

#[test]
fn a_restore_that_was_interrupted_is_named_by_everything_that_looks() {
    let place = Place::new();
    assert!(place.serve().stop().success());
    place.data(&["backup", "copy.db"]);
    let data = place.path(".local/share/bot-hub");
    std::fs::rename(data.join("hub.db"), data.join("hub.db.replaced")).unwrap();
    std::fs::write(data.join("hub.db.switching"), "").unwrap();
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(told.out.contains("was interrupted"), "{}", told.out);
    assert!(told.out.contains("bot-hub restore FILE --replace"), "{}", told.out);
    assert!(!told.out.contains("remove it once"), "it is the only copy: {}", told.out);
    for command in [&["verify"][..], &["export"], &["backup", "other.db"], &["restore", "copy.db"]]
    {
        let told = place.run(command);
        assert_ne!(told.code, 0, "{command:?}");
        assert!(told.err.contains("was interrupted"), "{command:?}: {}", told.err);
        assert!(!told.err.contains("is there already"), "{command:?}: {}", told.err);
    }
    assert_eq!(place.run(&["restore", "copy.db", "--replace"]).code, 0);
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 0, "{}", told.out);
    assert!(told.out.contains("remove it once"), "{}", told.out);
}

#[test]
fn a_copy_of_a_data_directory_is_not_its_original() {
    let place = Place::new();
    let _hub = place.serve();
    place.bot("ann");
    let (data, copy) = (place.path(".local/share/bot-hub"), place.path("copy"));
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    for command in [&["status"][..], &["bot", "remove", "ann", "--yes"], &["room", "create", "x"]] {
        let told = place.run(&[command, &["--data", "copy"]].concat());
        assert_ne!(told.code, 0, "{command:?} acted on another hub: {}", told.out);
        assert!(told.err.contains("no hub runs on `copy`"), "{command:?}: {}", told.err);
    }
    assert_eq!(place.run(&["check", "--data", "copy"]).code, 2);
    assert_eq!(place.run(&["bot", "show", "ann"]).code, 0, "it is still there");
}

#[test]
fn a_database_that_is_gone_under_a_running_hub_is_a_problem_as_long_as_it_can_be_saved() {
    let place = Place::new();
    let mut hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "keep me"]);
    let data = place.path(".local/share/bot-hub");
    std::fs::remove_file(data.join("hub.db")).unwrap();
    place.data(&["send", "lab", "keep me, too"]);
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(
        told.out.contains("hub.db` is gone, and the hub goes on writing to it"),
        "{}",
        told.out
    );
    let told = place.run(&["check"]);
    assert_eq!(told.code, 2, "{}", told.out);
    assert!(told.out.contains("hub.db` is gone"), "{}", told.out);

    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    let log = std::fs::read(data.join("hub.db-wal")).unwrap();
    assert!(!log.is_empty());
    let told = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("hub.db` is gone, and `"), "{}", told.err);
    assert_eq!(std::fs::read(data.join("hub.db-wal")).unwrap(), log, "it may be all there is");
}

#[test]
fn a_log_that_is_gone_under_a_running_hub_is_a_problem_that_an_orderly_stop_mends() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["send", "lab", "before"]);
    std::fs::remove_file(place.path(".local/share/bot-hub/hub.db-wal")).unwrap();
    place.data(&["send", "lab", "after"]);
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(told.out.contains("hub.db-wal` is gone"), "{}", told.out);
    assert!(told.out.contains("bot-hub stop"), "{}", told.out);
    assert_eq!(place.run(&["check"]).code, 2);

    assert!(hub.stop().success());
    let _hub = place.serve();
    let said = place.run(&["history", "lab"]).out;
    assert!(said.contains("before") && said.contains("after"), "{said}");
    assert_eq!(place.run(&["check"]).code, 0);
}

#[test]
fn a_database_that_was_exchanged_under_a_running_hub_is_a_problem() {
    let place = Place::new();
    let _hub = place.serve();
    place.data(&["backup", "copy.db"]);
    let file = place.path(".local/share/bot-hub/hub.db");
    std::fs::rename(place.path("copy.db"), &file).unwrap();
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(told.out.contains("is another file than the hub writes to"), "{}", told.out);
    assert_eq!(place.run(&["check"]).code, 2);
}

/// A hub that was killed, with a log of changes that its database has not got yet.
fn killed(place: &Place) -> std::path::PathBuf {
    let mut hub = place.serve();
    place.data(&["room", "create", "lab"]);
    place.data(&["backup", "old.db"]);
    place.data(&["send", "lab", "keep me"]);
    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    place.path(".local/share/bot-hub")
}

#[test]
fn who_only_looks_writes_nothing_into_the_store_of_a_killed_hub() {
    let place = Place::new();
    let data = killed(&place);
    let files = || ["hub.db", "hub.db-wal"].map(|name| std::fs::read(data.join(name)).unwrap());
    let before = files();
    assert!(!before[1].is_empty());
    for command in
        [&["verify"][..], &["doctor"], &["backup", "copy.db"], &["export"], &["history", "lab"]]
    {
        assert_eq!(place.run(command).code, 0, "{command:?}");
        assert!(files() == before, "{command:?}");
    }
    let _hub = place.serve();
    assert!(place.run(&["history", "lab"]).out.contains("keep me"));
}

#[test]
fn a_backup_that_was_put_beside_the_log_of_another_file_is_refused_and_stays_whole() {
    let place = Place::new();
    let data = killed(&place);
    std::fs::rename(data.join("hub.db"), place.path("right.db")).unwrap();
    std::fs::copy(place.path("old.db"), data.join("hub.db")).unwrap();
    let files = || ["hub.db", "hub.db-wal"].map(|name| std::fs::read(data.join(name)).unwrap());
    let before = files();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["verify"],
        &["doctor"],
        &["backup", "copy.db"],
        &["export"],
        &["history", "lab"],
        &["check"],
        &["status"],
    ] {
        let told = place.run(command);
        assert_ne!(told.code, 0, "{command:?}: {}", told.out);
        let said = told.out + &told.err;
        assert!(said.contains("another one was put in its place"), "{command:?}: {said}");
        assert!(files() == before, "{command:?}");
    }
    // With the file that it belongs to, everything is there.
    std::fs::rename(place.path("right.db"), data.join("hub.db")).unwrap();
    assert_eq!(
        place.run(&["verify"]).out,
        "1 intact message in 1 room and 1 intact record (1 audit), nothing is damaged\n"
    );
    // And the hint is a way to the backup.
    std::fs::copy(place.path("old.db"), data.join("hub.db")).unwrap();
    std::fs::rename(data.join("hub.db"), place.path("FILE")).unwrap();
    let told = place.run(&["restore", "FILE"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(
        place.run(&["verify"]).out,
        "0 intact messages in 1 room and 2 intact records (2 audit), nothing is damaged\n"
    );
}

#[test]
fn every_verb_says_that_a_hub_whose_database_is_gone_must_not_be_stopped() {
    let place = Place::new();
    let hub = place.serve();
    place.data(&["room", "create", "lab"]);
    let data = place.path(".local/share/bot-hub");
    std::fs::remove_file(data.join("hub.db")).unwrap();
    let commands = [
        &["verify"][..],
        &["backup", "copy.db"],
        &["export"],
        &["history", "lab"],
        &["check"],
        &["status"],
        &["send", "lab", "hi"],
    ];
    for command in commands {
        let told = place.run(command);
        let said = told.out + &told.err;
        assert!(said.contains("do not stop the hub"), "{command:?}: {said}");
        assert!(said.contains("bot-hub doctor"), "{command:?}: {said}");
    }
    assert!(hub.stop().success());
    for command in [&["history", "lab"][..], &["check"], &["status"]] {
        let told = place.run(command);
        assert_ne!(told.code, 0, "{command:?}");
        let said = told.out + &told.err;
        assert!(said.contains("hub.db` is gone"), "{command:?}: {said}");
    }
}

#[test]
fn a_copy_of_the_directory_of_a_running_hub_is_called_so() {
    let place = Place::new();
    let _hub = place.serve();
    let (data, copy) = (place.path(".local/share/bot-hub"), place.path("copy"));
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    for command in ["status", "stop", "check", "doctor"] {
        let told = place.run(&[command, "--data", "copy"]);
        let said = told.out + &told.err;
        assert!(said.contains("copy of") || said.contains("is a copy"), "{command}: {said}");
        assert!(!said.contains("that was killed"), "{command}: {said}");
    }
    assert_eq!(place.run(&["status"]).code, 0, "nobody stopped the original");
}

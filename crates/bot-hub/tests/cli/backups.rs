//! Which copy has which name, and which copies stay.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture::{Place, Told};

/// A store with one message, in the data directory `name`, and the message's text in it.
fn store(place: &Place, name: &str, messages: usize) {
    let hub = place.serve_with(&["--listen", "127.0.0.1:0", "--data", name]);
    place.data(&["room", "create", "lab", "--data", name]);
    for number in 0..messages {
        let text = format!("a text that is easy to find, {number}");
        place.data(&["send", "lab", &text, "--data", name]);
    }
    assert!(hub.stop().success());
}

/// Flips a bit of what was said.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let needle = b"easy to find";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A directory for backups with copies of a store under these names.
fn backups(place: &Place, data: &str, copies: &[&str]) -> PathBuf {
    let dir = place.path("backups");
    std::fs::create_dir_all(&dir).unwrap();
    place.data(&["backup", "one.db", "--data", data]);
    for name in copies {
        std::fs::copy(place.path("one.db"), dir.join(name)).unwrap();
    }
    dir
}

fn made(told: &Told) -> String {
    let (_, name) = told.out.trim().rsplit_once('/').expect("it says where");
    name.to_owned()
}

#[test]
fn a_copy_with_damage_never_takes_the_place_of_a_good_one() {
    let place = Place::new();
    store(&place, "data", 3);
    place.data(&["backup", "night.db", "--data", "data"]);
    let good = std::fs::read(place.path("night.db")).unwrap();
    damage(&place.path("data/hub.db"));
    for _ in 0..2 {
        let told = place.run(&["backup", "night.db", "--data", "data"]);
        let expected = "error: 2 messages in 1 room copied to night.db.damaged, but 1 thing in it is damaged\n\
                        hint: bot-hub --data data verify names it; an older backup may be whole, and none was replaced\n";
        assert_eq!((told.code, &*told.err), (1, expected));
        assert_eq!(std::fs::read(place.path("night.db")).unwrap(), good);
        assert!(place.path("night.db.damaged").exists());
    }
    let told = place.run(&["restore", "night.db", "--data", "other"]);
    assert_eq!((told.code, &*told.out), (0, "3 messages in 1 room restored into other\n"));
}

#[test]
fn copies_with_damage_are_counted_apart_from_good_ones() {
    let place = Place::new();
    store(&place, "data", 3);
    let good = ["hub-2001-01-01T00-00-00Z.db", "hub-2001-01-02T00-00-00Z.db"];
    let dir = backups(&place, "data", &good);
    damage(&place.path("data/hub.db"));
    for name in ["hub-2001-01-03T00-00-00Z.db.damaged", "hub-2001-01-04T00-00-00Z.db.damaged"] {
        std::fs::copy(place.path("data/hub.db"), dir.join(name)).unwrap();
    }
    let told = place.run(&["backup", "backups", "--keep", "2", "--data", "data"]);
    assert_eq!(told.code, 1, "{}", told.out);
    let names = names(&dir);
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names[..2], good);
    assert_eq!(names[2], "hub-2001-01-04T00-00-00Z.db.damaged");
    assert!(names[3].ends_with(".db.damaged"), "{names:?}");
}

#[test]
fn a_damaged_copy_through_a_pipe_is_no_success() {
    let place = Place::new();
    store(&place, "data", 3);
    damage(&place.path("data/hub.db"));
    let piped = place.command(&["backup", "-", "--data", "data"]).output().unwrap();
    assert_eq!(piped.status.code(), Some(1), "{}", String::from_utf8_lossy(&piped.stderr));
    assert!(!piped.stdout.is_empty(), "what is intact is worth having");
    assert_eq!(names(&place.path("data")), ["hub.db", "hub.lock"]);
}

#[test]
fn the_backup_that_was_just_made_stays_whatever_names_the_others_have() {
    let place = Place::new();
    store(&place, "data", 1);
    let future = ["hub-2901-01-01T00-00-00Z.db", "hub-2901-01-02T00-00-00Z.db"];
    let past = ["hub-2001-01-01T00-00-00Z.db", "hub-2001-01-02T00-00-00Z.db"];
    let dir = backups(&place, "data", &[future, past].concat());
    let told = place.run(&["backup", "backups", "--keep", "2", "--data", "data"]);
    assert_eq!(told.code, 1, "the names are wrong, and nobody would hear of it: {}", told.out);
    let expected = "2 backups in `backups` have names of times to come";
    assert!(told.err.contains(expected), "{}", told.err);
    let names = names(&dir);
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names[0], past[1]);
    assert!(!future.contains(&&*names[1]) && !past.contains(&&*names[1]), "{names:?}");
    assert_eq!(names[2..], future);
}

#[test]
fn hubs_that_back_up_into_one_directory_leave_each_others_copies_alone() {
    let place = Place::new();
    let dir = place.path("backups");
    std::fs::create_dir(&dir).unwrap();
    store(&place, "one", 1);
    store(&place, "two", 2);
    let mut of = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (data, files) in ["one", "two"].iter().zip(&mut of) {
            let told = place.run(&["backup", "backups", "--keep", "3", "--data", data]);
            assert_eq!(told.code, 0, "{}", told.err);
            files.push(made(&told));
        }
    }
    assert_eq!(names(&dir).len(), 6, "{of:?}");
    for (count, files) in ["1 message in", "2 messages in"].iter().zip(&of) {
        for file in files {
            let target = format!("from-{file}");
            let from = format!("backups/{file}");
            let told = place.run(&["restore", &from, "--data", &target]);
            assert!(told.out.starts_with(count), "{file}: {}", told.out);
        }
    }
    let told = place.run(&["backup", "backups", "--keep", "1", "--data", "two"]);
    assert_eq!(told.code, 0, "{}", told.err);
    of[1] = vec![made(&told)];
    let mut left = of.concat();
    left.sort();
    assert_eq!(names(&dir), left);
}

#[test]
fn what_only_has_the_name_of_a_backup_is_neither_opened_nor_counted_nor_removed() {
    let place = Place::new();
    store(&place, "data", 1);
    let good = ["hub-2001-01-01T00-00-00Z.db", "hub-2001-01-02T00-00-00Z.db"];
    let dir = backups(&place, "data", &good);
    let [pipe, link] = ["hub-2001-02-01T00-00-00Z.db", "hub-2001-02-02T00-00-00Z.db"];
    assert!(Command::new("mkfifo").arg(dir.join(pipe)).status().unwrap().success());
    std::os::unix::fs::symlink(place.path("one.db"), dir.join(link)).unwrap();
    let arguments = ["backup", "backups", "--keep", "2", "--data", "data"];
    let told = place.run_to_its_end(None, &arguments);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(names(&dir), [good[1], pipe, link, &made(&told)]);
}

#[test]
fn backups_at_the_same_moment_all_succeed_and_the_newest_stays() {
    let place = Place::new();
    store(&place, "data", 8);
    let dir = backups(&place, "data", &[]);
    for _ in 0..4 {
        let run = |_| {
            let mut command =
                place.command(&["backup", "backups", "--keep", "1", "--data", "data"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let runs: Vec<_> = (0..5).map(run).collect();
        let mut files = Vec::new();
        for run in runs {
            let told = run.wait_with_output().unwrap();
            assert!(told.status.success(), "{told:?}");
            let said = String::from_utf8(told.stdout).unwrap();
            files.push(said.trim().rsplit_once('/').unwrap().1.to_owned());
        }
        let left = names(&dir);
        assert!(left.contains(files.iter().max().unwrap()), "{left:?} of {files:?}");
    }
}

#[test]
fn the_newest_of_many_backups_in_one_second_has_the_latest_name() {
    let place = Place::new();
    store(&place, "data", 1);
    std::fs::create_dir(place.path("backups")).unwrap();
    let mut last = String::new();
    for _ in 0..6 {
        let told = place.run(&["backup", "backups", "--keep", "2", "--data", "data"]);
        assert_eq!(told.code, 0, "{}", told.err);
        let name = names(&place.path("backups")).pop().unwrap();
        assert!(name > last, "{name} after {last}");
        last = name;
    }
    let run = |_| {
        let mut command = place.command(&["backup", "backups", "--keep", "2", "--data", "data"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(run).collect();
    let mut made: Vec<String> = Vec::new();
    for run in runs {
        let told = run.wait_with_output().unwrap();
        assert!(told.status.success(), "{told:?}");
        let out = String::from_utf8(told.stdout).unwrap();
        made.push(out.trim().rsplit_once('/').unwrap().1.to_owned());
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 4, "each has a name of its own");
    assert!(made[0] > last);
    assert_eq!(names(&place.path("backups")), made[2..], "the two latest are left");
}

#[test]
fn what_is_no_backup_is_refused_before_anything_is_made_for_it() {
    let place = Place::new();
    std::fs::write(place.path("log.txt"), "no store at all").unwrap();
    std::fs::create_dir(place.path("folder")).unwrap();
    for (file, expected) in
        [("log.txt", "is no backup"), ("folder", "is no file"), ("/dev/null", "is no file")]
    {
        let told = place.run(&["restore", file, "--data", "new"]);
        assert_eq!(told.code, 2, "{file}: {}", told.err);
        assert!(told.err.contains(expected), "{file}: {}", told.err);
        assert!(!place.path("new").exists(), "{file}");
    }
    store(&place, "data", 1);
    let told = place.run(&["backup", "-", "--keep", "2", "--data", "data"]);
    assert_eq!((told.code, &*told.out), (2, ""), "{}", told.err);
}

#[test]
fn a_restore_says_whose_copy_it_was_and_of_when() {
    let place = Place::new();
    store(&place, "one", 1);
    store(&place, "two", 2);
    place.data(&["backup", "one.db", "--data", "one"]);
    let told = place.run(&["restore", "one.db", "--replace", "--data", "one"]);
    assert!(told.err.contains("`one.db` was written "), "{}", told.err);
    assert!(!told.err.contains("another store"), "{}", told.err);
    let told = place.run(&["restore", "one.db", "--replace", "--data", "two"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.err.contains("another store"), "{}", told.err);
}

//! A real file system without space. Needs root for a small tmpfs; says so where it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use bot_hub_core::change::{Change, Outcome};
use bot_hub_store::sqlite::{SqliteStore, verify};
use bot_hub_store::{Store, StoreError, Write};

use super::drafts::{compare, draft, model, rooms};

/// A tmpfs of 8 MB, gone when the value is.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(directory.path());
        run(&mut mount).map(|()| Self { directory })
    }

    fn grow(&self) {
        let mut mount = Command::new("mount");
        run(mount.args(["-o", "remount,size=64m"]).arg(self.directory.path())).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("umount").arg("-l").arg(self.directory.path())) {
            println!("the small disk is still mounted: {error}");
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

fn say(number: u64) -> Write {
    let text = format!("{number}:{}", "x".repeat(2_000));
    Write::Change(Change::Append(draft("lab", "ann", &format!("m{number}"), &text, number)))
}

/// Fills the disk; gives the number of the first message that was refused.
fn fill(store: &mut SqliteStore, model: &mut dyn Store) -> u64 {
    for number in 1..20_000 {
        match store.commit(&[say(number)]) {
            Ok(outcomes) => {
                assert_eq!(outcomes, [Outcome::Appended { seq: number }]);
                model.commit(&[say(number)]).unwrap();
            }
            Err(StoreError::Full { .. }) => return number,
            Err(error) => panic!("message {number}: {error}"),
        }
    }
    panic!("the small disk never filled up");
}

fn check(store: &mut SqliteStore, model: &mut dyn Store, directory: &Path) {
    compare(store, model, &[]).unwrap();
    assert_eq!(verify(directory).unwrap().damage, []);
}

#[test]
fn a_full_file_system_refuses_and_heals_without_reopening() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            println!("SKIPPED (no tmpfs of 8 MB: {reason})");
            return;
        }
    };
    let mut store = SqliteStore::open(&disk.data()).unwrap();
    let mut model = model();
    store.commit(&rooms()).unwrap();
    let first = fill(&mut store, &mut model);
    println!("{} messages of 2 KB acknowledged, then refused", first - 1);
    for _ in 0..50 {
        assert!(matches!(store.commit(&[say(first)]), Err(StoreError::Full { .. })));
    }
    // Reading goes on, and says exactly what was acknowledged.
    compare(&mut store, &mut model, &[]).unwrap();
    disk.grow();
    for number in first..first + 500 {
        let outcomes = store.commit(&[say(number)]).unwrap();
        assert_eq!(outcomes, [Outcome::Appended { seq: number }]);
        model.commit(&[say(number)]).unwrap();
    }
    check(&mut store, &mut model, &disk.data());
    drop(store);
    let mut store = SqliteStore::open(&disk.data()).unwrap();
    check(&mut store, &mut model, &disk.data());
}

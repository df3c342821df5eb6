//! A disk that remembers what was synced and what was only written.
//!
//! Owns the files, the loss of power and the faults. A loss of power keeps a random part of what was
//! not synced, and of a write a random part of its sectors.

use std::collections::{BTreeMap, BTreeSet};

use super::drafts::Rng;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// One simulated disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// The directory as programs see it: which file each name means.
    names: BTreeMap<String, u64>,
    /// The directory as it is without power.
    durable_names: BTreeMap<String, u64>,
    files: BTreeMap<u64, File>,
    /// Files whose first sync brings the directory to the disk, too: what SQLite does with the files
    /// that it makes beside a database.
    fresh: BTreeSet<u64>,
    /// Operations that change something, since the beginning.
    pub(crate) operations: u64,
    /// The operation during which the power goes.
    pub(crate) cut_at: Option<u64>,
    pub(crate) is_off: bool,
    pub(crate) fault: Option<Fault>,
    /// No file grows any more.
    pub(crate) is_full: bool,
    numbers: u64,
}

/// An error that the medium gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) on: Operation,
    /// So many of these succeed before.
    pub(crate) after: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Write,
    Sync,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoPower,
    Fault,
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct File {
    /// As programs see it.
    pub(crate) current: Vec<u8>,
    /// As it is without power.
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    /// Per handle, how far it has locked the file.
    pub(crate) locks: BTreeMap<u64, i32>,
    /// Memory that all handles share.
    pub(crate) shared: Vec<Box<[u8]>>,
    pub(crate) shared_locks: [SharedLock; 8],
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SharedLock {
    pub(crate) shared: Vec<u64>,
    pub(crate) exclusive: Option<u64>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// How much of what was not synced is found afterwards.
#[derive(Clone, Copy, Debug)]
enum Survival {
    Nothing,
    Everything,
    Some,
}

impl Disk {
    /// A number that was not given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The file of that name, made if there is none.
    pub(crate) fn open(&mut self, name: &str, is_fresh: bool) -> u64 {
        let file = match self.names.get(name) {
            Some(file) => *file,
            None => {
                let file = self.number();
                self.names.insert(name.to_owned(), file);
                self.files.insert(file, File::default());
                file
            }
        };
        if is_fresh {
            self.fresh.insert(file);
        }
        file
    }

    pub(crate) fn file(&mut self, file: u64) -> &mut File {
        self.files.get_mut(&file).expect("a file lives as long as the power")
    }

    pub(crate) fn write(&mut self, file: u64, offset: usize, bytes: &[u8]) -> Result<(), Refusal> {
        if self.is_off {
            return Err(Refusal::NoPower);
        }
        let is_full = self.is_full && offset + bytes.len() > self.file(file).current.len();
        let outcome = self.begin(Operation::Write);
        if outcome.is_ok() && is_full {
            return Err(Refusal::Full);
        }
        let it = self.file(file);
        // A write during which the power goes, or that fails, may be there in part.
        it.unsynced.push(Change::Write(offset, bytes.to_vec()));
        if outcome.is_ok() {
            apply(&mut it.current, offset, bytes);
        }
        self.end(outcome)
    }

    pub(crate) fn truncate(&mut self, file: u64, length: usize) -> Result<(), Refusal> {
        if self.is_off {
            return Err(Refusal::NoPower);
        }
        let outcome = self.begin(Operation::Write);
        let it = self.file(file);
        it.unsynced.push(Change::Truncate(length));
        if outcome.is_ok() {
            it.current.resize(length, 0);
        }
        self.end(outcome)
    }

    pub(crate) fn sync(&mut self, file: u64) -> Result<(), Refusal> {
        let outcome = self.begin(Operation::Sync);
        let it = self.file(file);
        match outcome {
            Ok(()) => {
                let changes = std::mem::take(&mut it.unsynced);
                let before = std::mem::take(&mut it.durable);
                it.durable = changes.into_iter().fold(before, |bytes, change| change.onto(bytes));
                if self.fresh.remove(&file) {
                    self.durable_names.clone_from(&self.names);
                }
            }
            // What a failed sync did not write, it never will: the system forgets.
            Err(Refusal::Fault) => it.unsynced.truncate(it.unsynced.len() / 2),
            Err(_) => {}
        }
        self.end(outcome)
    }

    /// Whether there was such a file.
    pub(crate) fn delete(&mut self, name: &str, is_synced: bool) -> Result<bool, Refusal> {
        let outcome = self.begin(Operation::Write);
        if outcome.is_err() {
            return self.end(outcome).map(|()| false);
        }
        let was_there = self.names.remove(name).is_some();
        if is_synced {
            self.durable_names.clone_from(&self.names);
        }
        Ok(was_there)
    }

    fn begin(&mut self, operation: Operation) -> Result<(), Refusal> {
        if self.is_off {
            return Err(Refusal::NoPower);
        }
        self.operations += 1;
        if self.cut_at == Some(self.operations) {
            return Err(Refusal::NoPower);
        }
        if let Some(fault) = self.fault.as_mut().filter(|fault| fault.on == operation) {
            if fault.after == 0 {
                self.fault = None;
                return Err(Refusal::Fault);
            }
            fault.after -= 1;
        }
        Ok(())
    }

    fn end(&mut self, outcome: Result<(), Refusal>) -> Result<(), Refusal> {
        self.is_off |= outcome == Err(Refusal::NoPower);
        outcome
    }

    /// Takes the power away, if it is not gone, and gives it back. All handles must be closed.
    pub(crate) fn restart(&mut self, rng: &mut Rng) {
        let survival = [Survival::Nothing, Survival::Everything, Survival::Some, Survival::Some]
            [rng.below(4) as usize];
        let names: BTreeSet<_> =
            self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        for name in names {
            let is_new = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Some => rng.below(2) == 0,
            };
            if !is_new {
                match self.durable_names.get(&name) {
                    Some(file) => self.names.insert(name, *file),
                    None => self.names.remove(&name),
                };
            }
        }
        self.durable_names.clone_from(&self.names);
        self.fresh.clear();
        for file in self.files.values_mut() {
            assert!(file.locks.is_empty(), "a handle is still open");
            file.lose(survival, rng);
        }
        let names = &self.names;
        self.files.retain(|file, _| names.values().any(|named| named == file));
        self.is_off = false;
        self.cut_at = None;
    }
}

impl File {
    fn lose(&mut self, survival: Survival, rng: &mut Rng) {
        let mut bytes = std::mem::take(&mut self.durable);
        for change in std::mem::take(&mut self.unsynced) {
            let stays = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Some => rng.below(2) == 0,
            };
            if !stays {
                continue;
            }
            bytes = match change {
                Change::Write(offset, data)
                    if matches!(survival, Survival::Some) && rng.below(3) == 0 =>
                {
                    torn(bytes, offset, &data, rng)
                }
                other => other.onto(bytes),
            };
        }
        self.durable.clone_from(&bytes);
        self.current = bytes;
        self.shared.clear();
        self.shared_locks = Default::default();
    }
}

impl Change {
    fn onto(self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Write(offset, data) => apply(&mut bytes, offset, &data),
            Self::Truncate(length) => bytes.resize(length, 0),
        }
        bytes
    }
}

fn apply(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(data);
}

/// A write of which some sectors arrived.
fn torn(mut bytes: Vec<u8>, offset: usize, data: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut at = 0;
    while at < data.len() {
        let in_sector = SECTOR - (offset + at) % SECTOR;
        let end = (at + in_sector).min(data.len());
        if rng.below(2) == 0 {
            apply(&mut bytes, offset + at, &data[at..end]);
        }
        at = end;
    }
    bytes
}

//! The lock file beside the state file, which excludes processes in any language.
//!
//! Owns the lock protocol of ADR 0102; `bindings/npm/lib/lock.js` implements the same one. Never touches
//! the state file itself, except for the temporary file of a dead owner.
//!
//! * Held: `<state>.lock` exists. It is created exclusively and says `<pid> <space> <nonce>\n`,
//!   where the space names the boot and the pid namespace in which the pid means something.
//! * Dead: its pid is gone in our own space; or it is older than [`HELD_MAX`]; or it says nothing
//!   legible and is older than [`TORN_MAX`].
//! * Broken by the process that creates the marker `<state>.lock.<nonce>` exclusively, then finds the dead
//!   lock unchanged. As a nonce is never used twice, nobody can break the lock of a successor. The
//!   marker says who made it, and is broken like a lock when that process is dead.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// No process holds the lock for longer: it does one read, one write and one fsync.
const HELD_MAX: Duration = Duration::from_secs(60);

/// The time between creating the lock file and writing its one line.
const TORN_MAX: Duration = Duration::from_secs(2);

/// How long to wait for other processes.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The nonce in the marker's name for a torn lock, which has none.
const TORN_NONCE: &str = "torn";

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// A live process holds the lock.
    #[error("`{}` is held by process {owner}", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// The pid that the lock names.
        owner: String,
    },
    /// The lock could not be made.
    #[error("cannot create `{}`: {source}", path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    line: String,
    nonce: String,
}

impl Lock {
    /// Waits for the lock of the file `state`.
    pub(super) fn acquire(state: &Path) -> Result<Self, LockError> {
        let path = beside(state, ".lock");
        let nonce = nonce();
        let line = format!("{} {} {nonce}\n", std::process::id(), space());
        let give_up = Instant::now() + WAIT_MAX;
        for attempt in 0u64.. {
            match create(&path, &line) {
                Ok(()) => return Ok(Self { path, line, nonce }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(LockError::Io { path, source }),
            }
            let Ok(found) = fs::read_to_string(&path) else { continue };
            if is_dead(&path, &found) && break_dead(state, &path, &found, &line) {
                continue;
            }
            if Instant::now() > give_up {
                let owner = found.split(' ').next().unwrap_or("?").to_owned();
                return Err(LockError::Busy { path, owner });
            }
            // Processes wait for different times, 1 to 16 ms by pid and attempt, so that they do not
            // collide again.
            let step = (u64::from(std::process::id()) + attempt * 7) % 16;
            std::thread::sleep(Duration::from_millis(1 + step));
        }
        unreachable!("the attempts do not end")
    }

    /// Whether nobody broke this lock meanwhile. Call it before the new state is put in place.
    pub(super) fn is_held(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|found| found == self.line)
    }

    /// The temporary file in which the owner of this lock writes the new state.
    pub(super) fn temporary(&self, state: &Path) -> PathBuf {
        beside(state, &format!(".{}.tmp", self.nonce))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held() {
            // If the lock cannot be removed, the next process finds it dead.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn create(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(line.as_bytes())
}

/// `path` with `suffix` after its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The pid, the space and the nonce of a lock's line.
fn fields(line: &str) -> Option<(u32, &str, &str)> {
    let mut words = line.strip_suffix('\n')?.split(' ');
    let fields = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    let is_name = |nonce: &str| nonce.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (words.next().is_none() && is_name(fields.2)).then_some(fields)
}

fn is_dead(path: &Path, line: &str) -> bool {
    let Some((pid, lock_space, _)) = fields(line) else { return is_older(path, TORN_MAX) };
    (lock_space == space() && !is_alive(pid)) || is_older(path, HELD_MAX)
}

fn is_older(path: &Path, than: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age > than)
}

/// Removes the lock with the content `found`, if it still has that content, and the temporary file of its
/// owner. The marker is a lock itself: if a process dies while it breaks a lock, the next one finds its
/// marker dead.
fn break_dead(state: &Path, path: &Path, found: &str, line: &str) -> bool {
    let nonce = fields(found).map_or(TORN_NONCE, |(_, _, nonce)| nonce);
    let marker = beside(path, &format!(".{nonce}"));
    if create(&marker, line).is_err() {
        let other = fs::read_to_string(&marker).ok().filter(|other| is_dead(&marker, other));
        return other.is_some_and(|other| break_dead(state, &marker, &other, line));
    }
    // Checks again while the marker is held: a torn lock has no nonce, so only its age identifies it.
    let is_same = fs::read_to_string(path).is_ok_and(|now| now == found) && is_dead(path, found);
    if is_same {
        drop(fs::remove_file(beside(state, &format!(".{nonce}.tmp"))));
        drop(fs::remove_file(path));
    }
    drop(fs::remove_file(&marker));
    is_same
}

/// Where a pid is valid: this boot of this machine and this pid namespace. `-` if the system does not tell.
fn space() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid");
    match (boot, namespace) {
        (Ok(boot), Ok(namespace)) => format!("{}/{}", boot.trim(), namespace.display()),
        _ => "-".to_owned(),
    }
}

/// A zombie counts as dead: its pid is taken, but it holds nothing.
fn is_alive(pid: u32) -> bool {
    if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        return !state.starts_with(['Z', 'X']);
    }
    if Path::new("/proc/self/stat").exists() {
        return false;
    }
    if !cfg!(unix) {
        return true;
    }
    let probe = std::process::Command::new("kill").args(["-0", &pid.to_string()]).output();
    probe.map_or(true, |probe| {
        probe.status.success() || String::from_utf8_lossy(&probe.stderr).contains("permitted")
    })
}

/// 16 characters that were never used before.
fn nonce() -> String {
    getrandom::u64().map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            format!("{:016x}", now.as_nanos() as u64 ^ u64::from(std::process::id()) << 40)
        },
        |random| format!("{random:016x}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pid of a process that has just ended.
    fn dead_pid() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    fn state() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state.json");
        (dir, state)
    }

    fn names(dir: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_lock_is_gone_after_it_was_held() {
        let (dir, state) = state();
        let lock = Lock::acquire(&state).unwrap();
        assert!(lock.is_held());
        assert_eq!(names(&dir), ["state.json.lock"]);
        drop(lock);
        assert!(names(&dir).is_empty());
    }

    #[test]
    fn the_lock_of_a_dead_process_is_broken_with_what_it_left() {
        let (dir, state) = state();
        let line = format!("{} {} abc\n", dead_pid(), space());
        fs::write(beside(&state, ".lock"), line).unwrap();
        fs::write(beside(&state, ".abc.tmp"), "{").unwrap();
        drop(Lock::acquire(&state).unwrap());
        assert!(names(&dir).is_empty(), "{:?}", names(&dir));
    }

    #[test]
    fn who_died_while_breaking_a_lock_is_in_nobodys_way() {
        let (dir, state) = state();
        let line = |nonce: &str| format!("{} {} {nonce}\n", dead_pid(), space());
        fs::write(beside(&state, ".lock"), line("abc")).unwrap();
        fs::write(beside(&state, ".lock.abc"), line("def")).unwrap();
        fs::write(beside(&state, ".lock.abc.def"), line("ghi")).unwrap();
        drop(Lock::acquire(&state).unwrap());
        assert!(names(&dir).is_empty(), "{:?}", names(&dir));
    }

    #[test]
    fn a_lock_is_dead_only_for_a_reason() {
        let (_dir, state) = state();
        let path = beside(&state, ".lock");
        let check = |line: &str, age: u64, expected: bool| {
            fs::write(&path, line).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            assert_eq!(is_dead(&path, line), expected, "{line:?} at {age} s");
        };
        let (me, space) = (std::process::id(), space());
        check(&format!("{me} {space} abc\n"), 0, false);
        check(&format!("{me} {space} abc\n"), 61, true);
        check(&format!("{} elsewhere abc\n", dead_pid()), 0, false);
        check(&format!("{} elsewhere abc\n", dead_pid()), 61, true);
        check("", 0, false);
        check("", 3, true);
        check("12", 3, true);
        check("1 x ../../etc\n", 3, true);
    }

    #[test]
    fn a_lock_that_was_taken_over_is_not_let_go() {
        let (dir, state) = state();
        let lock = Lock::acquire(&state).unwrap();
        fs::write(beside(&state, ".lock"), "1 other abc\n").unwrap();
        assert!(!lock.is_held());
        drop(lock);
        assert_eq!(names(&dir), ["state.json.lock"]);
    }
}

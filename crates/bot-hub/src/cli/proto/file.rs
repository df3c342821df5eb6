//! The state file on disk: `~/.openclaw/workspace/bot-protocol-state.json`.
//!
//! Owns reading and replacing the file so that no data gets lost: one writer at a time, a new file beside
//! the old one, fsync, rename, fsync of the directory. A file that cannot be parsed is moved aside and
//! reported, never emptied. The content belongs to `bot_protocol`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bot_protocol::block::{State, StateError};

use super::lock::{Lock, LockError, beside};

/// v0.1 rewrites the file in place, so a reader may see it half written. It reads again a few times before
/// it reports a corrupt file.
const LOOKS: u32 = 6;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Why the state file could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// Another process holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system refused.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An entry of the file is invalid.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another process broke our lock, so the state that we read is out of date.
    #[error("`{}` was taken over by another process while this one stood still", .0.display())]
    Lost(PathBuf),
}

/// The state file, wherever it is.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// Messages for the user about what happened.
    pub(super) warnings: Vec<String>,
}

impl StateFile {
    /// The file at `path`, or where v0.1 keeps it. A symbolic link is followed, so that the file
    /// is replaced and not the link.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        let path = path.unwrap_or_else(default_path);
        let path = fs::canonicalize(&path).unwrap_or(path);
        Self { path, warnings: Vec::new() }
    }

    /// Reads without a lock, because the file is always replaced as a whole.
    pub(super) fn read(&mut self) -> Result<State, FileError> {
        match self.load()? {
            Ok(state) => Ok(state),
            Err(_) => {
                let _lock = self.lock()?;
                self.load_or_set_aside()
            }
        }
    }

    /// Changes the state; `change` returns whether the file must be written.
    pub(super) fn update<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<(T, bool), StateError>,
    ) -> Result<T, FileError> {
        let lock = self.lock()?;
        let mut state = self.load_or_set_aside()?;
        let (result, is_changed) = change(&mut state)?;
        if is_changed {
            self.replace(&state.to_json(), &lock)?;
        }
        Ok(result)
    }

    fn lock(&self) -> Result<Lock, FileError> {
        let directory = self.directory();
        fs::create_dir_all(directory)
            .map_err(|error| self.failed("create the folder of", error))?;
        Ok(Lock::acquire(&self.path)?)
    }

    fn directory(&self) -> &Path {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
    }

    /// Loads the state; the inner error says why the file cannot be parsed.
    fn load(&self) -> Result<Result<State, String>, FileError> {
        let mut illegible = String::new();
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(LOOK_AGAIN);
            }
            let bytes = match fs::read(&self.path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Ok(State::default()));
                }
                Err(error) => return Err(self.failed("read", error)),
            };
            let text = String::from_utf8(bytes).map_err(|error| error.to_string());
            match text.and_then(|text| State::from_json(&text).map_err(|error| error.to_string())) {
                Ok(state) => return Ok(Ok(state)),
                Err(error) => illegible = error,
            }
        }
        Ok(Err(illegible))
    }

    /// Loads the state, or moves a corrupt file aside. The caller must hold the lock.
    fn load_or_set_aside(&mut self) -> Result<State, FileError> {
        let reason = match self.load()? {
            Ok(state) => return Ok(state),
            Err(reason) => reason,
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let aside = beside(&self.path, &format!(".corrupt-{}", now.as_millis()));
        fs::rename(&self.path, &aside).map_err(|error| self.failed("set aside", error))?;
        self.warnings.push(format!(
            "`{}` was not legible ({reason}); it is kept as `{}`, and a new one begins",
            self.path.display(),
            aside.display()
        ));
        Ok(State::default())
    }

    fn replace(&self, text: &str, lock: &Lock) -> Result<(), FileError> {
        let temporary = lock.temporary(&self.path);
        self.write_durably(&temporary, text).map_err(|error| self.failed("write", error))?;
        if !lock.is_held() {
            drop(fs::remove_file(&temporary));
            return Err(FileError::Lost(self.path.clone()));
        }
        fs::rename(&temporary, &self.path).map_err(|error| self.failed("replace", error))?;
        // Some systems cannot open a directory; there the rename is durable by itself.
        if let Ok(directory) = File::open(self.directory()) {
            directory.sync_all().map_err(|error| self.failed("sync the folder of", error))?;
        }
        Ok(())
    }

    fn write_durably(&self, temporary: &Path, text: &str) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // The requests between bots are private to the user.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(temporary)?;
        if let Ok(old) = fs::metadata(&self.path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn failed(&self, what: &'static str, source: io::Error) -> FileError {
        FileError::Io { what, path: self.path.clone(), source }
    }
}

fn default_path() -> PathBuf {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    Path::new(&home.unwrap_or_default())
        .join(".openclaw")
        .join("workspace")
        .join("bot-protocol-state.json")
}

#[cfg(test)]
mod tests {
    use bot_protocol::block::{Filter, Message};
    use bot_protocol::time::Timestamp;

    use super::*;

    fn track(path: &Path, id: &str) -> Vec<String> {
        let mut file = StateFile::new(Some(path.to_owned()));
        let message =
            Message { kind: "REQUEST".into(), request_id: id.into(), ..Message::default() };
        file.update(|state| Ok((state.track(&message, Timestamp(0))?, true))).unwrap();
        file.warnings
    }

    fn ids(path: &Path) -> Vec<String> {
        let state = StateFile::new(Some(path.to_owned())).read().unwrap();
        state.list(&Filter::default()).map(|(id, _)| id.to_owned()).collect()
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/state.json");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    (0..10).for_each(|at| drop(track(path, &format!("{writer}-{at}"))));
                });
            }
        });
        assert_eq!(ids(&path).len(), 40);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left");
    }

    #[test]
    fn an_illegible_file_is_set_aside_and_named() {
        for torn in ["", "{\"a-1\": {\"type\": \"REQ", "[]", "\u{0}\u{0}"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("state.json");
            fs::write(&path, torn).unwrap();
            let warnings = track(&path, "b-1");
            assert_eq!(ids(&path), ["b-1"]);
            let aside = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
            let aside = aside.filter(|found| *found != path).collect::<Vec<_>>();
            assert_eq!(fs::read_to_string(&aside[0]).unwrap(), torn);
            assert!(warnings[0].contains(&*aside[0].to_string_lossy()), "{warnings:?}");
        }
    }

    #[test]
    fn a_link_to_the_file_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("state.json"), dir.path().join("link.json"));
        fs::write(&path, "{}").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&path, &link).unwrap();
        #[cfg(not(unix))]
        fs::hard_link(&path, &link).unwrap();
        track(&link, "a-1");
        assert_eq!(ids(&path), ["a-1"]);
        assert_eq!(ids(&link), ["a-1"]);
    }
}

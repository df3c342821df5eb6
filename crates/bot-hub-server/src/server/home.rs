//! The data directory: what lies in it and who may read it.
//!
//! ```text
//! hub.db           the store
//! hub.json         where the running hub can be reached (removed when it stops)
//! operator.token   the token of the local operator, new at every start, readable by its owner only
//! ```

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bot_protocol::secret::Secret;
use serde::{Deserialize, Serialize};

use bot_hub_store::sqlite::{Holder, holder, open_lock};

/// The name of the local operator: who speaks when somebody uses the command line of this machine.
pub const OPERATOR: &str = "operator";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Nobody said where it is.
    #[error(
        "there is no place for the data: neither `--data`, `store.path`, `XDG_DATA_HOME` nor `HOME` is set\n\
         hint: bot-hub serve --data DIR"
    )]
    Nowhere,
    /// It cannot be made, or something in it cannot be written.
    #[error("cannot write `{path}`: {error}\nhint: choose another place with --data DIR")]
    Unwritable {
        /// What.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is no space left to write it.
    #[error(
        "cannot write `{path}`: the disk is full\nhint: free some space on it; what is stored is safe"
    )]
    Full {
        /// What.
        path: PathBuf,
    },
}

impl HomeError {
    fn of(path: &Path, error: std::io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full { path },
            _ => Self::Unwritable { path, error },
        }
    }
}

/// The data directory of one hub.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    /// Whether there was no store in it.
    pub is_new: bool,
}

/// Where a running hub can be reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunningHub {
    /// `ws://ADDR:PORT`.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Its configuration file; absent where it has none, or is of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
}

impl Home {
    /// Makes the directory if there is none.
    pub fn open(dir: Option<&Path>) -> Result<Self, HomeError> {
        let dir = dir.ok_or(HomeError::Nowhere)?.to_path_buf();
        make_private_dir(&dir)?;
        let is_new = !dir.join("hub.db").exists();
        Ok(Self { dir, is_new })
    }

    /// Removes what a hub that was killed left: it leads nowhere. To be called with the lock.
    pub fn clear(&self) {
        self.retire();
        for file in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            if is_draft(&file.file_name().to_string_lossy()) {
                drop(fs::remove_file(file.path()));
            }
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes down where the hub can be reached.
    pub fn announce(
        &self,
        addresses: &[SocketAddr],
        config: Option<&Path>,
    ) -> Result<(), HomeError> {
        let Some(address) = addresses.first() else { return Ok(()) };
        let hub = RunningHub {
            url: format!("ws://{}", reachable(*address)),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            // Whoever reads it may be in another directory.
            config: config.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.into())),
        };
        let text = serde_json::to_string(&hub).expect("plain fields");
        write_private(&self.dir.join("hub.json"), &text)
    }

    /// Keeps the local operator's token where only the owner of the directory can read it.
    pub fn keep_token(&self, token: &Secret) -> Result<(), HomeError> {
        write_private(&self.dir.join("operator.token"), token.expose())
    }

    /// The hub stops: it can no longer be reached, and its token is worth nothing.
    pub fn retire(&self) {
        for name in ["hub.json", "operator.token"] {
            if let Err(error) = fs::remove_file(self.dir.join(name)) {
                tracing::debug!(name, %error, "not removed");
            }
        }
    }

    /// The directory that a copy was made of while a hub ran there: what came along names that hub.
    pub fn original_of(dir: &Path) -> Option<PathBuf> {
        let hub = fs::read_to_string(dir.join("hub.json")).ok()?;
        let hub: RunningHub = serde_json::from_str(&hub).ok()?;
        let lock = open_lock(hub.pid).filter(|_| holder(dir) == Holder::Nobody)?;
        Some(lock.parent()?.to_path_buf())
    }

    /// Where the hub of a data directory can be reached, and its operator's token. What a hub left that
    /// was killed, or what was copied along with a directory, leads to another hub or to none.
    pub fn find_running(dir: &Path) -> Option<(RunningHub, Secret)> {
        if holder(dir) == Holder::Nobody {
            return None;
        }
        let hub = fs::read_to_string(dir.join("hub.json")).ok()?;
        let token = fs::read_to_string(dir.join("operator.token")).ok()?;
        Some((serde_json::from_str(&hub).ok()?, Secret::new(token.trim())))
    }
}

/// An address to connect to: a hub that listens everywhere is also here.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(it) if it.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, it.port()))
        }
        SocketAddr::V6(it) if it.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, it.port()))
        }
        other => other,
    }
}

fn make_private_dir(dir: &Path) -> Result<(), HomeError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| HomeError::of(dir, error))
}

/// Replaces a file at once, so that nobody ever reads half of it.
fn write_private(path: &Path, text: &str) -> Result<(), HomeError> {
    let unwritable = |error| HomeError::of(path, error);
    let draft = path.with_extension(format!("{DRAFT}{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| file.write_all(text.as_bytes()));
    let named = written.and_then(|()| fs::rename(&draft, path));
    named.map_err(|error| {
        drop(fs::remove_file(&draft));
        unwritable(error)
    })
}

/// Behind the name of a file that is being written, before the number of the process.
const DRAFT: &str = "new-";

fn is_draft(name: &str) -> bool {
    let pid = name.rsplit_once('.').and_then(|(_, end)| end.strip_prefix(DRAFT));
    let of = ["hub.", "operator."].iter().any(|of| name.starts_with(of));
    of && pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|it| it.is_ascii_digit()))
}

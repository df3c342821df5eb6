//! The data directory: its files and who may read them.
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

/// The name of the local operator, as which the command line on this machine acts.
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
    /// Whether it had no store.
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
    /// Its configuration file; `None` if it has none or is of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
}

impl Home {
    /// Opens the directory; creates it if it does not exist.
    pub fn open(dir: Option<&Path>) -> Result<Self, HomeError> {
        let dir = dir.ok_or(HomeError::Nowhere)?.to_path_buf();
        make_private_dir(&dir)?;
        let is_new = !dir.join("hub.db").exists();
        Ok(Self { dir, is_new })
    }

    /// Removes files that a killed hub left behind. The caller must hold the lock.
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

    /// Writes the address of the hub for local commands.
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
            // A reader may have another current directory.
            config: config.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.into())),
        };
        let text = serde_json::to_string(&hub).expect("plain fields");
        write_private(&self.dir.join("hub.json"), &text)
    }

    /// Stores the local operator's token, readable only by the owner of the directory.
    pub fn keep_token(&self, token: &Secret) -> Result<(), HomeError> {
        write_private(&self.dir.join("operator.token"), token.expose())
    }

    /// Called when the hub stops: removes its address and its token.
    pub fn retire(&self) {
        for name in ["hub.json", "operator.token"] {
            if let Err(error) = fs::remove_file(self.dir.join(name)) {
                tracing::debug!(name, %error, "not removed");
            }
        }
    }

    /// The directory from which this one was copied while a hub ran there; the copied files name that hub.
    pub fn original_of(dir: &Path) -> Option<PathBuf> {
        let hub = fs::read_to_string(dir.join("hub.json")).ok()?;
        let hub: RunningHub = serde_json::from_str(&hub).ok()?;
        let lock = open_lock(hub.pid).filter(|_| holder(dir) == Holder::Nobody)?;
        Some(lock.parent()?.to_path_buf())
    }

    /// The address of the running hub of a data directory, and its operator's token. Files of a killed hub,
    /// or files in a copied directory, do not count.
    pub fn find_running(dir: &Path) -> Option<(RunningHub, Secret)> {
        if holder(dir) == Holder::Nobody {
            return None;
        }
        let hub = fs::read_to_string(dir.join("hub.json")).ok()?;
        let token = fs::read_to_string(dir.join("operator.token")).ok()?;
        Some((serde_json::from_str(&hub).ok()?, Secret::new(token.trim())))
    }
}

/// An address to connect to: a hub that listens on all addresses is reached through loopback.
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

/// Replaces a file atomically, so that nobody reads half of it.
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

/// Precedes the pid in the suffix of a file that is being written.
const DRAFT: &str = "new-";

fn is_draft(name: &str) -> bool {
    let pid = name.rsplit_once('.').and_then(|(_, end)| end.strip_prefix(DRAFT));
    let of = ["hub.", "operator."].iter().any(|of| name.starts_with(of));
    of && pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|it| it.is_ascii_digit()))
}

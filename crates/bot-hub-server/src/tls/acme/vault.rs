//! What is kept in the data directory: the account, the certificate with its key, and how it went.
//!
//! ```text
//! acme/account.json      the account with the authority
//! acme/certificate.pem   the key and the chain, together so that they always fit
//! acme/state.json        the last failure and its reason
//! ```

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use instant_acme::AccountCredentials;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

use crate::tls::identity::Identity;
use crate::tls::pem::{Flaw, flaw};

/// Something cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`: {error}\nhint: let the hub's user write to its data directory")]
pub struct VaultError {
    path: PathBuf,
    error: io::Error,
}

/// The folder of one hub.
#[derive(Clone, Debug)]
pub struct Vault {
    dir: PathBuf,
}

/// An account and what it was made with.
#[derive(Serialize, Deserialize)]
pub(super) struct Enrolled {
    pub(super) directory_url: String,
    pub(super) email: Option<String>,
    pub(super) credentials: AccountCredentials,
}

/// How the last attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Failures in a row; 0 after a success.
    pub failures: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When it is tried again.
    pub retry_at: Option<SystemTime>,
}

#[derive(Serialize, Deserialize)]
struct WrittenAttempt {
    failures: u32,
    error: Option<String>,
    retry_at_s: Option<u64>,
}

impl Vault {
    /// The folder in this data directory; it is made when something is kept.
    pub fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("acme") }
    }

    /// The certificate that is kept, if it is for these domains and valid at `now`.
    pub fn load_identity(&self, domains: &[String], now: SystemTime) -> Option<Identity> {
        let text = fs::read(self.dir.join("certificate.pem")).ok()?;
        match identity(&text, now) {
            Ok(identity) if domains.iter().all(|it| identity.facts.names.contains(it)) => {
                Some(identity)
            }
            Ok(_) => None,
            Err(flaw) => {
                tracing::warn!(flaw = flaw.message, "the certificate that was kept is not used");
                None
            }
        }
    }

    /// Key and chain in PEM.
    pub(super) fn keep_identity(&self, pem: &str) -> Result<(), VaultError> {
        self.write("certificate.pem", pem)
    }

    /// The account with that authority.
    pub(super) fn load_account(&self, directory_url: &str) -> Option<Enrolled> {
        let enrolled = self.any_account()?;
        (enrolled.directory_url == directory_url).then_some(enrolled)
    }

    fn any_account(&self) -> Option<Enrolled> {
        let text = fs::read(self.dir.join("account.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn keep_account(&self, enrolled: &Enrolled) -> Result<(), VaultError> {
        let text = serde_json::to_string(enrolled).expect("texts print as JSON");
        self.write("account.json", &text)
    }

    pub(super) fn note_email(&self, email: Option<String>) -> Result<(), VaultError> {
        match self.any_account() {
            Some(enrolled) => self.keep_account(&Enrolled { email, ..enrolled }),
            None => Ok(()),
        }
    }

    pub(super) fn forget_account(&self) -> Result<(), VaultError> {
        let path = self.dir.join("account.json");
        fs::remove_file(&path).map_err(|error| VaultError { path, error })
    }

    /// How the last attempt ended, as it was written down.
    pub fn load_attempt(&self) -> Option<Attempt> {
        let text = fs::read(self.dir.join("state.json")).ok()?;
        let WrittenAttempt { failures, error, retry_at_s } = serde_json::from_slice(&text).ok()?;
        let at = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        Some(Attempt { failures, error, retry_at: retry_at_s.map(at) })
    }

    pub(super) fn keep_attempt(&self, attempt: &Attempt) -> Result<(), VaultError> {
        let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let written = WrittenAttempt {
            failures: attempt.failures,
            error: attempt.error.clone(),
            retry_at_s: attempt.retry_at.map(seconds),
        };
        let text = serde_json::to_string(&written).expect("plain fields print as JSON");
        self.write("state.json", &text)
    }

    /// Replaces a file at once: a power cut leaves the old or the new one.
    fn write(&self, name: &str, text: &str) -> Result<(), VaultError> {
        let path = self.dir.join(name);
        let draft = self.dir.join(format!("{name}.new"));
        let write = || {
            make_private_dir(&self.dir)?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            fs::File::open(&self.dir)?.sync_all()
        };
        write().map_err(|error| VaultError { path: path.clone(), error })
    }
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Key and chain from one text in PEM.
pub(super) fn identity(pem: &[u8], now: SystemTime) -> Result<Identity, Flaw> {
    let broken = |_| flaw("it is no PEM", "it will be asked for again");
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(broken)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(broken)?;
    Identity::new(chain, key, now).map_err(|unfit| unfit.flaw().clone())
}

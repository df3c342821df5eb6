//! Applies the TLS settings, at the start and at each reload.
//!
//! Owns when a certificate is replaced. [`prepare`] finds mistakes before anything changes.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::AbortHandle;

use super::acme::{Renewal, Vault};
use super::https::Https;
use super::identity::{Facts, Identity, Unfit, day};
use super::pem::{Flaw, read_certificates, read_key};
use super::resolver::Shown;
use super::{Encryption, server_config};
use crate::config::{Acme, ConfigErrors, FileStamp, Loaded, Problem};

const CERT_FILE: &str = "tls.certFile";
const KEY_FILE: &str = "tls.keyFile";

/// Settings whose files were read and found in order.
#[derive(Debug, Default)]
pub struct Prepared {
    source: Source,
    watched: Vec<FileStamp>,
    warnings: Vec<Problem>,
}

/// Where the certificate comes from.
#[derive(Debug, Default)]
enum Source {
    /// There is none: plain connections.
    #[default]
    Off,
    /// From files that another program renews.
    Files(Box<Identity>),
    /// From an authority; the hub requests and renews it.
    Acme(Box<Ordered>),
}

/// What is needed to ask an authority.
#[derive(Debug)]
struct Ordered {
    acme: Acme,
    https: Https,
    vault: Vault,
    /// The certificate that was stored earlier.
    kept: Option<Identity>,
}

impl Prepared {
    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What the certificate says, if there is one.
    pub fn facts(&self) -> Option<&Facts> {
        match &self.source {
            Source::Off => None,
            Source::Files(identity) => Some(&identity.facts),
            Source::Acme(ordered) => ordered.kept.as_ref().map(|identity| &identity.facts),
        }
    }

    /// Where the certificate is stored, if the hub requests it.
    pub(super) fn vault(&self) -> Option<&Vault> {
        match &self.source {
            Source::Acme(ordered) => Some(&ordered.vault),
            Source::Off | Source::Files(_) => None,
        }
    }

    /// In a few words, for people.
    pub fn summary(&self) -> Option<String> {
        match &self.source {
            Source::Off => None,
            Source::Files(identity) => Some(identity.facts.to_string()),
            Source::Acme(ordered) => Some(match &ordered.kept {
                Some(identity) => format!("{} (renewed by itself)", identity.facts),
                None => format!("{}, asking for a certificate", ordered.acme.domains.join(", ")),
            }),
        }
    }
}

/// Reads what the settings name.
///
/// # Errors
/// Everything that is wrong with it, told where the setting stands.
pub fn prepare(loaded: &Loaded) -> Result<Prepared, ConfigErrors> {
    let tls = &loaded.config.tls;
    if !tls.acme.domains.is_empty() {
        return order(loaded).map_err(|problem| refused(vec![*problem]));
    }
    let (Some(cert_file), Some(key_file)) = (&tls.cert_file, &tls.key_file) else {
        return Ok(Prepared::default());
    };
    // Taken before the files are read: a change in between is noticed.
    let watched = [cert_file, key_file].map(|path| FileStamp::of(path)).into();
    let now = SystemTime::now();
    let identity = match (read_certificates(cert_file), read_key(key_file)) {
        (Ok(chain), Ok(key)) => Identity::new(chain, key, now).map_err(|unfit| {
            let setting = match unfit {
                Unfit::Certificate(_) => CERT_FILE,
                Unfit::Key(_) => KEY_FILE,
            };
            vec![told(loaded, setting, unfit.flaw())]
        }),
        (chain, key) => {
            let chain = chain.err().map(|flaw| told(loaded, CERT_FILE, &flaw));
            let key = key.err().map(|flaw| told(loaded, KEY_FILE, &flaw));
            Err(chain.into_iter().chain(key).collect())
        }
    };
    let identity = identity.map_err(refused)?;
    let warnings = late(loaded, &identity, now).into_iter().collect();
    Ok(Prepared { source: Source::Files(Box::new(identity)), watched, warnings })
}

fn refused(errors: Vec<Problem>) -> ConfigErrors {
    ConfigErrors { errors, warnings: Vec::new() }
}

fn order(loaded: &Loaded) -> Result<Prepared, Box<Problem>> {
    let acme = loaded.config.tls.acme.clone();
    let https = Https::new(acme.ca_file.as_deref()).map_err(|error| {
        let error = error.to_string();
        let (message, hint) = error.split_once("\nhint: ").unwrap_or((&error, "check the file"));
        Box::new(loaded.problem("tls.acme.caFile", message, hint))
    })?;
    let vault = loaded.data_dir.as_deref().map(Vault::new).ok_or_else(|| {
        let hint = "name one with --data DIR or `store.path`";
        let message = "the certificate must be kept, and there is no data directory";
        Box::new(loaded.problem("tls.acme.domains", message, hint))
    })?;
    let kept = vault.load_identity(&acme.domains, SystemTime::now());
    let source = Source::Acme(Box::new(Ordered { acme, https, vault, kept }));
    Ok(Prepared { source, ..Prepared::default() })
}

fn told(loaded: &Loaded, setting: &str, flaw: &Flaw) -> Problem {
    loaded.problem(setting, flaw.message.clone(), flaw.hint.clone())
}

fn late(loaded: &Loaded, identity: &Identity, now: SystemTime) -> Option<Problem> {
    if !identity.facts.is_late(now) {
        return None;
    }
    let message = format!("the certificate expires on {}", day(identity.facts.not_after));
    let hint = "renew it; the hub takes the new files over by itself";
    Some(loaded.problem(CERT_FILE, message, hint))
}

/// The certificate of a running hub.
#[derive(Debug)]
pub struct Keeper {
    shown: Arc<Shown>,
    encryption: Encryption,
    watched: Vec<FileStamp>,
    /// A change was seen at the last check and may still be in progress.
    is_changing: bool,
    renewing: Option<Renewing>,
}

/// A task that renews; it ends with this.
#[derive(Debug)]
struct Renewing {
    acme: Acme,
    task: AbortHandle,
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Keeper {
    /// Shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shown = Arc::<Shown>::default();
        let config = server_config(Arc::clone(&shown));
        let encryption = Encryption { config, shown: Arc::clone(&shown) };
        Self { shown, encryption, watched: Vec::new(), is_changing: false, renewing: None }
    }

    /// Applies settings. Returns the encryption of new connections, if any. Must run inside a `LocalSet`.
    pub fn take_over(&mut self, prepared: Prepared) -> Option<Encryption> {
        self.watched = prepared.watched;
        self.is_changing = false;
        match prepared.source {
            Source::Off => {
                self.renewing = None;
                self.shown.show(None);
                return None;
            }
            Source::Files(identity) => {
                self.renewing = None;
                self.show(*identity);
            }
            Source::Acme(ordered) => self.renew(*ordered),
        }
        Some(self.encryption.clone())
    }

    /// The current certificate stays until a new one was obtained.
    fn renew(&mut self, ordered: Ordered) {
        let Ordered { acme, https, vault, kept } = ordered;
        if let Some(identity) = kept.clone() {
            self.show(identity);
        }
        if self.renewing.as_ref().is_some_and(|renewing| renewing.acme == acme) {
            return;
        }
        let shown = Arc::clone(&self.shown);
        let renewal = Renewal { acme: acme.clone(), https, vault, shown };
        let task = tokio::task::spawn_local(renewal.run(kept)).abort_handle();
        self.renewing = Some(Renewing { acme, task });
    }

    fn show(&self, identity: Identity) {
        let is_new = self.shown.current().is_none_or(|old| old.chain() != identity.chain());
        if is_new {
            let (names, until) = (identity.facts.names.join(", "), day(identity.facts.not_after));
            tracing::info!(names, until, "new connections are shown this certificate");
        }
        self.shown.show(Some(identity));
    }

    /// Whether the certificate's files changed and are stable again: the two are written one after the
    /// other, and do not match in between.
    pub fn files_changed(&mut self) -> bool {
        // All files are checked, because checking a file updates its stamp.
        let changed = self.watched.iter_mut().map(FileStamp::changed).filter(|it| *it).count() > 0;
        let was_changing = std::mem::replace(&mut self.is_changing, changed);
        was_changing && !changed
    }
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

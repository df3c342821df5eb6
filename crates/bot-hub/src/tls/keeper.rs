//! What the configuration says about TLS, carried out: at the start and at each reload.
//!
//! Owns when a certificate is taken over. What is wrong is found by [`prepare`], before anything
//! changes.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;

use super::identity::{Identity, Unfit, day};
use super::pem::{Flaw, read_certificates, read_key};
use super::resolver::Shown;
use super::server_config;
use crate::config::{ConfigErrors, FileStamp, Loaded, Problem};

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
    /// From files that somebody else renews.
    Files(Box<Identity>),
}

impl Prepared {
    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// In a few words, for people.
    pub fn summary(&self) -> Option<String> {
        match &self.source {
            Source::Off => None,
            Source::Files(identity) => Some(identity.facts.to_string()),
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
        let hint = "use `tls.certFile` and `tls.keyFile`";
        let problem = loaded.problem("tls.acme.domains", "this version has no ACME yet", hint);
        return Err(ConfigErrors { errors: vec![problem], warnings: Vec::new() });
    }
    let (Some(cert_file), Some(key_file)) = (&tls.cert_file, &tls.key_file) else {
        return Ok(Prepared::default());
    };
    // Before the files are read: what changes in between is seen as a change.
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
    let identity = identity.map_err(|errors| ConfigErrors { errors, warnings: Vec::new() })?;
    let warnings = late(loaded, &identity, now).into_iter().collect();
    Ok(Prepared { source: Source::Files(Box::new(identity)), watched, warnings })
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
    server: Arc<ServerConfig>,
    watched: Vec<FileStamp>,
    /// Something changed at the last look, and may still be changing.
    is_changing: bool,
}

impl Keeper {
    /// Shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shown = Arc::<Shown>::default();
        let server = server_config(Arc::clone(&shown));
        Self { shown, server, watched: Vec::new(), is_changing: false }
    }

    /// What is shown, for whoever wants to know.
    #[must_use]
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// Takes settings over. Returns how new connections are to be encrypted, if at all.
    pub fn take_over(&mut self, prepared: Prepared) -> Option<Arc<ServerConfig>> {
        self.watched = prepared.watched;
        self.is_changing = false;
        match prepared.source {
            Source::Off => {
                self.shown.show(None);
                None
            }
            Source::Files(identity) => {
                self.show(*identity);
                Some(Arc::clone(&self.server))
            }
        }
    }

    fn show(&self, identity: Identity) {
        let is_new = self.shown.current().is_none_or(|old| old.chain() != identity.chain());
        if is_new {
            let (names, until) = (identity.facts.names.join(", "), day(identity.facts.not_after));
            tracing::info!(names, until, "new connections are shown this certificate");
        }
        self.shown.show(Some(identity));
    }

    /// Whether the files of the certificate changed and have settled: the two are written one after
    /// the other, and in between they do not fit.
    pub fn files_changed(&mut self) -> bool {
        // All of them, since looking at one makes it known.
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

//! The current certificate, and the proofs for an authority.
//!
//! Owns the one place that handshakes read. Others decide when the certificate changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::ACME_TLS;
use super::identity::{Facts, Identity};

/// The certificate for handshakes. All configurations of one hub share it.
#[derive(Default)]
pub struct Shown {
    current: RwLock<Option<Identity>>,
    /// By domain: the proofs that an authority asks for, as long as it does.
    proofs: RwLock<HashMap<String, Arc<CertifiedKey>>>,
    renewal_failures: AtomicU64,
}

impl Shown {
    /// Replaces the certificate. Existing connections keep theirs.
    pub fn show(&self, identity: Option<Identity>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// What is shown, if anything is.
    pub fn facts(&self) -> Option<Facts> {
        self.current().map(|identity| identity.facts)
    }

    /// What is shown, if anything is.
    pub fn current(&self) -> Option<Identity> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Attempts to get a certificate that failed since the start.
    pub fn renewal_failures(&self) -> u64 {
        self.renewal_failures.load(Ordering::Relaxed)
    }

    pub(super) fn renewal_failed(&self) {
        self.renewal_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn prove(&self, domain: &str, proof: Arc<CertifiedKey>) {
        let mut proofs = self.proofs.write().unwrap_or_else(PoisonError::into_inner);
        proofs.insert(domain.to_ascii_lowercase(), proof);
    }

    pub(super) fn forget_proofs(&self) {
        self.proofs.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn proof(&self, domain: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let proofs = self.proofs.read().unwrap_or_else(PoisonError::into_inner);
        proofs.get(&domain?.to_ascii_lowercase()).cloned()
    }
}

impl ResolvesServerCert for Shown {
    /// The requested name is ignored: a client that wants another name sees which one the certificate is
    /// for, and learns more than from a refusal.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut protocols| protocols.any(|it| it == ACME_TLS)) {
            return self.proof(hello.server_name());
        }
        self.current().map(|identity| identity.certified)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("facts", &self.facts()).finish_non_exhaustive()
    }
}

//! The state of the certificate, for programs other than the hub.
//!
//! Owns the answer only; it reads the same files as the hub and changes none.

use std::time::SystemTime;

use super::acme::Attempt;
use super::identity::Facts;
use super::keeper::prepare;
use crate::config::{ConfigErrors, Loaded};

/// What can be known from settings and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the certificate says; `None`: there is none yet.
    pub certificate: Option<Facts>,
    /// Whether the hub asks for it and renews it by itself.
    pub is_renewed_by_hub: bool,
    /// How the last attempt to renew it ended.
    pub attempt: Attempt,
}

impl Status {
    /// Whether there is nothing valid to show at `now`.
    pub fn is_missing(&self, now: SystemTime) -> bool {
        self.certificate.as_ref().is_none_or(|facts| facts.not_after <= now)
    }

    /// Whether it should have been renewed by `now`.
    pub fn is_late(&self, now: SystemTime) -> bool {
        self.certificate.as_ref().is_some_and(|facts| facts.is_late(now))
    }
}

/// How it stands; `None` where the hub speaks no TLS.
///
/// # Errors
/// The settings name files that cannot be used.
pub fn status(loaded: &Loaded) -> Result<Option<Status>, ConfigErrors> {
    if !loaded.config.tls.is_on() {
        return Ok(None);
    }
    let prepared = prepare(loaded)?;
    Ok(Some(Status {
        certificate: prepared.facts().cloned(),
        is_renewed_by_hub: prepared.vault().is_some(),
        attempt: prepared.vault().and_then(|it| it.load_attempt()).unwrap_or_default(),
    }))
}

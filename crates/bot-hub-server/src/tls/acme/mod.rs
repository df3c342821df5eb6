//! Requests and renews a certificate from an authority (ACME, RFC 8555).
//!
//! Owns the loop: when to request, and how to handle a failure. Never stops the hub: until there is a
//! certificate, handshakes are refused and the log says why.

mod account;
mod order;
mod schedule;
mod vault;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use instant_acme::{Account, CertificateIdentifier};
use tokio::time::{sleep, timeout};

use super::https::Https;
use super::identity::{Identity, day};
use super::resolver::Shown;
use crate::config::Acme;
use schedule::Window;

pub use vault::{Attempt, Vault, VaultError};

/// The time for one order, from the first request to the certificate.
const ORDER_TIMEOUT: Duration = Duration::from_secs(300);

/// The longest sleep: the wall clock may jump, and the authority may propose another time.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// Why no certificate was obtained.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    #[error("{0}")]
    Authority(#[from] instant_acme::Error),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("what the authority issued cannot be used: {0}")]
    Unfit(String),
    #[error("the proof cannot be made: {0}")]
    Proof(String),
    #[error("the authority has not answered within 5 min")]
    TimedOut,
}

impl AcmeError {
    /// The authority has forgotten the account, as test authorities do when they restart.
    fn is_unknown_account(&self) -> bool {
        let Self::Authority(instant_acme::Error::Api(problem)) = self else { return false };
        let kind = problem.r#type.as_deref();
        kind.is_some_and(|kind| kind.ends_with(":accountDoesNotExist"))
    }
}

/// Renews the certificate of one hub as long as this value lives.
pub(super) struct Renewal {
    pub(super) acme: Acme,
    pub(super) https: Https,
    pub(super) vault: Vault,
    pub(super) shown: Arc<Shown>,
}

impl Renewal {
    /// Keeps a valid certificate forever, starting with the stored one.
    pub(super) async fn run(self, mut current: Option<Identity>) {
        let mut failures = 0;
        if current.is_none() {
            let domains = self.acme.domains.join(", ");
            tracing::warn!(
                domains,
                "no certificate yet: encrypted connections are refused until the authority has issued one"
            );
        }
        loop {
            if let Some(identity) = &current {
                self.wait_for_renewal(identity).await;
            }
            match self.renew().await {
                Ok(identity) => {
                    failures = 0;
                    self.succeeded(&identity);
                    sleep(schedule::rest(&identity.facts)).await;
                    current = Some(identity);
                }
                Err(error) => {
                    failures += 1;
                    let pause = schedule::pause(failures, schedule::dice());
                    self.failed(&error, failures, pause);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Sleeps until the certificate is to be renewed.
    async fn wait_for_renewal(&self, identity: &Identity) {
        let dice = schedule::dice();
        loop {
            let wish = self.wish(identity).await;
            let at = schedule::renew_at(&identity.facts, wish, dice);
            let Ok(left) = at.duration_since(SystemTime::now()) else { return };
            tracing::debug!(at = day(at), "the certificate will be renewed");
            sleep(left.min(LOOK_EVERY)).await;
        }
    }

    /// The time that the authority proposes for the renewal (RFC 9773), if it does.
    async fn wish(&self, identity: &Identity) -> Option<Window> {
        let id = CertificateIdentifier::try_from(identity.chain().first()?).ok()?;
        let asked = async {
            let account = account::open(&self.acme, &self.https, &self.vault).await?;
            Ok::<_, AcmeError>(account.renewal_info(&id).await?.0.suggested_window)
        };
        match timeout(ORDER_TIMEOUT, asked).await {
            Ok(Ok(window)) => Some(Window { from: window.start.into(), to: window.end.into() }),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the authority does not say when to renew");
                None
            }
            Err(_) => None,
        }
    }

    async fn renew(&self) -> Result<Identity, AcmeError> {
        let ordered = timeout(ORDER_TIMEOUT, self.order()).await;
        // Nobody asks for proof any more.
        self.shown.forget_proofs();
        ordered.unwrap_or(Err(AcmeError::TimedOut))
    }

    async fn order(&self) -> Result<Identity, AcmeError> {
        let account: Account = account::open(&self.acme, &self.https, &self.vault).await?;
        let ordered = order::obtain(&account, &self.acme.domains, &self.shown).await;
        if ordered.as_ref().is_err_and(AcmeError::is_unknown_account) {
            self.vault.forget_account()?;
        }
        let pem = ordered?;
        let identity = vault::identity(pem.as_bytes(), SystemTime::now())
            .map_err(|flaw| AcmeError::Unfit(flaw.message))?;
        self.vault.keep_identity(&pem)?;
        Ok(identity)
    }

    fn succeeded(&self, identity: &Identity) {
        let (names, until) = (identity.facts.names.join(", "), day(identity.facts.not_after));
        tracing::info!(
            names,
            until,
            "the authority issued a certificate; new connections are shown it"
        );
        self.shown.show(Some(identity.clone()));
        self.note(&Attempt::default());
    }

    fn failed(&self, error: &AcmeError, failures: u32, pause: Duration) {
        let (error, retry_in_s) = (error.to_string(), pause.as_secs());
        tracing::error!(
            error,
            retry_in_s,
            "no new certificate\nhint: port 443 of each of `tls.acme.domains` must lead to this hub; docs/tls.md"
        );
        self.shown.renewal_failed();
        self.note(&Attempt {
            failures,
            error: Some(error),
            retry_at: Some(SystemTime::now() + pause),
        });
    }

    fn note(&self, attempt: &Attempt) {
        if let Err(error) = self.vault.keep_attempt(attempt) {
            tracing::warn!(%error, "what became of the renewal is not written down");
        }
    }
}

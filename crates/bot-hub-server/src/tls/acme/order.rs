//! One order: proof for each domain, then the certificate.
//!
//! Owns the steps of an order. Never decides when to order, and stores nothing.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::AcmeError;
use crate::tls::resolver::Shown;

/// How often the authority is asked whether it has looked: at first soon, then less often.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_secs(120));

/// Key and chain in PEM, in this order.
pub(super) async fn obtain(
    account: &Account,
    domains: &[String],
    shown: &Shown,
) -> Result<String, AcmeError> {
    let identifiers: Vec<_> = domains.iter().map(|it| Identifier::Dns(it.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    prove(&mut order, shown).await?;
    let is_proven = order.poll_ready(&PATIENCE).await;
    if !matches!(is_proven, Ok(OrderStatus::Ready | OrderStatus::Valid)) {
        let reasons = reasons(&mut order).await;
        if !reasons.is_empty() {
            return Err(AcmeError::Refused(reasons.join("; ")));
        }
        is_proven?;
        return Err(AcmeError::Refused("the authority does not believe the proof".to_owned()));
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(format!("{}\n{}", key.trim_end(), chain))
}

/// Puts the proof where the authority looks for it, and asks it to look.
async fn prove(order: &mut Order, shown: &Shown) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        // It remembers an earlier proof.
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
        let mut challenge = challenge.ok_or_else(|| {
            AcmeError::Refused("the authority does not offer TLS-ALPN-01".to_owned())
        })?;
        let domain = challenge.identifier().to_string();
        let proof = proof(&domain, challenge.key_authorization().digest().as_ref());
        shown.prove(&domain, Arc::new(proof.map_err(AcmeError::Proof)?));
        challenge.set_ready().await?;
    }
    Ok(())
}

/// A certificate that carries the digest (RFC 8737 section 3).
fn proof(domain: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let made = || {
        let mut params = CertificateParams::new(vec![domain.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate()?;
        Ok((params.self_signed(&key)?, key))
    };
    let (certificate, key) = made().map_err(|error: rcgen::Error| error.to_string())?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
    // Not `from_der`, which refuses certificates with a critical extension that it does not know.
    let key = crate::tls::provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| error.to_string())?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// What the authority saw when it looked, for each domain that it did not believe.
async fn reasons(order: &mut Order) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let domain = state.identifier().to_string();
        let problems = state.challenges.iter().filter_map(|it| it.error.as_ref());
        for problem in problems {
            let detail = problem.detail.as_deref().unwrap_or("no reason given");
            reasons.push(format!("the authority could not prove `{domain}`: {detail}"));
        }
    }
    reasons
}

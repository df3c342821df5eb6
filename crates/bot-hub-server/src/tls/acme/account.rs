//! The account with the authority: made once, kept in the data directory.
//!
//! Owns when an account is made. Never orders a certificate.

use std::future::Future;
use std::pin::Pin;

use hyper::Request;
use hyper::body::Bytes;
use instant_acme::{Account, BodyWrapper, BytesResponse, Error, HttpClient, NewAccount};

use super::AcmeError;
use super::vault::{Enrolled, Vault};
use crate::config::Acme;
use crate::tls::https::Https;

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let https = self.clone();
        Box::pin(async move {
            let answer =
                https.send(request).await.map_err(|error| Error::Other(Box::new(error)))?;
            Ok(BytesResponse::from(answer))
        })
    }
}

/// The account with this authority: the one that is kept, or a new one.
pub(super) async fn open(acme: &Acme, https: &Https, vault: &Vault) -> Result<Account, AcmeError> {
    let contact = acme.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let builder = Account::builder_with_http(Box::new(https.clone()));
    if let Some(kept) = vault.load_account(&acme.directory_url) {
        let account = builder.from_credentials(kept.credentials).await?;
        if kept.email != acme.email {
            account.update_contacts(&contact).await?;
            vault.note_email(acme.email.clone())?;
        }
        return Ok(account);
    }
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder.create(&wanted, acme.directory_url.clone(), None).await?;
    let directory_url = acme.directory_url.clone();
    vault.keep_account(&Enrolled { directory_url, email: acme.email.clone(), credentials })?;
    tracing::info!(authority = acme.directory_url, "an account was made with the authority");
    Ok(account)
}

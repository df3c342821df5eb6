//! A certificate with its key, and the facts in it.
//!
//! Owns the check whether the two match and are valid now. Never reads a file.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bot_protocol::block::write_stamp;
use bot_protocol::time::Timestamp;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::pem::{Flaw, flaw};

/// The certificate and the key that the hub uses for TLS.
#[derive(Clone)]
pub struct Identity {
    /// For rustls.
    pub(super) certified: Arc<CertifiedKey>,
    /// What it says.
    pub facts: Facts,
}

/// What a certificate says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The names and addresses that it is valid for.
    pub names: Vec<String>,
    /// From when on.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Which of the two files is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The certificate.
    Certificate(Flaw),
    /// The key.
    Key(Flaw),
}

impl Unfit {
    /// What is wrong.
    pub fn flaw(&self) -> &Flaw {
        match self {
            Self::Certificate(flaw) | Self::Key(flaw) => flaw,
        }
    }
}

impl Identity {
    /// Puts a chain and its key together, if they belong together and are valid at `now`.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        now: SystemTime,
    ) -> Result<Self, Unfit> {
        let facts = chain.first().ok_or_else(|| unreadable("there is none")).and_then(Facts::of);
        let facts = facts.map_err(Unfit::Certificate)?;
        let certified = CertifiedKey::from_der(chain, key, &super::provider());
        let certified = certified.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Unfit::Key(flaw(
                "the key does not belong to the certificate",
                "name the key that the certificate was requested with",
            )),
            Error::InvalidCertificate(_) => Unfit::Certificate(unreadable(&error.to_string())),
            error => Unfit::Key(flaw(
                format!("a key of this kind cannot be used: {error}"),
                "use an ECDSA key (P-256, P-384), Ed25519, or RSA with 2048 bits or more",
            )),
        })?;
        facts.check(now).map_err(Unfit::Certificate)?;
        Ok(Self { certified: Arc::new(certified), facts })
    }

    /// The chain, as it is shown.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
}

impl fmt::Display for Facts {
    /// `hub.example.com, until 2027-02-19 10:00 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = if self.names.is_empty() { "no name" } else { &self.names.join(", ") };
        write!(f, "{names}, until {}", day(self.not_after))
    }
}

impl Facts {
    /// Reads a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, Flaw> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| unreadable(&error.to_string()))?;
        let alternative = parsed.subject_alternative_name().ok().flatten();
        let names = alternative.map(|names| &names.value.general_names[..]).unwrap_or_default();
        let validity = parsed.validity();
        Ok(Self {
            names: names.iter().filter_map(name).collect(),
            not_before: time(validity.not_before.timestamp()),
            not_after: time(validity.not_after.timestamp()),
        })
    }

    /// How long it is valid altogether.
    pub fn lifetime(&self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default()
    }

    /// How long it stays valid.
    pub fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }

    /// Whether so little time is left that the certificate should have been renewed.
    pub fn is_late(&self, now: SystemTime) -> bool {
        self.left(now) < self.lifetime() / 6
    }

    fn check(&self, now: SystemTime) -> Result<(), Flaw> {
        if self.not_after <= now {
            let message = format!("the certificate expired on {}", day(self.not_after));
            return Err(flaw(message, "renew it; if it was renewed, check the clock (`date`)"));
        }
        if self.not_before > now {
            let message = format!("the certificate is valid only from {}", day(self.not_before));
            return Err(flaw(message, "check the clock of this machine (`date`), or wait"));
        }
        Ok(())
    }
}

fn unreadable(cause: &str) -> Flaw {
    let message = format!("the certificate is not understood: {cause}");
    flaw(message, "is it whole? openssl x509 -noout -text -in FILE")
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// `2027-02-19 10:00 UTC`.
pub fn day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = write_stamp(Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
    let (date, clock) = stamp.split_once('T').expect("a stamp has a date and a time");
    format!("{date} {} UTC", &clock[..5])
}

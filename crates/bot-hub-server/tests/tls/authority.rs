//! A private authority, and the certificates that it issues.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bot_hub_server::tls::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// For a hub on this machine, valid for a month.
    pub(crate) fn issue(&self) -> Issued {
        let now = SystemTime::now();
        self.issue_for(&["localhost", "127.0.0.1"], now - DAY, now + 30 * DAY)
    }

    pub(crate) fn issue_for(&self, names: &[&str], from: SystemTime, to: SystemTime) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) = (from.into(), to.into());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Issued { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// Writes the authority's certificate where clients find it.
    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        let path = dir.join("ca.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }
}

impl Issued {
    pub(crate) fn write(&self, dir: &Path) {
        std::fs::write(dir.join("key.pem"), &self.key).unwrap();
        std::fs::write(dir.join("cert.pem"), &self.cert).unwrap();
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap()]
    }

    /// As a hub would show it at `now`.
    pub(crate) fn identity(&self, now: SystemTime) -> Identity {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        Identity::new(self.chain(), key, now).unwrap()
    }
}

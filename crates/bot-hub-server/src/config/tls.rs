//! The section `tls`: which certificate the hub shows, or who issues one.
//!
//! Owns keys, defaults and what they may hold. Never reads a certificate: `crate::tls` does.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{DomainText, WebAddressText};

/// Let's Encrypt, the authority that most people mean.
pub const ACME_DIRECTORY_DEFAULT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Encrypted connections without a proxy in front: `certFile` and `keyFile`, or `acme`. Without
/// either the hub speaks plain `ws://`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// The hub's certificate in PEM, followed by those that link it to its authority (a "full
    /// chain"). A new one is taken over while the hub runs. A relative path counts from the folder
    /// of the configuration file; `~/` is the home directory.
    #[schemars(
        with = "Option<PathBuf>",
        extend("format" = "path", "x-applies" = "new connections")
    )]
    pub cert_file: Option<PathBuf>,
    /// The private key of that certificate in PEM, readable by the hub only.
    #[schemars(
        with = "Option<PathBuf>",
        extend("format" = "path", "x-applies" = "new connections")
    )]
    pub key_file: Option<PathBuf>,
    /// A certificate that the hub asks for and renews by itself.
    pub acme: Acme,
}

/// A certificate that the hub asks for and renews by itself (ACME, TLS-ALPN-01). The authority
/// connects to port 443 of each domain; that port must lead to this hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Acme {
    /// The names under which the hub is reached, all in one certificate. Naming one turns ACME on
    /// and agrees to the authority's terms of service.
    #[schemars(with = "Vec<DomainText>", extend("x-applies" = "new connections"))]
    pub domains: Vec<String>,
    /// Where the authority may write to when something is wrong with the certificate.
    #[schemars(extend("x-applies" = "new connections"))]
    pub email: Option<String>,
    /// The authority's directory; Let's Encrypt, unless you run another.
    #[schemars(with = "WebAddressText", extend("x-applies" = "new connections"))]
    pub directory_url: String,
    /// Certificates in PEM that the authority's own server is checked with, where it is a private
    /// one.
    #[schemars(
        with = "Option<PathBuf>",
        extend("format" = "path", "x-applies" = "new connections")
    )]
    pub ca_file: Option<PathBuf>,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            email: None,
            directory_url: ACME_DIRECTORY_DEFAULT.to_owned(),
            ca_file: None,
        }
    }
}

impl Tls {
    /// Whether the hub shows a certificate at all.
    pub fn is_on(&self) -> bool {
        self.cert_file.is_some() || !self.acme.domains.is_empty()
    }
}

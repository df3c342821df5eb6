//! Encrypted connections: which certificate is shown, where it comes from, and when it is renewed.
//!
//! Owns certificates and their files. Handshakes are the door's, settings are the configuration's;
//! nothing here ever stops a hub that runs.

mod acme;
mod https;
mod identity;
mod keeper;
mod metrics;
mod pem;
mod resolver;
mod status;

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};

pub use acme::{Attempt, Vault, VaultError};
pub use https::{Https, NoAnswer};
pub use identity::{Facts, Identity, Unfit, day};
pub use keeper::{Keeper, Prepared, prepare};
pub use metrics::metrics;
pub use pem::{Flaw, read_certificates, read_key};
pub use resolver::Shown;
pub use status::{Status, status};

/// The protocol in which an authority asks for proof (RFC 8737); nothing is said in it.
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// What is spoken inside.
const HTTP: &[u8] = b"http/1.1";

/// How a hub encrypts, for its door.
#[derive(Clone)]
pub struct Encryption {
    /// How handshakes are done.
    pub config: Arc<ServerConfig>,
    /// What they show.
    pub shown: Arc<Shown>,
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryption").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// `ring`, named wherever rustls would otherwise ask the process what to use.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How handshakes are done: TLS 1.2 and 1.3, no certificate of the client, and the certificate that
/// is shown at that moment.
pub fn server_config(shown: Arc<Shown>) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring does TLS 1.2 and 1.3");
    let mut config = builder.with_no_client_auth().with_cert_resolver(shown);
    config.alpn_protocols = vec![HTTP.to_vec(), ACME_TLS.to_vec()];
    // A client that comes back goes on where it was without a new signature, and no memory of it is
    // kept here. Without random numbers there are no tickets, and no keys either.
    if let Ok(ticketer) = ring::Ticketer::new() {
        config.ticketer = ticketer;
    }
    // One is used up by one connection, and a bot has one.
    config.send_tls13_tickets = 1;
    Arc::new(config)
}

//! TLS to the hub: trusted authorities, and explanations for failed handshakes.
//!
//! Owns the TLS configuration and the wording of TLS errors. Never connects.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::cannot_reach;
use crate::error::{ConnectError, Why};

/// The expected name, and the TLS configuration.
#[derive(Clone)]
pub(super) struct Tls {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(host: &str, ca_file: Option<&Path>) -> Result<Self, ConnectError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::BadUrl {
            url: format!("wss://{host}"),
            problem: "no certificate can be for it".to_owned(),
        })?;
        Ok(Self { name, config: tls_config(ca_file)? })
    }

    pub(super) async fn handshake(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Why> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(self.name.clone(), stream).await.map_err(|error| explain_tls(&error))
    }
}

/// What `wss://` is done with: for programs that speak HTTPS to the same hub. TLS 1.2 and 1.3; the
/// authorities of the web, those of this system, and those in `ca_file`, in PEM.
///
/// # Errors
/// `ca_file` cannot be used.
pub fn tls_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ConnectError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring does TLS 1.2 and 1.3")
        .with_root_certificates(tls_roots(ca_file)?);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Whom `wss://` believes: the authorities of the web, those that this system trusts, and those in
/// `ca_file`, in PEM. A system without any is no failure: a container often has none.
///
/// # Errors
/// `ca_file` cannot be used.
pub fn tls_roots(ca_file: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let own = rustls_native_certs::load_native_certs();
    if let Some(error) = own.errors.first() {
        tracing::debug!(%error, "not every authority of the system could be read");
    }
    roots.add_parsable_certificates(own.certs);
    if let Some(path) = ca_file {
        let bad =
            |problem: String| ConnectError::BadCaFile { path: path.display().to_string(), problem };
        let file = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
        let found = CertificateDer::pem_slice_iter(&file).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| bad(format!("it is broken: {error}")))?;
        let (added, _) = roots.add_parsable_certificates(found);
        if added == 0 {
            return Err(bad("there is no certificate in PEM in it".to_owned()));
        }
    }
    Ok(roots)
}

/// Explains a failed handshake to readers who do not know TLS.
pub fn explain_tls(error: &io::Error) -> Why {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(error) = inner else {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it hung up during the TLS handshake".to_owned(),
            _ => error.to_string(),
        };
        return cannot_reach(text);
    };
    let (problem, hint) = match error {
        Error::InvalidCertificate(error) => return certificate(error),
        Error::AlertReceived(AlertDescription::AccessDenied) => (
            "it has no certificate yet".to_owned(),
            "its log says why; with ACME the first one takes up to a minute",
        ),
        Error::InvalidMessage(_) => (
            "what answers there does not speak TLS".to_owned(),
            "use `ws://`, or the port that encrypts",
        ),
        error => {
            (error.to_string(), "is there a hub, or a proxy in front of one, at this address?")
        }
    };
    Why::NotSecure { problem, hint: hint.to_owned() }
}

fn certificate(error: &CertificateError) -> Why {
    use CertificateError as E;
    let clock = "if its operator says that it is valid, check the clock of this machine";
    let (problem, hint) = match error {
        E::UnknownIssuer
        | E::BadSignature
        | E::InvalidPurpose
        | E::InvalidPurposeContext { .. } => (
            "its certificate comes from an authority that is not known here".to_owned(),
            "a private authority is named with --ca-file FILE (`BOT_HUB_CA_FILE`, `Options::ca_file`); \
             otherwise somebody may sit in between",
        ),
        E::NotValidForName => {
            ("its certificate is for another name".to_owned(), "use the name that it is for")
        }
        E::NotValidForNameContext { expected, presented } => (
            format!(
                "its certificate is not for `{}` but for {}",
                expected.to_str(),
                listed(presented)
            ),
            "use a name that it is for, or ask for a certificate with this one",
        ),
        E::Expired | E::ExpiredContext { .. } => ("its certificate has expired".to_owned(), clock),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), clock)
        }
        E::Other(_) => (
            "its certificate cannot be used for a server".to_owned(),
            "is it an authority's own certificate? the hub needs one that was issued to it",
        ),
        error => (
            format!("its certificate is not accepted: {error}"),
            "ask the hub's operator for a valid one",
        ),
    };
    Why::NotSecure { problem, hint: hint.to_owned() }
}

/// Extracts the names as rustls prints them: `DnsName("hub.example.com")`.
fn listed(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inside = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        format!("`{}`", inside.trim_end_matches(')').trim_matches('"'))
    };
    match presented {
        [] => "no name at all".to_owned(),
        names => names.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

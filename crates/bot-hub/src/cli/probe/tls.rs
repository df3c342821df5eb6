//! The TLS handshake, and the certificate of the other side.
//!
//! Owns the handshake. An invalid certificate is recorded and the handshake goes on, so that the error can
//! be reported.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bot_hub_client::tls_roots;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The facts about a certificate.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Certificate {
    /// Why a client would reject it.
    pub(in crate::cli) objection: Option<String>,
    /// When it expires, in seconds since 1970.
    pub(in crate::cli) not_after: Option<i64>,
    /// Who signed it.
    pub(in crate::cli) issuer: String,
}

/// Starts TLS on a connection to `host`.
pub(super) async fn secure(
    stream: TcpStream,
    host: &str,
    ca_file: Option<&Path>,
) -> io::Result<(TlsStream<TcpStream>, Certificate)> {
    let provider = Arc::new(ring::default_provider());
    let observer = Arc::new(Observer::new(Arc::clone(&provider), ca_file)?);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&observer) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let objection = observer.objection.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let (not_after, issuer) = shown.map(read).unwrap_or_default();
    Ok((stream, Certificate { objection, not_after, issuer }))
}

fn read(certificate: &CertificateDer<'_>) -> (Option<i64>, String) {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, parsed)) => {
            (Some(parsed.validity().not_after.timestamp()), parsed.issuer().to_string())
        }
        Err(_) => (None, String::new()),
    }
}

/// Accepts every certificate and records what a client would reject.
#[derive(Debug)]
struct Observer {
    judge: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    objection: Mutex<Option<String>>,
}

impl Observer {
    /// Verifies as our own clients do.
    fn new(provider: Arc<CryptoProvider>, ca_file: Option<&Path>) -> io::Result<Self> {
        let roots = tls_roots(ca_file).map_err(|error| {
            // The finding about this has its own hint.
            let text = error.to_string();
            io::Error::other(text.lines().next().unwrap_or_default().to_owned())
        })?;
        let judge =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let judge = judge.build().map_err(io::Error::other)?;
        Ok(Self { judge, provider, objection: Mutex::new(None) })
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
        if let Err(error) = verdict {
            let objection = self.objection.lock();
            *objection.unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

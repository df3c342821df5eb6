//! Certificates and keys from files.
//!
//! Owns what can be wrong with such a file, in words. Never knows which setting named it.

use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Longer than any chain of certificates that a client would take.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with a file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nhint: {hint}")]
pub struct Flaw {
    /// What is wrong, in lower case.
    pub message: String,
    /// What to do.
    pub hint: String,
}

pub(super) fn flaw(message: impl Into<String>, hint: impl Into<String>) -> Flaw {
    Flaw { message: message.into(), hint: hint.into() }
}

/// Every certificate of a file, in its order; at least one.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Flaw> {
    let text = read(path)?;
    let shown = path.display();
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let broken = |_| {
            flaw(
                format!("`{shown}` is broken in certificate {}", chain.len() + 1),
                "copy the file again, from `-----BEGIN CERTIFICATE-----` to the last line",
            )
        };
        chain.push(certificate.map_err(broken)?);
    }
    if !chain.is_empty() {
        return Ok(chain);
    }
    Err(match kind(&text) {
        Kind::Key => flaw(
            format!("`{shown}` holds a private key, not a certificate"),
            "are `certFile` and `keyFile` the wrong way round?",
        ),
        Kind::Der => flaw(
            format!("`{shown}` is binary (DER), not PEM"),
            format!("convert it: openssl x509 -inform der -in {shown} -out cert.pem"),
        ),
        Kind::Empty => flaw(format!("`{shown}` is empty"), "copy the certificate again"),
        Kind::Other => flaw(
            format!("`{shown}` holds no certificate"),
            "it must begin with `-----BEGIN CERTIFICATE-----`",
        ),
    })
}

/// The private key of a file.
pub fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Flaw> {
    let text = read(path)?;
    let shown = path.display();
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&text) {
        return Ok(key);
    }
    Err(match kind(&text) {
        Kind::Other if contains(&text, "ENCRYPTED PRIVATE KEY") => flaw(
            format!("`{shown}` is protected by a password"),
            format!(
                "the hub starts without a person: openssl pkey -in {shown} -out key.pem, then chmod 600"
            ),
        ),
        Kind::Other if contains(&text, "BEGIN CERTIFICATE") => flaw(
            format!("`{shown}` holds a certificate, not a private key"),
            "are `certFile` and `keyFile` the wrong way round?",
        ),
        Kind::Der => flaw(
            format!("`{shown}` is binary (DER), not PEM"),
            format!("convert it: openssl pkey -inform der -in {shown} -out key.pem"),
        ),
        Kind::Empty => flaw(format!("`{shown}` is empty"), "copy the key again"),
        Kind::Key => flaw(
            format!("`{shown}` holds a broken private key"),
            "copy the file again, whole lines from `-----BEGIN` to `-----END`",
        ),
        Kind::Other => flaw(
            format!("`{shown}` holds no private key"),
            "it must begin with `-----BEGIN PRIVATE KEY-----`",
        ),
    })
}

enum Kind {
    Empty,
    Key,
    Der,
    Other,
}

/// What a file that is not what it should be seems to be.
fn kind(text: &[u8]) -> Kind {
    if text.trim_ascii().is_empty() {
        Kind::Empty
    } else if text.starts_with(&[0x30, 0x82]) {
        Kind::Der
    } else if contains(text, "PRIVATE KEY-----") && !contains(text, "ENCRYPTED") {
        Kind::Key
    } else {
        Kind::Other
    }
}

fn contains(text: &[u8], word: &str) -> bool {
    memchr::memmem::find(text, word.as_bytes()).is_some()
}

fn read(path: &Path) -> Result<Vec<u8>, Flaw> {
    let bytes =
        crate::config::plain::read(path, FILE_BYTES_MAX).map_err(|error: std::io::Error| {
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => "check the path",
                std::io::ErrorKind::PermissionDenied => {
                    "let the hub's user read it, and nobody else"
                }
                _ => "check what is at this path",
            };
            let cause = error.to_string();
            let cause = cause.split(" (os error").next().unwrap_or_default().to_lowercase();
            flaw(format!("`{}` cannot be read: {cause}", path.display()), hint)
        })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let hint = "name a file that holds certificates or a key in PEM";
        return Err(flaw(format!("`{}` is larger than 1 MiB", path.display()), hint));
    }
    Ok(bytes)
}

//! What is said about files that cannot be used: place, setting, cause and next step.

use std::path::Path;
use std::time::SystemTime;

use bot_hub_server::config::{Sources, load};
use bot_hub_server::tls::prepare;

use super::authority::{Authority, DAY};

/// Prepares a hub in `dir`; what is told, without the directory and with days replaced.
fn told(dir: &Path) -> String {
    let file = dir.join("config.json5");
    let text = "{\n  tls: {\n    certFile: 'cert.pem',\n    keyFile: \"key.pem\",\n  },\n}\n";
    std::fs::write(&file, text).unwrap();
    let loaded = load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
    let told = match prepare(&loaded) {
        Ok(prepared) => prepared.warnings().iter().map(|it| format!("warning: {it}")).collect(),
        Err(errors) => errors.to_string(),
    };
    undated(&told.replace(&format!("{}/", dir.display()), ""))
}

/// `2026-11-20 10:00 UTC` becomes `DAY`.
fn undated(text: &str) -> String {
    let Some(end) = text.find(" UTC") else { return text.to_owned() };
    let start = end - "2026-11-20 10:00".len();
    format!("{}DAY{}", &text[..start], &text[end + " UTC".len()..])
}

fn check(cert: Option<&str>, key: Option<&str>, expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [("cert.pem", cert), ("key.pem", key)] {
        if let Some(content) = content {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
    }
    assert_eq!(told(dir.path()), expected);
}

#[test]
fn every_file_that_cannot_be_used_is_told_with_place_and_hint() {
    let authority = Authority::new("ours");
    let (one, two) = (authority.issue(), authority.issue());
    let (cert, key) = (Some(one.cert.as_str()), Some(one.key.as_str()));

    check(cert, key, "");
    check(
        None,
        key,
        "config.json5:3:15 tls.certFile: `cert.pem` cannot be read: no such file or directory\n  \
         hint: check the path",
    );
    check(
        Some(""),
        None,
        "config.json5:3:15 tls.certFile: `cert.pem` is empty\n  \
         hint: copy the certificate again\n\
         config.json5:4:14 tls.keyFile: `key.pem` cannot be read: no such file or directory\n  \
         hint: check the path",
    );
    check(
        key,
        cert,
        "config.json5:3:15 tls.certFile: `cert.pem` holds a private key, not a certificate\n  \
         hint: are `certFile` and `keyFile` the wrong way round?\n\
         config.json5:4:14 tls.keyFile: `key.pem` holds a certificate, not a private key\n  \
         hint: are `certFile` and `keyFile` the wrong way round?",
    );
    check(
        Some("hello"),
        key,
        "config.json5:3:15 tls.certFile: `cert.pem` holds no certificate\n  \
         hint: it must begin with `-----BEGIN CERTIFICATE-----`",
    );
    check(
        Some("\u{30}\u{2}"),
        Some("hello"),
        "config.json5:3:15 tls.certFile: `cert.pem` holds no certificate\n  \
         hint: it must begin with `-----BEGIN CERTIFICATE-----`\n\
         config.json5:4:14 tls.keyFile: `key.pem` holds no private key\n  \
         hint: it must begin with `-----BEGIN PRIVATE KEY-----`",
    );
    check(
        cert,
        Some(&two.key),
        "config.json5:4:14 tls.keyFile: the key does not belong to the certificate\n  \
         hint: name the key that the certificate was requested with",
    );
}

#[test]
fn a_torn_or_locked_file_is_told_with_place_and_hint() {
    let one = Authority::new("ours").issue();
    let (cert, key) = (Some(one.cert.as_str()), Some(one.key.as_str()));
    let torn = &one.cert[..one.cert.len() - 40];
    check(
        Some(torn),
        key,
        "config.json5:3:15 tls.certFile: `cert.pem` is broken in certificate 1\n  \
         hint: copy the file again, from `-----BEGIN CERTIFICATE-----` to the last line",
    );
    let torn = &one.key[..one.key.len() - 40];
    check(
        cert,
        Some(torn),
        "config.json5:4:14 tls.keyFile: `key.pem` holds a broken private key\n  \
         hint: copy the file again, whole lines from `-----BEGIN` to `-----END`",
    );
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(
        cert,
        Some(locked),
        "config.json5:4:14 tls.keyFile: `key.pem` is protected by a password\n  \
         hint: the hub starts without a person: openssl pkey -in key.pem -out key.pem, then chmod 600",
    );
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cert.pem"), nonsense).unwrap();
    std::fs::write(dir.path().join("key.pem"), &one.key).unwrap();
    let text = told(dir.path());
    assert!(text.contains("tls.certFile: the certificate is not understood: "), "{text}");
}

#[test]
fn a_certificate_of_another_time_is_told_with_its_day() {
    let authority = Authority::new("ours");
    let now = SystemTime::now();
    let check = |from, to, expected: &str| {
        let issued = authority.issue_for(&["localhost"], from, to);
        check(Some(&issued.cert), Some(&issued.key), expected);
    };
    check(
        now - 9 * DAY,
        now - DAY,
        "config.json5:3:15 tls.certFile: the certificate expired on DAY\n  \
         hint: renew it; if it was renewed, check the clock (`date`)",
    );
    check(
        now + DAY,
        now + 9 * DAY,
        "config.json5:3:15 tls.certFile: the certificate is valid only from DAY\n  \
         hint: check the clock of this machine (`date`), or wait",
    );
    check(
        now - 99 * DAY,
        now + DAY,
        "warning: config.json5:3:15 tls.certFile: the certificate expires on DAY\n  \
         hint: renew it; the hub takes the new files over by itself",
    );
}

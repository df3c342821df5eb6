//! The public address: does it lead to this hub, and is its certificate valid?
//!
//! Owns these findings. `probe` makes the connections.

use super::Patient;
use super::finding::Findings;
use crate::cli::hub::page_url_of;
use crate::cli::probe::{Certificate, Page, Target};
use crate::cli::words::{period, wall_clock};
use bot_hub_server::config::PublicUrl;
use bot_hub_server::tls::status;

/// A certificate is renewed a month before its end. If fewer days are left, renewal has failed.
const DAYS_LOW: i64 = 14;

/// A difference in seconds from which tokens, certificates and people are affected.
const CLOCK_OFF_S: u64 = 30;

const AREA: &str = "public";

pub(super) async fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    own_certificate(patient, findings);
    let Some(url) = address(patient, findings) else { return };
    let url = &url;
    if !url.is_encrypted() && !url.is_loopback() {
        let why = "tokens and messages go over the network readable by everybody on the way";
        findings.problem(AREA, format!("{url} is not encrypted"), why, "use https:// and TLS");
    }
    if patient.options.offline {
        return findings.note(AREA, "not looked at (--offline)", "", "");
    }
    let target = Target {
        host: url.host().to_owned(),
        port: url.port(),
        encrypted: url.is_encrypted(),
        ca_file: patient.ca_file.clone(),
    };
    let is_up = patient.hub.is_some();
    if let Some(page) = connect(url, &target, is_up, findings).await {
        clock(&page, findings);
        is_this_hub(patient, &page, findings);
    }
}

/// Examines the certificate files that the hub itself uses for TLS.
fn own_certificate(patient: &Patient<'_>, findings: &mut Findings) {
    let Some(loaded) = &patient.loaded else { return };
    let now = std::time::SystemTime::now();
    let why = "nobody can come in with TLS without a certificate that is valid";
    match status(loaded) {
        Ok(None) => {}
        Ok(Some(it)) if it.is_missing(now) => {
            let what = "there is no valid certificate to show";
            let next = "look into the hub's log; see docs/tls.md";
            findings.problem("tls", what, why, next);
        }
        Ok(Some(it)) if it.is_late(now) => {
            let what = "the certificate should have been renewed by now";
            findings.warning("tls", what, why, "look into the log of what renews it");
        }
        Ok(Some(_)) => findings.fine("tls", "the hub's own certificate is in order"),
        Err(errors) => {
            let why = match patient.hub {
                Some(_) => {
                    "the hub goes on with the certificate that it has, and does not start again with these files"
                }
                None => why,
            };
            for it in errors.errors {
                findings.problem("tls", format!("{}: {}", it.path, it.message), why, it.hint);
            }
        }
    }
}

/// The address to test: the configured public one, or the one of a remote hub.
fn address(patient: &Patient<'_>, findings: &mut Findings) -> Option<PublicUrl> {
    if let Some(url) = &patient.elsewhere {
        return page_url_of(url).parse().ok();
    }
    let config = &patient.loaded.as_ref()?.config;
    let url = config.public_url().cloned();
    if url.is_none() && config.addresses().iter().any(|it| !it.ip().is_loopback()) {
        let why = "invites and pages cannot say where the hub is";
        findings.note(AREA, "`publicUrl` is not set", why, "set it to https://your.host");
    }
    url
}

/// Tries every step up to `/healthz`, then the WebSocket upgrade.
async fn connect(
    url: &PublicUrl,
    target: &Target,
    is_up: bool,
    findings: &mut Findings,
) -> Option<Page> {
    let why = "bots and friends elsewhere cannot come in";
    let addresses = match target.resolve().await {
        Ok(addresses) => addresses,
        Err(error) => {
            let what = format!("the name `{}` is not found: {error}", target.host);
            findings.problem(AREA, what, why, "make a DNS record for it, or correct `publicUrl`");
            return None;
        }
    };
    let socket = match target.connect(&addresses).await {
        Ok(socket) => socket,
        Err(error) => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let what = format!("no connection to {url} ({}): {error}", shown.join(", "));
            let next = "is the proxy up, the port open in the firewall and forwarded by the router? \
                (some routers do not let you reach your own address from inside)";
            findings.problem(AREA, what, why, next);
            return None;
        }
    };
    if let Some(certificate) = &socket.certificate {
        judge(certificate, findings);
    }
    let page = match socket.get(target, "/healthz").await {
        Ok(page) if page.body.contains("\"version\"") => page,
        Ok(page) => {
            let what = format!("{url}/healthz is not this hub's page (status {})", page.status);
            let next = if is_up {
                "let the proxy pass the whole host to the hub's address"
            } else {
                "start the hub; if it runs, let the proxy pass the whole host to its address"
            };
            findings.problem(AREA, what, why, next);
            return None;
        }
        Err(error) => {
            let what = format!("{url}/healthz does not answer: {error}");
            findings.problem(AREA, what, why, "look into the proxy's log");
            return None;
        }
    };
    upgrade(url, target, &addresses, findings).await;
    Some(page)
}

fn judge(certificate: &Certificate, findings: &mut Findings) {
    let issuer = &certificate.issuer;
    let seconds = certificate.not_after.map(|end| end - (wall_clock().0 / 1_000).cast_signed());
    let days = seconds.map(|seconds| seconds.div_euclid(86_400));
    let left = match days {
        Some(days) if days < 0 => format!("ended {} days ago", -days),
        Some(days) => format!("{days} days left"),
        None => "no end could be read".to_owned(),
    };
    let what = format!("certificate by {issuer}: {left}");
    if let Some(objection) = &certificate.objection {
        let why = format!("clients refuse it: {objection}");
        let next = "renew it, or give clients the authority's certificate (--ca-file)";
        return findings.problem("tls", what, why, next);
    }
    if days.is_some_and(|days| days < DAYS_LOW) {
        let why = "after that nobody can come in, and it should have been renewed by now";
        return findings.warning("tls", what, why, "look into the log of what renews it");
    }
    findings.fine("tls", what);
}

async fn upgrade(
    url: &PublicUrl,
    target: &Target,
    addresses: &[std::net::SocketAddr],
    findings: &mut Findings,
) {
    let answer = match target.connect(addresses).await {
        Ok(socket) => socket.upgrade(target, "/ws").await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(page) if page.is_upgrade() => {
            findings.fine(AREA, format!("{url} leads to the hub, WebSockets included"));
        }
        Ok(page) => {
            let what = format!("{url}/ws gives no WebSocket (status {})", page.status);
            let why = "pages work, bots cannot connect";
            let next = "let the proxy pass the `Upgrade` and `Connection` headers over HTTP/1.1";
            findings.problem(AREA, what, why, next);
        }
        Err(error) => {
            let what = format!("{url}/ws does not answer: {error}");
            findings.problem(AREA, what, "bots cannot connect", "look into the proxy's log");
        }
    }
}

fn clock(page: &Page, findings: &mut Findings) {
    let Some(there) = page.date() else { return };
    let off = there.abs_diff(wall_clock().0 / 1_000);
    if off <= CLOCK_OFF_S {
        return findings.fine("clock", "agrees with the public address");
    }
    let what = format!("{} away from what the public address says", period(off * 1_000));
    let why = "certificates and times of messages are judged by it";
    findings.warning(
        "clock",
        what,
        why,
        "switch on time synchronisation: timedatectl set-ntp true",
    );
}

/// Reports if the address leads to another hub, as another version shows. The same version is no proof, but
/// without a secret no more can be checked.
fn is_this_hub(patient: &Patient<'_>, page: &Page, findings: &mut Findings) {
    let there = serde_json::from_str::<serde_json::Value>(&page.body).ok();
    let version = there.as_ref().and_then(|it| it["version"].as_str()).unwrap_or_default();
    let Some(running) = &patient.running else { return };
    if version != running.version {
        let what = format!("the public address leads to a hub {version}, not to this one");
        let why = "bots elsewhere talk to another hub";
        findings.problem(AREA, what, why, "correct the proxy's target, or `publicUrl`");
    }
}

//! What `/metrics` shows about the certificate, in Prometheus' text format.
//!
//! Owns the names of these metrics. Never reads a file.

use std::fmt::Write as _;
use std::time::SystemTime;

use super::resolver::Shown;

/// The lines for a hub that speaks TLS. Without a certificate there is no end of one.
pub fn metrics(shown: &Shown, now: SystemTime) -> String {
    let mut page = String::new();
    let mut family = |name: &str, kind: &str, help: &str, value: String| {
        let name = format!("bothub_tls_{name}");
        writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}")
            .expect("a string takes any text");
    };
    if let Some(facts) = shown.facts() {
        let left = facts.not_after.duration_since(now).map(|left| left.as_secs_f64());
        let left = left.unwrap_or_else(|over| -over.duration().as_secs_f64());
        let help = "How long the certificate is still valid; negative when it has expired.";
        family("certificate_expiry_seconds", "gauge", help, format!("{left:.0}"));
    }
    let failures = shown.renewal_failures().to_string();
    let help = "Attempts to get a certificate that failed.";
    family("renewal_failures_total", "counter", help, failures);
    page
}

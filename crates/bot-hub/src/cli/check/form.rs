//! The three forms of an answer.
//!
//! Owns their syntax: Nagios' line with perfdata, Prometheus' text, JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::{Measure, Status, Verdict};

/// In which form to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Format {
    /// One line for Nagios, Icinga and the like, with perfdata
    Nagios,
    /// Text for a Prometheus textfile collector
    Prometheus,
    /// One document
    Json,
}

pub(super) fn show(verdict: &Verdict, format: Format) -> String {
    match format {
        Format::Nagios => nagios(verdict),
        Format::Prometheus => prometheus(verdict),
        Format::Json => format!("{:#}", json(verdict)),
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

fn nagios(verdict: &Verdict) -> String {
    // In Nagios output, `|` would begin the perfdata and a line end would end the summary.
    let summary = verdict.summary.replace('|', "/").replace('\n', " ");
    let data: Vec<String> = verdict.measures.iter().map(perfdata).collect();
    let bar = if data.is_empty() { "" } else { " | " };
    format!("BOT-HUB {} - {summary}{bar}{}", verdict.status.name(), data.join(" "))
}

/// `pending=3;100;1000;0`. For values that are bad when they fall, `1:` is the range of good values.
fn perfdata(it: &Measure) -> String {
    let bounds = it.thresholds.map(|threshold| match threshold {
        None => String::new(),
        Some(bound) if it.falls => format!("{bound}:"),
        Some(bound) => bound.to_string(),
    });
    format!("{}={}{};{};{};0", it.name, it.value, it.unit, bounds[0], bounds[1])
}

fn prometheus(verdict: &Verdict) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, value: f64| {
        writeln!(
            text,
            "# HELP bothub_check_{name} {help}\n# TYPE bothub_check_{name} gauge\nbothub_check_{name} {value}"
        )
        .expect("a string takes everything");
    };
    let help = "0 ok, 1 warning, 2 critical, 3 unknown.";
    family("status", help, f64::from(verdict.status as u8));
    for it in &verdict.measures {
        let (name, help) = described(it.name);
        family(name, help, it.value);
    }
    text
}

/// The metric's name and help text for a measurement.
fn described(name: &str) -> (&'static str, &'static str) {
    match name {
        "up" => ("up", "Whether the hub answered and takes messages."),
        "answer" => ("answer_seconds", "How long the hub took to answer."),
        "pending" => ("pending_entries", "Entries not yet received, summed over members."),
        "oldest" => ("oldest_seconds", "Longest wait for a bot that is connected."),
        "away" => ("away_seconds", "Longest wait for a bot that is away."),
        "bots" => ("bots", "Bots that are known."),
        "online" => ("online_bots", "Bots that are connected."),
        "corrupt" => ("corrupt_entries", "Damaged entries met since the start of the hub."),
        "ahead" => ("ahead_seconds", "How far ahead the times of new messages are."),
        "stored" => ("stored", "Whether the hub writes to the database of its data directory."),
        "refused" => ("refused_changes", "Changes that the store refused, tried again later."),
        "paused" => ("pauses", "Pauses by operators and by rules that hold."),
        "retention_waits" => ("retention_waits", "Whether nothing is removed because of its age."),
        _ => ("free_bytes", "Free space on the disk of the store."),
    }
}

fn json(verdict: &Verdict) -> serde_json::Value {
    let measures = verdict.measures.iter().map(|it| {
        let [warning, critical] = it.thresholds;
        json!({
            "name": it.name, "value": it.value, "warning": warning, "critical": critical,
            "status": it.status().name().to_lowercase(), "says": it.says,
        })
    });
    json!({
        "ok": verdict.status == Status::Ok,
        "status": verdict.status.name().to_lowercase(),
        "code": verdict.status as u8,
        "summary": verdict.summary,
        "measures": measures.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pending: f64, free: f64) -> Verdict {
        let measure = |name, value, unit, thresholds, falls, says: &str| Measure {
            name,
            value,
            unit,
            thresholds,
            falls,
            says: says.to_owned(),
        };
        Verdict::of(vec![
            measure("pending", pending, "", [Some(2.0), Some(5.0)], false, "some | wait"),
            measure("free", free, "B", [Some(100.0), Some(10.0)], true, "space"),
            measure("bots", 3.0, "", [None, None], false, ""),
        ])
    }

    #[test]
    fn the_worst_measurement_decides_and_is_told() {
        let check = |pending, free, expected: &str| {
            assert_eq!(nagios(&verdict(pending, free)), expected);
        };
        let data = "free=500B;100:;10:;0 bots=3;;;0";
        check(1.0, 500.0, &format!("BOT-HUB OK - some / wait, space | pending=1;2;5;0 {data}"));
        check(2.0, 500.0, &format!("BOT-HUB OK - some / wait, space | pending=2;2;5;0 {data}"));
        check(3.0, 500.0, &format!("BOT-HUB WARNING - some / wait | pending=3;2;5;0 {data}"));
        let data = "free=9B;100:;10:;0 bots=3;;;0";
        check(1.0, 9.0, &format!("BOT-HUB CRITICAL - space | pending=1;2;5;0 {data}"));
    }

    #[test]
    fn every_measurement_is_a_metric_with_help() {
        let text = prometheus(&verdict(1.0, 500.0));
        assert!(text.contains("bothub_check_status 0\n"), "{text}");
        assert!(text.contains("# TYPE bothub_check_pending_entries gauge\n"), "{text}");
        assert!(text.contains("bothub_check_free_bytes 500\n"), "{text}");
    }
}

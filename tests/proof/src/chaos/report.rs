//! What came of it, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::book::{Counts, SharedBook};
use crate::faults::{HubFaults, ReceiverFaults};
use crate::judge::Verdict;

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub seconds: u64,
    pub hub: HubFaults,
    pub receivers: Vec<ReceiverFaults>,
    pub network: Value,
    pub disk_fills: u64,
    pub no_disk: Option<String>,
    pub clock_jumps: u64,
    pub no_clock: Option<String>,
    pub intrusions: u64,
    pub senders_gave_up: Vec<String>,
    pub verify: Option<String>,
}

/// What was done, and what came of it.
#[derive(Debug)]
pub struct Outcome {
    report: Report,
    verdict: Verdict,
    counts: Counts,
    again: u64,
    /// Median, 99th percentile, most; in milliseconds.
    ack_ms: [f64; 3],
}

/// Median, 99th percentile and most of what is sorted.
fn points<T: Copy + Default>(sorted: &[T]) -> [T; 3] {
    let at =
        |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)));
    [50, 99, 100].map(|share| at(share).copied().unwrap_or_default())
}

impl Outcome {
    /// Judges.
    pub fn new(report: Report, book: &SharedBook) -> Self {
        let mut book = book.open();
        book.ack_us.sort_unstable();
        let ack_ms = points(&book.ack_us).map(|us| (us / 10) as f64 / 100.0);
        Self {
            verdict: book.history.judge(),
            again: book.history.again(),
            counts: book.counts.clone(),
            ack_ms,
            report,
        }
    }

    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        let verified = self.report.verify.as_ref().is_none_or(|said| !said.starts_with("FAILED"));
        self.verdict.is_clean()
            && verified
            && self.counts.objections.is_empty()
            && self.report.senders_gave_up.is_empty()
            && self.report.hub.ended_by_itself.is_empty()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Self { report, verdict, counts, again, ack_ms, .. } = self;
        let mut ready = report.hub.ready_in.clone();
        ready.sort_unstable();
        let ready_ms = points(&ready).map(|time: Duration| time.as_millis() as u64);
        json!({
            "clean": self.is_clean(),
            "seed": report.seed,
            "seconds": report.seconds,
            "verdict": {
                "acknowledged": verdict.acked,
                "read": verdict.read,
                "delivered_again": again,
                "acknowledged_lost": verdict.lost,
                "duplicates": verdict.duplicated,
                "reordered": verdict.reordered,
                "silent_gaps": verdict.gaps,
                "announced_as_lost": verdict.announced,
                "invented": verdict.invented,
                "untrue_receipts": verdict.untrue,
                "examples": verdict.examples,
            },
            "counts": counts,
            "ack_ms": {"median": ack_ms[0], "p99": ack_ms[1], "most": ack_ms[2]},
            "senders_gave_up": report.senders_gave_up,
            "store_verified": report.verify,
            "faults": {
                "hub": report.hub,
                "hub_ready_ms": {"median": ready_ms[0], "p99": ready_ms[1], "most": ready_ms[2]},
                "receivers": report.receivers,
                "network": report.network,
                "disk_filled": report.no_disk.as_ref().map_or(json!(report.disk_fills), |why| json!(why)),
                "clock_jumps": report.no_clock.as_ref().map_or(json!(report.clock_jumps), |why| json!(why)),
                "second_connections": report.intrusions,
            },
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { seed, hub, .. } = &self.report;
        writeln!(f, "seed {seed}: {}", self.verdict)?;
        writeln!(
            f,
            "{} kills of the hub, {} of it stopped; {:?}",
            hub.kill_9, hub.stopped_and_continued, self.counts
        )?;
        for what in hub.ended_by_itself.iter().chain(&self.report.senders_gave_up) {
            writeln!(f, "  {what}")?;
        }
        for what in
            [&self.report.no_disk, &self.report.no_clock, &self.report.verify].into_iter().flatten()
        {
            writeln!(f, "  {what}")?;
        }
        write!(
            f,
            "{}",
            if self.is_clean() { "every promise was kept" } else { "A PROMISE WAS BROKEN" }
        )
    }
}

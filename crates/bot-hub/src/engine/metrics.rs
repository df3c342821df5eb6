//! What `/metrics` shows, in Prometheus' text format.
//!
//! Owns the names (`docs/operating.md` lists them). Counting is an addition to a plain number; text is
//! made when somebody asks. No label ever holds a room, a bot or an id.

use std::fmt::Write as _;
use std::time::Duration;

use bot_hub_core::Hub;

use crate::door::Ended;

/// Upper bounds of the buckets of a commit's duration, in seconds: an fsync takes 0.1 ms on good
/// hardware and 30 ms on a bad disk.
const COMMIT_BUCKETS: [f64; 8] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 1.0];

/// Counters of the engine.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) opened: u64,
    pub(super) frames: u64,
    pub(super) auth_failures: u64,
    pub(super) too_slow: u64,
    pub(super) store_refusals: u64,
    pub(super) store_is_full: bool,
    pub(super) unsettled: usize,
    reloads: [u64; 2],
    ended: [u64; 7],
    commits: Histogram,
}

/// A cumulative histogram with fixed buckets.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; COMMIT_BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(super) fn ended(&mut self, why: Ended) {
        self.ended[why as usize] += 1;
    }

    pub(super) fn reloaded(&mut self, applied: bool) {
        self.reloads[usize::from(!applied)] += 1;
    }

    pub(super) fn committed(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.commits.count += 1;
        self.commits.sum += seconds;
        for (bucket, bound) in self.commits.buckets.iter_mut().zip(COMMIT_BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    pub(super) fn render(&self, hub: &Hub, version: &str) -> String {
        let (stats, gauges) = (hub.stats(), hub.gauges());
        let mut page = Page(String::with_capacity(4_096));
        page.head("build_info", "gauge", "The running version.");
        page.line(&format!("build_info{{version=\"{version}\"}}"), "1");
        let counters = [
            ("connections_opened_total", "WebSocket connections opened.", self.opened),
            ("frames_total", "Frames of authenticated clients.", self.frames),
            ("auth_failures_total", "Authentications refused.", self.auth_failures),
            ("messages_accepted_total", "Messages committed.", stats.accepted),
            (
                "messages_duplicate_total",
                "Messages that had been committed before.",
                stats.duplicates,
            ),
            ("frames_refused_total", "Frames answered with an error.", stats.refused),
            ("deliveries_total", "Entries handed to connections.", stats.deliveries),
            ("redeliveries_total", "Entries handed over again.", stats.redeliveries),
            ("received_total", "Entries that clients took responsibility for.", stats.received),
            (
                "dropped_total",
                "Entries lost to a reader by a limit or the retention.",
                stats.dropped,
            ),
            ("expired_total", "Entries that expired before delivery.", stats.expired),
            ("dead_letters_total", "Entries given up after too many redeliveries.", stats.dead),
            ("corrupt_entries_total", "Damaged entries that were withheld.", stats.corrupt),
            ("replaced_total", "Connections taken over by a newer one.", stats.replaced),
            ("too_slow_total", "Connections closed because they did not read.", self.too_slow),
            ("store_refusals_total", "Batches that the store refused.", self.store_refusals),
        ];
        for (name, help, value) in counters {
            page.head(name, "counter", help);
            page.line(name, &value.to_string());
        }
        let levels = [
            ("connections", "Authenticated connections.", gauges.connections as f64),
            ("rooms", "Rooms, direct conversations among them.", gauges.rooms as f64),
            (
                "messages_pending",
                "Entries not yet received, summed over members.",
                gauges.waiting as f64,
            ),
            (
                "oldest_pending_seconds",
                "Age of the oldest entry not yet received.",
                gauges.oldest_waiting_ms as f64 / 1_000.0,
            ),
            (
                "store_unsettled_writes",
                "Writes that the store has not answered.",
                self.unsettled as f64,
            ),
        ];
        for (name, help, value) in levels {
            page.head(name, "gauge", help);
            page.line(name, &value.to_string());
        }
        self.render_labelled(&mut page);
        page.0
    }

    fn render_labelled(&self, page: &mut Page) {
        page.head("connections_ended_total", "counter", "WebSocket connections ended, by cause.");
        let causes =
            ["by_hub", "by_peer", "lost", "violation", "auth_timeout", "silent", "stalled"];
        for (cause, count) in causes.iter().zip(self.ended) {
            page.line(&format!("connections_ended_total{{cause=\"{cause}\"}}"), &count.to_string());
        }
        page.head("config_reload_total", "counter", "Reloads of the configuration, by outcome.");
        for (outcome, count) in ["applied", "rejected"].iter().zip(self.reloads) {
            page.line(&format!("config_reload_total{{outcome=\"{outcome}\"}}"), &count.to_string());
        }
        page.head("store_commit_seconds", "histogram", "Time from submission to durability.");
        let name = "store_commit_seconds";
        for (bound, count) in COMMIT_BUCKETS.iter().zip(self.commits.buckets) {
            page.line(&format!("{name}_bucket{{le=\"{bound}\"}}"), &count.to_string());
        }
        page.line(&format!("{name}_bucket{{le=\"+Inf\"}}"), &self.commits.count.to_string());
        page.line(&format!("{name}_sum"), &self.commits.sum.to_string());
        page.line(&format!("{name}_count"), &self.commits.count.to_string());
    }
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP bothub_{name} {help}\n# TYPE bothub_{name} {kind}")
            .expect("a string takes any text");
    }

    fn line(&mut self, name: &str, value: &str) {
        writeln!(self.0, "bothub_{name} {value}").expect("a string takes any text");
    }
}

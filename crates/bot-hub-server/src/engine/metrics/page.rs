//! Prometheus' text format, version 0.0.4.
//!
//! Owns the form: each family once, with its help and its type. Knows no metric.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use bot_hub_store::Histogram;

/// In front of every name that is ours.
const PREFIX: &str = "bothub_";

/// A page that is being written.
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(PREFIX, name, "counter", help);
        self.sample(PREFIX, name, "", value);
    }

    /// A counter of time.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: Duration) {
        self.head(PREFIX, name, "counter", help);
        self.sample(PREFIX, name, "", value.as_secs_f64());
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(PREFIX, name, "gauge", help);
        self.sample(PREFIX, name, "", value);
    }

    /// A family with one label.
    pub(super) fn labelled<N: Display>(
        &mut self,
        kind: &str,
        (name, help): (&str, &str),
        label: &str,
        values: impl IntoIterator<Item = (N, f64)>,
    ) {
        self.head(PREFIX, name, kind, help);
        for (value, count) in values {
            self.sample(PREFIX, name, &format!("{{{label}=\"{value}\"}}"), count);
        }
    }

    /// A family with several labels, each with its values as they are written.
    pub(super) fn labelled_by(
        &mut self,
        kind: &str,
        (name, help): (&str, &str),
        values: impl IntoIterator<Item = (String, f64)>,
    ) {
        self.head(PREFIX, name, kind, help);
        for (labels, count) in values {
            self.sample(PREFIX, name, &format!("{{{labels}}}"), count);
        }
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(PREFIX, name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.sample(PREFIX, &bucket, &format!("{{le=\"{bound}\"}}"), count);
        }
        self.sample(PREFIX, &bucket, "{le=\"+Inf\"}", histogram.count());
        self.sample(PREFIX, &format!("{name}_sum"), "", histogram.sum());
        self.sample(PREFIX, &format!("{name}_count"), "", histogram.count());
    }

    /// A family that has its name from Prometheus: the same for every program.
    pub(super) fn standard(&mut self, kind: &str, name: &str, help: &str, value: f64) {
        self.head("", name, kind, help);
        self.sample("", name, "", value);
    }

    fn head(&mut self, prefix: &str, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}")
            .expect("a string takes any text");
    }

    fn sample(&mut self, prefix: &str, name: &str, labels: &str, value: impl Display) {
        writeln!(self.0, "{prefix}{name}{labels} {value}").expect("a string takes any text");
    }
}

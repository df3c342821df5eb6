//! Medians, the table for people and the file for programs. It measures nothing.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    Options,
    machine::Machine,
    measure::Sample,
    plot::{self, Bar, Group},
    system::System,
    target::Found,
    workload::{Kind, Workload},
};

/// A generator that used more of its core than this, beside a server that did not, was itself the limit.
const BUSY: f64 = 0.93;

/// With a load average above this, somebody else was using the cores.
const BUSY_LOAD: f64 = 1.0;

/// All measurements of one system with one workload.
#[derive(Debug, Default)]
pub struct Cell {
    /// Those that were right.
    pub samples: Vec<Sample>,
    /// Why the others were not.
    pub failures: Vec<String>,
}

/// A whole run.
pub struct Report {
    machine: Machine,
    seconds: f64,
    repeat: usize,
    spin: bool,
    systems: Vec<(System, String)>,
    /// Rows of the table, cells in the order of the systems.
    pub rows: Vec<(&'static Workload, Vec<Cell>)>,
}

impl Cell {
    /// The middle one of what all samples say (the higher of two).
    pub fn median(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let mut values: Vec<f64> = self.samples.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn shown(&self, kind: Kind) -> String {
        if !self.failures.is_empty() {
            return "**failed**".into();
        }
        if self.samples.is_empty() {
            return "–".into();
        }
        match kind {
            Kind::Idle(_) => kib(self.median(|s| s.kib_per_connection)),
            Kind::Start => micros(self.median(|s| s.seconds.map(|seconds| seconds * 1e6))),
            Kind::Return(_) => one(self.median(|s| s.seconds), "s"),
            Kind::Rooms(_) | Kind::Storm(_) => {
                let mark = if self.was_limited_by_the_generator() { "†" } else { "" };
                let (rate, cpu) = (self.median(|s| s.per_second), self.median(|s| s.cpu_us));
                format!("{}{mark}, {}", rate.map_or("–".into(), per_second), micros(cpu))
            }
        }
    }

    fn was_limited_by_the_generator(&self) -> bool {
        let server = self.median(|s| s.server_busy).unwrap_or(1.0);
        server < BUSY && self.median(|s| s.generator_busy).unwrap_or(0.0) > BUSY
    }
}

impl Report {
    /// Nothing measured yet.
    pub fn new(machine: Machine, options: &Options, systems: Vec<(System, String)>) -> Self {
        let Options { seconds, repeat, spin, .. } = *options;
        Self { machine, seconds, repeat, spin, systems, rows: Vec::new() }
    }

    /// Whether anything went wrong.
    pub fn has_failures(&self) -> bool {
        self.rows.iter().any(|(_, cells)| cells.iter().any(|cell| !cell.failures.is_empty()))
    }

    /// Writes the table, the samples and the picture.
    pub fn write(&self, dir: &Path, label: &str) -> Result<()> {
        fs::create_dir_all(dir)?;
        let stem = dir.join(format!("{}-{label}", self.machine.date));
        fs::write(stem.with_extension("md"), self.markdown())?;
        let json = serde_json::to_string_pretty(&self.json())?;
        fs::write(stem.with_extension("json"), json + "\n")?;
        fs::write(stem.with_extension("svg"), self.picture())?;
        eprintln!("written: {}.md, .json and .svg", stem.display());
        Ok(())
    }

    /// The table for people.
    pub fn markdown(&self) -> String {
        let Machine { date, cpu, cores, pinned, memory_mib, kernel, load_before, fsync_us } =
            &self.machine;
        let mut out = format!(
            "# Measured {date}\n\n\
             {cpu}, {cores} cores, {memory_mib} MiB, Linux {kernel}, load before {load_before}. Server pinned to core {}, \
             generator to core {}.\nA 4 KiB write with `fdatasync` takes {:.0} µs (median), {:.0} µs (p99). \
             Medians of {} runs of {} s each, systems in turns{}.\n\n",
            pinned.0,
            pinned.1,
            fsync_us.0,
            fsync_us.1,
            self.repeat,
            self.seconds,
            if self.spin { "; the generator never slept" } else { "" }
        );
        if *load_before > BUSY_LOAD {
            out.push_str(
                "**Other programs were running: compare CPU, not rates and latencies.**\n\n",
            );
        }
        for (system, version) in &self.systems {
            line(&mut out, format_args!("* `{}`: {version}", system.name()));
        }
        out.push_str("\n## Rate and CPU\n\nDeliveries (connections) per second, and CPU time of the server for each.\n\n");
        self.table(&mut out, |workload, cell| cell.shown(workload.kind));
        out.push_str("\n† the generator's core was full and the server's was not: the server could do more.\n");
        out.push_str("\n## Latency\n\nFrom saying to hearing, p50 / p99 / longest; in brackets p99 until the confirmation.\n\n");
        self.table(&mut out, |_, cell| latency(cell));
        out.push_str("\n## Memory\n\nResident before the load and growth to its peak; with `idle`, resident with all connections.\n\n");
        self.table(&mut out, |_, cell| memory(cell));
        self.targets(&mut out);
        self.remarks(&mut out);
        out
    }

    fn targets(&self, out: &mut String) {
        let Self { systems, rows, machine, .. } = self;
        let is_busy = machine.load_before > BUSY_LOAD;
        let lines = Found { systems, rows, machine, is_busy }.lines();
        if lines.is_empty() {
            return;
        }
        let judged =
            if is_busy { "by CPU, since other programs were running" } else { "as they are" };
        line(out, format_args!("\n## Targets\n\nRates are judged {judged}.\n"));
        line(
            out,
            format_args!(
                "| workload | system | target | now | |\n| --- | --- | ---: | ---: | --- |"
            ),
        );
        line(out, format_args!("{}", lines.join("\n")));
    }

    /// Bars of what one second of the server's CPU delivers, which a busy machine hardly changes.
    fn picture(&self) -> String {
        let groups = self.rows.iter().filter(|(workload, _)| workload.kind.has_rate());
        let groups = groups.map(|(workload, cells)| {
            let measured = self.systems.iter().zip(cells);
            let measured = measured.filter(|((system, _), _)| workload.suits(*system));
            let bars = measured.map(|((system, _), cell)| {
                let value = cell
                    .median(|s| s.cpu_us)
                    .filter(|_| cell.failures.is_empty())
                    .map(|us| 1e6 / us);
                let text = value.map_or("failed".into(), per_second);
                Bar { name: system.name(), value, text }
            });
            Group { title: workload.title, bars: bars.collect() }
        });
        let title =
            format!("Deliveries (connections) per CPU second of the server, {}", self.machine.date);
        plot::draw(&title, &groups.collect::<Vec<_>>())
    }

    fn table(&self, out: &mut String, shown: impl Fn(&Workload, &Cell) -> String) {
        let names = self.systems.iter().map(|(system, _)| system.name());
        line(out, format_args!("| workload | {} |", names.collect::<Vec<_>>().join(" | ")));
        line(out, format_args!("| --- |{}", " ---: |".repeat(self.systems.len())));
        for (workload, cells) in &self.rows {
            let cells: Vec<String> = cells.iter().map(|cell| shown(workload, cell)).collect();
            if cells.iter().any(|cell| cell != "–") {
                line(out, format_args!("| {} | {} |", workload.title, cells.join(" | ")));
            }
        }
    }

    fn remarks(&self, out: &mut String) {
        let mut remarks = Vec::new();
        for (workload, cells) in &self.rows {
            for ((system, _), cell) in self.systems.iter().zip(cells) {
                if let Some(text) = fell_behind(workload, cell) {
                    remarks.push(format!("`{}`, `{}`: {text}", workload.name, system.name()));
                }
                let short: u64 = cell.samples.iter().map(|sample| sample.short_acks).sum();
                if short > 0 {
                    let text =
                        format!("{short} confirmations named fewer listeners than there were");
                    remarks.push(format!("`{}`, `{}`: {text}", workload.name, system.name()));
                }
                for failure in &cell.failures {
                    remarks.push(format!(
                        "`{}`, `{}`: **{failure}**",
                        workload.name,
                        system.name()
                    ));
                }
            }
        }
        if !remarks.is_empty() {
            line(out, format_args!("\n## Remarks\n\n* {}", remarks.join("\n* ")));
        }
    }

    fn json(&self) -> Value {
        let versions =
            self.systems.iter().map(|(system, version)| (system.name(), version.as_str()));
        let rows = self.rows.iter().map(|(workload, cells)| {
            let cells = self.systems.iter().zip(cells).map(|((system, _), cell)| {
                json!({"system": system.name(), "samples": cell.samples, "failures": cell.failures})
            });
            json!({"workload": workload.name, "title": workload.title, "systems": cells.collect::<Vec<_>>()})
        });
        json!({
            "machine": self.machine,
            "seconds": self.seconds,
            "repeat": self.repeat,
            "spin": self.spin,
            "versions": versions.collect::<std::collections::BTreeMap<_, _>>(),
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

/// One line about one measurement, for whoever waits.
pub fn brief(sample: &Sample) -> String {
    let mut parts = Vec::new();
    if let Some(rate) = sample.per_second {
        parts.push(format!("{}, {}", per_second(rate), micros(sample.cpu_us)));
    }
    if let (Some(p50), Some(p99)) = (sample.p50_us, sample.p99_us) {
        parts.push(format!("p50 {}, p99 {}", micros(Some(p50)), micros(Some(p99))));
    }
    if let (Some(server), Some(generator)) = (sample.server_busy, sample.generator_busy) {
        parts.push(format!("server {:.0} %, generator {:.0} %", server * 100.0, generator * 100.0));
    }
    if let Some(each) = sample.kib_per_connection {
        parts.push(kib(Some(each)));
    }
    if let Some(seconds) = sample.seconds {
        parts.push(one(Some(seconds), "s"));
    }
    parts.join("; ")
}

fn latency(cell: &Cell) -> String {
    let Some(p50) = cell.median(|s| s.p50_us) else { return "–".into() };
    let of = |of: fn(&Sample) -> Option<f64>| micros(cell.median(of));
    format!(
        "{} / {} / {} ({})",
        micros(Some(p50)),
        of(|s| s.p99_us),
        of(|s| s.max_us),
        of(|s| s.ack_p99_us)
    )
}

/// Listeners may hear what the server has not confirmed yet; when that goes on, the rate is not one that it can keep.
fn fell_behind(workload: &Workload, cell: &Cell) -> Option<String> {
    let Kind::Rooms(rooms) = workload.kind else { return None };
    let said = cell.median(|s| s.per_second)? / f64::from(rooms.listeners);
    let confirmed = cell.median(|s| s.confirmed_per_second)?;
    let (said_text, confirmed_text) = (per_second(said), per_second(confirmed));
    (confirmed < 0.9 * said).then(|| format!("of {said_text} only {confirmed_text} were confirmed"))
}

fn memory(cell: &Cell) -> String {
    let mib = |kib: f64| kib / 1024.0;
    let Some(before) = cell.median(|s| s.rss_kib.map(|kib| kib as f64)) else {
        return "–".into();
    };
    match cell.median(|s| s.rss_growth_kib.map(|kib| kib as f64)) {
        Some(growth) => format!("{:.1} + {:.1} MiB", mib(before), mib(growth)),
        None => format!("{:.1} MiB", mib(before)),
    }
}

/// A rate for people.
pub fn per_second(rate: f64) -> String {
    match rate {
        0.0..1e3 => format!("{rate:.0}/s"),
        1e3..1e4 => format!("{:.1} k/s", rate / 1e3),
        1e4..1e6 => format!("{:.0} k/s", rate / 1e3),
        _ => format!("{:.2} M/s", rate / 1e6),
    }
}

fn micros(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(us) if us < 10.0 => format!("{us:.2} µs"),
        Some(us) if us < 1e3 => format!("{us:.0} µs"),
        Some(us) => format!("{:.1} ms", us / 1e3),
    }
}

fn kib(value: Option<f64>) -> String {
    value.map_or("–".into(), |kib| format!("{kib:.1} KiB each"))
}

fn one(value: Option<f64>, unit: &str) -> String {
    value.map_or("–".into(), |value| format!("{value:.2} {unit}"))
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a string cannot fail");
}

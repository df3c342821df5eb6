//! Where and when a run took place: what a reader needs to compare it with another.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use serde::Serialize;

use crate::{latency::Histogram, process::Cores};

/// Writes of the disk probe.
const PROBE_WRITES: u64 = 200;
const PROBE_BYTES: usize = 4096;

/// The machine of a run.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Day in UTC.
    pub date: String,
    /// Model of the processor.
    pub cpu: String,
    /// Cores that are there.
    pub cores: usize,
    /// Core of the server and core of the generator.
    pub pinned: (usize, usize),
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Load average of the last minute when the run began: above 0.5, others were busy too.
    pub load_before: f64,
    /// Median and 99th percentile of a 4 KiB write with `fdatasync`, in microseconds.
    pub fsync_us: (f64, f64),
}

impl Machine {
    /// Looks around; durable stores will be in `scratch`.
    pub fn look(scratch: &Path, cores: Cores) -> Result<Self> {
        let cpuinfo = read("/proc/cpuinfo");
        let model =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let meminfo = read("/proc/meminfo");
        let memory = meminfo.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        let load = read("/proc/loadavg");
        Ok(Self {
            date: today(),
            cpu: model.map_or("?", |(_, model)| model).to_owned(),
            cores: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            pinned: (cores.server, cores.generator),
            memory_mib: memory.unwrap_or(0) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: load.split_whitespace().next().and_then(|l| l.parse().ok()).unwrap_or(0.0),
            fsync_us: probe_disk(scratch)?,
        })
    }
}

fn probe_disk(scratch: &Path) -> Result<(f64, f64)> {
    let path = scratch.join("fsync-probe");
    let file = File::create(&path)?;
    let mut times = Histogram::default();
    for number in 0..PROBE_WRITES {
        let start = Instant::now();
        file.write_all_at(&[b'x'; PROBE_BYTES], number * PROBE_BYTES as u64)?;
        file.sync_data()?;
        times.record(u64::try_from(start.elapsed().as_nanos())?);
    }
    fs::remove_file(&path)?;
    Ok((times.quantile_us(0.5).unwrap_or(0.0), times.quantile_us(0.99).unwrap_or(0.0)))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(now.as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date of a day counted from 1970-01-01.
fn date(mut day: u64) -> (u64, u64, u64) {
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (day, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_453, (2025, 12, 31)),
            (20_454, (2026, 1, 1)),
        ] {
            assert_eq!(date(day), expected);
        }
    }
}

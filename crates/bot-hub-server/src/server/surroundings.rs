//! Measures the disk, the door and the process for the metrics.
//!
//! Owns the sources of these numbers. Numbers that the system does not provide are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::door::Door;
use crate::engine::metrics::{Process, Sockets, StoreSpace, Surroundings};
use crate::engine::reserve::DiskSpace;

/// Ticks per second in `/proc/self/stat`: the same on every Linux that programs see.
const TICKS_PER_S: f64 = 100.0;

/// Bytes of a page in `/proc/self/statm`, likewise on the machines that people run hubs on.
const PAGE_BYTES: u64 = 4_096;

/// How to measure, for a hub with a data directory or without.
pub(super) fn measure(dir: Option<PathBuf>, door: Rc<Door>) -> impl Fn() -> Surroundings {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let started_at = since_epoch.as_secs_f64();
    move || Surroundings {
        store: dir.as_deref().and_then(store_space),
        sockets: Some(sockets(&door)),
        process: process(started_at),
        log_lines_dropped: crate::log::dropped(),
        ..Surroundings::default()
    }
}

/// The disk space used by the store, and the free space.
pub fn store_space(dir: &Path) -> Option<StoreSpace> {
    let size = |name: &str| dir.join(name).metadata().map_or(0, |it| it.len());
    let (bytes, log_bytes) = (size("hub.db"), size("hub.db-wal"));
    Some(StoreSpace { bytes, log_bytes, free_bytes: disk_space(dir)?.free })
}

/// The disk that a folder is on.
pub(super) fn disk_space(dir: &Path) -> Option<DiskSpace> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Some(DiskSpace { free: bytes(disk.f_bavail), total: bytes(disk.f_blocks) })
}

fn sockets(door: &Door) -> Sockets {
    let admission = door.admission();
    Sockets {
        open: admission.open() as u64,
        unauthenticated: admission.unauthenticated() as u64,
        turned_away: admission.turned_away(),
    }
}

fn process(started_at: f64) -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The process name may contain anything and ends with the last parenthesis. After it, user and system
    // time are the 12th and 13th fields.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    let cpu_seconds = (ticks()? + ticks()?) / TICKS_PER_S;
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let max_fds = limits.lines().find_map(|line| {
        let rest = line.strip_prefix("Max open files")?;
        rest.split_whitespace().next()?.parse().ok()
    });
    Some(Process {
        cpu_seconds,
        resident_bytes: pages * PAGE_BYTES,
        open_fds: fs::read_dir("/proc/self/fd").ok()?.count() as u64,
        max_fds: max_fds.unwrap_or(0),
        started_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_measured() {
        let found = process(1.0).unwrap();
        assert!(found.resident_bytes > 1 << 20, "{found:?}");
        assert!(found.open_fds > 2 && found.open_fds <= found.max_fds, "{found:?}");
        assert!(store_space(Path::new("/tmp")).unwrap().free_bytes > 0);
        assert!(store_space(Path::new("/nowhere/at/all")).is_none());
    }
}

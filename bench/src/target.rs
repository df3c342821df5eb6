//! What Bot Hub is to reach, and whether this run shows that it does. It judges figures that `report` has.

use crate::{
    machine::Machine,
    measure::Sample,
    report::{self, Cell},
    system::System,
    workload::Workload,
};

/// One thing to reach.
#[derive(Debug)]
pub struct Target {
    workload: &'static str,
    system: System,
    wanted: Wanted,
}

/// What is wanted of a workload on a system.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// At least so many deliveries (connections) per second of one core.
    Rate(f64),
    /// At least so many times what another system delivers per CPU second in the same run.
    Times(f64, System),
    /// A delivery takes at most so many times the CPU of one in another workload of the same system.
    AsIn(f64, &'static str),
    /// 99 % heard within so many microseconds.
    Heard(f64),
    /// 99 % confirmed within one `fdatasync` (its own 99th percentile) and so many microseconds.
    ConfirmedAfterSync(f64),
    /// At most so many MiB resident.
    Resident(f64),
    /// Memory grows by at most so many MiB under the load.
    Growth(f64),
    /// At most so many KiB per connection.
    Each(f64),
    /// At most so many seconds.
    Seconds(f64),
}

use System::{HubMemory, HubSqlite, NativeHub, NodeOriginal};
use Wanted::{AsIn, ConfirmedAfterSync, Each, Growth, Heard, Rate, Resident, Seconds, Times};

/// All of them, in the order of the table.
const TARGETS: &[Target] = &[
    target("pairs-200", HubMemory, Times(1.0, NativeHub)),
    target("pairs-200", HubMemory, Times(20.0, NodeOriginal)),
    target("pairs-1k", HubMemory, Rate(1e6)),
    target("pairs-4k", HubMemory, Rate(480e3)),
    target("pairs-one", HubMemory, Rate(115e3)),
    target("pingpong", HubMemory, Rate(18e3)),
    target("pingpong", HubMemory, Heard(100.0)),
    target("fanout-10", HubMemory, Rate(1.6e6)),
    target("fanout-100", HubMemory, Rate(1.7e6)),
    target("fanout-1000", HubMemory, Rate(700e3)),
    target("fanout-1000", HubMemory, Growth(20.0)),
    target("pairs-200", HubSqlite, Rate(200e3)),
    target("pingpong", HubSqlite, ConfirmedAfterSync(200.0)),
    target("steady-5000", HubSqlite, Heard(2_000.0)),
    target("rooms-100k", HubMemory, AsIn(1.1, "pairs-200")),
    target("rooms-100k", HubSqlite, AsIn(1.1, "pairs-200")),
    target("history-1g", HubSqlite, AsIn(1.1, "pairs-200")),
    target("history-1g", HubSqlite, Seconds(0.1)),
    target("history-10g", HubSqlite, AsIn(1.1, "pairs-200")),
    target("history-10g", HubSqlite, Seconds(0.1)),
    target("start", HubSqlite, Seconds(0.1)),
    target("start", HubSqlite, Resident(14.3)),
    target("idle", HubSqlite, Each(16.0)),
    target("storm", HubSqlite, Rate(5e3)),
    target("return", HubSqlite, Seconds(10.0)),
];

const fn target(workload: &'static str, system: System, wanted: Wanted) -> Target {
    Target { workload, system, wanted }
}

/// What a run found.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// Columns.
    pub systems: &'a [(System, String)],
    /// Rows, cells in the order of the systems.
    pub rows: &'a [(&'static Workload, Vec<Cell>)],
    /// Where.
    pub machine: &'a Machine,
    /// Rates say nothing here, because other programs used the cores too: judge by CPU.
    pub is_busy: bool,
}

impl Found<'_> {
    /// The rows of the table of targets: what is wanted, what was found, whether that is enough.
    pub fn lines(&self) -> Vec<String> {
        TARGETS.iter().filter_map(|target| self.line(target)).collect()
    }

    fn line(&self, target: &Target) -> Option<String> {
        let row = self.rows.iter().find(|(workload, _)| workload.name == target.workload)?;
        let (wanted, now, is_met) = self.judge(row, target)?;
        let verdict = if is_met { "met" } else { "**missed**" };
        let (title, system) = (row.0.title, target.system.name());
        Some(format!("| {title} | `{system}` | {wanted} | {now} | {verdict} |"))
    }

    fn judge(
        &self,
        row: &(&'static Workload, Vec<Cell>),
        target: &Target,
    ) -> Option<(String, String, bool)> {
        let at_most = |now: f64, max: f64, unit: &str| {
            (format!("≤ {max} {unit}"), format!("{now:.1} {unit}"), now <= max)
        };
        let of = |of: fn(&Sample) -> Option<f64>| self.cell(row, target.system)?.median(of);
        Some(match target.wanted {
            Rate(wanted) => {
                let (rate, capacity) = (of(|it| it.per_second)?, 1e6 / of(|it| it.cpu_us)?);
                let now = format!(
                    "{}, {} per CPU second",
                    report::per_second(rate),
                    report::per_second(capacity)
                );
                let judged = if self.is_busy { capacity } else { rate };
                (format!("≥ {}", report::per_second(wanted)), now, judged >= wanted)
            }
            Times(factor, other) => {
                let own = of(|it| it.cpu_us)?;
                let times = self.cell(row, other)?.median(|it| it.cpu_us)? / own;
                let wanted = format!("≥ {factor} × `{}`", other.name());
                (wanted, format!("{times:.2} ×, {own:.2} µs each"), times >= factor)
            }
            AsIn(factor, other) => {
                let own = of(|it| it.cpu_us)?;
                let there = self.rows.iter().find(|(workload, _)| workload.name == other)?;
                let times = own / self.cell(there, target.system)?.median(|it| it.cpu_us)?;
                let wanted = format!("≤ {factor} × `{other}`");
                (wanted, format!("{times:.2} ×, {own:.2} µs each"), times <= factor)
            }
            Heard(max) => at_most(of(|it| it.p99_us)?, max, "µs (p99)"),
            ConfirmedAfterSync(more) => at_most(
                of(|it| it.ack_p99_us)?,
                (self.machine.fsync_us.1 + more).round(),
                "µs (p99)",
            ),
            Resident(max) => at_most(of(|it| it.rss_kib.map(mib))?, max, "MiB"),
            Growth(max) => at_most(of(|it| it.rss_growth_kib.map(mib))?, max, "MiB"),
            Each(max) => at_most(of(|it| it.kib_per_connection)?, max, "KiB"),
            Seconds(max) => at_most(of(|it| it.seconds)?, max, "s"),
        })
    }

    fn cell<'c>(
        &self,
        row: &'c (&'static Workload, Vec<Cell>),
        system: System,
    ) -> Option<&'c Cell> {
        let column = self.systems.iter().position(|(known, _)| *known == system)?;
        row.1.get(column).filter(|cell| cell.failures.is_empty())
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::WORKLOADS;

    #[test]
    fn every_target_names_a_workload() {
        for target in TARGETS {
            assert!(WORKLOADS.iter().any(|it| it.name == target.workload), "{target:?}");
        }
    }
}

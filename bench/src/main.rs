//! `bot-hub-bench`: measures Bot Hub beside the systems that it is compared with. See README.md.

mod dialect;
mod fleet;
mod lane;
mod latency;
mod load;
mod machine;
mod measure;
mod plot;
mod process;
mod report;
mod server;
mod system;
mod target;
mod text;
mod workload;
mod ws;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::{
    machine::Machine,
    measure::{Setting, measure},
    report::{Cell, Report},
    system::{Places, SYSTEMS, System},
    workload::{WORKLOADS, Workload},
};

/// Measures Bot Hub and the systems it is compared with, in turns, and checks every message on the way.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Systems to measure, separated by commas (default: all that are installed).
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// Workloads to run, separated by commas (default: all but `history-10g`).
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
    /// Length of each measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Measurements per system and workload; the table shows the median.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// A short pass: two seconds, once.
    #[arg(long)]
    quick: bool,
    /// The `bot-hub` program (default: the release build of this checkout).
    #[arg(long, value_name = "FILE")]
    hub: Option<PathBuf>,
    /// Folder for the results; `-` writes none and only prints the table.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Second part of the names of the result files, after the date.
    #[arg(long, default_value = "run")]
    label: String,
    /// Let the generator poll without sleeping: the server never pays for waking it, and latency is the server's alone.
    #[arg(long)]
    spin: bool,
    /// List systems and workloads and end.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything that was measured was right.
fn run(mut options: Options) -> Result<bool> {
    if options.quick {
        (options.seconds, options.repeat) = (options.seconds.min(2.0), 1);
    }
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hub = options.hub.clone().unwrap_or_else(|| bench.join("../target/release/bot-hub"));
    let places = Places { hub: fs::canonicalize(&hub).unwrap_or(hub), bench: bench.to_owned() };
    if options.list {
        list(&places)?;
        return Ok(true);
    }
    let systems = chosen_systems(&options.systems, &places)?;
    let workloads = chosen_workloads(&options.workloads)?;
    let scratch = bench.join(format!("target/scratch/{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    process::raise_file_limit()?;
    let cores = process::Cores::choose()?;
    process::pin(cores.generator)?;
    let machine = Machine::look(&scratch, cores)?;
    let span = Duration::from_secs_f64(options.seconds);
    let setting = Setting { places: &places, scratch: &scratch, cores, spin: options.spin, span };
    let mut report = Report::new(machine, &options, systems.clone());
    for workload in workloads {
        let cells = in_turns(&setting, &systems, workload, options.repeat);
        report.rows.push((workload, cells.into_iter().map(|(_, cell)| cell).collect()));
    }
    println!("{}", report.markdown());
    if options.out.as_deref() != Some(Path::new("-")) {
        report.write(&options.out.unwrap_or_else(|| bench.join("results")), &options.label)?;
    }
    fs::remove_dir_all(&scratch)?;
    Ok(!report.has_failures())
}

/// All systems once, then all again: what disturbs the machine for a while disturbs all of them.
fn in_turns(
    setting: &Setting<'_>,
    systems: &[(System, String)],
    workload: &Workload,
    repeat: usize,
) -> Vec<(System, Cell)> {
    let mut cells: Vec<_> = systems.iter().map(|(system, _)| (*system, Cell::default())).collect();
    for turn in 1..=repeat {
        for (system, cell) in cells.iter_mut().filter(|(system, _)| workload.suits(*system)) {
            eprintln!("{} {turn}/{repeat} {} …", workload.name, system.name());
            match measure(setting, *system, workload) {
                Ok(sample) => {
                    eprintln!("    {}", report::brief(&sample));
                    cell.samples.push(sample);
                }
                Err(error) => {
                    eprintln!("    FAILED: {error:#}");
                    cell.failures.push(format!("{error:#}"));
                }
            }
        }
    }
    cells
}

fn chosen_systems(names: &[String], places: &Places) -> Result<Vec<(System, String)>> {
    let mut chosen = Vec::new();
    for name in names {
        let Some(system) = SYSTEMS.iter().find(|system| system.name() == name) else {
            bail!("no system is called `{name}`\nhint: `--list` names them");
        };
        chosen.push((
            *system,
            system.version(places).with_context(|| format!("`{name}` is not here"))?,
        ));
    }
    if names.is_empty() {
        for system in SYSTEMS {
            match system.version(places) {
                Ok(version) => chosen.push((*system, version)),
                Err(error) => eprintln!("left out: `{}`: {error:#}", system.name()),
            }
        }
    }
    if chosen.is_empty() {
        bail!("no system is installed\nhint: `--list` says what is missing");
    }
    Ok(chosen)
}

fn chosen_workloads(names: &[String]) -> Result<Vec<&'static Workload>> {
    if names.is_empty() {
        return Ok(WORKLOADS.iter().filter(|workload| !workload.is_long()).collect());
    }
    let find = |name: &String| {
        let found = WORKLOADS.iter().find(|workload| workload.name == name);
        found.with_context(|| format!("no workload is called `{name}`\nhint: `--list` names them"))
    };
    names.iter().map(find).collect()
}

fn list(places: &Places) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for system in SYSTEMS {
        let state = system.version(places).unwrap_or_else(|error| format!("not here: {error:#}"));
        writeln!(out, "system    {:14} {state}", system.name())?;
    }
    for workload in WORKLOADS {
        writeln!(out, "workload  {:14} {}", workload.name, workload.title)?;
    }
    Ok(())
}

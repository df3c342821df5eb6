//! `bot-hub check`: is the hub healthy? For monitoring programs that ask every minute.
//!
//! Owns the measurements, their thresholds and the three forms of the answer. Exit codes are those of
//! Nagios, whatever the form: 0 ok, 1 warning, 2 critical, 3 unknown.

mod form;
mod measure;

use std::process::ExitCode;
use std::time::Duration;

use super::Global;
use super::hub::until_interrupted;
use bot_hub_server::config::{ByteSize, Period};

/// Thresholds, and the form of the answer.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A value beyond a threshold counts: larger, or smaller for free space. Without options the ages count beyond
2 and 15 minutes, free space below 1 GiB and 100 MiB; the others are measured and not judged.

Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown (also for wrong usage). A hub that does not answer is
critical.

Examples:
  bot-hub check --warn-pending 100 --crit-pending 1000
  bot-hub check --format prometheus > /var/lib/node_exporter/bot_hub.prom")]
pub(super) struct Check {
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = form::Format::Nagios)]
    format: form::Format,
    /// Messages that wait, for whomever
    #[arg(long, value_name = "COUNT")]
    warn_pending: Option<u64>,
    #[arg(long, value_name = "COUNT", help = "The same, critical")]
    crit_pending: Option<u64>,
    /// How long a message waits for a bot that is connected [default: 2m]
    #[arg(long, value_name = "PERIOD")]
    warn_oldest: Option<Period>,
    #[arg(long, value_name = "PERIOD", help = "The same, critical [default: 15m]")]
    crit_oldest: Option<Period>,
    /// How long a message waits for a bot that is away: 12h
    #[arg(long, value_name = "PERIOD")]
    warn_away: Option<Period>,
    #[arg(long, value_name = "PERIOD", help = "The same, critical")]
    crit_away: Option<Period>,
    /// Free space on the disk of the store, if the store is on this machine [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    warn_free: Option<ByteSize>,
    #[arg(long, value_name = "SIZE", help = "The same, critical [default: 100MiB]")]
    crit_free: Option<ByteSize>,
    /// How long the hub may take to answer
    #[arg(long, value_name = "PERIOD", default_value = "10s")]
    timeout: Period,
}

/// How bad it is; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// One thing that was measured.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    /// In perfdata, JSON and Prometheus.
    name: &'static str,
    /// In the base unit that Prometheus recommends.
    value: f64,
    /// The unit that follows the number in perfdata.
    unit: &'static str,
    /// The warning and the critical threshold, where there are any.
    thresholds: [Option<f64>; 2],
    /// Whether smaller values are worse.
    falls: bool,
    /// The measurement as a phrase.
    says: String,
}

impl Measure {
    fn status(&self) -> Status {
        let is_beyond = |threshold: &Option<f64>| {
            threshold.is_some_and(|it| if self.falls { self.value < it } else { self.value > it })
        };
        match self.thresholds.each_ref().map(is_beyond) {
            [_, true] => Status::Critical,
            [true, false] => Status::Warning,
            [false, false] => Status::Ok,
        }
    }
}

/// The judgement of everything that was measured.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    status: Status,
    /// What is wrong, or that nothing is.
    summary: String,
    measures: Vec<Measure>,
}

impl Verdict {
    fn of(measures: Vec<Measure>) -> Self {
        let status = measures.iter().map(Measure::status).max().unwrap_or(Status::Ok);
        let is_told = |it: &&Measure| status == Status::Ok || it.status() > Status::Ok;
        let told: Vec<&str> = measures
            .iter()
            .filter(is_told)
            .map(|it| it.says.as_str())
            .filter(|says| !says.is_empty())
            .collect();
        Self { status, summary: told.join(", "), measures }
    }

    /// A verdict without measurements. The hub counts as down only if it does not answer.
    fn failed(status: Status, summary: String) -> Self {
        let up = Measure {
            name: "up",
            value: 0.0,
            unit: "",
            thresholds: [None, Some(1.0)],
            falls: true,
            says: String::new(),
        };
        let measures = if status == Status::Critical { vec![up] } else { Vec::new() };
        Self { status, summary, measures }
    }

    /// Adds that some thresholds could not be judged, so that the user does not rely on them. A hub that is
    /// critical for another reason stays critical.
    fn lacks(mut self, unmeasured: Option<String>) -> Self {
        let Some(unmeasured) = unmeasured else { return self };
        if self.status != Status::Critical {
            (self.status, self.summary) = (Status::Unknown, unmeasured);
        }
        self
    }
}

impl Check {
    /// The given options that judge values which only operators may read.
    fn of_operators(&self) -> Vec<&'static str> {
        let options = [
            ("--warn-pending", self.warn_pending.is_some()),
            ("--crit-pending", self.crit_pending.is_some()),
            ("--warn-oldest", self.warn_oldest.is_some()),
            ("--crit-oldest", self.crit_oldest.is_some()),
            ("--warn-away", self.warn_away.is_some()),
            ("--crit-away", self.crit_away.is_some()),
        ];
        options.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option).collect()
    }

    /// The given options that judge values which can be read only on the hub's machine.
    fn of_machine(&self) -> Vec<&'static str> {
        let options =
            [("--warn-free", self.warn_free.is_some()), ("--crit-free", self.crit_free.is_some())];
        options.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option).collect()
    }

    /// A pair of thresholds whose warning lies beyond its critical value.
    fn crossed(&self) -> Option<&'static str> {
        fn is_less<T: PartialOrd>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one < other)
        }
        let crossed = [
            ("pending", is_less(self.crit_pending, self.warn_pending)),
            ("oldest", is_less(self.crit_oldest, self.warn_oldest)),
            ("away", is_less(self.crit_away, self.warn_away)),
            ("free", is_less(self.warn_free, self.crit_free)),
        ];
        crossed.into_iter().find(|(_, is_crossed)| *is_crossed).map(|(name, _)| name)
    }

    pub(super) fn run(self, global: &Global) -> ExitCode {
        if let Some(name) = self.crossed() {
            let what = format!("--warn-{name} is beyond --crit-{name}, and would never be met");
            return self.tell(global, &Verdict::failed(Status::Unknown, what));
        }
        let mut verdict = None;
        let looked = until_interrupted(async {
            let patience = self.timeout.get().max(Duration::from_millis(1));
            verdict =
                Some(match tokio::time::timeout(patience, measure::measure(&self, global)).await {
                    Ok(verdict) => verdict,
                    Err(_) => Verdict::failed(
                        Status::Critical,
                        format!("the hub does not answer within {}", self.timeout),
                    ),
                });
            Ok(())
        });
        let verdict = match (looked, verdict) {
            (Ok(()), Some(verdict)) => verdict,
            (Err(failure), _) => Verdict::failed(Status::Unknown, failure.message),
            (Ok(()), None) => Verdict::failed(Status::Unknown, "nothing was measured".to_owned()),
        };
        self.tell(global, &verdict)
    }

    fn tell(&self, global: &Global, verdict: &Verdict) -> ExitCode {
        let format = if global.json { form::Format::Json } else { self.format };
        let told = super::out::write_line(&crate::cli::visible::visible(
            form::show(verdict, format).trim_end(),
        ));
        let status = if told.is_ok() { verdict.status } else { Status::Unknown };
        ExitCode::from(status as u8)
    }
}

//! What is to be thought of a conversation that was played.

use crate::play::Played;
use crate::score::Trace;

/// What is said later than this is too late.
const DELAY_MS_MAX: u64 = 10 * 60_000;

/// Of a loop that is stopped less than this much of its answers is said.
const STOPPED_PERCENT: usize = 60;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) name: String,
    pub(crate) is_loop: bool,
    /// Messages of bots that were said, and that the script has.
    pub(crate) said: usize,
    pub(crate) all: usize,
    pub(crate) usd: f64,
    pub(crate) usd_all: f64,
    /// How late the latest of what must be said was, in milliseconds.
    pub(crate) delay_ms: u64,
    pub(crate) last_ms: u64,
    pub(crate) pauses: usize,
    /// A loop that was stopped, or a conversation that was not.
    pub(crate) is_right: bool,
}

pub(crate) fn judge(trace: &Trace, played: &Played) -> Verdict {
    let mut verdict = Verdict {
        name: trace.name.clone(),
        is_loop: trace.is_loop,
        pauses: played.trips.len(),
        ..Verdict::default()
    };
    let (mut answers, mut said_answers, mut missing) = (0, 0, 0);
    for (line, said) in trace.lines.iter().zip(&played.said).filter(|(it, _)| !it.is_person) {
        let is_looping = trace.is_loop && !line.must;
        let usd = line.usd_micro as f64 / 1e6;
        verdict.all += 1;
        verdict.usd_all += usd;
        answers += usize::from(is_looping && line.cause.is_some());
        let Some(said) = said else {
            missing += usize::from(!is_looping);
            continue;
        };
        verdict.said += 1;
        verdict.usd += usd;
        verdict.last_ms = verdict.last_ms.max(*said);
        said_answers += usize::from(is_looping && line.cause.is_some());
        if !is_looping {
            verdict.delay_ms = verdict.delay_ms.max(said.saturating_sub(line.at));
        }
    }
    let in_time = missing == 0 && verdict.delay_ms <= DELAY_MS_MAX;
    verdict.is_right = match trace.is_loop {
        true => in_time && said_answers * 100 < answers * STOPPED_PERCENT,
        false => in_time && played.waiting == 0,
    };
    verdict
}

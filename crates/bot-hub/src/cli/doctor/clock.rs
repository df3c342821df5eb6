//! The clock: has it been set while the hub runs?
//!
//! The hub reads the wall clock once, when it starts, and counts from there: a jump makes nothing
//! expire. But then the times that it gives to messages are off by the jump until it is started again.

use super::Patient;
use super::finding::Findings;
use crate::cli::words::{period, wall_clock};

/// A difference that people notice in a log.
const NOTICEABLE_MS: u64 = 2_000;

pub(super) fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    let here = wall_clock().0;
    // Before 2025: the clock was never set. Certificates are then not valid yet, and messages old.
    if here < 1_735_689_600_000 {
        let why = "certificates are not valid yet, and messages get wrong times";
        return findings.problem("clock", "stands before 2025", why, "set it: timedatectl");
    }
    let Some(hub) = patient.hub.as_ref().filter(|hub| hub.running.is_some()) else { return };
    if hub.hello.now.is_none() {
        return;
    }
    let off = hub.now().0.abs_diff(here);
    if off < NOTICEABLE_MS {
        return findings.fine("clock", "the hub's and this machine's are the same");
    }
    let ahead = if hub.now().0 > here { "ahead of" } else { "behind" };
    let what = format!("the hub's is {} {ahead} this machine's", period(off));
    let why = "the clock was set, or the machine slept, after the hub was started; \
        messages get times that are off by as much";
    findings.warning("clock", what, why, "start the hub again");
}

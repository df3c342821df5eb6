//! The clock: is it set, does the hub trust it, and does it agree with this machine's clock?
//!
//! Owns these findings. Never sets a clock.

use bot_protocol::frame::answer::Ask;

use super::Patient;
use super::finding::Findings;
use crate::cli::hub::Hub;
use crate::cli::out::counted;
use crate::cli::words::{period, size, wall_clock};

/// A difference from which people notice it in logs.
const NOTICEABLE_MS: u64 = 2_000;

pub(super) async fn examine(patient: &Patient<'_>, findings: &mut Findings) {
    let here = wall_clock().0;
    // A time before 2025 means that the clock was never set: certificates are not valid yet, and messages
    // get wrong times.
    if here < 1_735_689_600_000 {
        let why = "certificates are not valid yet, and messages get wrong times";
        return findings.problem("clock", "stands before 2025", why, "set it: timedatectl");
    }
    let Some(hub) = patient.hub.as_ref() else { return };
    ask(hub, findings).await;
    if hub.running.is_none() || hub.hello.now.is_none() {
        return;
    }
    let off = hub.now().0.abs_diff(here);
    if off < NOTICEABLE_MS {
        return findings.fine("clock", "the hub's and this machine's are the same");
    }
    let ahead = if hub.now().0 > here { "ahead of" } else { "behind" };
    let what = format!("the hub's is {} {ahead} this machine's", period(off));
    let why = "the clock was set just now, or one of the two runs with another one";
    findings.warning("clock", what, why, "try again: bot-hub doctor");
}

/// Asks whether the hub trusts its clock; if it does not, it removes nothing by age. The same answer counts
/// damaged messages.
async fn ask(hub: &Hub, findings: &mut Findings) {
    // A refusal is reported elsewhere.
    let Ok((_, numbers)) = hub.ask(Ask::hub_status()).await else { return };
    if numbers.corrupt > 0 {
        let what = format!(
            "{} met since the hub was started",
            counted(numbers.corrupt, "damaged message")
        );
        let why = "what is damaged is withheld, never delivered";
        findings.warning("store", what, why, "bot-hub verify names all of it");
    }
    if let Some(left) = numbers.disk_left {
        let what = format!("the disk has {} left: messages are refused", size(left));
        let why = "what is left is kept for receipts, cursors and operators";
        let next = "make space, or lower `limits.freeDiskReserve` in the configuration";
        findings.problem("store", what, why, next);
    }
    if numbers.ahead_ms >= NOTICEABLE_MS {
        let what = format!("new messages get a time that is {} ahead", period(numbers.ahead_ms));
        let why = "the clock was ahead when the newest message was stored, and times never go back";
        findings.warning(
            "clock",
            what,
            why,
            "nothing has to be done: it ends when the clock is there",
        );
    }
    if let Some(why) = numbers.retention_waits {
        let what = format!("nothing is removed because of its age: {why}");
        let waits = "what a wrong clock takes for old would be gone; it waits for a day at most";
        let next = "see whether the clock is right (date, timedatectl); if it is, this ends by itself, \
            or at once with bot-hub serve --trust-clock";
        findings.warning("clock", what, waits, next);
    }
}

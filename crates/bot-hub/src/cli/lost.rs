//! A running hub whose store files are no longer in its data directory.
//!
//! Owns what every verb reports about it. `doctor` knows the way to save the messages, which works only
//! while the hub runs.

use std::path::Path;

use super::doctor::{astray_words, saved_by_stop};
use super::failure::{Failure, Kind};
use bot_hub_server::server::{Home, RunningHub};
use bot_hub_store::sqlite::{Astray, Rescue, astray};

/// The failure to report for a data directory whose hub writes elsewhere.
pub(super) fn of_dir(dir: &Path) -> Option<Failure> {
    let (hub, _) = Home::find_running(dir)?;
    of_hub(dir, &hub)
}

/// The failure to report for this hub, if it writes elsewhere.
pub(super) fn of_hub(dir: &Path, hub: &RunningHub) -> Option<Failure> {
    let astray = astray(dir, hub.pid)?;
    Some(Failure::new(Kind::Failed, astray_words(&astray)).hint(next(&astray)))
}

/// The hint with the first step.
pub(super) fn next(astray: &Astray) -> String {
    match astray.rescue {
        Rescue::Stop => saved_by_stop(),
        Rescue::Copy { .. } => {
            "do not stop the hub, its end would lose it: bot-hub doctor says how to save it"
                .to_owned()
        }
    }
}

//! A store that a running hub writes to elsewhere than where it should be.
//!
//! Owns what every verb says about that: the way to save it is the doctor's, and it is open only as long as
//! the hub runs.

use std::path::Path;

use super::doctor::{astray_words, saved_by_stop};
use super::failure::{Failure, Kind};
use bot_hub_server::server::{Home, RunningHub};
use bot_hub_store::sqlite::{Astray, Rescue, astray};

/// Why nothing in a data directory is what its hub has.
pub(super) fn of_dir(dir: &Path) -> Option<Failure> {
    let (hub, _) = Home::find_running(dir)?;
    of_hub(dir, &hub)
}

/// The same, of the hub that runs there.
pub(super) fn of_hub(dir: &Path, hub: &RunningHub) -> Option<Failure> {
    let astray = astray(dir, hub.pid)?;
    Some(Failure::new(Kind::Failed, astray_words(&astray)).hint(next(&astray)))
}

/// What to do first.
pub(super) fn next(astray: &Astray) -> String {
    match astray.rescue {
        Rescue::Stop => saved_by_stop(),
        Rescue::Copy { .. } => {
            "do not stop the hub, its end would lose it: bot-hub doctor says how to save it"
                .to_owned()
        }
    }
}

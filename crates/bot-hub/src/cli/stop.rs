//! `bot-hub stop`: ends the hub of a data directory, and says when it has ended.
//!
//! Owns finding the hub and waiting for its end. Sends SIGTERM, as a service manager does; the hub shuts
//! itself down.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::Global;
use super::failure::{Failure, Kind};
use super::hub::{data_dir, no_hub};
use super::out::Out;
use bot_hub_server::config::Period;
use bot_hub_server::server::Home;
use bot_hub_store::sqlite::is_in_use;

/// How often to check whether the hub has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long to wait.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It saves everything and tells its clients when to come back. A hub that systemd keeps running is
started again by it; stop that one with systemctl.

Example:
  bot-hub stop && bot-hub serve")]
pub(super) struct Stop {
    /// How long to wait until it has ended
    #[arg(long, value_name = "PERIOD", default_value = "30s")]
    timeout: Period,
}

impl Stop {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let dir = data_dir(global)?;
        let place = dir.display();
        let Some((hub, _)) = Home::find_running(&dir) else {
            return Err(no_hub(global, &dir));
        };
        let pid = i32::try_from(hub.pid).ok().and_then(Pid::from_raw);
        let told =
            pid.ok_or(rustix::io::Errno::SRCH).and_then(|pid| kill_process(pid, Signal::TERM));
        told.map_err(|error| {
            let message = format!("the hub of `{place}` (pid {}) cannot be told: {error}", hub.pid);
            Failure::new(Kind::Refused, message).hint("stop it as the user that started it")
        })?;
        if !has_ended(&dir, self.timeout.get()) {
            let message =
                format!("the hub (pid {}) has not ended within {}", hub.pid, self.timeout);
            return Err(Failure::new(Kind::TimedOut, message)
                .hint(format!("look into its log; as a last resort: kill -9 {}", hub.pid)));
        }
        let value = json!({ "pid": hub.pid, "url": hub.url });
        out.done(&value, || {
            format!("the hub of {place} (pid {}, {}) has stopped", hub.pid, hub.url)
        })
    }
}

fn has_ended(dir: &Path, longest: Duration) -> bool {
    let started = Instant::now();
    while is_in_use(dir) {
        if started.elapsed() >= longest {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

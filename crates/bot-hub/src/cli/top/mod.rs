//! `bot-hub top`: a live view of rooms, bots and rates.
//!
//! Owns the loop: samples and keys come in, a screen goes out. Without a terminal it prints lines.

mod commits;
mod keys;
mod lines;
mod sample;
mod screen;
mod view;

use std::io::{IsTerminal as _, stdout};
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::sample::Sample;
use self::screen::Scene;
use self::view::View;
use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::out::{Out, say, unheard};
use super::who::is_operator;
use bot_hub_server::config::Period;

/// How often, and how.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Keys: q quit · s sort · r reverse · tab bots or rooms · p pause · up, down, page up, page down · ? help

Without a terminal, or with --json, it prints a line per sample; with --once, everything, once.")]
pub(super) struct Top {
    /// How often to look
    #[arg(long, value_name = "PERIOD", default_value = "1s")]
    interval: Period,
    /// Print everything once, and end
    #[arg(long)]
    once: bool,
    /// Print so many samples, and end
    #[arg(long, value_name = "COUNT", conflicts_with = "once")]
    count: Option<u64>,
    /// What to sort by at first
    #[arg(long, value_enum, default_value_t = view::Sort::Waiting)]
    sort: view::Sort,
}

/// A sample, or why none could be taken.
type Sampled = Result<Sample, String>;

/// How many samples may be buffered. One is enough, because the screen shows only the newest.
const SAMPLES_MAX: usize = 1;

impl Top {
    pub(super) async fn run(self, hub: &mut Hub) -> Result<(), Failure> {
        let out = hub.out;
        if !is_operator(hub).await? {
            let message = format!(
                "`top` shows who waits for whom, which only operators are told, and `{}` is none",
                hub.me
            );
            let hint = "what you may see: bot-hub status, bot-hub rooms, bot-hub who";
            return Err(Failure::new(Kind::Refused, message).hint(hint));
        }
        if self.once {
            let sample = Sample::take(hub).await?;
            let view = View::new(self.sort);
            return if out.json {
                out.json_line(&lines::to_json(&sample, None))
            } else {
                out.text(&lines::whole(&sample, &view))
            };
        }
        let is_screen = !out.json && self.count.is_none() && stdout().is_terminal();
        let (sender, samples) = mpsc::channel(SAMPLES_MAX);
        let every = self.interval.get().max(Duration::from_millis(100));
        let mut feeding = pin!(feed(hub, sender, every));
        let mut terminate = signal(SignalKind::terminate())?;
        let showing = async {
            if is_screen {
                watch(View::new(self.sort), samples).await
            } else {
                print(&self, out, samples).await
            }
        };
        tokio::select! {
            shown = showing => shown,
            () = &mut feeding => Ok(()),
            () = unheard() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    }
}

/// Takes samples at intervals, also from a hub that was restarted or has moved.
async fn feed(hub: &mut Hub, sender: mpsc::Sender<Sampled>, every: Duration) {
    loop {
        let sampled = match Sample::take(hub).await {
            Ok(sample) => Ok(sample),
            Err(failure) => {
                // The hub may have returned with another token or at another address.
                hub.renew().await;
                Err(failure.message)
            }
        };
        if sender.send(sampled).await.is_err() {
            return;
        }
        tokio::time::sleep(every).await;
    }
}

/// Prints one line per sample.
async fn print(top: &Top, out: Out, mut samples: mpsc::Receiver<Sampled>) -> Result<(), Failure> {
    let (mut before, mut printed) = (None::<Sample>, 0);
    if !out.json {
        out.text(lines::HEAD)?;
    }
    while let Some(sampled) = samples.recv().await {
        let sample = match sampled {
            Ok(sample) => sample,
            Err(trouble) => {
                say(&format!("no sample: {trouble}"));
                continue;
            }
        };
        if out.json {
            out.json_line(&lines::to_json(&sample, before.as_ref()))?;
        } else {
            out.text(&lines::line(&sample, before.as_ref()))?;
        }
        before = Some(sample);
        printed += 1;
        if top.count == Some(printed) {
            break;
        }
    }
    Ok(())
}

/// Shows the screen until the user quits. The terminal is restored afterwards, also after a panic.
async fn watch(mut view: View, mut samples: mpsc::Receiver<Sampled>) -> Result<(), Failure> {
    let mut terminal = ratatui::try_init()?;
    let _restored = Restored;
    let mut keys = keys::listen();
    let (mut now, mut before, mut trouble) = (None::<Sample>, None::<Sample>, None::<String>);
    loop {
        let scene = Scene {
            view: &view,
            now: now.as_ref(),
            before: before.as_ref(),
            trouble: trouble.as_deref(),
        };
        if let Err(error) = terminal.draw(|frame| screen::draw(frame, &scene)) {
            return Err(error.into());
        }
        tokio::select! {
            biased;
            action = keys.recv() => {
                if !action.is_some_and(|action| view.act(action)) {
                    return Ok(());
                }
            }
            Some(sampled) = samples.recv() => match sampled {
                Ok(_) if view.is_paused => {}
                Ok(sample) => {
                    before = now.replace(sample);
                    trouble = None;
                }
                Err(error) => trouble = Some(error),
            },
        }
    }
}

/// Restores the terminal when the screen ends, by a key, a signal or an error.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

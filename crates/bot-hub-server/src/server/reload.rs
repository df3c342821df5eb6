//! Reloads the configuration while the hub runs.
//!
//! Owns when the file is read again: on SIGHUP, when it changed, and when a certificate file changed. It is
//! checked first; a file with a mistake changes nothing, and the log reports the mistake.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::supervisor::Supervisor;
use super::translate;
use crate::config::{Applies, Change, Config, ConfigErrors, FileStamp, Loaded, Sources, load};
use crate::door::Door;
use crate::engine::Order;
use crate::tls::{self, Keeper, Prepared};

/// How often the files are checked. Short enough that an edit seems to apply at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a reload waits until its rooms are stored, before it reports that they are not. The hub itself
/// tries again while the disk is full.
const STORED_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Reloader {
    current: Config,
    sources: Sources,
    watched: Option<FileStamp>,
    orders: mpsc::Sender<Order>,
    door: Rc<Door>,
    keeper: Keeper,
    supervisor: Rc<Supervisor>,
}

impl Reloader {
    pub(super) fn new(
        loaded: Loaded,
        sources: Sources,
        orders: mpsc::Sender<Order>,
        door: Rc<Door>,
        keeper: Keeper,
        supervisor: Rc<Supervisor>,
    ) -> Self {
        // The state of the file before it was read: a write during the start counts as a change.
        let watched = loaded.stamp;
        Self { current: loaded.config, sources, watched, orders, door, keeper, supervisor }
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<()>) {
        let mut asks = true;
        loop {
            let look = tokio::time::sleep(LOOK_EVERY);
            let is_due = tokio::select! {
                request = requests.recv(), if asks => {
                    asks = request.is_some();
                    asks
                }
                () = look => self.has_changed(),
            };
            if is_due {
                self.reload().await;
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let certificate = self.keeper.files_changed();
        self.watched.as_mut().is_some_and(FileStamp::changed) || certificate
    }

    async fn reload(&mut self) {
        self.supervisor.reloading();
        let applied = match self.load() {
            Ok((loaded, tls)) => {
                self.door.encrypt(self.keeper.take_over(tls));
                self.apply(loaded).await;
                true
            }
            Err(errors) => {
                tracing::error!("the configuration was not reloaded, the old one stays:\n{errors}");
                false
            }
        };
        self.supervisor.reloaded(applied);
        // The engine may be ending.
        drop(self.orders.send(Order::Reloaded { applied }).await);
    }

    /// Loads everything, or nothing.
    fn load(&self) -> Result<(Loaded, Prepared), ConfigErrors> {
        let mut loaded = load(&self.sources)?;
        let tls = tls::prepare(&loaded)?;
        loaded.warnings.extend_from_slice(tls.warnings());
        Ok((loaded, tls))
    }

    async fn apply(&mut self, loaded: Loaded) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let changes = self.current.changes(&loaded.config);
        if changes.is_empty() {
            return tracing::info!("the configuration was read again: nothing changed");
        }
        for change in &changes {
            match change.applies {
                Applies::Restart => tracing::warn!("{change}"),
                Applies::Now | Applies::NewConnections => tracing::info!("{change}"),
            }
        }
        crate::log::set_level(loaded.config.log.level);
        self.door.reconfigure(translate::door(&loaded));
        let mut new = translate::reconfiguration(&loaded.config);
        new.acts.changed = names_of(&changes);
        self.current = loaded.config;
        let (tell, told) = oneshot::channel();
        new.stored = Some(tell);
        drop(self.orders.send(Order::Configure(Box::new(new))).await);
        if timeout(STORED_WITHIN, told).await.is_err() {
            tracing::error!(
                "not all that the new configuration declares is stored yet: the hub tries again by \
                 itself, and is not ready until then\n\
                 hint: free some space on the disk that holds the store"
            );
        }
    }
}

/// The settings that are changed, and which of them wait for a restart. Of a token not even the beginning is
/// kept.
fn names_of(changes: &[Change]) -> Vec<String> {
    let name = |change: &Change| match (change.path.split_once('.'), change.applies) {
        (Some(("tokens", _)), _) => "tokens".to_owned(),
        (_, Applies::Restart) => format!("{} (requires restart)", change.path),
        _ => change.path.clone(),
    };
    let mut names: Vec<String> = changes.iter().map(name).collect();
    names.dedup();
    names
}

//! Notifications to the service manager, by the protocol of `sd_notify(3)`.
//!
//! Owns the messages and the watchdog. Does nothing without a service manager; a message that cannot be
//! sent does not affect the hub.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::config::Environment;
use crate::engine::Order;

/// How many pings are sent per period of the watchdog. Even one that is late by an interval is in time.
const PINGS_PER_PERIOD: u32 = 3;

/// The service manager that started us, if there is one.
#[derive(Debug, Default)]
pub(super) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// After this much silence, the service manager considers the hub dead.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, as systemd sets them.
    pub(super) fn of(env: &Environment) -> Self {
        let socket = env.get("NOTIFY_SOCKET").and_then(|name| {
            let socket = connect(name);
            socket.inspect_err(|error| tracing::warn!(%error, "no way to the service manager")).ok()
        });
        let meant = env.get("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let period = env.get("WATCHDOG_USEC").and_then(|micros| micros.parse().ok());
        let watchdog = period.filter(|micros| meant && *micros > 0).map(Duration::from_micros);
        Self { socket, watchdog }
    }

    /// Connections are accepted.
    pub(super) fn ready(&self, addresses: &[SocketAddr]) {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        self.tell(&format!("READY=1\nSTATUS=listening on {}", addresses.join(", ")));
    }

    /// The configuration is read again.
    pub(super) fn reloading(&self) {
        self.tell("RELOADING=1");
    }

    /// It is read, and applies or not.
    pub(super) fn reloaded(&self, applied: bool) {
        let status = if applied {
            "the configuration is in force as it was last read"
        } else {
            "the configuration has mistakes, see the log; the one before is in force"
        };
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// Shutdown has begun.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=saying goodbye to everybody who is connected");
    }

    /// Pings the watchdog as long as the engine answers. The engine's loop answers each time, because this
    /// task alone would prove nothing about it. A slow store does not count: waiting for a disk is normal,
    /// and a restart would not make it faster.
    pub(super) async fn feed_watchdog(&self, engine: mpsc::Sender<Order>) {
        let Some(period) = self.watchdog else { return };
        loop {
            let (answer, turned) = oneshot::channel();
            if engine.send(Order::Turn(answer)).await.is_err() || turned.await.is_err() {
                return;
            }
            self.tell("WATCHDOG=1");
            sleep(period / PINGS_PER_PERIOD).await;
        }
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!(%error, message, "the service manager does not listen");
        }
    }
}

/// A name that begins with `@` is in the kernel's abstract name space and has no file.
fn connect(name: &str) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A slow service manager must not block the hub.
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.connect_addr(&address)?;
        }
        _ => socket.connect(name)?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_watchdog_is_ours_only_if_it_means_this_process() {
        let check = |variables: &[(&str, &str)], expected: Option<u64>| {
            let watchdog = Supervisor::of(&environment(variables)).watchdog;
            assert_eq!(watchdog, expected.map(Duration::from_secs), "{variables:?}");
        };
        let own = std::process::id().to_string();
        check(&[], None);
        check(&[("WATCHDOG_USEC", "30000000")], Some(30));
        check(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", &own)], Some(30));
        check(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")], None);
        check(&[("WATCHDOG_USEC", "0")], None);
        check(&[("WATCHDOG_USEC", "soon")], None);
    }

    #[test]
    fn a_hub_without_a_service_manager_says_nothing() {
        Supervisor::default().ready(&[]);
        Supervisor::of(&environment(&[("NOTIFY_SOCKET", "/nowhere/at-all")])).stopping();
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_is_an_answer_of_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let ear = UnixDatagram::bind(&path).unwrap();
        ear.set_nonblocking(true).unwrap();
        let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "3000000")];
        let supervisor = Supervisor::of(&environment(&variables));
        let (orders_in, mut orders) = mpsc::channel(1);
        let engine = async {
            for _ in 0..3 {
                let Some(Order::Turn(answer)) = orders.recv().await else {
                    panic!("another order")
                };
                assert!(ear.recv(&mut [0; 8]).is_err(), "a ping without a turn");
                answer.send(()).unwrap();
                let mut message = [0; 512];
                let bytes = loop {
                    match ear.recv(&mut message) {
                        Ok(bytes) => break bytes,
                        Err(_) => tokio::task::yield_now().await,
                    }
                };
                assert_eq!(&message[..bytes], b"WATCHDOG=1");
            }
            // From here on the engine takes the order and never answers.
            let hanging = orders.recv().await;
            sleep(Duration::from_secs(60)).await;
            assert!(ear.recv(&mut [0; 8]).is_err(), "a ping of an engine that hangs");
            drop(hanging);
        };
        let started = tokio::time::Instant::now();
        tokio::join!(supervisor.feed_watchdog(orders_in), engine);
        assert_eq!(started.elapsed(), Duration::from_secs(3 + 60));
    }
}

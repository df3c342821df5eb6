//! Every bound of the door in one place, each with its unit and its reason.
//!
//! Owns the values. Enforces none of them.

use std::time::Duration;

/// What a peer may use and how long it may take. The defaults are those of a public hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Bytes of an HTTP request's line and headers together (hyper wants 8192 at least).
    pub header_bytes_max: usize,
    /// Headers of an HTTP request.
    pub headers_max: usize,
    /// From accept, or from the first byte of a later request, to the upgrade or the last byte of another
    /// answer. A route may have a time of its own.
    pub request: Duration,
    /// From the last byte of an answer to the first byte of the next request: long enough for a page with
    /// its files, or for a program that asks every few seconds.
    pub idle: Duration,
    /// The same on a connection of a trusted proxy: longer than proxies keep theirs (90 s in Traefik, 120 s in
    /// Caddy), so that the proxy ends it and never sends a request into one that is just ending.
    pub idle_of_proxy: Duration,
    /// Requests over one connection. It is asked to come again after that, so that no connection lives for
    /// ever with the memory and the configuration that it began with.
    pub requests_per_connection_max: u32,
    /// How long the engine may take to answer a question of an HTTP endpoint.
    pub answer: Duration,

    /// From the upgrade until the engine has authenticated the connection.
    pub auth: Duration,
    /// Bytes of a message before that: enough for a token and the positions of a thousand rooms.
    pub unauthenticated_frame_bytes_max: usize,
    /// Bytes of a message after that, as it arrives.
    pub frame_bytes_max: usize,
    /// A larger one is reported with its id, and read over up to so many bytes; beyond that it ends the
    /// connection. With 0, every one does.
    pub skipped_bytes_max: usize,
    /// Fragments of a message; an honest library that fragments does so by 4 KiB and more.
    pub fragments_max: u32,
    /// Frames handed to the engine at once. What is left of a read waits as bytes: a frame of a few
    /// of them takes some hundred when it is taken apart.
    pub batch_frames_max: usize,
    /// Pings and pongs that nobody asked for, per second, in the long run.
    pub control_frames_per_s_max: u32,
    /// The same at once, after a quiet time.
    pub control_frames_burst_max: u32,

    /// Bytes that the engine may queue for a connection. One longer frame is taken beside them, because
    /// a frame that can never be delivered would make its reader reconnect for ever.
    pub outbox_bytes_max: usize,
    /// Above this many queued bytes nothing more is read from the connection.
    pub outbox_high_water_bytes: usize,

    /// Silence after which the door sends a ping; spread by a tenth so that pings do not march in step.
    pub heartbeat: Duration,
    /// Silence after which the peer counts as gone; spread likewise.
    pub silence: Duration,
    /// How long a peer may refuse to take any byte that waits for it.
    pub write_stall: Duration,
    /// For the last bytes and the close frame, and once more for the peer to hang up.
    pub close: Duration,
    /// From the order to shut down until connections that still live are cut.
    pub drain: Duration,

    /// Sockets altogether.
    pub connections_max: usize,
    /// Additional sockets from this machine, so that the operator is never locked out.
    pub local_reserve: usize,
    /// Sockets from one address (an IPv6 address counts as its /64).
    pub connections_per_address_max: usize,
    /// Sockets that have not authenticated, altogether.
    pub unauthenticated_max: usize,
    /// Sockets that have not authenticated, from one address.
    pub unauthenticated_per_address_max: usize,
    /// How long one of them keeps its place when all places are taken. An honest client has authenticated
    /// by then, unless its line is very slow.
    pub unauthenticated_keep: Duration,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            header_bytes_max: 16 << 10,
            headers_max: 64,
            request: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            idle_of_proxy: Duration::from_secs(180),
            requests_per_connection_max: 1_000,
            answer: Duration::from_secs(5),
            auth: Duration::from_secs(5),
            unauthenticated_frame_bytes_max: 64 << 10,
            frame_bytes_max: 256 << 10,
            skipped_bytes_max: 16 << 20,
            fragments_max: 1024,
            batch_frames_max: 64,
            control_frames_per_s_max: 10,
            control_frames_burst_max: 64,
            outbox_bytes_max: 1 << 20,
            outbox_high_water_bytes: 128 << 10,
            heartbeat: Duration::from_secs(25),
            silence: Duration::from_secs(60),
            write_stall: Duration::from_secs(10),
            close: Duration::from_secs(2),
            drain: Duration::from_millis(4500),
            connections_max: 10_000,
            local_reserve: 16,
            connections_per_address_max: 256,
            unauthenticated_max: 512,
            unauthenticated_per_address_max: 16,
            unauthenticated_keep: Duration::from_secs(1),
        }
    }
}

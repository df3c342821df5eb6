//! What the engine does not see itself: the disk, the door, the process.
//!
//! Owns the shapes only. Whoever puts the hub together measures; what cannot be measured is left out.

use bot_hub_store::Histogram;

/// What was measured around the engine, when somebody asked.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The store's files, and the disk that they are on.
    pub store: Option<StoreSpace>,
    /// The door's sockets.
    pub sockets: Option<Sockets>,
    /// The process.
    pub process: Option<Process>,
    /// Lines of the log that nobody read in time.
    pub log_lines_dropped: u64,
    /// The store's transactions: how many writes each, and how long each took.
    pub(crate) transactions: Option<[Histogram; 2]>,
}

/// The store's files, and the disk that they are on.
#[derive(Clone, Copy, Debug)]
pub struct StoreSpace {
    /// Bytes of the database.
    pub bytes: u64,
    /// Bytes of its log of changes.
    pub log_bytes: u64,
    /// Bytes that the hub may still use on that disk.
    pub free_bytes: u64,
}

/// The door's sockets.
#[derive(Clone, Copy, Debug)]
pub struct Sockets {
    /// Open, whatever they are.
    pub open: u64,
    /// Of these, not authenticated.
    pub unauthenticated: u64,
    /// Turned away since the start, because a limit was reached.
    pub turned_away: u64,
}

/// The process, as the system sees it.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Seconds of processor time since the start.
    pub cpu_seconds: f64,
    /// Bytes of memory in use.
    pub resident_bytes: u64,
    /// Files and sockets that are open.
    pub open_fds: u64,
    /// How many may be.
    pub max_fds: u64,
    /// Seconds since 1970 when it was started.
    pub started_at: f64,
}

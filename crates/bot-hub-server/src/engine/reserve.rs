//! The last space of the disk, which is kept for receipts, cursors and operators.
//!
//! Owns when the disk is looked at and how much is kept; the brain refuses. A look is one call of the system:
//! once in a second in which something happens, and behind as many bytes as are a small part of what is kept.

use std::rc::Rc;
use std::time::Duration;

use bot_hub_core::io::Input;
use tokio::time::Instant;

use super::Engine;

/// How often the disk is looked at while something happens.
const EVERY: Duration = Duration::from_secs(1);

/// Between two looks at most this part of what is kept is written.
const PART: u64 = 8;

/// Of a small disk no more than this part is kept.
const OF_DISK: u64 = 10;

/// The disk that the store is on, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What the hub may still write.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// How to look at the disk; `None` if it cannot be told.
pub type Look = Rc<dyn Fn() -> Option<DiskSpace>>;

/// See the module's documentation.
pub(super) struct Reserve {
    look: Look,
    /// What the configuration wants to keep.
    pub(super) wanted: u64,
    /// What is kept on this disk.
    kept: u64,
    looked_at: Option<Instant>,
    written: u64,
    /// What is left, while it is less than is kept.
    left: Option<u64>,
}

impl Default for Reserve {
    fn default() -> Self {
        let look: Look = Rc::new(|| None);
        Self { look, wanted: 0, kept: 0, looked_at: None, written: 0, left: None }
    }
}

impl Reserve {
    pub(super) fn of(look: Look) -> Self {
        Self { look, ..Self::default() }
    }

    /// So much is on its way to the disk.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.written = self.written.saturating_add(bytes);
    }

    /// Whether the last space is kept now.
    pub(super) fn is_reached(&self) -> bool {
        self.left.is_some()
    }

    /// Looks at the disk if it is time to. Returns what is left, while that is kept, when it has changed.
    fn judge(&mut self) -> Option<Option<u64>> {
        let now = Instant::now();
        let is_early = self.looked_at.is_some_and(|at| now.duration_since(at) < EVERY);
        if is_early && (self.kept == 0 || self.written <= self.kept / PART) {
            return None;
        }
        (self.looked_at, self.written) = (Some(now), 0);
        let space = (self.look)()?;
        self.kept = self.wanted.min(space.total / OF_DISK);
        let left = (space.free < self.kept).then_some(space.free);
        let changed = left != self.left;
        self.left = left;
        changed.then_some(left)
    }
}

impl Engine {
    /// Says how to look at the disk that the store is on.
    pub fn watch_disk(&mut self, look: Look) {
        self.reserve = Reserve { wanted: self.reserve.wanted, ..Reserve::of(look) };
    }

    /// Tells the brain when the last space of the disk is reached, and when there is more again.
    pub(super) fn mind_disk(&mut self) {
        let was_reached = self.reserve.is_reached();
        let Some(left) = self.reserve.judge() else { return };
        match left {
            Some(_) if was_reached => {}
            Some(free_bytes) => tracing::error!(
                free_bytes,
                kept_bytes = self.reserve.kept,
                "the disk is nearly full: messages and new rooms are refused, except those of operators\n\
                 hint: make space; what is left is kept for receipts (`limits.freeDiskReserve`)"
            ),
            None => tracing::info!("the disk has space for messages again"),
        }
        self.input(Input::DiskLeft(left));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_disk_is_looked_at_once_in_a_second_and_behind_many_bytes() {
        let free = Rc::new(Cell::new(1_000_000));
        let disk = Rc::clone(&free);
        let look: Look = Rc::new(move || Some(DiskSpace { free: disk.get(), total: 8_000_000 }));
        let mut reserve = Reserve { wanted: 1 << 30, ..Reserve::of(look) };
        assert_eq!(reserve.judge(), None, "a tenth of the disk is kept, and more is free");
        free.set(700_000);
        assert_eq!(reserve.judge(), None, "it is not looked at again at once");
        reserve.wrote(100_001);
        assert_eq!(reserve.judge(), Some(Some(700_000)));
        free.set(600_000);
        tokio::time::advance(EVERY).await;
        assert_eq!(reserve.judge(), Some(Some(600_000)), "what is left is said as it is now");
        free.set(800_000);
        tokio::time::advance(EVERY).await;
        assert_eq!(reserve.judge(), Some(None));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_large_disk_only_what_the_configuration_says_is_kept() {
        let look: Look = Rc::new(|| Some(DiskSpace { free: 1 << 31, total: 1 << 40 }));
        assert_eq!(Reserve { wanted: 1 << 30, ..Reserve::of(Rc::clone(&look)) }.judge(), None);
        let kept = Reserve { wanted: 1 << 32, ..Reserve::of(look) }.judge();
        assert_eq!(kept, Some(Some(1 << 31)));
        assert_eq!(Reserve { wanted: 1, ..Reserve::default() }.judge(), None, "nobody can tell");
    }
}

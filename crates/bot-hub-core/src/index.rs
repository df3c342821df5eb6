//! The numbers by which rooms and bots are named inside.

/// A bot's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BotIx(pub(crate) u32);

/// A room's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RoomIx(pub(crate) u32);

//! The numbers by which rooms and bots are named inside.

/// A bot's index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BotIx(pub u32);

/// A room's index: its place, and which of the rooms that had that place it is. What still names a room
/// that was removed never means the one that has its place now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomIx {
    /// Its place.
    pub place: u32,
    /// How many rooms had that place before it.
    pub life: u32,
}

/// The indices of what a change names, as far as the asker knew them: then its commit costs
/// no look-up by name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named {
    pub(crate) room: Option<RoomIx>,
    pub(crate) bot: Option<BotIx>,
}

impl Named {
    pub(crate) fn room(room: RoomIx) -> Self {
        Self { room: Some(room), bot: None }
    }

    pub(crate) fn bot(bot: BotIx) -> Self {
        Self { room: None, bot: Some(bot) }
    }

    pub(crate) fn member(room: RoomIx, bot: BotIx) -> Self {
        Self { room: Some(room), bot: Some(bot) }
    }
}

//! What the rules about access ask about rooms.
//!
//! Owns the questions. The brain answers them.

use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;

/// What is known about rooms where somebody is let in.
pub trait Rooms {
    /// Whether anybody may come by an invite now.
    fn take_newcomers(&self) -> Result<(), ErrorFrame>;

    /// Whether a bot may invite others into these rooms, to do that there.
    fn may_invite(
        &mut self,
        by: &BotId,
        is_operator: bool,
        rooms: &[RoomName],
        rights: Rights,
    ) -> Result<(), ErrorFrame>;

    /// Which of these rooms are not there yet.
    fn missing(&self, rooms: &[RoomName]) -> Vec<RoomName>;

    /// Who is a member of one of these rooms, in the order of joining: the first so many.
    fn first_members(&self, rooms: &[RoomName], count_max: usize) -> Vec<BotId>;

    /// Whether every one of these rooms can take one member more.
    fn have_space(&self, rooms: &[RoomName]) -> Result<(), ErrorFrame>;

    /// Whether a room has that name, or is about to.
    fn names_a_room(&self, id: &BotId) -> bool;

    /// Whether a name means somebody or something in the rooms already. A newcomer must not become
    /// them.
    fn is_known(&self, id: &BotId) -> bool;
}

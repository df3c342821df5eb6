//! Which operation has which answer.
//!
//! Owns the questions whose answers have a type: one constructor for each operation.

use std::marker::PhantomData;

use smol_str::SmolStr;

use super::{
    AuditList, BotLine, BotList, BotProfile, BotRemoved, BotSwitched, Done, EntryRedacted,
    HubNumbers, InviteList, InviteMade, InviteRevoked, Observing, PauseLine, PauseList,
    PendingList, Resumed, RoomLine, RoomList, RoomRemoved, TokenKept, TokenMade, TokensRevoked,
};
use crate::frame::audit::AuditWish;
use crate::frame::operator::{InviteWish, Operation, Page, Retention};
use crate::line::{OneLine, Skills};
use crate::name::{BotId, RoomName};
use crate::right::Rights;
use crate::time::Timestamp;

/// An operation, with the type of its answer.
#[derive(Clone, Debug)]
pub struct Ask<A> {
    /// What is asked for.
    pub operation: Operation,
    /// Why, for the record that is kept of what operators do.
    pub why: Option<OneLine>,
    answer: PhantomData<fn() -> A>,
}

impl<A> Ask<A> {
    /// The same question, with the reason for it.
    #[must_use]
    pub fn because(self, why: Option<OneLine>) -> Self {
        Self { why, ..self }
    }
}

/// Defines the questions. Each one is a function with the name of its operation, which takes its fields.
macro_rules! questions {
    ($($name:ident($($field:ident: $type:ty),*) -> $answer:ident: $operation:expr;)*) => {
        $(impl Ask<$answer> {
            #[doc = concat!("`", stringify!($name), "`; see [`Operation`].")]
            #[must_use]
            pub fn $name($($field: $type),*) -> Self {
                Self { operation: $operation, why: None, answer: PhantomData }
            }
        })*

        /// Each operation as it is called on the wire, and the type of its answer.
        pub const ANSWERS: &[(&str, &str)] = &[$((stringify!($name), stringify!($answer)),)*];
    };
}

questions! {
    bot_add(bot: BotId, operator: bool) -> TokenMade: Operation::BotAdd { bot, operator };
    bot_rotate_token(bot: BotId, overlap_ms: Option<u64>) -> TokenMade:
        Operation::BotRotateToken { bot, overlap_ms };
    bot_prepare_token(bot: BotId) -> TokenMade: Operation::BotPrepareToken { bot };
    bot_keep_token(bot: BotId, token_id: SmolStr, old_ends_at: Option<Timestamp>) -> TokenKept:
        Operation::BotKeepToken { bot, token_id, old_ends_at };
    bot_revoke_token(bot: BotId) -> TokensRevoked: Operation::BotRevokeToken { bot };
    bot_disable(bot: BotId) -> BotSwitched: Operation::BotDisable { bot };
    bot_enable(bot: BotId) -> BotSwitched: Operation::BotEnable { bot };
    bot_remove(bot: BotId) -> BotRemoved: Operation::BotRemove { bot };
    bot_set(bot: BotId, about: Option<OneLine>, skills: Option<Skills>) -> BotProfile:
        Operation::BotSet { bot, about, skills };
    bot_list(page: Page) -> BotList: Operation::BotList(page);
    bot_show(bot: BotId) -> BotLine: Operation::BotShow { bot };
    room_create(room: RoomName, closed: bool) -> Done: Operation::RoomCreate { room, closed };
    room_add(room: RoomName, bot: BotId, can: Option<Rights>) -> Done:
        Operation::RoomAdd { room, bot, can };
    room_kick(room: RoomName, bot: BotId) -> Done: Operation::RoomKick { room, bot };
    room_remove(room: RoomName) -> RoomRemoved: Operation::RoomRemove { room };
    room_retain(room: RoomName, retain: Retention) -> Done: Operation::RoomRetain { room, retain };
    room_list(page: Page) -> RoomList: Operation::RoomList(page);
    room_show(room: RoomName, page: Page) -> RoomLine:
        Operation::RoomShow { room, after: page.after, limit: page.limit };
    redact(room: RoomName, seq: u64) -> EntryRedacted: Operation::Redact { room, seq };
    pending(bot: Option<BotId>, page: Page) -> PendingList:
        Operation::Pending { bot, after: page.after, limit: page.limit };
    observe(rooms: Option<Vec<RoomName>>) -> Observing: Operation::Observe { rooms };
    hub_status() -> HubNumbers: Operation::HubStatus {};
    invite_create(wish: InviteWish) -> InviteMade: Operation::InviteCreate(wish);
    invite_list(page: Page) -> InviteList: Operation::InviteList(page);
    invite_revoke(id: SmolStr) -> InviteRevoked: Operation::InviteRevoke { id };
    audit(wish: AuditWish) -> AuditList: Operation::Audit(wish);
    pause(room: Option<RoomName>, bot: Option<BotId>, for_ms: Option<u64>) -> PauseLine:
        Operation::Pause { room, bot, for_ms };
    resume(room: Option<RoomName>, bot: Option<BotId>, skip: bool) -> Resumed:
        Operation::Resume { room, bot, skip };
    pause_list(page: Page) -> PauseList: Operation::PauseList(page);
}

//! The small rows: rooms, tails, members, marks, receipts, dropped ranges, bots, tokens and records.
//!
//! Owns the checksums of small rows. A row whose checksum does not match is never used; each reader defines
//! what happens instead.

use bot_hub_core::change::{DroppedRange, Loss, ReceiptRecord};
use bot_protocol::frame::operator::Retention;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

use super::sum::{Sum, Wide};
use crate::rule::Run;
use crate::{BotRecord, InviteRecord, TokenRecord};

/// The first and the last entry of a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) head: u64,
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) oldest_at: Option<Timestamp>,
    pub(super) base: Wide,
    pub(super) chain: Wide,
}

impl Tail {
    pub(super) const EMPTY: Self =
        Self { head: 0, first: 1, bytes: 0, oldest_at: None, base: [0; 16], chain: [0; 16] };

    pub(super) fn sum(&self, sum: &mut Sum, room: &RoomName) -> i64 {
        sum.of("tail").text(room.as_str()).number(self.head).number(self.first).number(self.bytes);
        sum.maybe_number(self.oldest_at.map(|at| at.0)).raw(&self.base).raw(&self.chain).narrow()
    }

    /// How many entries the room holds.
    pub(super) fn entries(&self) -> u64 {
        (self.head + 1).saturating_sub(self.first)
    }
}

/// A member's position in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) rights: Rights,
    pub(super) since: u64,
    pub(super) cursor: u64,
    /// The newest run of each mark.
    pub(super) delivered: Option<Run>,
    pub(super) received: Option<Run>,
}

impl Joined {
    pub(super) fn at(seq: u64) -> Self {
        Self { rights: Rights::USUAL, since: seq, cursor: seq, delivered: None, received: None }
    }

    pub(super) fn sum(&self, sum: &mut Sum, room: &RoomName, bot: &BotId) -> i64 {
        sum.of("member").text(room.as_str()).text(bot.as_str());
        sum.number(self.since).number(self.cursor);
        for run in [self.delivered, self.received] {
            sum.maybe_number(run.map(|run| run.start));
            sum.maybe_number(run.map(|run| run.upto));
            sum.maybe_number(run.map(|run| run.at.0));
        }
        if self.rights != Rights::USUAL {
            sum.number(self.rights.bits().into());
        }
        sum.narrow()
    }

    /// Both marks with their states.
    pub(super) fn marks(&self) -> [(ReceiptState, Option<Run>); 2] {
        [(ReceiptState::Delivered, self.delivered), (ReceiptState::Received, self.received)]
    }
}

pub(super) fn room_sum(
    sum: &mut Sum,
    room: &RoomName,
    closed: bool,
    retain: Option<&Retention>,
) -> i64 {
    sum.of("room").text(room.as_str()).number(closed.into()).number(retain.is_some().into());
    let bounds = retain.map_or([None; 3], |rule| [rule.age_ms, rule.entries, rule.bytes]);
    for bound in bounds {
        sum.maybe_number(bound);
    }
    sum.narrow()
}

pub(super) fn mark_sum(
    sum: &mut Sum,
    room: &RoomName,
    bot: &BotId,
    state: ReceiptState,
    run: &Run,
) -> i64 {
    sum.of("mark").text(room.as_str()).text(bot.as_str()).text(state.name());
    sum.number(run.start).number(run.upto).number(run.at.0).narrow()
}

pub(super) fn receipt_sum(sum: &mut Sum, receipt: &ReceiptRecord) -> i64 {
    sum.of("receipt").text(receipt.room.as_str()).number(receipt.seq).text(receipt.bot.as_str());
    sum.text(receipt.state.name()).number(receipt.at.0).maybe_text(receipt.reason.as_deref());
    sum.maybe_text(receipt.reply.as_ref().map(|id| id.as_str())).narrow()
}

pub(super) fn dropped_sum(
    sum: &mut Sum,
    room: &RoomName,
    bot: &BotId,
    range: &DroppedRange,
    at: Timestamp,
) -> i64 {
    sum.of("dropped").text(room.as_str()).text(bot.as_str()).number(range.from).number(range.to);
    sum.number(nat8(reason_number(range.reason))).number(at.0).narrow()
}

pub(super) fn bot_sum(sum: &mut Sum, bot: &BotRecord) -> i64 {
    sum.of("bot").text(bot.bot.as_str()).number(bot.operator.into()).number(bot.disabled.into());
    sum.number(bot.created_at.0).maybe_number(bot.last_seen.map(|at| at.0));
    if bot.guest {
        sum.text("guest");
    }
    sum.narrow()
}

pub(super) fn token_sum(sum: &mut Sum, token: &TokenRecord) -> i64 {
    sum.of("token").raw(&token.hash).text(token.bot.as_str()).number(token.created_at.0);
    if let Some(at) = token.expires_at {
        sum.number(at.0);
    }
    sum.narrow()
}

pub(super) fn invite_sum(sum: &mut Sum, invite: &InviteRecord) -> i64 {
    sum.of("invite").text(&invite.id).raw(&invite.hash).text(invite.name.as_str());
    sum.text(&room_list(&invite.rooms)).number(invite.rights.bits().into());
    sum.text(invite.by.as_str()).number(invite.created_at.0).number(invite.expires_at.0);
    sum.maybe_number(invite.revoked_at.map(|at| at.0));
    let claim = invite.claim.as_ref();
    sum.maybe_number(claim.map(|it| it.at.0)).maybe_text(claim.map(|it| it.bot.as_str()));
    sum.maybe_text(claim.map(|it| it.client.as_str()));
    sum.maybe_text(claim.map(|it| it.address.as_str())).narrow()
}

pub(super) fn record_sum(sum: &mut Sum, name: &str, value: &[u8]) -> i64 {
    sum.of("record").text(name).raw(value).narrow()
}

/// The stored form of an invite's rooms.
pub(super) fn room_list(rooms: &[RoomName]) -> String {
    rooms.iter().map(RoomName::as_str).collect::<Vec<_>>().join(" ")
}

/// The stored numbers of states; they must never change.
pub(super) fn state_number(state: ReceiptState) -> i64 {
    match state {
        ReceiptState::Stored => 0,
        ReceiptState::Delivered => 1,
        ReceiptState::Received => 2,
        ReceiptState::Started => 3,
        ReceiptState::Answered => 4,
        ReceiptState::Done => 5,
        ReceiptState::Declined => 6,
        ReceiptState::Failed => 7,
        ReceiptState::Expired => 8,
        ReceiptState::Dropped => 9,
        ReceiptState::Dead => 10,
    }
}

pub(super) fn state_of(number: i64) -> Option<ReceiptState> {
    ReceiptState::ALL.iter().copied().find(|state| state_number(*state) == number)
}

/// The stored numbers of reasons; they must never change. 3 was never written.
pub(super) fn reason_number(reason: Loss) -> i64 {
    match reason {
        Loss::BufferLimit => 0,
        Loss::Retention => 1,
        Loss::Corrupt => 2,
        Loss::Dead => 4,
        Loss::Expired => 5,
        Loss::Kicked => 6,
        Loss::Left => 7,
        Loss::Removed => 8,
        Loss::NoRight => 9,
        Loss::RoomRemoved => 10,
        Loss::Skipped => 11,
    }
}

pub(super) fn reason_of(number: i64) -> Option<Loss> {
    Loss::ALL.into_iter().find(|reason| reason_number(*reason) == number)
}

fn nat8(small: i64) -> u64 {
    small.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_reason_comes_back_from_its_number() {
        for &state in ReceiptState::ALL {
            assert_eq!(state_of(state_number(state)), Some(state));
        }
        for reason in Loss::ALL {
            assert_eq!(reason_of(reason_number(reason)), Some(reason));
        }
        assert_eq!((state_of(11), reason_of(3), reason_of(12)), (None, None, None));
    }
}

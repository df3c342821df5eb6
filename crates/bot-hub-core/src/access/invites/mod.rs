//! Invites: made, shown and revoked.
//!
//! Owns what an invite may be, how long it counts, and who sees it. A code is kept as a hash.

mod book;
mod order;

use bot_protocol::code::Code;
use bot_protocol::frame::answer::{InviteList, InviteRevoked};
use bot_protocol::frame::operator::{InviteWish, Page};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use self::book::Asker;
pub(super) use self::book::{Book, state};
use super::names::{must_be_a_name, taken};
use super::{Access, AccessWrite, Decision, InviteRecord, Rooms, SecretHash};

/// A day: friends answer late.
const EXPIRES_MS_DEFAULT: u64 = 24 * 3_600_000;

/// A minute.
const EXPIRES_MS_MIN: u64 = 60_000;

/// Thirty days. For more there is a new one.
const EXPIRES_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// Rooms of one invite.
const ROOMS_MAX: usize = 32;

/// So many members of the rooms are looked at, and so many are named, for an agent to admit.
const LOOKED_AT_MAX: usize = 64;
const ADMITTED_MAX: usize = 12;

/// An invite that is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Invited {
    /// The invite.
    pub invite: InviteRecord,
    /// The rooms that have to be made for it.
    pub rooms_made: Vec<RoomName>,
    /// Whom the invited agent comes to talk with.
    pub bots: Vec<BotId>,
}

impl Access {
    /// Makes an invite with the code of that hash.
    pub fn invite(
        &mut self,
        by: BotId,
        wish: InviteWish,
        code: SecretHash,
        rooms: &mut impl Rooms,
        now: Timestamp,
    ) -> Result<Decision<Invited>, ErrorFrame> {
        let invite = drafted(by, wish, code, now)?;
        self.may_be_invited(&invite, rooms, now)?;
        let rooms_made = rooms.missing(&invite.rooms);
        let bots = self.bots_of(&invite, &*rooms);
        let writes = self.writes(invite.clone(), now);
        Ok(self.decide(writes, Invited { invite, rooms_made, bots }))
    }

    /// Revokes an invite.
    pub fn revoke_invite(
        &mut self,
        by: &BotId,
        id: &str,
        now: Timestamp,
    ) -> Result<Decision<InviteRevoked>, ErrorFrame> {
        let revoked = self.invites.revoked(id, self.asker(by), now)?;
        let writes = self.writes(revoked, now);
        Ok(self.decide(writes, InviteRevoked { id: id.into(), revoked: true }))
    }

    /// A page of invites: all of them for an operator, its own for a bot.
    #[must_use]
    pub fn list_invites(&self, by: &BotId, page: &Page, now: Timestamp) -> InviteList {
        self.invites.show(self.asker(by), page, now)
    }

    /// With an invite goes what nobody asks for any more.
    fn writes(&self, invite: InviteRecord, now: Timestamp) -> Vec<AccessWrite> {
        let old = self.invites.forgettable(now).into_iter().map(AccessWrite::ForgetInvite);
        std::iter::once(AccessWrite::Invite(Box::new(invite))).chain(old).collect()
    }

    fn asker<'a>(&self, by: &'a BotId) -> Asker<'a> {
        if self.registry.is_operator(by) {
            return Asker::Operator;
        }
        // What another one of its name did before is not its own.
        let since = self.registry.record(by).map_or(Timestamp::default(), |it| it.created_at);
        Asker::Bot { bot: by, since }
    }

    fn may_be_invited(
        &self,
        invite: &InviteRecord,
        rooms: &mut impl Rooms,
        now: Timestamp,
    ) -> Result<(), ErrorFrame> {
        let InviteRecord { by, name, .. } = invite;
        let is_operator = self.registry.is_operator(by);
        rooms.may_invite(by, is_operator, &invite.rooms, invite.rights)?;
        self.invites.has_space(self.asker(by), now)?;
        // Somebody whom the configuration expects in a room may be invited by an operator only.
        let is_taken = self.registry.is_taken(name) || rooms.names_a_room(name);
        if is_taken || (!is_operator && rooms.is_known(name)) {
            return Err(taken(name));
        }
        self.must_have_no_past(name)?;
        must_be_a_name(name)?;
        if is_operator { Ok(()) } else { self.must_be_distinct(name) }
    }

    /// The bot that invites; or, for an operator, the bots of its own that are in the rooms.
    fn bots_of(&self, invite: &InviteRecord, rooms: &impl Rooms) -> Vec<BotId> {
        if !self.registry.is_operator(&invite.by) {
            return vec![invite.by.clone()];
        }
        let mut bots = rooms.first_members(&invite.rooms, LOOKED_AT_MAX);
        bots.retain(|bot| *bot != invite.name && !self.registry.is_guest(bot));
        bots.sort_unstable();
        bots.dedup();
        bots.truncate(ADMITTED_MAX);
        bots
    }
}

/// An invite as it was wished, if it is within the bounds.
fn drafted(
    by: BotId,
    wish: InviteWish,
    hash: SecretHash,
    now: Timestamp,
) -> Result<InviteRecord, ErrorFrame> {
    let InviteWish { name, mut rooms, can, expires_in_ms } = wish;
    rooms.sort_unstable();
    rooms.dedup();
    if rooms.len() > ROOMS_MAX {
        return Err(ErrorFrame::new(Code::BadFrame)
            .message(format!("an invite leads into at most {ROOMS_MAX} rooms")));
    }
    let lasts = lifetime(expires_in_ms)?;
    Ok(InviteRecord {
        id: id_of_code(&hash),
        hash,
        name,
        rooms,
        rights: can.unwrap_or(Rights::USUAL),
        by,
        created_at: now,
        expires_at: now + lasts,
        revoked_at: None,
        claim: None,
    })
}

/// How long an invite is good for. A wish beyond the bounds is refused, not moved to the bound in silence.
fn lifetime(wished: Option<u64>) -> Result<u64, ErrorFrame> {
    let refused = |message: String| ErrorFrame::new(Code::BadFrame).message(message);
    match wished.unwrap_or(EXPIRES_MS_DEFAULT) {
        it if it < EXPIRES_MS_MIN => Err(refused(format!(
            "`expires_in_ms` is {it}: an invite is good for a minute at least, which is {EXPIRES_MS_MIN}"
        ))),
        it if it > EXPIRES_MS_MAX => Err(refused(format!(
            "`expires_in_ms` is {it}: an invite is good for 30 days at most, which are {EXPIRES_MS_MAX}"
        ))),
        it => Ok(it),
    }
}

/// What people name an invite by: five bytes of the code's hash, which reveal nothing of the code.
fn id_of_code(hash: &SecretHash) -> SmolStr {
    let [a, b, c, d, e, ..] = *hash;
    format_smolstr!("inv_{:010x}", u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
}

#[cfg(test)]
mod tests;

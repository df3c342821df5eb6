//! Every invite that is known, and what is still open.
//!
//! Owns the bounds on invites and the brake on guessing codes. Never writes to the store.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bot_protocol::code::Code;
use bot_protocol::frame::answer::{ClaimLine, InviteLine, InviteList, InviteRevoked, InviteState};
use bot_protocol::frame::operator::Page;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::order::{Order, Place};
use crate::engine::throttle::Throttle;
use bot_hub_store::InviteRecord;

/// Open invites, of everybody.
const OPEN_MAX: usize = 1_000;

/// Open invites of one bot that is no operator.
const OPEN_PER_BOT_MAX: usize = 20;

/// How long one that is over is remembered, so that the operator sees who came by it.
const REMEMBERED_MS: u64 = 30 * 24 * 3_600_000;

/// How many of those are forgotten whenever something is done about an invite. More than one, so that
/// they do not pile up; not all at once, since that may be very many.
const FORGOTTEN_AT_ONCE: usize = 16;

/// With so many bytes a page of invites ends: half of what an outbox and common clients take as one frame,
/// and more than a page of invites with a few rooms each.
const PAGE_BYTES: usize = 512 * 1024;

/// About what an invite has in a page besides the names of its rooms; twice as much would not matter.
const INVITE_BYTES: usize = 400;

/// Wrong codes in a minute, from one address: whoever types gets it right by then.
const WRONG_PER_ADDRESS: u32 = 5;

/// Wrong codes in a minute, from everybody. At this rate 80 bits last for 10^15 years; the bound is on
/// the work, and on the log.
const WRONG_OVERALL: u32 = 300;

#[derive(Debug)]
pub(in crate::engine) struct Book {
    invites: BTreeMap<SmolStr, InviteRecord>,
    by_hash: FxHashMap<[u8; 32], SmolStr>,
    order: Order,
    /// Those that are being claimed or revoked: what becomes of them is on its way to the store.
    changing: BTreeSet<SmolStr>,
    pub(super) throttle: Throttle,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            invites: BTreeMap::new(),
            by_hash: FxHashMap::default(),
            order: Order::default(),
            changing: BTreeSet::new(),
            throttle: Throttle::new(WRONG_PER_ADDRESS, WRONG_OVERALL),
        }
    }
}

/// How an invite stands.
pub(super) fn standing(invite: &InviteRecord, now: Timestamp) -> InviteState {
    match invite {
        _ if invite.claim.is_some() => InviteState::Used,
        _ if invite.revoked_at.is_some() => InviteState::Revoked,
        _ if invite.expires_at <= now => InviteState::Expired,
        _ => InviteState::Open,
    }
}

impl Book {
    /// What the store remembers.
    pub(in crate::engine) fn restore(invites: Vec<InviteRecord>) -> Self {
        let mut book = Self::default();
        for invite in invites {
            book.keep(invite);
        }
        book
    }

    pub(in crate::engine) fn keep(&mut self, invite: InviteRecord) {
        if let Some(before) = self.invites.get(&invite.id) {
            self.order.remove(before);
        }
        self.order.add(&invite);
        self.by_hash.insert(invite.hash, invite.id.clone());
        self.invites.insert(invite.id.clone(), invite);
    }

    pub(super) fn find(&self, hash: &[u8; 32]) -> Option<&InviteRecord> {
        self.invites.get(self.by_hash.get(hash)?)
    }

    /// Whether somebody else is expected under that name.
    pub(super) fn expects(&self, name: &BotId, now: Timestamp) -> bool {
        self.open(now).any(|it| it.name == *name)
    }

    fn open(&self, now: Timestamp) -> impl Iterator<Item = &InviteRecord> {
        self.order.open(now).filter_map(|id| self.invites.get(id))
    }

    /// Whether it is being claimed or revoked just now.
    pub(super) fn is_changing(&self, id: &str) -> bool {
        self.changing.contains(id)
    }

    pub(in crate::engine) fn begin_change(&mut self, id: &SmolStr) {
        self.changing.insert(id.clone());
    }

    pub(in crate::engine) fn end_change(&mut self, id: &SmolStr) {
        self.changing.remove(id);
    }

    pub(super) fn wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        self.throttle.wait(address, now)
    }

    pub(super) fn has_space(
        &self,
        by: &BotId,
        is_operator: bool,
        now: Timestamp,
    ) -> Result<(), ErrorFrame> {
        let is_full = self.open(now).count() >= OPEN_MAX
            || !is_operator && self.open(now).filter(|it| it.by == *by).count() >= OPEN_PER_BOT_MAX;
        if !is_full {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::TooManyInvites)
            .hint("revoke those that nobody needs: bot-hub invite list, bot-hub invite revoke ID"))
    }

    /// The invite as it is once it is revoked, and what to answer.
    pub(super) fn revoked(
        &self,
        id: &str,
        by: &BotId,
        is_operator: bool,
        (since, now): (Timestamp, Timestamp),
    ) -> Result<(InviteRecord, InviteRevoked), ErrorFrame> {
        let found = self.invites.get(id).filter(|it| is_operator || is_own(it, by, since));
        let invite = found.ok_or_else(|| {
            ErrorFrame::new(Code::NoSuchInvite)
                .message(format!("there is no invite `{id}`"))
                .hint("bot-hub invite list")
        })?;
        if let Some(claim) = &invite.claim {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("it was used: `{}` came by it", claim.bot))
                .hint(format!("to keep that bot out: bot-hub bot disable {}", claim.bot)));
        }
        if self.is_changing(id) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("somebody is claiming or revoking it just now")
                .hint("bot-hub invite list"));
        }
        let record = InviteRecord { revoked_at: invite.revoked_at.or(Some(now)), ..invite.clone() };
        Ok((record, InviteRevoked { id: id.into(), revoked: true }))
    }

    /// The invites of a bot that is about to be removed, as they are then: revoked, and closed to
    /// whoever has its name after it. `None`: one of them is being claimed or revoked just now.
    pub(in crate::engine) fn closed_with(
        &self,
        bot: &BotId,
        now: Timestamp,
    ) -> Option<Vec<InviteRecord>> {
        let own = self.order.newest(Some(bot), None).filter_map(|(_, id)| self.invites.get(id));
        let closed = own.map(|it| {
            let revoked_at = it.revoked_at.or(Some(now));
            (!self.is_changing(&it.id)).then(|| InviteRecord { revoked_at, ..it.clone() })
        });
        closed.collect()
    }

    /// Some of those that have been over for so long that nobody asks for them any more.
    pub(super) fn forgettable(&self, now: Timestamp) -> Vec<SmolStr> {
        let old = self.order.over_before(now - REMEMBERED_MS);
        old.take(FORGOTTEN_AT_ONCE).cloned().collect()
    }

    pub(super) fn forget_old(&mut self, now: Timestamp) {
        for id in self.forgettable(now) {
            if let Some(invite) = self.invites.remove(&id) {
                self.by_hash.remove(&invite.hash);
                self.order.remove(&invite);
            }
        }
    }

    /// A page of invites, the newest first. `own` is the bot that asks, which sees what it made since it is
    /// there; `None` is an operator, who sees all of them, and where each guest came from.
    pub(super) fn show(
        &self,
        own: Option<(&BotId, Timestamp)>,
        wish: &Page,
        now: Timestamp,
    ) -> InviteList {
        let after = Place::parse(wish.after.as_deref());
        let listed = self.order.newest(own.map(|(by, _)| by), after);
        let mut rest =
            listed.filter_map(|(place, id)| Some((place, self.invites.get(id)?))).peekable();
        let (mut looked_at, mut bytes) = (Vec::new(), 0);
        while looked_at.len() < wish.lines()
            && bytes < PAGE_BYTES
            && let Some((place, invite)) = rest.next()
        {
            bytes += bytes_of(invite);
            looked_at.push((place, invite));
        }
        let next = rest.peek().and(looked_at.last()).map(|(place, _)| place.to_text());
        let invites = looked_at.into_iter().map(|(_, invite)| invite);
        let shown = invites.filter(|it| own.is_none_or(|(by, since)| is_own(it, by, since)));
        let invites = shown.map(|it| show(it, own.is_none(), now)).collect();
        InviteList { invites, next }
    }
}

/// Whether that bot made it, and not another one of its name before: with a bot its invites end.
fn is_own(invite: &InviteRecord, by: &BotId, since: Timestamp) -> bool {
    invite.by == *by && invite.revoked_at.is_none_or(|at| at > since)
}

pub(super) fn over_at(invite: &InviteRecord) -> Timestamp {
    let used = invite.claim.as_ref().map(|claim| claim.at);
    used.or(invite.revoked_at).unwrap_or(invite.expires_at)
}

/// About how long an invite is in a page.
fn bytes_of(invite: &InviteRecord) -> usize {
    let rooms: usize = invite.rooms.iter().map(|room| room.as_str().len() + 3).sum();
    INVITE_BYTES + rooms
}

fn show(invite: &InviteRecord, is_operator: bool, now: Timestamp) -> InviteLine {
    let claim = invite.claim.as_ref().map(|claim| ClaimLine {
        at: claim.at,
        bot: claim.bot.clone(),
        client: claim.client.clone(),
        address: is_operator.then(|| claim.address.clone()),
    });
    InviteLine {
        id: invite.id.clone(),
        state: standing(invite, now).into(),
        name: invite.name.clone(),
        rooms: invite.rooms.clone(),
        can: invite.rights.into(),
        by: invite.by.clone(),
        created_at: invite.created_at,
        expires_at: invite.expires_at,
        claim,
    }
}

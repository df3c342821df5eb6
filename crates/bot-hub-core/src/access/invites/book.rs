//! Every invite that is known, and what is still open.
//!
//! Owns the bounds on invites and the rate limit on guessing codes. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use bot_protocol::code::Code;
use bot_protocol::frame::answer::{ClaimLine, InviteLine, InviteList, InviteState};
use bot_protocol::frame::operator::Page;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::order::{Order, Place};
use crate::access::record::{InviteRecord, SecretHash};
use crate::access::throttle::Throttle;

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

/// See the module's documentation.
#[derive(Debug)]
pub(in crate::access) struct Book {
    invites: BTreeMap<SmolStr, InviteRecord>,
    by_hash: FxHashMap<SecretHash, SmolStr>,
    order: Order,
    /// Those that are being claimed or revoked: what becomes of them is on its way to the store.
    changing: BTreeSet<SmolStr>,
    /// Wrong codes, by where they came from.
    pub(in crate::access) guesses: Throttle,
}

/// Who asks about invites.
#[derive(Clone, Copy, Debug)]
pub(in crate::access) enum Asker<'a> {
    /// Sees all of them, and where each guest came from.
    Operator,
    /// Sees what it made since it is there.
    Bot {
        /// Its name.
        bot: &'a BotId,
        /// Since when there is this bot of that name.
        since: Timestamp,
    },
}

impl Asker<'_> {
    /// Whether it may see that invite. With a bot its invites end: those of another one of its name before
    /// are none of its own.
    fn sees(self, invite: &InviteRecord) -> bool {
        match self {
            Self::Operator => true,
            Self::Bot { bot, since } => {
                invite.by == *bot && invite.revoked_at.is_none_or(|at| at > since)
            }
        }
    }
}

impl Default for Book {
    fn default() -> Self {
        Self {
            invites: BTreeMap::new(),
            by_hash: FxHashMap::default(),
            order: Order::default(),
            changing: BTreeSet::new(),
            guesses: Throttle::new(WRONG_PER_ADDRESS, WRONG_OVERALL),
        }
    }
}

/// How an invite stands.
pub(in crate::access) fn state(invite: &InviteRecord, now: Timestamp) -> InviteState {
    match invite {
        _ if invite.claim.is_some() => InviteState::Used,
        _ if invite.revoked_at.is_some() => InviteState::Revoked,
        _ if invite.expires_at <= now => InviteState::Expired,
        _ => InviteState::Open,
    }
}

impl Book {
    /// Keeps an invite as it is now.
    pub(in crate::access) fn keep(&mut self, invite: &InviteRecord) {
        if let Some(before) = self.invites.get(&invite.id) {
            self.order.remove(before);
        }
        self.order.add(invite);
        self.by_hash.insert(invite.hash, invite.id.clone());
        self.invites.insert(invite.id.clone(), invite.clone());
    }

    pub(in crate::access) fn forget(&mut self, id: &str) {
        if let Some(invite) = self.invites.remove(id) {
            self.by_hash.remove(&invite.hash);
            self.order.remove(&invite);
        }
    }

    pub(in crate::access) fn find(&self, hash: &SecretHash) -> Option<&InviteRecord> {
        self.invites.get(self.by_hash.get(hash)?)
    }

    /// Whether somebody else is expected under that name.
    pub(in crate::access) fn expects(&self, name: &BotId, now: Timestamp) -> bool {
        self.open(now).any(|it| it.name == *name)
    }

    fn open(&self, now: Timestamp) -> impl Iterator<Item = &InviteRecord> {
        self.order.open(now).filter_map(|id| self.invites.get(id))
    }

    /// Whether it is being claimed or revoked just now.
    pub(in crate::access) fn is_changing(&self, id: &str) -> bool {
        self.changing.contains(id)
    }

    pub(in crate::access) fn begin_change(&mut self, id: &SmolStr) {
        self.changing.insert(id.clone());
    }

    pub(in crate::access) fn end_change(&mut self, id: &SmolStr) {
        self.changing.remove(id);
    }

    pub(super) fn has_space(&self, asker: Asker<'_>, now: Timestamp) -> Result<(), ErrorFrame> {
        let own = |by: &BotId| self.open(now).filter(|it| it.by == *by).count();
        let is_full = self.open(now).count() >= OPEN_MAX
            || matches!(asker, Asker::Bot { bot, .. } if own(bot) >= OPEN_PER_BOT_MAX);
        if !is_full {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::TooManyInvites)
            .hint("revoke those that nobody needs: bot-hub invite list, bot-hub invite revoke ID"))
    }

    /// The invite as it is once it is revoked.
    pub(super) fn revoked(
        &self,
        id: &str,
        asker: Asker<'_>,
        now: Timestamp,
    ) -> Result<InviteRecord, ErrorFrame> {
        let found = self.invites.get(id).filter(|it| asker.sees(it));
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
        Ok(InviteRecord { revoked_at: invite.revoked_at.or(Some(now)), ..invite.clone() })
    }

    /// The invites of a bot that is about to be removed, as far as they are not revoked, as they are then:
    /// revoked, and closed to the next bot of its name. `None`: one of them is being claimed or revoked
    /// just now.
    pub(in crate::access) fn closed_with(
        &self,
        bot: &BotId,
        now: Timestamp,
    ) -> Option<Vec<InviteRecord>> {
        let own = self.order.newest(Some(bot), None).filter_map(|(_, id)| self.invites.get(id));
        let open = own.filter(|it| it.revoked_at.is_none());
        let closed = open.map(|it| {
            let revoked_at = Some(now);
            (!self.is_changing(&it.id)).then(|| InviteRecord { revoked_at, ..it.clone() })
        });
        closed.collect()
    }

    /// Some of those that have been over for so long that nobody asks for them any more.
    pub(super) fn forgettable(&self, now: Timestamp) -> Vec<SmolStr> {
        let old = self.order.over_before(now - REMEMBERED_MS);
        old.take(FORGOTTEN_AT_ONCE).cloned().collect()
    }

    /// A page of invites, the newest first.
    pub(super) fn show(&self, asker: Asker<'_>, wish: &Page, now: Timestamp) -> InviteList {
        let after = Place::parse(wish.after.as_deref());
        let own = match asker {
            Asker::Operator => None,
            Asker::Bot { bot, .. } => Some(bot),
        };
        let listed = self.order.newest(own, after);
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
        let shown = invites.filter(|it| asker.sees(it));
        let invites = shown.map(|it| line(it, asker, now)).collect();
        InviteList { invites, next }
    }
}

/// About how long an invite is in a page.
fn bytes_of(invite: &InviteRecord) -> usize {
    let rooms: usize = invite.rooms.iter().map(|room| room.as_str().len() + 3).sum();
    INVITE_BYTES + rooms
}

fn line(invite: &InviteRecord, asker: Asker<'_>, now: Timestamp) -> InviteLine {
    let claim = invite.claim.as_ref().map(|claim| ClaimLine {
        at: claim.at,
        bot: claim.bot.clone(),
        client: claim.client.clone(),
        address: matches!(asker, Asker::Operator).then(|| claim.address.clone()),
    });
    InviteLine {
        id: invite.id.clone(),
        state: state(invite, now).into(),
        name: invite.name.clone(),
        rooms: invite.rooms.clone(),
        can: invite.rights.into(),
        by: invite.by.clone(),
        created_at: invite.created_at,
        expires_at: invite.expires_at,
        claim,
    }
}

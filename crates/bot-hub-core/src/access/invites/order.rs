//! Invites in the orders in which somebody asks for them.
//!
//! Owns these orders, so that a question about some invites does not look at all of them. Never decides
//! whether an invite is good: the book does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use crate::access::record::InviteRecord;

/// The newest first; the id decides between equals.
type Newest = BTreeSet<(Reverse<Timestamp>, SmolStr)>;

/// A place in a list of invites. Its text can stand in an address as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(Reverse<Timestamp>, SmolStr);

impl Place {
    /// `None` is the beginning of the list. So is a text that is no place.
    pub(super) fn parse(text: Option<&str>) -> Option<Self> {
        let (at, id) = text?.split_once('.')?;
        Some(Self(Reverse(Timestamp(at.parse().ok()?)), id.into()))
    }

    pub(super) fn to_text(&self) -> SmolStr {
        format_smolstr!("{}.{}", self.0.0.0, self.1)
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Order {
    all: Newest,
    by_bot: BTreeMap<BotId, Newest>,
    /// Neither used nor revoked, by when they end.
    open: BTreeSet<(Timestamp, SmolStr)>,
    over: BTreeSet<(Timestamp, SmolStr)>,
}

impl Order {
    pub(super) fn add(&mut self, invite: &InviteRecord) {
        let newest = (Reverse(invite.created_at), invite.id.clone());
        self.all.insert(newest.clone());
        self.by_bot.entry(invite.by.clone()).or_default().insert(newest);
        self.over.insert((over_at(invite), invite.id.clone()));
        if invite.claim.is_none() && invite.revoked_at.is_none() {
            self.open.insert((invite.expires_at, invite.id.clone()));
        }
    }

    pub(super) fn remove(&mut self, invite: &InviteRecord) {
        let newest = (Reverse(invite.created_at), invite.id.clone());
        self.all.remove(&newest);
        if let Some(own) = self.by_bot.get_mut(&invite.by) {
            own.remove(&newest);
            if own.is_empty() {
                self.by_bot.remove(&invite.by);
            }
        }
        self.over.remove(&(over_at(invite), invite.id.clone()));
        self.open.remove(&(invite.expires_at, invite.id.clone()));
    }

    /// The newest first, from a place on: of everybody, or of one bot.
    pub(super) fn newest(
        &self,
        of: Option<&BotId>,
        after: Option<Place>,
    ) -> impl Iterator<Item = (Place, &SmolStr)> {
        let from = after.map_or(Bound::Unbounded, |Place(at, id)| Bound::Excluded((at, id)));
        let list = match of {
            None => Some(&self.all),
            Some(bot) => self.by_bot.get(bot),
        };
        let rest = list.map(|list| list.range((from, Bound::Unbounded)));
        rest.into_iter().flatten().map(|(at, id)| (Place(*at, id.clone()), id))
    }

    /// Those that somebody may come by: there is a bound on how many that is.
    pub(super) fn open(&self, now: Timestamp) -> impl Iterator<Item = &SmolStr> {
        self.open.range((now + 1, SmolStr::default())..).map(|(_, id)| id)
    }

    /// Those that were over before this moment.
    pub(super) fn over_before(&self, at: Timestamp) -> impl Iterator<Item = &SmolStr> {
        self.over.range(..(at, SmolStr::default())).map(|(_, id)| id)
    }
}

/// When an invite was over, or will be.
fn over_at(invite: &InviteRecord) -> Timestamp {
    let used = invite.claim.as_ref().map(|claim| claim.at);
    used.or(invite.revoked_at).unwrap_or(invite.expires_at)
}

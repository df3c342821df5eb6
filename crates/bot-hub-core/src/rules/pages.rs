//! Lists that may be long, page by page.
//!
//! Owns where a page begins and ends. Whatever the hub holds, one answer is no longer than a page, and no
//! more than some thousand memberships are looked at for it.

use std::borrow::Borrow;
use std::ops::Bound;

use bot_protocol::frame::operator;
use bot_protocol::limits::LIST_PAGE;
use bot_protocol::name::{BotId, RoomName};
use smol_str::{SmolStr, format_smolstr};

use crate::hub::Hub;
use crate::index::RoomIx;
use crate::world::Member;

/// Memberships that are looked at for one page; then what was found so far is the page.
const LOOKS_MAX: usize = 5_000;

/// Which part of a list somebody wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Names after this one; every name is after the empty one.
    after: &'a str,
    pub(crate) limit: usize,
}

impl<'a> Part<'a> {
    pub(crate) fn new(after: Option<&'a SmolStr>, limit: Option<u32>) -> Self {
        let limit = limit.unwrap_or(LIST_PAGE).clamp(1, LIST_PAGE) as usize;
        Self { after: after.map_or("", SmolStr::as_str), limit }
    }

    pub(crate) fn of(wish: &'a operator::Page) -> Self {
        Self::new(wish.after.as_ref(), wish.limit)
    }

    /// The end of the page before.
    pub(crate) fn after(&self) -> Option<&'a str> {
        Some(self.after).filter(|after| !after.is_empty())
    }

    /// Where a list of names goes on.
    pub(crate) fn from(&self) -> Bound<&'a str> {
        Bound::Excluded(self.after)
    }

    /// Where a walk through rooms and their members goes on: `room member` is in the middle of a room,
    /// `room` behind it.
    pub(crate) fn room_from(&self) -> Bound<&'a str> {
        match self.after.split_once(' ') {
            Some((room, _)) => Bound::Included(room),
            None => Bound::Excluded(self.after),
        }
    }

    /// Whether a walk that begins here comes to that room.
    pub(crate) fn begins_with(&self, room: &RoomName) -> bool {
        match self.room_from() {
            Bound::Included(first) => first <= room.as_str(),
            Bound::Excluded(before) => before < room.as_str(),
            Bound::Unbounded => true,
        }
    }

    /// The members of a room that come on this page of a walk are those after this one.
    fn member_from(&self, room: &str) -> &'a str {
        let place = self.after.split_once(' ').filter(|(begun, _)| *begun == room);
        place.map_or("", |(_, member)| member)
    }

    /// The page of what was found, in whatever order that is, and the `next` of the page.
    pub(crate) fn cut<N: Ord + Borrow<str>, T>(
        &self,
        mut found: Vec<(&N, T)>,
    ) -> (Vec<T>, Option<SmolStr>) {
        found.retain(|(name, _)| self.after < Borrow::<str>::borrow(*name));
        let next = smallest(&mut found, self.limit).map(|last| SmolStr::new(last.borrow()));
        (found.into_iter().map(|(_, it)| it).collect(), next)
    }
}

/// Sorts by name, and leaves so many. Returns the last of them if there are more.
pub(crate) fn smallest<'a, N: Ord, T>(found: &mut Vec<(&'a N, T)>, count: usize) -> Option<&'a N> {
    let is_cut = found.len() > count;
    if is_cut {
        found.select_nth_unstable_by(count - 1, |one, other| one.0.cmp(other.0));
        found.truncate(count);
    }
    found.sort_unstable_by(|one, other| one.0.cmp(other.0));
    found.last().filter(|_| is_cut).map(|(name, _)| *name)
}

/// What a walk comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Visit<'a> {
    /// A room begins, or goes on.
    Room(RoomIx),
    /// One of its members.
    Member(RoomIx, &'a Member),
}

impl Hub {
    /// Goes through rooms and their members, by name, from where the page begins. `visit` says how many
    /// lines of the page it took for what it was shown. Returns the `next` of the page.
    pub(crate) fn walk(
        &self,
        page: &Part<'_>,
        rooms: &[RoomIx],
        mut visit: impl FnMut(Visit<'_>) -> usize,
    ) -> Option<SmolStr> {
        let (mut lines, mut looks) = (0, 0);
        let mut before = "";
        for (at, &room) in rooms.iter().enumerate() {
            let name = self.world.room(room).name.as_str();
            if at == page.limit || lines >= page.limit || looks >= LOOKS_MAX {
                return Some(before.into());
            }
            // Rooms are bounded by themselves, so that a page of one line gets on.
            let _is_no_line = visit(Visit::Room(room));
            let mut last = page.member_from(name);
            let members = self.members_after(room, last);
            looks += self.world.room(room).members.len();
            for (id, member) in members {
                if lines >= page.limit {
                    return Some(format_smolstr!("{name} {last}"));
                }
                lines += visit(Visit::Member(room, member));
                last = id.as_str();
            }
            before = name;
        }
        None
    }

    /// The members of a room after this name, by name.
    fn members_after(&self, room: RoomIx, after: &str) -> Vec<(&BotId, &Member)> {
        let mut members = self.named_members(room);
        members.retain(|(id, _)| after < id.as_str());
        members.sort_unstable_by(|one, other| one.0.cmp(other.0));
        members
    }

    /// The members of a room in any order, with their names.
    pub(crate) fn named_members(&self, room: RoomIx) -> Vec<(&BotId, &Member)> {
        let members = self.world.room(room).members.iter();
        members.map(|member| (self.bot_id(member.bot), member)).collect()
    }
}

//! The user's choices on the screen.
//!
//! Owns sorting, scrolling and pausing. Draws nothing.

use std::cmp::Reverse;

use super::keys::Action;
use super::sample::{Bot, Room, Sample};

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Sort {
    /// How many messages wait
    Waiting,
    /// How long the oldest has been waiting; for rooms, how many messages there are
    Oldest,
    /// When it was last seen; for rooms, how many members are online
    Seen,
    /// The name
    Name,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Waiting => Self::Oldest,
            Self::Oldest => Self::Seen,
            Self::Seen => Self::Name,
            Self::Name => Self::Waiting,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Oldest => "oldest",
            Self::Seen => "seen",
            Self::Name => "name",
        }
    }
}

/// The table that gets the larger half and is scrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Bots,
    Rooms,
}

/// The user's choices.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) sort: Sort,
    pub(super) is_reversed: bool,
    pub(super) table: Table,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    /// How many rows are scrolled past.
    pub(super) offset: usize,
}

/// How many rows a page key moves.
const PAGE: usize = 10;

impl View {
    pub(super) fn new(sort: Sort) -> Self {
        Self {
            sort,
            is_reversed: false,
            table: Table::Bots,
            is_paused: false,
            shows_help: false,
            offset: 0,
        }
    }

    /// Applies an action. Returns `false` to quit.
    pub(super) fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Quit => return false,
            Action::Sort => (self.sort, self.offset) = (self.sort.next(), 0),
            Action::Reverse => self.is_reversed = !self.is_reversed,
            Action::OtherTable => {
                self.table = if self.table == Table::Bots { Table::Rooms } else { Table::Bots };
                self.offset = 0;
            }
            Action::Pause => self.is_paused = !self.is_paused,
            Action::Help => self.shows_help = !self.shows_help,
            Action::Up => self.offset = self.offset.saturating_sub(1),
            Action::Down => self.offset += 1,
            Action::PageUp => self.offset = self.offset.saturating_sub(PAGE),
            Action::PageDown => self.offset += PAGE,
            Action::Redraw => {}
        }
        true
    }

    pub(super) fn bots<'a>(&self, sample: &'a Sample) -> Vec<&'a Bot> {
        let mut bots: Vec<&Bot> = sample.bots.iter().collect();
        bots.sort_by(|one, other| one.name.cmp(&other.name));
        match self.sort {
            Sort::Waiting => bots.sort_by_key(|bot| Reverse((bot.waiting, bot.online))),
            Sort::Oldest => bots.sort_by_key(|bot| Reverse(bot.oldest_ms)),
            Sort::Seen => bots.sort_by_key(|bot| bot.seen_ms.unwrap_or(u64::MAX)),
            Sort::Name => {}
        }
        self.turn(bots)
    }

    pub(super) fn rooms<'a>(&self, sample: &'a Sample) -> Vec<&'a Room> {
        let mut rooms: Vec<&Room> = sample.rooms.iter().collect();
        rooms.sort_by(|one, other| one.name.cmp(&other.name));
        match self.sort {
            Sort::Waiting => rooms.sort_by_key(|room| Reverse(room.waiting)),
            Sort::Oldest => rooms.sort_by_key(|room| Reverse(room.entries)),
            Sort::Seen => rooms.sort_by_key(|room| Reverse(room.online)),
            Sort::Name => {}
        }
        self.turn(rooms)
    }

    fn turn<T>(&self, mut rows: Vec<T>) -> Vec<T> {
        if self.is_reversed {
            rows.reverse();
        }
        rows
    }
}

//! What is said of a bot: what it is for, and what it can do.
//!
//! Owns who is shown it, and how much of it fits on a page. Others decide who may say it, and keep it.

use bot_protocol::frame::server::BotInfo;
use bot_protocol::limits::LIST_PAGE;
use bot_protocol::name::BotId;
use smol_str::SmolStr;

use crate::hub::Hub;
use crate::index::BotIx;
use crate::io::{ConnId, Profile};

/// So many bytes of a profile take the place of a line: a page of them is no longer than others.
const LINE_BYTES: usize = 512;

impl Hub {
    /// What is said of a bot, if anything is.
    pub fn profile_of(&self, id: &BotId) -> Option<&Profile> {
        self.world.bot(self.world.bot_ix(id)?).profile.as_deref()
    }

    pub(crate) fn set_profile(&mut self, id: &BotId, profile: Profile) {
        let bot = self.world.intern_bot(id);
        let is_said = profile != Profile::default();
        self.world.bot_mut(bot).profile = is_said.then(|| Box::new(profile));
    }

    /// How many lines of a page it takes to show a bot.
    pub(crate) fn lines_of(&self, bot: BotIx) -> usize {
        let profile = self.world.bot(bot).profile.as_deref();
        1 + profile.map_or(0, Profile::bytes) / LINE_BYTES
    }

    /// Leaves of bots in the order of their names as many as fit on a page.
    pub(crate) fn fitting(
        &self,
        (mut bots, next): (Vec<BotIx>, Option<SmolStr>),
    ) -> (Vec<BotIx>, Option<SmolStr>) {
        let mut lines = 0;
        let fits = bots.iter().take_while(|&&bot| {
            let has_room = lines < LIST_PAGE as usize;
            lines += self.lines_of(bot);
            has_room
        });
        let count = fits.count();
        if count == bots.len() {
            return (bots, next);
        }
        bots.truncate(count);
        let last = bots.last().map(|&bot| self.bot_id(bot).as_str().into());
        (bots, last)
    }

    /// A bot of the directory, as a connection may see it: a seed client knows nothing of profiles.
    pub(crate) fn directory_line(&self, bot: BotIx, conn: ConnId) -> BotInfo {
        let line = self.bot_info(bot);
        let is_plain = self.conn(conn).is_none_or(|state| state.plain);
        match self.world.bot(bot).profile.as_deref().filter(|_| !is_plain) {
            Some(Profile { about, skills }) => {
                BotInfo { about: about.clone(), skills: skills.clone(), ..line }
            }
            None => line,
        }
    }
}

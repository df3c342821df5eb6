//! Which names are free, and for whom.
//!
//! Owns the refusals. An operator may give a bot any name that nobody has; a newcomer who comes by an invite
//! becomes nobody who is known, was known, or looks like somebody.

use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;

use super::tokens::Origin;
use super::{Access, confusables};

/// Words of the command line that stand where a name may stand: `tail all`, `--context local`, and `audit --by config` or
/// `--by restore`.
const WORDS: [&str; 4] = ["all", "local", "config", "restore"];

/// Refuses such a word for a new bot. One that the configuration names, or that is here, goes on.
pub(super) fn must_be_a_name(bot: &BotId) -> Result<(), ErrorFrame> {
    if !WORDS.contains(&bot.as_str()) {
        return Ok(());
    }
    Err(ErrorFrame::new(Code::NameTaken)
        .message(format!("`{bot}` means something else on the command line"))
        .hint("choose another name"))
}

pub(super) fn taken(name: &BotId) -> ErrorFrame {
    ErrorFrame::new(Code::NameTaken)
        .message(format!("`{name}` is the name of somebody or something here already"))
        .hint("choose another name; a bot that is here already is let in with: bot-hub room add")
}

impl Access {
    /// Whether an operator may call a new bot so.
    pub(super) fn must_be_free(&self, bot: &BotId) -> Result<(), ErrorFrame> {
        if self.registry.token_count_of(bot, Origin::Process) > 0 {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` stands for the command line of the hub's machine"))
                .hint("choose another name"));
        }
        if self.registry.is_taken(bot) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("there is a bot `{bot}` already"))
                .hint(format!("for a new token: bot-hub bot rotate-token {bot}")));
        }
        must_be_a_name(bot)
    }

    /// Refuses a name that was somebody's.
    pub(super) fn must_have_no_past(&self, name: &BotId) -> Result<(), ErrorFrame> {
        if !self.former.holds(name) {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::NameTaken)
            .message(format!("`{name}` was the name of somebody here, and no guest may have it"))
            .hint(format!(
                "choose another name; an operator can make a new bot of that name, which inherits \
                 nothing: bot-hub bot add {name}"
            )))
    }

    /// Refuses a name that a reader would take for that of a bot that is here.
    pub(super) fn must_be_distinct(&self, name: &BotId) -> Result<(), ErrorFrame> {
        must_be_a_name(name)?;
        let drawn = confusables::of(name);
        let here = self.registry.alike(&drawn);
        let Some(other) = here.or_else(|| self.former.alike(&drawn)) else {
            return Ok(());
        };
        Err(ErrorFrame::new(Code::NameTaken)
            .message(format!("`{name}` looks like `{other}`, who is here already or was"))
            .hint("choose a name that nobody mistakes for another"))
    }
}

//! What bots may do, and what follows when that changes.
//!
//! **Invariant:** no connection holds authority of its own. `access` says what a token is good for, the brain
//! what its bot may do; whatever changes either ends here, in [`Engine::rejudge`], before the next input.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use bot_hub_core::access::{Declared, Pass, Reread};
use bot_hub_core::io::Input;
use bot_protocol::name::BotId;

use super::fair::Payer;
use super::{Engine, Known, Peer};
use crate::door::ConnId;
use crate::door::ws::CloseCode;

impl Engine {
    /// Another configuration says who may come in.
    pub(super) fn declare(&mut self, declared: Declared) {
        let Reread { bots, vouched } = self.access.configure(declared);
        for bot in &vouched {
            self.warn_of_second_owner(bot);
        }
        self.record_declared();
        // At the start the brain hears of everybody; a reload concerns only those whom the file names.
        let is_start = !std::mem::replace(&mut self.is_configured, true);
        self.rejudge(if is_start { self.access.registry().names() } else { bots });
    }

    /// Stores what the configuration names and the store does not know.
    pub(super) fn record_declared(&mut self) {
        let recorded = self.access.record_declared(self.now);
        if !recorded.writes.is_empty() {
            self.flush_brain();
            self.decided_alone(recorded.writes);
        }
    }

    /// Access has changed: these bots may do other things, and connections that came in with what is not good
    /// any more end.
    pub(super) fn rejudge<B: Borrow<BotId>>(&mut self, bots: impl IntoIterator<Item = B>) {
        let (mut standings, mut barred) = (Vec::new(), Vec::new());
        for bot in bots {
            standings.push(self.standing_of(bot.borrow()));
            barred.extend(self.barred(bot.borrow()));
        }
        for standing in standings {
            self.input(standing);
        }
        self.bar(barred);
    }

    /// Ends connections. The brain does not know those that showed a token and have not said `auth`.
    pub(super) fn bar(&mut self, conns: Vec<ConnId>) {
        for conn in conns {
            match self.peers.get(&conn) {
                Some(Peer { known: None, outbox, .. }) => {
                    outbox.close(CloseCode::REVOKED, "revoked");
                }
                _ => self.input(Input::Revoked { conn }),
            }
        }
    }

    fn standing_of(&self, bot: &BotId) -> Input {
        let standing = self.access.registry().standing(bot, self.now);
        Input::Standing { bot: bot.clone(), standing }
    }

    /// Connections of a bot that could not come in any more.
    pub(super) fn barred(&self, bot: &BotId) -> Vec<ConnId> {
        let is_good = |pass: &Pass| self.access.registry().is_good(pass, self.now);
        let conns = self.fair.connections(&Payer::Bot(bot.clone()));
        let pass = |conn: &ConnId| {
            let peer = self.peers.get(conn)?;
            peer.known.as_ref().map(|known| &known.pass).or(peer.bearer.as_ref())
        };
        conns.filter(|conn| pass(conn).is_some_and(|pass| !is_good(pass))).collect()
    }

    /// The connections that have come in as this bot.
    pub(super) fn connections_of(&self, bot: &BotId) -> impl Iterator<Item = &Known> {
        let conns = self.fair.connections(&Payer::Bot(bot.clone()));
        conns.filter_map(|conn| self.peers.get(&conn)?.known.as_ref())
    }

    /// The bot that a connection has come in as.
    pub(super) fn bot_of(&self, conn: ConnId) -> Option<BotId> {
        let known = self.peers.get(&conn)?.known.as_ref()?;
        Some(known.pass.bot.clone())
    }

    /// A bot came or went.
    pub(super) fn note_seen(&mut self, bot: &BotId, reads: bool) {
        if let Some(seen) = self.access.saw(bot, reads, self.now) {
            self.decided_alone(vec![seen]);
        }
    }

    /// Closes the connections that came in with a token that has ended by now.
    pub(super) fn end_tokens(&mut self) {
        if self.access.next_end().is_none_or(|at| at > self.now) {
            return;
        }
        let ended = self.access.end_tokens(self.now);
        for bot in &ended.answer {
            tracing::info!(%bot, "a token has ended");
        }
        self.flush_brain();
        self.decided_alone(ended.writes);
        self.rejudge(ended.answer);
    }
}

/// Everybody whom the configuration declares a member somewhere.
pub(super) fn members_in(rooms: &[Input]) -> BTreeSet<BotId> {
    let declared = rooms.iter().filter_map(|room| match room {
        Input::RoomDeclared { members, .. } => Some(members),
        _ => None,
    });
    declared.flatten().cloned().collect()
}

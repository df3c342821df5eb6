//! What bots may do, and what follows when that changes.
//!
//! **Invariant:** no connection holds authority of its own. The registry says what a token is good for,
//! the brain what its bot may do; whatever changes either ends here, in [`Engine::rejudge`], before the
//! next input.

use std::borrow::Borrow;

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::operator::Operation;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;

use super::fair::Payer;
use super::registry::{Origin, Pass};
use super::{Engine, Known, Owner, Peer};
use crate::door::ConnId;
use crate::door::ws::CloseCode;
use bot_hub_store::{AccessWrite, BotRecord, Write};

/// That a bot was here on a side connection is known as exactly as this.
const ASIDE_MS: u64 = 60_000;

impl Engine {
    /// The registry has changed: these bots may do other things, and connections that came in with what
    /// is not good any more end.
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

    /// Refuses operations that would shut out the owner of the hub, or that could not do to the owner's bot
    /// what they say. Tokens that this bot has besides the one of this process can be ended.
    pub(super) fn may_be_done_to(&self, operation: &Operation) -> Result<(), ErrorFrame> {
        let (bot, what) = match operation {
            Operation::BotDisable { bot } => (bot, "cannot be switched off"),
            Operation::BotRemove { bot } => (bot, "cannot be removed"),
            Operation::BotRotateToken { bot, .. }
            | Operation::BotPrepareToken { bot }
            | Operation::BotKeepToken { bot, .. } => {
                (bot, "gets a new token at every start of the hub")
            }
            Operation::BotRevokeToken { bot }
                if self.registry.token_count_of(bot, Origin::Store) == 0 =>
            {
                (bot, "has a token for as long as the hub runs")
            }
            _ => return Ok(()),
        };
        if self.registry.token_count_of(bot, Origin::Process) == 0 {
            return Ok(());
        }
        let message =
            format!("`{bot}` is whoever uses the command line of the hub's machine: it {what}");
        Err(ErrorFrame::new(Code::NotAllowed).message(message).hint(
            "everybody who can read the data directory may use it; for an operator elsewhere: bot-hub bot add NAME --operator",
        ))
    }

    fn standing_of(&self, bot: &BotId) -> Input {
        Input::Standing { bot: bot.clone(), standing: self.registry.standing(bot, self.now) }
    }

    /// Connections of a bot that could not come in any more.
    pub(super) fn barred(&self, bot: &BotId) -> Vec<ConnId> {
        let is_good = |pass: &Pass| self.registry.is_good(pass, self.now);
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

    /// From the first time that the file names a bot, the store knows it.
    pub(super) fn record_bots_of_file(&mut self) {
        let created_at = self.now;
        let record = |bot| BotRecord {
            bot,
            operator: false,
            disabled: false,
            guest: false,
            created_at,
            last_seen: None,
        };
        let records: Vec<BotRecord> = self.registry.unrecorded().into_iter().map(record).collect();
        if records.is_empty() {
            return;
        }
        for record in &records {
            self.registry.begin_change(record.bot.clone());
        }
        self.flush_brain();
        let writes = records.iter().cloned().map(|it| AccessWrite::Bot(it).into()).collect();
        self.write(writes, Owner::Records(records));
    }

    pub(super) fn records_settled(&mut self, records: Vec<BotRecord>) {
        for record in records {
            self.registry.end_change(&record.bot);
            self.registry.keep(record);
        }
    }

    /// They are tried again at the next reload or start.
    pub(super) fn records_refused(&mut self, records: &[BotRecord]) {
        for record in records {
            self.registry.end_change(&record.bot);
        }
    }

    /// A bot came or went. Side connections may come many times in a second, as commands do: it is not
    /// written down every time.
    pub(super) fn note_seen(&mut self, bot: BotId, reads: bool) {
        let known = self.registry.record(&bot).and_then(|record| record.last_seen);
        if reads || known.is_none_or(|at| self.now.since(at) >= ASIDE_MS) {
            self.registry.seen(&bot, self.now);
            self.write(vec![Write::Access(AccessWrite::Seen(bot, self.now))], Owner::Unattended);
        }
    }
}

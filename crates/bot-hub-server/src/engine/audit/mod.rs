//! What operators did: every act is stored with the record of it.
//!
//! Owns who did it and from where, which the brain does not know, and the place of the record: it is in
//! the batch of the act, so that neither is there without the other. What is refused is no act.
//! `keep` is how long records stay, `list` how they are read.

mod keep;
mod list;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bot_hub_core::access::{AccessWrite, InviteRecord};
use bot_hub_core::io::{Input, Ticket};
use bot_protocol::frame::audit::{Act, ActOutcome, ActWay, AuditLine};
use bot_protocol::frame::operator::Operate;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::ToSmolStr as _;

pub(super) use self::keep::Swept;
pub(super) use self::list::Listing;
use super::{Engine, Owner};
use crate::acts::{self, ActKey};
use crate::door::ConnId;
use bot_hub_store::Write;
use bot_hub_store::record::RecordWrite;

/// So many records of reloads wait for space; the log has all of them.
const UNSTORED_MAX: usize = 16;

/// How long what operators did is kept, whichever bound is reached first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Records that are older go.
    pub age_ms: Option<u64>,
    /// So many of the newest stay.
    pub entries: Option<u64>,
}

/// What a configuration means for the records of acts.
#[derive(Debug, Default)]
pub struct Acts {
    /// How long they are kept.
    pub kept: Kept,
    /// The settings that a reload has changed, as names.
    pub changed: Vec<String>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Audit {
    kept: Kept,
    newest: Option<ActKey>,
    /// What an operator asks for just now, until it is stored or refused.
    asked: Option<AuditLine>,
    /// What operators asked for and the brain decides when the store has answered a question.
    held: BTreeMap<Ticket, AuditLine>,
    /// Records for the batch that the brain's changes are in.
    due: Vec<Write>,
    /// Of reloads: what the store had no space for.
    unstored: Vec<AuditLine>,
    sweep_at: Timestamp,
    is_sweeping: bool,
}

impl Audit {
    /// The record of what an operator asks for just now. It belongs into the batch of the act.
    pub(super) fn record(&mut self) -> Option<Write> {
        let line = self.asked.take()?;
        Some(self.write(&line))
    }

    /// The same for what was decided: an invite got its id just now.
    pub(super) fn record_of(&mut self, writes: &[AccessWrite]) -> Option<Write> {
        let asked = self.asked.as_mut()?;
        if let Some(AccessWrite::Invite(invite)) = writes.first() {
            asked.invite = Some(invite.id.clone());
        }
        self.record()
    }

    /// The brain does what was asked for: the record goes with its changes.
    pub(super) fn accept(&mut self) {
        let record = self.record();
        self.due.extend(record);
    }

    /// The brain decides on what is asked for when this question is answered.
    pub(super) fn hold(&mut self, ticket: Ticket) {
        let asked = self.asked.take();
        self.held.extend(asked.map(|line| (ticket, line)));
    }

    /// Whether this is the answer on which something depends that an operator asked for. It is asked for
    /// just now, then, until [`Engine::end_act`].
    pub(super) fn resume(&mut self, input: &Input) -> bool {
        let Input::Answered { ticket, .. } = input else { return false };
        let line = self.held.remove(ticket);
        let is_held = line.is_some();
        if is_held {
            self.asked = line;
        }
        is_held
    }

    /// What goes with the brain's changes.
    pub(super) fn take_due(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.due)
    }

    fn write(&mut self, line: &AuditLine) -> Write {
        let key = ActKey::after(self.newest, line.at);
        self.newest = Some(key);
        Write::Record(RecordWrite::Put(acts::record(key, line)))
    }
}

impl Engine {
    /// Remembers the newest act of the store.
    pub fn restore_acts(&mut self, newest: Option<ActKey>) {
        self.audit.newest = newest;
    }

    /// Somebody asks for something. If that is an act of an operator, it is recorded once it is accepted,
    /// and before [`Self::end_act`].
    pub(super) fn begin_act(&mut self, conn: ConnId, request: &Operate) {
        let Some(act) = request.operation.act() else { return };
        let Some(peer) = self.peers.get(&conn) else { return };
        let Some(known) = &peer.known else { return };
        let by = known.pass.bot.clone();
        if !self.access.registry().is_operator(&by) {
            // Nobody can fill the store with what is refused; the log has a bound of its own.
            if !is_for_bots(&act, &by) {
                tracing::warn!(bot = %by, operation = act.operation, "a bot that is no operator was refused");
            }
            return;
        }
        if act.operation == "bot_set" && act.bot.as_ref() == Some(&by) {
            return;
        }
        let (address, client) = (peer.address, known.client.clone());
        let line = self.line_of(act, &by, address);
        let why = request.why.clone().and_then(|why| why.into_text());
        self.audit.asked = Some(AuditLine { client, why, ..line });
    }

    /// The same for a request over HTTP.
    pub(super) fn begin_act_over_http(&mut self, act: Option<Act>, by: &BotId, address: IpAddr) {
        let line = act.filter(|_| self.access.registry().is_operator(by));
        let line = line.map(|act| self.line_of(act, by, address));
        self.audit.asked = line.map(|line| AuditLine { via: ActWay::Http.into(), ..line });
    }

    /// It is answered, or on its way: what was not accepted by now was refused.
    pub(super) fn end_act(&mut self) {
        self.audit.asked = None;
    }

    fn line_of(&self, act: Act, by: &BotId, address: IpAddr) -> AuditLine {
        AuditLine {
            address: Some(address.to_canonical().to_smolstr()),
            bot: act.bot,
            can: act.can.map(Into::into),
            detail: act.detail,
            invite: act.invite,
            rooms: act.rooms,
            ..acts::unasked(by.as_str(), act.operation, ActWay::Frame, self.now)
        }
    }

    /// The record of a claim, which its batch holds.
    pub(super) fn record_claim(&mut self, invite: &InviteRecord) -> Option<Write> {
        let claim = invite.claim.as_ref()?;
        let line = AuditLine {
            address: Some(claim.address.clone()),
            bot: Some(claim.bot.clone()),
            can: Some(invite.rights.into()),
            client: Some(claim.client.clone()).filter(|client| !client.is_empty()),
            invite: Some(invite.id.clone()),
            rooms: invite.rooms.clone(),
            ..acts::unasked(claim.bot.as_str(), "invite_claim", ActWay::Invite, self.now)
        };
        Some(self.audit.write(&line))
    }

    /// Another configuration is in force, and says what it changes; at the start it changes nothing.
    pub(super) fn note_configuration(&mut self, new: Acts) {
        if self.audit.kept != new.kept {
            self.audit.kept = new.kept;
            self.audit.sweep_at = self.now;
        }
        if new.changed.is_empty() {
            return;
        }
        let line = AuditLine {
            detail: Some(acts::listed(&new.changed)),
            outcome: ActOutcome::Applied.into(),
            ..acts::unasked("config", "config_reload", ActWay::Config, self.now)
        };
        self.store_alone(line);
    }

    /// Stores the record of something that is so already.
    fn store_alone(&mut self, line: AuditLine) {
        self.flush_brain();
        let write = self.audit.write(&line);
        self.write(vec![write], Owner::Act(Box::new(line)));
    }

    /// It is tried again; meanwhile the log has it.
    pub(super) fn act_refused(&mut self, line: AuditLine) {
        tracing::error!(
            by = %line.by, operation = %line.operation, detail = line.detail.as_deref().unwrap_or(""),
            "the record of what was done cannot be stored now"
        );
        if self.audit.unstored.len() < UNSTORED_MAX {
            self.audit.unstored.push(line);
        }
        self.look_again_soon();
    }
}

/// Whether a bot that is no operator may ask for it.
fn is_for_bots(act: &Act, asker: &BotId) -> bool {
    match act.operation {
        "bot_set" => act.bot.as_ref() == Some(asker),
        operation => operation.starts_with("invite_"),
    }
}

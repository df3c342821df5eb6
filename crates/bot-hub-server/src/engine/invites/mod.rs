//! Invites: made, shown, revoked, and honoured.
//!
//! Owns what is known of every invite, and the order in which one is honoured. A code leaves the hub
//! once, in the answer to whoever asked for it, and is kept as a hash. **Invariant:** a claim is answered
//! when bot, token, memberships and the mark that the code is used are committed, in one batch.

mod book;
mod claim;
mod order;
#[cfg(test)]
mod tests;

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer::{self, InviteMade};
use bot_protocol::frame::operator::{InviteWish, Operate, Operation};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;
use tokio::sync::oneshot;

pub(super) use self::book::Book;
pub(super) use self::claim::Claim;
use super::accounts::{must_be_a_name, no_randomness};
use super::confusables;
use super::credential::{hash_code, make_code, scannable};
use super::{Engine, Owner};
use crate::door::code::HttpError;
use crate::door::{Answer, ConnId, InviteCall};
use bot_hub_store::{AccessWrite, InviteRecord, Write};

/// A day: friends answer late.
const EXPIRES_MS_DEFAULT: u64 = 24 * 3_600_000;

/// A minute.
const EXPIRES_MS_MIN: u64 = 60_000;

/// Thirty days. Whoever needs more makes a new one.
const EXPIRES_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// Rooms of one invite.
const ROOMS_MAX: usize = 32;

/// So many members of the rooms are looked at, and so many are named, for an agent to admit.
const LOOKED_AT_MAX: usize = 64;
const ADMITTED_MAX: usize = 12;

/// Whom to answer.
#[derive(Debug)]
pub(super) enum ReplyTo {
    /// A connection, with the `ref` of its request.
    Frame(ConnId, SmolStr),
    /// An HTTP request.
    Http(oneshot::Sender<Answer>),
}

/// What was promised about an invite, and what follows when it is durable.
#[derive(Debug)]
pub(super) struct Promise {
    to: ReplyTo,
    result: answer::Answer,
    record: InviteRecord,
}

/// Whether an operation is answered here and not by the brain.
pub(super) fn concerns_invites(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::InviteCreate(_) | Operation::InviteList(_) | Operation::InviteRevoke { .. }
    )
}

impl Engine {
    pub(super) fn operate_invites(&mut self, conn: ConnId, request: Operate) {
        let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
        let Some(bot) = known.map(|known| known.pass.bot.clone()) else { return };
        let call = match request.operation {
            Operation::InviteCreate(wish) => InviteCall::Create(wish),
            Operation::InviteRevoke { id } => InviteCall::Revoke(id),
            Operation::InviteList(page) => InviteCall::List(page),
            other => {
                debug_assert!(!concerns_invites(&other), "an operation about invites has its arm");
                return;
            }
        };
        self.call_invites(bot, call, ReplyTo::Frame(conn, request.reference));
    }

    pub(super) fn call_invites(&mut self, bot: BotId, call: InviteCall, to: ReplyTo) {
        let is_operator = self.registry.is_operator(&bot);
        let prepared = match call {
            InviteCall::List(page) => {
                let own = (!is_operator).then(|| (&bot, self.present_since(&bot)));
                let list = self.invites.show(own, &page, self.now);
                return self.reply(to, Ok(list.into()));
            }
            InviteCall::Create(wish) => {
                let made = self.prepare_invite(bot, is_operator, wish);
                made.map(|(record, made)| (record, made.into()))
            }
            InviteCall::Revoke(id) => {
                let since = self.present_since(&bot);
                let revoked = self.invites.revoked(&id, &bot, is_operator, (since, self.now));
                revoked.map(|(record, revoked)| (record, revoked.into()))
            }
        };
        match prepared {
            Ok((record, result)) => {
                let mut writes = vec![Write::Access(AccessWrite::Invite(Box::new(record.clone())))];
                writes.extend(
                    self.invites
                        .forgettable(self.now)
                        .into_iter()
                        .map(|id| AccessWrite::ForgetInvite(id).into()),
                );
                // Behind what the brain has asked for already, so that the store sees one order.
                self.flush_brain();
                self.invites.begin_change(&record.id);
                let promise = Promise { to, result, record };
                self.write(writes, Owner::Invite(Box::new(promise)));
            }
            Err(error) => self.reply(to, Err(error)),
        }
    }

    /// Since when there is this bot: what another one of its name did before is not its own.
    fn present_since(&self, bot: &BotId) -> Timestamp {
        self.registry.record(bot).map_or(Timestamp::default(), |record| record.created_at)
    }

    fn prepare_invite(
        &mut self,
        by: BotId,
        is_operator: bool,
        wish: InviteWish,
    ) -> Result<(InviteRecord, InviteMade), ErrorFrame> {
        let InviteWish { name, mut rooms, can, expires_in_ms } = wish;
        rooms.sort_unstable();
        rooms.dedup();
        if rooms.len() > ROOMS_MAX {
            return Err(ErrorFrame::new(Code::BadFrame)
                .message(format!("an invite leads into at most {ROOMS_MAX} rooms")));
        }
        let rights = can.unwrap_or(Rights::USUAL);
        let lasts = lifetime(expires_in_ms)?;
        self.hub.may_invite(&by, is_operator, &rooms, rights)?;
        self.invites.has_space(&by, is_operator, self.now)?;
        // Somebody whom the configuration expects in a room may be invited by an operator only.
        let is_taken = self.registry.is_taken(&name) || self.hub.names_a_room(&name);
        if is_taken || (!is_operator && self.hub.is_known(&name)) {
            return Err(taken(&name));
        }
        if self.former.holds(&name) {
            return Err(was_somebodys(&name));
        }
        must_be_a_name(&name)?;
        if !is_operator {
            self.must_be_distinct(&name)?;
        }
        let code = make_code().map_err(|error| no_randomness(&error))?;
        let hash = hash_code(code.expose()).expect("the code was made for it");
        let record = InviteRecord {
            id: SmolStr::new(make_id(&hash)),
            hash,
            name,
            rooms,
            rights,
            by,
            created_at: self.now,
            expires_at: self.now + lasts,
            revoked_at: None,
            claim: None,
        };
        let rooms_made = self.hub.missing(&record.rooms);
        for room in rooms_made.clone() {
            // Whoever is invited somewhere expects a closed company.
            self.input(Input::RoomNeeded { room, closed: true });
        }
        let made = InviteMade {
            id: record.id.clone(),
            secret: Some(scannable(&code)),
            code,
            name: record.name.clone(),
            rooms: record.rooms.clone(),
            rooms_made,
            can: record.rights.into(),
            bots: self.bots_of(&record, is_operator),
            expires_at: record.expires_at,
            public_url: self.public_url.clone(),
        };
        Ok((record, made))
    }

    /// Whom the invited agent comes to talk with: the bot that invites; or, for an operator, the bots of its
    /// own that are in the rooms.
    fn bots_of(&self, invite: &InviteRecord, is_operator: bool) -> Vec<BotId> {
        if !is_operator {
            return vec![invite.by.clone()];
        }
        let mut bots = self.hub.first_members(&invite.rooms, LOOKED_AT_MAX);
        bots.retain(|bot| *bot != invite.name && !self.registry.is_guest(bot));
        bots.sort_unstable();
        bots.dedup();
        bots.truncate(ADMITTED_MAX);
        bots
    }

    pub(super) fn invite_settled(&mut self, promise: Promise) {
        let Promise { to, result, record } = promise;
        match record.revoked_at {
            Some(_) => tracing::info!(id = %record.id, "an invite was revoked"),
            None => {
                tracing::info!(id = %record.id, name = %record.name, by = %record.by, "an invite was made");
            }
        }
        self.invites.end_change(&record.id);
        self.invites.forget_old(self.now);
        self.invites.keep(record);
        self.reply(to, Ok(result));
    }

    pub(super) fn reply(&mut self, to: ReplyTo, result: Result<answer::Answer, ErrorFrame>) {
        match (to, result) {
            (ReplyTo::Frame(conn, reference), Ok(result)) => self.tell(conn, &reference, result),
            (ReplyTo::Frame(conn, reference), Err(error)) => {
                self.send(conn, &ServerFrame::Error(error.about(reference)));
            }
            // The asker may have hung up; then nobody misses the answer.
            (ReplyTo::Http(reply), Ok(result)) => {
                let mut body = result.into_json();
                body["ok"] = true.into();
                drop(reply.send(Answer::Good(body.to_string())));
            }
            (ReplyTo::Http(reply), Err(error)) => drop(reply.send(refused(error))),
        }
    }

    pub(super) fn invite_refused(&mut self, promise: Promise, code: Code) {
        self.invites.end_change(&promise.record.id);
        self.reply(promise.to, Err(ErrorFrame::new(code)));
    }
}

/// How long an invite is good for. A wish beyond the bounds is refused, not moved to the bound in silence.
fn lifetime(wished: Option<u64>) -> Result<u64, ErrorFrame> {
    let refused = |message: String| ErrorFrame::new(Code::BadFrame).message(message);
    match wished.unwrap_or(EXPIRES_MS_DEFAULT) {
        it if it < EXPIRES_MS_MIN => Err(refused(format!(
            "`expires_in_ms` is {it}: an invite is good for a minute at least, which is {EXPIRES_MS_MIN}"
        ))),
        it if it > EXPIRES_MS_MAX => Err(refused(format!(
            "`expires_in_ms` is {it}: an invite is good for 30 days at most, which are {EXPIRES_MS_MAX}"
        ))),
        it => Ok(it),
    }
}

/// A refusal as HTTP says it.
pub(super) fn refused(error: impl Into<HttpError>) -> Answer {
    Answer::Refused(Box::new(error.into()))
}

impl Engine {
    /// Refuses a name that a reader would take for that of a bot that is here.
    fn must_be_distinct(&self, name: &BotId) -> Result<(), ErrorFrame> {
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

fn taken(name: &BotId) -> ErrorFrame {
    ErrorFrame::new(Code::NameTaken)
        .message(format!("`{name}` is the name of somebody or something here already"))
        .hint("choose another name; a bot that is here already is let in with: bot-hub room add")
}

fn was_somebodys(name: &BotId) -> ErrorFrame {
    ErrorFrame::new(Code::NameTaken)
        .message(format!("`{name}` was the name of somebody here, and no guest may have it"))
        .hint(format!(
            "choose another name; an operator can make a new bot of that name, which inherits \
             nothing: bot-hub bot add {name}"
        ))
}

/// What people name an invite by: five bytes of the code's hash, which reveal nothing of the code.
fn make_id(hash: &[u8; 32]) -> String {
    let digits: String = hash[..5].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("inv_{digits}")
}

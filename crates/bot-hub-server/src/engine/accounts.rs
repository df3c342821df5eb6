//! Operations about bots, as connections ask for them.
//!
//! Owns the tokens that are made for them: one leaves the hub once, in the answer, and goes to the rules of
//! `access` as a hash. Decides nothing: the rules do.

use bot_hub_core::Hub;
use bot_hub_core::access::{
    Access, AccessWrite, BotRecord, Decision, NewToken, Origin, SecretHash,
};
use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::answer::{Answer, BotLine, BotList, BotOrigin, TokenMade};
use bot_protocol::frame::operator::{Operate, Operation, Page};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;

use super::credential::{Kind, hash_token, make_token};
use super::decided::{ReplyTo, Waiter};
use super::{Engine, profiles};
use crate::door::ConnId;
use bot_hub_store::Write;

/// Whether an operation is answered here and not by the brain.
pub(super) fn concerns_bots(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::BotAdd { .. }
            | Operation::BotList(_)
            | Operation::BotShow { .. }
            | Operation::BotRotateToken { .. }
            | Operation::BotPrepareToken { .. }
            | Operation::BotKeepToken { .. }
            | Operation::BotRevokeToken { .. }
            | Operation::BotDisable { .. }
            | Operation::BotEnable { .. }
            | Operation::BotRemove { .. }
    )
}

impl Engine {
    pub(super) fn operate_bots(&mut self, conn: ConnId, request: Operate) {
        let Operate { reference, operation, .. } = request;
        let Some(by) = self.bot_of(conn) else { return };
        let to = ReplyTo::Frame(conn, reference);
        if let Err(error) = self.access.may_operate(&by, &operation) {
            return self.reply(to, Err(error));
        }
        match operation {
            Operation::BotList(page) => self.reply(to, Ok(self.list_bots(&page).into())),
            Operation::BotShow { bot } => {
                let found = self.access.existing(&bot);
                self.reply(to, found.map(|()| self.show_bot(&bot).into()));
            }
            Operation::BotAdd { bot, operator } => {
                let added = self.add_bot(bot, operator);
                self.decided_about_end(to, added);
            }
            Operation::BotRemove { bot } => {
                let removed = self.access.remove(&bot, self.ending(), self.now);
                self.decided_about_end(to, removed.map(|it| it.map(Into::into)));
            }
            change => match self.change_bot(change) {
                Ok(decision) => self.decided(to, decision),
                Err(error) => self.reply(to, Err(error)),
            },
        }
    }

    fn change_bot(&mut self, change: Operation) -> Result<Decision<Answer>, ErrorFrame> {
        let now = self.now;
        match change {
            Operation::BotRotateToken { bot, overlap_ms } => {
                let overlap_ms = overlap_ms.unwrap_or(0);
                self.with_new_token(self.kind_of(&bot), |access, _, token| {
                    access.rotate(&bot, overlap_ms, token, now)
                })
            }
            Operation::BotPrepareToken { bot } => self
                .with_new_token(self.kind_of(&bot), |access, _, token| {
                    access.prepare(&bot, token, now)
                }),
            Operation::BotKeepToken { bot, token_id, old_ends_at } => {
                let kept = self.access.keep(&bot, &token_id, old_ends_at, now)?;
                Ok(kept.map(Into::into))
            }
            Operation::BotRevokeToken { bot } => Ok(self.access.revoke(&bot, now)?.map(Into::into)),
            Operation::BotDisable { bot } => {
                Ok(self.access.set_disabled(&bot, true, now)?.map(Into::into))
            }
            Operation::BotEnable { bot } => {
                Ok(self.access.set_disabled(&bot, false, now)?.map(Into::into))
            }
            other => {
                debug_assert!(!concerns_bots(&other), "an operation about bots has its arm");
                Err(ErrorFrame::new(Code::UnknownType))
            }
        }
    }

    /// Makes a token, lets the rules decide about it by its hash, and puts it into the answer.
    fn with_new_token(
        &mut self,
        kind: Kind,
        decide: impl FnOnce(&mut Access, &Hub, SecretHash) -> Result<Decision<NewToken>, ErrorFrame>,
    ) -> Result<Decision<Answer>, ErrorFrame> {
        let token = make_token(kind).map_err(|error| no_randomness(&error))?;
        let decision = decide(&mut self.access, &self.hub, hash_token(token.expose()))?;
        let public_url = self.public_url.clone();
        Ok(decision.map(|NewToken { bot, keep_until, id: token_id, old_ends_at }| {
            TokenMade { bot, keep_until, old_ends_at, public_url, token, token_id }.into()
        }))
    }

    fn kind_of(&self, bot: &BotId) -> Kind {
        if self.access.registry().is_operator(bot) { Kind::Operator } else { Kind::Bot }
    }

    fn add_bot(&mut self, bot: BotId, operator: bool) -> Result<Decision<Answer>, ErrorFrame> {
        let kind = if operator { Kind::Operator } else { self.kind_of(&bot) };
        let new = BotRecord { operator, ..BotRecord::new(bot, self.now) };
        let ended_at = self.ending();
        self.with_new_token(kind, |access, hub, token| access.add(new, token, ended_at, hub))
    }

    /// When a bot ends that ends now: whatever was said until then is not of the next one of its name.
    fn ending(&self) -> Timestamp {
        self.hub.moment().max(self.now)
    }

    /// Sends a decision by which a bot may end: that has a name, or that had the name of a new one.
    fn decided_about_end(&mut self, to: ReplyTo, decided: Result<Decision<Answer>, ErrorFrame>) {
        let Decision { writes, answer } = match decided {
            Ok(decision) => decision,
            Err(error) => return self.reply(to, Err(error)),
        };
        let mut partings = Vec::new();
        if let Some(AccessWrite::ForgetBot(bot, _)) = writes.first() {
            // From here on nothing makes it a member again: what is on its way stands before its end.
            self.input(Input::Removing { bot: bot.clone(), removing: true });
            // What waits for it is dropped in the same batch, with that as the reason.
            partings.extend(self.hub.partings_of(bot).into_iter().map(Write::Change));
        }
        self.flush_brain();
        self.write_decided(partings, writes, Waiter::Operation(to, Box::new(answer)));
    }

    /// The configuration names a bot that came by an invite.
    pub(super) fn warn_of_second_owner(&self, bot: &BotId) {
        if self.access.registry().token_count_of(bot, Origin::Store) > 0 {
            tracing::warn!(
                "the configuration names `{bot}`, which came by an invite: whoever claimed that speaks \
                 as `{bot}` too, and is no guest any more\n\
                 hint: unless both are the same person: bot-hub bot revoke-token {bot}"
            );
        }
    }

    fn list_bots(&self, page: &Page) -> BotList {
        let (names, next) = self.access.registry().page(page);
        profiles::fitting(names.iter().map(|bot| self.show_bot(bot)).collect(), next)
    }

    fn show_bot(&self, bot: &BotId) -> BotLine {
        let registry = self.access.registry();
        let record = registry.record(bot);
        let said = self.hub.profile_of(bot).cloned().unwrap_or_default();
        let reader = self.connections_of(bot).find(|known| known.reads);
        let origin = match registry.origin(bot) {
            Some(Origin::Config) => BotOrigin::ConfigurationFile,
            Some(Origin::Process) => BotOrigin::ThisProcess,
            Some(Origin::Store) | None => BotOrigin::Store,
        };
        BotLine {
            about: said.about,
            bot: bot.clone(),
            online: reader.is_some(),
            client: reader.and_then(|known| known.client.clone()),
            operator: registry.is_operator(bot),
            guest: registry.is_guest(bot),
            disabled: registry.standing(bot, self.now).shut_out,
            origin: origin.into(),
            tokens: registry.token_count(bot) as u64,
            created_at: record.map(|record| record.created_at),
            last_seen: record.and_then(|record| record.last_seen),
            said_in_a_day: self.hub.said_in_a_day(bot),
            paused: self.hub.pause_of(bot),
            skills: said.skills,
            slowed: self.slowed(bot),
            ended_lately: self.flaps.show(bot, self.now),
        }
    }
}

/// The system gives nothing to make a secret of.
pub(super) fn no_randomness(error: &getrandom::Error) -> ErrorFrame {
    ErrorFrame::new(Code::Overloaded).message(format!("no randomness to be had: {error}"))
}

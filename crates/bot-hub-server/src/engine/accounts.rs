//! Bots made, shown, switched off and removed by operators.
//!
//! Owns the operations that need secrets. An answer is given when its change is committed; a token
//! leaves the hub once, in that answer, and is kept as a hash.

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer::{
    Answer, BotLine, BotList, BotOrigin, BotRemoved, BotSwitched, TokenKept, TokenMade,
    TokensRevoked,
};
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::frame::server::{ErrorFrame, Operated};
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use super::registry::{Kind, Origin, PREPARED_MS, TokenHash, hash_token, make_token};
use super::{Engine, Owner};
use crate::door::ConnId;
use bot_hub_store::{BotRecord, InviteRecord, TokenRecord, Write};

/// What was promised to an operator, and what follows when it is durable.
#[derive(Debug)]
pub(super) struct Promise {
    conn: ConnId,
    reference: SmolStr,
    effect: Effect,
}

#[derive(Debug)]
enum Effect {
    /// A record changed, and perhaps its token; and the answer that says so.
    Keep { record: BotRecord, token: Option<TokenRecord>, old: Old, answer: Box<Answer> },
    /// The bot is gone, and with it the invites that it made.
    Forget(BotId, Vec<InviteRecord>),
}

impl Effect {
    fn bot(&self) -> &BotId {
        match self {
            Self::Keep { record, .. } => &record.bot,
            Self::Forget(bot, _) => bot,
        }
    }
}

/// What becomes of a bot's earlier tokens and its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Old {
    /// Nothing.
    Stays,
    /// All of it ends.
    Ends,
    /// The tokens end then, and with each its connections.
    EndsAt(Timestamp),
}

impl Old {
    fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::EndsAt(at) => Some(at),
            Self::Stays | Self::Ends => None,
        }
    }
}

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

/// Words of the command line that stand where a name may stand: `tail all`, `--context local`.
const WORDS: [&str; 2] = ["all", "local"];

/// Refuses such a word for a new bot. One that the configuration names, or that is here, goes on.
pub(super) fn must_be_a_name(bot: &BotId) -> Result<(), ErrorFrame> {
    if !WORDS.contains(&bot.as_str()) {
        return Ok(());
    }
    Err(ErrorFrame::new(Code::NameTaken)
        .message(format!("`{bot}` means something else on the command line"))
        .hint("choose another name"))
}

impl Engine {
    pub(super) fn operate_bots(&mut self, conn: ConnId, request: Operate) {
        let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
        let result = if known.is_some_and(|known| self.registry.is_operator(&known.pass.bot)) {
            self.perform_on_bots(conn, &request.reference, request.operation)
        } else {
            Err(ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token"))
        };
        if let Err(error) = result {
            self.send(conn, &ServerFrame::Error(error.about(request.reference)));
        }
    }

    fn perform_on_bots(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        operation: Operation,
    ) -> Result<(), ErrorFrame> {
        self.may_be_done_to(&operation)?;
        match operation {
            Operation::BotList(page) => {
                let (names, next) = self.registry.page(&page);
                let bots = names.iter().map(|bot| self.show_bot(bot)).collect();
                self.tell(conn, reference, BotList { bots, next });
                Ok(())
            }
            Operation::BotShow { bot } => {
                self.existing(&bot)?;
                self.tell(conn, reference, self.show_bot(&bot));
                Ok(())
            }
            Operation::BotAdd { bot, operator } => self.add_bot(conn, reference, bot, operator),
            Operation::BotRotateToken { bot, overlap_ms } => {
                self.rotate_token(conn, reference, &bot, overlap_ms.unwrap_or(0))
            }
            Operation::BotPrepareToken { bot } => self.prepare_token(conn, reference, &bot),
            Operation::BotKeepToken { bot, token_id, old_ends_at } => {
                self.keep_prepared(conn, reference, &bot, &token_id, old_ends_at)
            }
            Operation::BotRevokeToken { bot } => self.revoke_token(conn, reference, &bot),
            Operation::BotDisable { bot } => self.set_disabled(conn, reference, &bot, true),
            Operation::BotEnable { bot } => self.set_disabled(conn, reference, &bot, false),
            Operation::BotRemove { bot } => self.remove_bot(conn, reference, bot),
            other => {
                debug_assert!(!concerns_bots(&other), "an operation about bots has its arm");
                Err(ErrorFrame::new(Code::UnknownType))
            }
        }
    }

    fn must_be_free(&self, bot: &BotId) -> Result<(), ErrorFrame> {
        if self.registry.token_count_of(bot, Origin::Process) > 0 {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` is whoever uses the command line of the hub's machine"))
                .hint("choose another name"));
        }
        if self.registry.is_taken(bot) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("there is a bot `{bot}` already"))
                .hint(format!("for a new token: bot-hub bot rotate-token {bot}")));
        }
        must_be_a_name(bot)
    }

    fn add_bot(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: BotId,
        operator: bool,
    ) -> Result<(), ErrorFrame> {
        self.must_be_free(&bot)?;
        if self.hub.names_a_room(&bot) {
            return Err(ErrorFrame::new(Code::NameTaken)
                .message(format!(
                    "there is a room `{bot}`, and people would take one for the other"
                ))
                .hint("choose another name: bot-hub room list shows those of rooms"));
        }
        let created_at = self.now;
        let (disabled, guest, last_seen) = (false, false, None);
        let record = BotRecord { bot, operator, disabled, guest, created_at, last_seen };
        self.write_with_new_token(conn, reference, record, (Old::Stays, None))
    }

    fn rotate_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
        overlap_ms: u64,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(bot)?;
        let record = self.record_of(bot);
        let old = if overlap_ms == 0 { Old::Ends } else { Old::EndsAt(self.now + overlap_ms) };
        self.write_with_new_token(conn, reference, record, (old, None))
    }

    /// The first of two steps: a token that ends by itself unless the second one comes.
    fn prepare_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(bot)?;
        let record = self.record_of(bot);
        let ends_at = self.now + PREPARED_MS;
        self.write_with_new_token(conn, reference, record, (Old::Stays, Some(ends_at)))
    }

    /// The second one: the operator has the token, so that the others may end. Asked again, the same is done
    /// again.
    fn keep_prepared(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
        token_id: &str,
        old_ends_at: Option<Timestamp>,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(bot)?;
        let kept = self.registry.tokens_to_keep(bot, self.now);
        let Some(hash) = kept.into_iter().find(|hash| id_of_token(hash) == token_id) else {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` has no token `{token_id}` that waits to be kept"))
                .hint("nothing was changed; it may have ended: prepare another one"));
        };
        let (record, created_at) = (self.record_of(bot), self.now);
        let token = TokenRecord { bot: bot.clone(), hash, created_at, expires_at: None };
        let old = old_ends_at.filter(|at| *at > self.now).map_or(Old::Ends, Old::EndsAt);
        let answer = TokenKept { bot: bot.clone(), old_ends_at };
        self.write_with_token(conn, reference, record, (token, old), answer.into());
        Ok(())
    }

    fn write_with_new_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        record: BotRecord,
        (old, expires_at): (Old, Option<Timestamp>),
    ) -> Result<(), ErrorFrame> {
        let kind = if self.registry.is_operator(&record.bot) || record.operator {
            Kind::Operator
        } else {
            Kind::Bot
        };
        let secret = make_token(kind).map_err(|error| no_randomness(&error))?;
        let hash = hash_token(secret.expose());
        let (bot, created_at) = (record.bot.clone(), self.now);
        let token = TokenRecord { bot: bot.clone(), hash, created_at, expires_at };
        let answer = TokenMade {
            bot,
            keep_until: expires_at,
            old_ends_at: old.ends_at(),
            public_url: self.public_url.clone(),
            token: secret,
            token_id: expires_at.map(|_| id_of_token(&hash)),
        };
        self.write_with_token(conn, reference, record, (token, old), answer.into());
        Ok(())
    }

    fn write_with_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        record: BotRecord,
        (token, old): (TokenRecord, Old),
        answer: Answer,
    ) {
        let bot = record.bot.clone();
        let end = match old {
            Old::EndsAt(at) => Some(Write::ExpireTokens(bot.clone(), at)),
            Old::Ends => Some(Write::RevokeTokens(bot.clone())),
            // A new bot has none, and looking for them is a walk over everybody's.
            Old::Stays => None,
        };
        let mut writes = vec![Write::Bot(record.clone())];
        writes.extend(end);
        writes.push(Write::Token(token.clone()));
        let answer = Box::new(answer);
        let effect = Effect::Keep { record, token: Some(token), old, answer };
        self.promise(conn, reference, effect, writes);
    }

    fn revoke_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(bot)?;
        let record = self.record_of(bot);
        let writes = vec![Write::Bot(record.clone()), Write::RevokeTokens(bot.clone())];
        let tokens = self.registry.token_count_of(bot, Origin::Config) as u64;
        let answer = Box::new(TokensRevoked { bot: bot.clone(), tokens }.into());
        let effect = Effect::Keep { record, token: None, old: Old::Ends, answer };
        self.promise(conn, reference, effect, writes);
        Ok(())
    }

    fn set_disabled(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
        disabled: bool,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(bot)?;
        let record = BotRecord { disabled, ..self.record_of(bot) };
        let writes = vec![Write::Bot(record.clone())];
        let answer = Box::new(BotSwitched { bot: bot.clone(), disabled }.into());
        let effect = Effect::Keep { record, token: None, old: Old::Stays, answer };
        self.promise(conn, reference, effect, writes);
        Ok(())
    }

    fn remove_bot(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: BotId,
    ) -> Result<(), ErrorFrame> {
        self.at_rest(&bot)?;
        if self.registry.origin(&bot) != Some(Origin::Store) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` comes from the configuration file"))
                .hint("remove its token there and reload"));
        }
        let Some(invites) = self.invites.closed_with(&bot, self.now) else {
            return Err(ErrorFrame::new(Code::Overloaded)
                .message(format!("an invite of `{bot}` is being claimed or revoked just now"))
                .hint("try again in a second"));
        };
        // From here on nothing makes it a member again: what is on its way stands before its end.
        self.input(Input::Removing { bot: bot.clone(), removing: true });
        // What waits for it is dropped in the same batch, with that as the reason.
        let mut writes: Vec<Write> =
            self.hub.partings_of(&bot).into_iter().map(Write::Change).collect();
        writes.push(Write::ForgetBot(bot.clone(), self.hub.moment()));
        for invite in &invites {
            self.invites.begin_change(&invite.id);
            writes.push(Write::Invite(Box::new(invite.clone())));
        }
        self.promise(conn, reference, Effect::Forget(bot, invites), writes);
        Ok(())
    }

    fn promise(&mut self, conn: ConnId, reference: &SmolStr, effect: Effect, writes: Vec<Write>) {
        // Behind what the brain has asked for already, so that the store sees one order.
        self.flush_brain();
        self.registry.begin_change(effect.bot().clone());
        let promise = Promise { conn, reference: reference.clone(), effect };
        self.write(writes, Owner::Account(Box::new(promise)));
    }

    pub(super) fn account_settled(&mut self, promise: Promise) {
        self.registry.end_change(promise.effect.bot());
        match promise.effect {
            Effect::Keep { record, token, old, answer } => {
                let bot = record.bot.clone();
                self.registry.keep(record);
                match old {
                    Old::Ends => self.registry.revoke(&bot),
                    Old::EndsAt(at) => self.registry.expire_at(&bot, at),
                    Old::Stays => {}
                }
                if let Some(token) = token {
                    self.registry.keep_token(&token);
                }
                // The operator who asked may be sent away by this: the answer goes out first.
                self.tell(promise.conn, &promise.reference, *answer);
                self.rejudge([&bot]);
            }
            Effect::Forget(bot, invites) => {
                for invite in invites {
                    self.invites.end_change(&invite.id);
                    self.invites.keep(invite);
                }
                self.former.seal(bot.clone());
                let dropped = self.hub.waiting_of(&bot);
                self.registry.forget(&bot);
                self.flaps.forget(&bot);
                let answer = BotRemoved { bot: bot.clone(), dropped, removed: true };
                self.tell(promise.conn, &promise.reference, answer);
                let barred = self.barred(&bot);
                self.input(Input::BotRemoved(bot));
                self.bar(barred);
            }
        }
    }

    /// The configuration names a bot that came by an invite.
    pub(super) fn warn_of_second_owner(&self, bot: &BotId) {
        if self.registry.token_count_of(bot, Origin::Store) > 0 {
            tracing::warn!(
                "the configuration names `{bot}`, which came by an invite: whoever claimed that speaks \
                 as `{bot}` too, and is no guest any more\n\
                 hint: unless both are the same person: bot-hub bot revoke-token {bot}"
            );
        }
    }

    pub(super) fn account_refused(&mut self, promise: &Promise, code: Code) {
        self.registry.end_change(promise.effect.bot());
        if let Effect::Forget(bot, invites) = &promise.effect {
            for invite in invites {
                self.invites.end_change(&invite.id);
            }
            self.input(Input::Removing { bot: bot.clone(), removing: false });
        }
        let error = ErrorFrame::new(code).about(promise.reference.clone());
        self.send(promise.conn, &ServerFrame::Error(error));
    }

    pub(super) fn tell(&mut self, conn: ConnId, reference: &SmolStr, answer: impl Into<Answer>) {
        let frame = Operated { reference: reference.clone(), result: answer.into() };
        self.send(conn, &ServerFrame::Operated(frame));
    }

    fn existing(&self, bot: &BotId) -> Result<(), ErrorFrame> {
        if self.registry.origin(bot).is_some() {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::NoSuchBot)
            .message(format!("there is no bot `{bot}`"))
            .hint("bot-hub bot list"))
    }

    /// A change writes the whole record: it must not be made from one that is about to be another.
    fn at_rest(&self, bot: &BotId) -> Result<(), ErrorFrame> {
        self.existing(bot)?;
        if self.registry.is_changing(bot) {
            return Err(ErrorFrame::new(Code::Overloaded)
                .message(format!("`{bot}` is being changed just now"))
                .hint("try again in a second"));
        }
        Ok(())
    }

    fn record_of(&self, bot: &BotId) -> BotRecord {
        self.registry.record(bot).cloned().unwrap_or_else(|| BotRecord {
            bot: bot.clone(),
            // What the file gives, the file can take away: it must not be stored.
            operator: false,
            disabled: false,
            guest: false,
            created_at: self.now,
            last_seen: None,
        })
    }

    fn show_bot(&self, bot: &BotId) -> BotLine {
        let record = self.registry.record(bot);
        let reader = self.connections_of(bot).find(|known| known.reads);
        let origin = match self.registry.origin(bot) {
            Some(Origin::Config) => BotOrigin::ConfigurationFile,
            Some(Origin::Process) => BotOrigin::ThisProcess,
            Some(Origin::Store) | None => BotOrigin::Store,
        };
        BotLine {
            bot: bot.clone(),
            online: reader.is_some(),
            client: reader.and_then(|known| known.client.clone()),
            operator: self.registry.is_operator(bot),
            guest: self.registry.is_guest(bot),
            disabled: self.registry.standing(bot, self.now).shut_out,
            origin: origin.into(),
            tokens: self.registry.token_count(bot) as u64,
            created_at: record.map(|record| record.created_at),
            last_seen: record.and_then(|record| record.last_seen),
            said_in_a_day: self.hub.said_in_a_day(bot),
            slowed: self.slowed(bot),
            ended_lately: self.flaps.show(bot, self.now),
        }
    }
}

/// What a token is named by between the two steps; it reveals nothing of the token.
fn id_of_token(hash: &TokenHash) -> SmolStr {
    data_encoding::HEXLOWER.encode(&hash[..8]).into()
}

/// The system gives nothing to make a secret of.
pub(super) fn no_randomness(error: &getrandom::Error) -> ErrorFrame {
    ErrorFrame::new(Code::Overloaded).message(format!("no randomness to be had: {error}"))
}

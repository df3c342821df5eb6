//! Bots made, shown, switched off and removed by operators.
//!
//! Owns the operations that need secrets. An answer is given when its change is committed; a token
//! leaves the hub once, in that answer, and is kept as a hash.

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::frame::server::{ErrorFrame, Operated};
use bot_protocol::name::BotId;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::registry::{Origin, hash_token, make_token};
use super::{Engine, Owner};
use crate::door::ConnId;
use crate::store::{BotRecord, TokenRecord, Write};

/// The prefix of a bot's token.
const BOT_PREFIX: &str = "bh_bot_";

/// What was promised to an operator, and what follows when it is durable.
#[derive(Debug)]
pub(super) struct Promise {
    conn: ConnId,
    reference: SmolStr,
    result: Value,
    effect: Effect,
}

#[derive(Debug)]
enum Effect {
    /// A record changed, and perhaps its token.
    Keep { record: BotRecord, token: Option<TokenRecord>, block: bool },
    /// The bot is gone.
    Forget(BotId),
}

/// Whether an operation is answered here and not by the brain.
pub(super) fn concerns_bots(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::BotAdd { .. }
            | Operation::BotList {}
            | Operation::BotShow { .. }
            | Operation::BotRotateToken { .. }
            | Operation::BotDisable { .. }
            | Operation::BotEnable { .. }
            | Operation::BotRemove { .. }
    )
}

impl Engine {
    pub(super) fn operate_bots(&mut self, conn: ConnId, request: Operate) {
        let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
        let result = if known.is_some_and(|known| known.operator) {
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
        match operation {
            Operation::BotList {} => {
                let bots: Vec<Value> =
                    self.registry.names().iter().map(|bot| self.show_bot(bot)).collect();
                self.tell(conn, reference, json!({ "bots": bots }));
                Ok(())
            }
            Operation::BotShow { bot } => {
                self.existing(&bot)?;
                self.tell(conn, reference, self.show_bot(&bot));
                Ok(())
            }
            Operation::BotAdd { bot, operator } => self.add_bot(conn, reference, bot, operator),
            Operation::BotRotateToken { bot } => self.rotate_token(conn, reference, &bot),
            Operation::BotDisable { bot } => self.set_disabled(conn, reference, &bot, true),
            Operation::BotEnable { bot } => self.set_disabled(conn, reference, &bot, false),
            Operation::BotRemove { bot } => self.remove_bot(conn, reference, bot),
            other => {
                debug_assert!(!concerns_bots(&other), "an operation about bots has its arm");
                Err(ErrorFrame::new(Code::UnknownType))
            }
        }
    }

    fn add_bot(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: BotId,
        operator: bool,
    ) -> Result<(), ErrorFrame> {
        if self.registry.origin(&bot).is_some() {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("there is a bot `{bot}` already"))
                .hint(format!("for a new token: bot-hub bot rotate-token {bot}")));
        }
        let created_at = self.now;
        let record = BotRecord { bot, operator, disabled: false, created_at, last_seen: None };
        self.write_with_token(conn, reference, record)
    }

    fn rotate_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
    ) -> Result<(), ErrorFrame> {
        self.existing(bot)?;
        let record = self.record_of(bot);
        self.write_with_token(conn, reference, record)
    }

    fn write_with_token(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        record: BotRecord,
    ) -> Result<(), ErrorFrame> {
        let secret = make_token(BOT_PREFIX).map_err(|error| {
            ErrorFrame::new(Code::Overloaded).message(format!("no randomness to be had: {error}"))
        })?;
        let hash = hash_token(secret.expose());
        let token = TokenRecord { bot: record.bot.clone(), hash, created_at: self.now };
        let writes = vec![
            Write::Bot(record.clone()),
            Write::RevokeTokens(record.bot.clone()),
            Write::Token(token.clone()),
        ];
        let result = json!({ "bot": record.bot, "token": secret.expose() });
        let block = self.registry.record(&record.bot).is_some();
        let effect = Effect::Keep { record, token: Some(token), block };
        self.promise(conn, reference, result, effect, writes);
        Ok(())
    }

    fn set_disabled(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: &BotId,
        disabled: bool,
    ) -> Result<(), ErrorFrame> {
        self.existing(bot)?;
        let record = BotRecord { disabled, ..self.record_of(bot) };
        let writes = vec![Write::Bot(record.clone())];
        let result = json!({ "bot": bot, "disabled": disabled });
        let effect = Effect::Keep { record, token: None, block: disabled };
        self.promise(conn, reference, result, effect, writes);
        Ok(())
    }

    fn remove_bot(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        bot: BotId,
    ) -> Result<(), ErrorFrame> {
        self.existing(&bot)?;
        if self.registry.origin(&bot) != Some(Origin::Store) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` comes from the configuration file"))
                .hint("remove its token there and reload"));
        }
        let result = json!({ "bot": bot, "removed": true });
        let writes = vec![Write::ForgetBot(bot.clone())];
        self.promise(conn, reference, result, Effect::Forget(bot), writes);
        Ok(())
    }

    fn promise(
        &mut self,
        conn: ConnId,
        reference: &SmolStr,
        result: Value,
        effect: Effect,
        writes: Vec<Write>,
    ) {
        // Behind what the brain has asked for already, so that the store sees one order.
        self.flush_brain();
        let promise = Promise { conn, reference: reference.clone(), result, effect };
        self.write(writes, Owner::Account(Box::new(promise)));
    }

    pub(super) fn account_settled(&mut self, promise: Promise) {
        match promise.effect {
            Effect::Keep { record, token, block } => {
                let bot = record.bot.clone();
                self.registry.keep(record);
                if let Some(token) = token {
                    self.registry.revoke(&bot);
                    self.registry.accept(token.hash, bot.clone(), Origin::Store, false);
                }
                self.input(Input::BotAdded(bot.clone()));
                if block {
                    self.input(Input::BotBlocked(bot));
                }
            }
            Effect::Forget(bot) => {
                self.registry.forget(&bot);
                self.input(Input::BotRemoved(bot));
            }
        }
        self.tell(promise.conn, &promise.reference, promise.result);
    }

    pub(super) fn account_refused(&mut self, promise: &Promise, code: Code) {
        let error = ErrorFrame::new(code).about(promise.reference.clone());
        self.send(promise.conn, &ServerFrame::Error(error));
    }

    fn tell(&mut self, conn: ConnId, reference: &SmolStr, result: Value) {
        let frame = Operated { reference: reference.clone(), result };
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

    fn record_of(&self, bot: &BotId) -> BotRecord {
        self.registry.record(bot).cloned().unwrap_or_else(|| BotRecord {
            bot: bot.clone(),
            operator: self.registry.is_operator(bot),
            disabled: false,
            created_at: self.now,
            last_seen: None,
        })
    }

    fn show_bot(&self, bot: &BotId) -> Value {
        let record = self.registry.record(bot);
        let online = self.peers.values().filter_map(|peer| peer.known.as_ref());
        let mut readers = online.filter(|known| known.bot == *bot && known.reads);
        let reader = readers.next();
        let origin = match self.registry.origin(bot) {
            Some(Origin::Config) => "configuration file",
            Some(Origin::Process) => "this process",
            Some(Origin::Store) | None => "store",
        };
        json!({
            "bot": bot,
            "online": reader.is_some(),
            "client": reader.and_then(|known| known.client.as_deref()),
            "operator": self.registry.is_operator(bot),
            "disabled": record.is_some_and(|record| record.disabled),
            "origin": origin,
            "tokens": self.registry.token_count(bot),
            "created_at": record.map(|record| record.created_at),
            "last_seen": record.and_then(|record| record.last_seen),
        })
    }
}

//! Bots made, given tokens, switched off and removed by operators.
//!
//! Owns these rules, and whom an operator may do it to. What happens to a bot's earlier tokens stands in the
//! writes: nothing, or that they end at some moment, or that they are revoked.

use bot_protocol::code::Code;
use bot_protocol::frame::answer::{BotRemoved, BotSwitched, TokenKept, TokensRevoked};
use bot_protocol::frame::operator::Operation;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use super::record::PREPARED_MS;
use super::tokens::Origin;
use super::{Access, AccessWrite, BotRecord, Decision, Rooms, SecretHash, TokenRecord};

/// A token that a bot gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is.
    pub bot: BotId,
    /// It ends then, unless it is kept before.
    pub keep_until: Option<Timestamp>,
    /// What it is named by until it is kept.
    pub id: Option<SmolStr>,
    /// The tokens made before end then.
    pub old_ends_at: Option<Timestamp>,
}

impl Access {
    /// Whether somebody may ask for an operation about bots, and whether it may be done to that bot.
    pub fn may_operate(&self, by: &BotId, operation: &Operation) -> Result<(), ErrorFrame> {
        if !self.registry.is_operator(by) {
            return Err(ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token"));
        }
        self.may_be_done_to(operation)
    }

    /// Refuses operations that would shut out the owner of the hub, or that could not do to the owner's bot
    /// what they say. Tokens that this bot has besides the one of this process can be ended.
    fn may_be_done_to(&self, operation: &Operation) -> Result<(), ErrorFrame> {
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
            format!("`{bot}` stands for the command line of the hub's machine: it {what}");
        Err(ErrorFrame::new(Code::NotAllowed).message(message).hint(
            "everybody who can read the data directory may use it; for an operator elsewhere: bot-hub bot add NAME --operator",
        ))
    }

    /// A new bot, with a token. The bot that had its name before ends at `ended_at`, unless the configuration expects the
    /// bot: then what waits under the name is for it.
    pub fn add(
        &mut self,
        new: BotRecord,
        token: SecretHash,
        ended_at: Timestamp,
        rooms: &impl Rooms,
    ) -> Result<Decision<NewToken>, ErrorFrame> {
        self.must_be_free(&new.bot)?;
        if rooms.names_a_room(&new.bot) {
            let message =
                format!("there is a room `{}`, and people would take one for the other", new.bot);
            return Err(ErrorFrame::new(Code::NameTaken)
                .message(message)
                .hint("choose another name: bot-hub room list shows those of rooms"));
        }
        let token = made(&new.bot, token, new.created_at);
        let answer = NewToken::endless(new.bot.clone());
        let has_past = self.former.knows(&new.bot) || rooms.is_known(&new.bot);
        let is_new = !has_past || self.former.expects(&new.bot);
        let mut writes = match is_new {
            true => Vec::new(),
            false => self.end(&new.bot, ended_at, new.created_at)?,
        };
        writes.extend([AccessWrite::Bot(new), AccessWrite::Token(token)]);
        Ok(self.decide(writes, answer))
    }

    /// A new token; the others end, at once or a while later.
    pub fn rotate(
        &mut self,
        bot: &BotId,
        overlap_ms: u64,
        token: SecretHash,
        now: Timestamp,
    ) -> Result<Decision<NewToken>, ErrorFrame> {
        let record = self.at_rest(bot, now)?;
        let old_ends_at = (overlap_ms > 0).then(|| now + overlap_ms);
        let token = AccessWrite::Token(made(bot, token, now));
        let answer = NewToken { old_ends_at, ..NewToken::endless(bot.clone()) };
        Ok(self.decide(vec![record, end_of_tokens(bot, old_ends_at), token], answer))
    }

    /// The first of two steps: a token that ends by itself unless the second one comes.
    pub fn prepare(
        &mut self,
        bot: &BotId,
        token: SecretHash,
        now: Timestamp,
    ) -> Result<Decision<NewToken>, ErrorFrame> {
        let record = self.at_rest(bot, now)?;
        let keep_until = Some(now + PREPARED_MS);
        let id = Some(id_of_token(&token));
        let token = TokenRecord { expires_at: keep_until, ..made(bot, token, now) };
        let answer = NewToken { keep_until, id, ..NewToken::endless(bot.clone()) };
        Ok(self.decide(vec![record, AccessWrite::Token(token)], answer))
    }

    /// The second one: the operator has the token, so that the others may end. Asked again, the same is done
    /// again.
    pub fn keep(
        &mut self,
        bot: &BotId,
        token_id: &str,
        old_ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Decision<TokenKept>, ErrorFrame> {
        let record = self.at_rest(bot, now)?;
        let kept = self.registry.tokens_to_keep(bot, now);
        let Some(hash) = kept.into_iter().find(|hash| id_of_token(hash) == token_id) else {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` has no token `{token_id}` that waits to be kept"))
                .hint("nothing was changed; it may have ended: prepare another one"));
        };
        let others = end_of_tokens(bot, old_ends_at.filter(|at| *at > now));
        let token = AccessWrite::Token(made(bot, hash, now));
        Ok(self.decide(vec![record, others, token], TokenKept { bot: bot.clone(), old_ends_at }))
    }

    /// All tokens that were made at run time end.
    pub fn revoke(
        &mut self,
        bot: &BotId,
        now: Timestamp,
    ) -> Result<Decision<TokensRevoked>, ErrorFrame> {
        let record = self.at_rest(bot, now)?;
        let tokens = self.registry.token_count_of(bot, Origin::Config) as u64;
        let answer = TokensRevoked { bot: bot.clone(), tokens };
        Ok(self.decide(vec![record, end_of_tokens(bot, None)], answer))
    }

    /// Refuses a bot's tokens from now on, or accepts them again.
    pub fn set_disabled(
        &mut self,
        bot: &BotId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<Decision<BotSwitched>, ErrorFrame> {
        self.at_rest(bot, now)?;
        let record = BotRecord { disabled, ..self.record_of(bot, now) };
        let answer = BotSwitched { bot: bot.clone(), disabled };
        Ok(self.decide(vec![AccessWrite::Bot(record)], answer))
    }

    /// There is no such bot from then on, and its invites let nobody in. How much waited for it is known when
    /// that is stored.
    pub fn remove(
        &mut self,
        bot: &BotId,
        ended_at: Timestamp,
        now: Timestamp,
    ) -> Result<Decision<BotRemoved>, ErrorFrame> {
        self.at_rest(bot, now)?;
        if self.registry.origin(bot) != Some(Origin::Store) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message(format!("`{bot}` comes from the configuration file"))
                .hint("remove its token there and reload"));
        }
        let writes = self.end(bot, ended_at, now)?;
        Ok(self.decide(writes, BotRemoved { bot: bot.clone(), dropped: 0, removed: true }))
    }

    /// Nothing that hangs on a name is anybody's any more, and its invites let nobody in.
    fn end(
        &self,
        bot: &BotId,
        ended_at: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<AccessWrite>, ErrorFrame> {
        let Some(invites) = self.invites.closed_with(bot, now) else {
            return Err(ErrorFrame::new(Code::Overloaded)
                .message(format!("an invite of `{bot}` is being claimed or revoked just now"))
                .hint("try again in a second"));
        };
        let invites = invites.into_iter().map(|it| AccessWrite::Invite(Box::new(it)));
        Ok(std::iter::once(AccessWrite::ForgetBot(bot.clone(), ended_at)).chain(invites).collect())
    }

    /// Whether there is such a bot.
    pub fn existing(&self, bot: &BotId) -> Result<(), ErrorFrame> {
        if self.registry.origin(bot).is_some() {
            return Ok(());
        }
        Err(ErrorFrame::new(Code::NoSuchBot)
            .message(format!("there is no bot `{bot}`"))
            .hint("bot-hub bot list"))
    }

    /// A bot's record, to be written again. A change writes the whole record: it must not be made from one
    /// that is about to be another.
    fn at_rest(&self, bot: &BotId, now: Timestamp) -> Result<AccessWrite, ErrorFrame> {
        self.existing(bot)?;
        if self.registry.is_changing(bot) {
            return Err(ErrorFrame::new(Code::Overloaded)
                .message(format!("`{bot}` is being changed just now"))
                .hint("try again in a second"));
        }
        Ok(AccessWrite::Bot(self.record_of(bot, now)))
    }

    /// What the file gives, the file can take away: no right of it is stored.
    fn record_of(&self, bot: &BotId, now: Timestamp) -> BotRecord {
        let known = self.registry.record(bot).cloned();
        known.unwrap_or_else(|| BotRecord::new(bot.clone(), now))
    }
}

impl NewToken {
    const fn endless(bot: BotId) -> Self {
        Self { bot, keep_until: None, id: None, old_ends_at: None }
    }
}

fn made(bot: &BotId, hash: SecretHash, created_at: Timestamp) -> TokenRecord {
    TokenRecord { bot: bot.clone(), hash, created_at, expires_at: None }
}

/// The tokens of a bot end then, or at once.
fn end_of_tokens(bot: &BotId, at: Option<Timestamp>) -> AccessWrite {
    match at {
        Some(at) => AccessWrite::ExpireTokens(bot.clone(), at),
        None => AccessWrite::RevokeTokens(bot.clone()),
    }
}

/// What a token is named by between the two steps; it reveals nothing of the token.
fn id_of_token(hash: &SecretHash) -> SmolStr {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    format_smolstr!("{:016x}", u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

//! Somebody comes by an invite.
//!
//! Owns the way from a code to a bot with a token. What is refused leaves the code as it was.

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::answer::InviteState;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use serde_json::json;
use tokio::sync::oneshot;

use super::book::standing;
use super::{refused, taken, was_somebodys};
use crate::door::code::{HttpCode, HttpError};
use crate::door::{Answer, ClaimWish};
use crate::engine::accounts::no_randomness;
use crate::engine::admit::printable;
use crate::engine::credential::{Kind, hash_code, hash_token, make_token};
use crate::engine::{Engine, Owner};
use bot_hub_store::{AccessWrite, BotRecord, ClaimRecord, InviteRecord, TokenRecord, Write};

/// A claim on its way to the store.
#[derive(Debug)]
pub(in crate::engine) struct Claim {
    /// How many of the batch's writes are the brain's; they stand first.
    pub(in crate::engine) changes: usize,
    invite: InviteRecord,
    bot: BotRecord,
    token: TokenRecord,
    secret: Secret,
    base: String,
    reply: oneshot::Sender<Answer>,
}

impl Engine {
    pub(in crate::engine) fn claim(&mut self, wish: ClaimWish, reply: oneshot::Sender<Answer>) {
        match self.prepare_claim(&wish) {
            Ok((invite, bot, secret)) => self.write_claim(invite, bot, secret, wish.base, reply),
            // The asker may have hung up.
            Err(error) => drop(reply.send(refused(error))),
        }
    }

    fn prepare_claim(
        &mut self,
        wish: &ClaimWish,
    ) -> Result<(InviteRecord, BotRecord, Secret), HttpError> {
        let now = self.now;
        let invite = self.find_invite(wish)?;
        let name = match &wish.name {
            Some(name) => BotId::new(name).map_err(|error| {
                let message = format!("`{name:.64}` is no name: {error}");
                HttpError::new(HttpCode::BadName, message).hint(NAME_HINT)
            })?,
            None => invite.name.clone(),
        };
        self.may_claim(&invite, &name)?;
        let secret = make_token(Kind::Bot).map_err(|error| no_randomness(&error))?;
        let claim = ClaimRecord {
            at: now,
            bot: name.clone(),
            client: printable(&wish.client),
            address: wish.address.to_canonical().to_string().into(),
        };
        let (operator, disabled, guest, last_seen) = (false, false, true, None);
        let bot = BotRecord { bot: name, operator, disabled, guest, created_at: now, last_seen };
        Ok((InviteRecord { claim: Some(claim), ..invite }, bot, secret))
    }

    fn find_invite(&mut self, wish: &ClaimWish) -> Result<InviteRecord, HttpError> {
        let Some(hash) = hash_code(wish.code.expose()) else {
            let message =
                "that is no code: a code has 16 letters and digits, as in K7QF-2M9D-XR4T-8W3A";
            let error = HttpError::new(HttpCode::BadCode, message);
            return Err(error.hint("copy it again, or the whole link"));
        };
        let Some(invite) = self.invites.find(&hash) else {
            // Only wrong codes meet the brake: the holder of a good one does not wait because others behind
            // the same address guess.
            if let Some(wait_ms) = self.invites.wait(wish.address, self.now) {
                return Err(throttled(wait_ms.div_ceil(1_000)));
            }
            self.invites.throttle.failed(wish.address, self.now);
            tracing::warn!(address = %wish.address, "somebody tried a code that is none");
            let hint = "ask whoever invited you for a new one";
            return Err(HttpError::new(HttpCode::UnknownCode, "nobody made that code").hint(hint));
        };
        let (code, message) = match standing(invite, self.now) {
            InviteState::Open if self.invites.is_changing(&invite.id) => {
                let message = "somebody is claiming or revoking that code just now";
                let error = HttpError::new(HttpCode::Busy, message).hint("try again in 1 s");
                return Err(error.retry_after_s(1));
            }
            InviteState::Open => return Ok(invite.clone()),
            InviteState::Used => {
                (HttpCode::UsedCode, "that code was used: it is good for one bot, once")
            }
            InviteState::Expired => (HttpCode::ExpiredCode, "that code has expired"),
            InviteState::Revoked => (HttpCode::RevokedCode, "that code was revoked"),
        };
        Err(HttpError::new(code, message).hint("ask whoever invited you for a new one"))
    }

    /// Whether the invite can be honoured as things are now.
    fn may_claim(&mut self, invite: &InviteRecord, name: &BotId) -> Result<(), ErrorFrame> {
        if self.draining {
            return Err(ErrorFrame::new(Code::ShuttingDown));
        }
        let is_operator = self.registry.is_operator(&invite.by);
        let is_there = is_operator || self.registry.origin(&invite.by).is_some();
        let rights = (&invite.rooms[..], invite.rights);
        let may = self.hub.may_invite(&invite.by, is_operator, rights.0, rights.1);
        if !is_there || may.is_err() {
            return Err(ErrorFrame::new(Code::NoRight)
                .message("whoever made this invite may not invite any more")
                .hint("ask the operator of the hub for another one"));
        }
        let is_other_name = *name != invite.name;
        let is_reserved = is_other_name && self.invites.expects(name, self.now);
        let is_known = is_other_name && self.hub.is_known(name);
        let is_here = self.registry.is_taken(name) || self.hub.names_a_room(name);
        if is_here || is_known || is_reserved {
            return Err(taken(name).hint("ask for another name: `name`, or bot-hub join --as NAME"));
        }
        if self.former.holds(name) {
            return Err(was_somebodys(name));
        }
        if is_other_name {
            self.must_be_distinct(name)?;
        }
        self.hub.have_space(&invite.rooms)
    }

    fn write_claim(
        &mut self,
        invite: InviteRecord,
        bot: BotRecord,
        secret: Secret,
        base: String,
        reply: oneshot::Sender<Answer>,
    ) {
        let (hash, created_at) = (hash_token(secret.expose()), self.now);
        let token = TokenRecord { bot: bot.bot.clone(), hash, created_at, expires_at: None };
        self.flush_brain();
        self.invites.begin_change(&invite.id);
        self.registry.begin_change(bot.bot.clone());
        let (rooms, rights) = (invite.rooms.clone(), invite.rights);
        self.input(Input::LetIn { bot: bot.bot.clone(), rooms, rights });
        let mut writes = std::mem::take(&mut self.batch);
        let changes = writes.len();
        writes.extend([
            Write::Access(AccessWrite::Bot(bot.clone())),
            Write::Access(AccessWrite::Token(token.clone())),
            Write::Access(AccessWrite::Invite(Box::new(invite.clone()))),
        ]);
        let claim = Claim { changes, invite, bot, token, secret, base, reply };
        self.write(writes, Owner::Claim(Box::new(claim)));
    }

    /// Before the brain hears that the memberships are there: from now on there is such a bot.
    pub(in crate::engine) fn claim_settled(&mut self, claim: &Claim) {
        self.registry.end_change(&claim.bot.bot);
        self.registry.keep(claim.bot.clone());
        self.registry.keep_token(&claim.token);
        self.invites.end_change(&claim.invite.id);
        self.invites.keep(claim.invite.clone());
        let bot = claim.bot.bot.clone();
        // The configuration may have begun to name it meanwhile.
        if !self.registry.is_guest(&bot) {
            self.warn_of_second_owner(&bot);
        }
        self.rejudge([&bot]);
    }

    pub(in crate::engine) fn answer_claim(claim: Claim) {
        let Claim { invite, bot, secret, base, reply, .. } = claim;
        let by = invite.claim.as_ref();
        tracing::info!(
            bot = %bot.bot,
            invite = %invite.id,
            client = by.map_or("", |it| it.client.as_str()),
            address = by.map_or("", |it| it.address.as_str()),
            "a bot came by an invite"
        );
        let body = json!({
            "contract_version": 1,
            "api_base_url": base,
            "ws_url": format!("{}/ws", base.replacen("http", "ws", 1)),
            "token": secret.expose(),
            "bot": { "id": bot.bot },
            "rooms": invite.rooms,
            "can": invite.rights,
            "defaults": {},
        });
        // Whoever hung up has a token that it does not know; the operator sees that it never connects.
        drop(reply.send(Answer::Good(body.to_string())));
    }

    pub(in crate::engine) fn claim_refused(&mut self, claim: Claim, code: Code) {
        self.invites.end_change(&claim.invite.id);
        self.registry.end_change(&claim.bot.bot);
        drop(claim.reply.send(refused(ErrorFrame::new(code).hint("try again in a minute"))));
    }
}

const NAME_HINT: &str = "a name has 1 to 64 of a-z, 0-9, `.`, `_` and `-`, as in `marlbot`";

fn throttled(wait_s: u64) -> HttpError {
    HttpError::new(HttpCode::Throttled, "too many codes were tried that are none")
        .hint(format!("try again in {wait_s} s"))
        .retry_after_s(wait_s)
}

//! Somebody comes by an invite, over HTTP.
//!
//! Owns the token that is made for it, and how a refusal is told. **Invariant:** a claim is answered when bot,
//! token, memberships and the mark that the code is used are committed, in one batch.

use std::net::IpAddr;

use bot_hub_core::access::{Claim, ClaimRefusal, Decision, InviteRecord};
use bot_hub_core::io::Input;
use bot_protocol::secret::Secret;
use serde_json::json;
use tokio::sync::oneshot;

use super::Engine;
use super::accounts::no_randomness;
use super::admit::printable;
use super::credential::{Kind, hash_code, hash_token, make_token};
use super::decided::{Waiter, refused};
use crate::door::code::{HttpCode, HttpError};
use crate::door::{Answer, ClaimWish};

/// What a newcomer is told.
#[derive(Debug)]
pub(super) struct ClaimMade {
    invite: InviteRecord,
    secret: Secret,
    base: String,
}

impl Engine {
    pub(super) fn claim(&mut self, wish: ClaimWish, reply: oneshot::Sender<Answer>) {
        let (Decision { writes, answer: invite }, secret) = match self.decide_claim(&wish) {
            Ok(decided) => decided,
            // The asker may have hung up.
            Err(error) => return drop(reply.send(refused(error))),
        };
        self.flush_brain();
        if let Some(claim) = &invite.claim {
            let (bot, rooms) = (claim.bot.clone(), invite.rooms.clone());
            self.input(Input::LetIn { bot, rooms, rights: invite.rights });
        }
        let made = ClaimMade { invite, secret, base: wish.base };
        self.write_with_brain(writes, Waiter::Claim(reply, Box::new(made)));
    }

    fn decide_claim(
        &mut self,
        wish: &ClaimWish,
    ) -> Result<(Decision<InviteRecord>, Secret), HttpError> {
        let Some(code) = hash_code(wish.code.expose()) else {
            let message =
                "that is no code: a code has 16 letters and digits, as in K7QF-2M9D-XR4T-8W3A";
            let error = HttpError::new(HttpCode::BadCode, message);
            return Err(error.hint("copy it again, or the whole link"));
        };
        let secret = make_token(Kind::Bot).map_err(|error| no_randomness(&error))?;
        let claim = Claim {
            code,
            token: hash_token(secret.expose()),
            name: wish.name.clone(),
            client: printable(&wish.client),
            from: wish.address,
        };
        let decision = self.access.claim(claim, &mut self.hub, self.now);
        let decision = decision.map_err(|refusal| turned_away(refusal, wish.address))?;
        Ok((decision, secret))
    }

    pub(super) fn answer_claim(&self, reply: oneshot::Sender<Answer>, made: ClaimMade) {
        let ClaimMade { invite, secret, base } = made;
        let Some(claim) = &invite.claim else { return };
        // The configuration may have begun to name it meanwhile.
        if !self.access.registry().is_guest(&claim.bot) {
            self.warn_of_second_owner(&claim.bot);
        }
        tracing::info!(
            bot = %claim.bot,
            invite = %invite.id,
            client = %claim.client,
            address = %claim.address,
            "a bot came by an invite"
        );
        let body = json!({
            "contract_version": 1,
            "api_base_url": base,
            "ws_url": format!("{}/ws", base.replacen("http", "ws", 1)),
            "token": secret.expose(),
            "bot": { "id": claim.bot },
            "rooms": invite.rooms,
            "can": invite.rights,
            "defaults": {},
        });
        // A newcomer that hung up has a token that it does not know; the operator sees that it never connects.
        drop(reply.send(Answer::Good(body.to_string())));
    }
}

const NAME_HINT: &str = "a name has 1 to 64 of a-z, 0-9, `.`, `_` and `-`, as in `marlbot`";

const NEW_CODE_HINT: &str = "ask whoever invited you for a new one";

/// A refusal as HTTP says it.
fn turned_away(refusal: ClaimRefusal, from: IpAddr) -> HttpError {
    let (code, message) = match refusal {
        ClaimRefusal::Refused(error) => return error.into(),
        ClaimRefusal::Throttled(wait_ms) => return throttled(wait_ms.div_ceil(1_000)),
        ClaimRefusal::BadName(message) => {
            return HttpError::new(HttpCode::BadName, message).hint(NAME_HINT);
        }
        ClaimRefusal::Busy => {
            let message = "somebody is claiming or revoking that code just now";
            let error = HttpError::new(HttpCode::Busy, message).hint("try again in 1 s");
            return error.retry_after_s(1);
        }
        ClaimRefusal::Unknown => {
            tracing::warn!(address = %from, "somebody tried a code that is none");
            (HttpCode::UnknownCode, "nobody made that code")
        }
        ClaimRefusal::Used => {
            (HttpCode::UsedCode, "that code was used: it is good for one bot, once")
        }
        ClaimRefusal::Expired => (HttpCode::ExpiredCode, "that code has expired"),
        ClaimRefusal::Revoked => (HttpCode::RevokedCode, "that code was revoked"),
    };
    HttpError::new(code, message).hint(NEW_CODE_HINT)
}

fn throttled(wait_s: u64) -> HttpError {
    HttpError::new(HttpCode::Throttled, "too many codes were tried that are none")
        .hint(format!("try again in {wait_s} s"))
        .retry_after_s(wait_s)
}

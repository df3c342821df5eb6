//! What the HTTP endpoints say about the hub.
//!
//! Owns the contents of `/readyz`, `/healthz`, `/version` and `/metrics`, and who may see them.

use std::net::IpAddr;

use bot_hub_core::access::Refusal;
use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::secret::Secret;
use serde_json::json;
use tokio::sync::oneshot;

use super::Engine;
use super::admit::presented;
use super::decided::{ReplyTo, refused};
use super::encode::Form;
use super::metrics::Now;
use crate::door::code::{HttpCode, HttpError};
use crate::door::{Answer, Ask, Asker, InviteCall, Question};

impl Engine {
    pub(super) fn answer(&mut self, ask: Ask) {
        let answer = match ask.what {
            Question::Claim(wish) => return self.claim(*wish, ask.reply),
            Question::Invite(token, address, call) => {
                return self.call_with_token(&token, address, call, ask.reply);
            }
            Question::Ready => self.ready(),
            Question::Health => self.health(),
            Question::Version => {
                Answer::Good(json!({ "name": "bot-hub", "version": self.version }).to_string())
            }
            Question::Metrics if !self.may_measure(&ask.asker) => Answer::Denied,
            Question::Metrics => Answer::Good(self.measure()),
        };
        // The asker may have hung up; then nobody misses the answer.
        drop(ask.reply.send(answer));
    }

    fn measure(&self) -> String {
        let mut connections = [0; 3];
        let mut outbox_bytes = [0, 0];
        for peer in self.peers.values() {
            let queued = peer.outbox.len() as u64;
            outbox_bytes = [outbox_bytes[0] + queued, outbox_bytes[1].max(queued)];
            match &peer.known {
                Some(known) if !known.reads => connections[2] += 1,
                Some(known) if known.form == Form::Seed => connections[1] += 1,
                Some(_) => connections[0] += 1,
                None => {}
            }
        }
        let (hub, version, draining) = (&self.hub, self.version.as_str(), self.draining);
        let mut surroundings = (self.surroundings)();
        surroundings.transactions = Some(self.driver.transactions());
        let age_waits = self.age_waits;
        let now =
            Now { hub, version, connections, outbox_bytes, draining, age_waits, surroundings };
        self.metrics.render(&now)
    }

    /// Invites are for bots, and a bot is who has its token: on this machine, too.
    fn call_with_token(
        &mut self,
        token: &Secret,
        address: IpAddr,
        call: InviteCall,
        reply: oneshot::Sender<Answer>,
    ) {
        match self.access.authenticate(presented(token), address, self.now) {
            Ok(pass) => {
                self.begin_act_over_http(call.act(), &pass.bot, address);
                self.call_invites(pass.bot, call, ReplyTo::Http(reply));
                self.end_act();
            }
            Err(refusal) => {
                self.metrics.auth_failures += 1;
                drop(reply.send(refused(turned_away(&refusal))));
            }
        }
    }

    fn ready(&self) -> Answer {
        if self.draining {
            return Answer::Bad("draining".to_owned());
        }
        if self.metrics.store_is_full {
            return Answer::Bad(
                "the store is full: messages are refused until there is space".into(),
            );
        }
        if self.reserve.is_reached() {
            return Answer::Bad(
                "the disk is nearly full: messages are refused until there is space".into(),
            );
        }
        if self.hub.declaring() > 0 {
            return Answer::Bad("not all that the configuration declares is stored yet".into());
        }
        Answer::Good("ready".to_owned())
    }

    fn health(&self) -> Answer {
        let gauges = self.hub.gauges();
        let ready = self.ready();
        let (good, detail) = match &ready {
            Answer::Good(detail) => (true, detail.as_str()),
            Answer::Bad(detail) => (false, detail.as_str()),
            Answer::Denied | Answer::Refused(_) => (false, "denied"),
        };
        let body = json!({
            "ok": good,
            "detail": detail,
            "version": self.version,
            "connections": gauges.connections,
            "rooms": gauges.rooms,
            "waiting": gauges.waiting,
            "oldest_waiting_ms": gauges.oldest_waiting_ms,
            "refused_changes": gauges.refused_changes,
        })
        .to_string();
        if good { Answer::Good(body) } else { Answer::Bad(body) }
    }

    /// Somebody on this machine, or an operator from elsewhere. A wrong token counts as a failed
    /// authentication, so that this is no place to guess at leisure.
    fn may_measure(&mut self, asker: &Asker) -> bool {
        let now = self.now;
        match asker {
            Asker::Local => true,
            Asker::Remote(_, None) => false,
            Asker::Remote(address, Some(token)) => self
                .access
                .authenticate(presented(token), *address, now)
                .is_ok_and(|pass| self.access.registry().is_operator(&pass.bot)),
        }
    }
}

fn turned_away(refusal: &Refusal) -> HttpError {
    match refusal {
        Refusal::Throttled(wait_ms) => {
            let wait_s = wait_ms.div_ceil(1_000);
            HttpError::new(HttpCode::Throttled, "too many wrong tokens from there")
                .hint(format!("try again in {wait_s} s"))
                .retry_after_s(wait_s)
        }
        Refusal::Disabled => {
            ErrorFrame::new(Code::BotDisabled).message("this bot has been disabled").into()
        }
        Refusal::Unknown => ErrorFrame::new(Code::BadToken)
            .message("the token is not accepted")
            .hint("copy the whole token; for another one, ask whoever runs the hub")
            .into(),
    }
}

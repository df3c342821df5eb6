//! Who comes in, and what they are told if they may not.

use bot_hub_core::access::{Pass, Presented, Refusal, Strength};
use bot_hub_core::io::{Caps, Hello, Input};
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::Auth;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use smol_str::SmolStr;

use super::credential::{hash_token, is_mistyped};
use super::encode::Form;
use super::{Engine, Known};
use crate::config::is_weak;
use crate::door::ConnId;
use crate::door::ws::CloseCode;

impl Engine {
    pub(super) fn authenticate(&mut self, conn: ConnId, auth: Auth) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let bearer = peer.bearer.take();
        let entered = match &auth.token {
            Some(token) => self.enter(conn, token),
            // What was good when the socket was opened may have ended since.
            None => bearer.filter(|pass| self.access.registry().is_good(pass, self.now)),
        };
        let Some(pass) = entered else {
            if auth.token.is_none() {
                let error = ErrorFrame::new(Code::BadFrame).message("`auth` without a token");
                self.send(conn, &ServerFrame::Error(error.about("auth")));
            }
            return;
        };
        self.admit(conn, pass, auth);
    }

    /// The upgrade request carried a token. The connection's first frames wait for the verdict.
    pub(super) fn present_bearer(&mut self, conn: ConnId, token: &Secret) {
        let pass = self.enter(conn, token);
        if let Some(pass) = &pass {
            self.bill(conn, &pass.bot);
        }
        if let Some(peer) = self.peers.get_mut(&conn).filter(|_| pass.is_some()) {
            peer.bearer = pass;
            peer.outbox.vouch();
        }
    }

    /// Whose token it is; whoever has none is told so and turned away.
    pub(super) fn enter(&mut self, conn: ConnId, token: &Secret) -> Option<Pass> {
        let now = self.now;
        let address = self.peers.get(&conn)?.address;
        let entered = self.access.authenticate(presented(token), address, now);
        entered.map_err(|refusal| self.turn_away(conn, token, &refusal)).ok()
    }

    pub(super) fn admit(&mut self, conn: ConnId, pass: Pass, auth: Auth) {
        let bot = pass.bot.clone();
        let wished = auth.caps.iter().flatten().map(SmolStr::as_str);
        let caps = Caps::grant(wished);
        let plain = auth.caps.is_none() && auth.client.is_none() && auth.resume.is_none();
        let operator = self.access.registry().is_operator(&bot);
        if auth.side && !self.may_stand_aside(conn, &bot, operator) {
            return;
        }
        let form = Form::of(plain, caps);
        let client = auth.client.as_deref().map(printable);
        let shown = client.as_deref().unwrap_or("-");
        tracing::info!(%bot, client = shown, side = auth.side, "a bot connected");
        if let Some(peer) = self.peers.get_mut(&conn) {
            let reads = !auth.side;
            peer.known = Some(Known { pass, client, form, reads });
            peer.outbox.authenticate();
        }
        self.bill(conn, &bot);
        // Not only when it goes: after a crash of the hub it was here all the same.
        self.note_seen(&bot, !auth.side);
        let resume = auth.resume;
        let hello = Hello { bot, operator, plain, side: auth.side, caps, resume };
        self.input(Input::Opened { conn, hello });
    }

    /// A bot has so many side connections and no more, or one token could lock everybody out. An operator
    /// on this machine is not bound: that is how a hub gets repaired.
    fn may_stand_aside(&mut self, conn: ConnId, bot: &BotId, operator: bool) -> bool {
        let is_local = self.peers.get(&conn).is_some_and(|peer| peer.address.is_loopback());
        let Err(sides_max) = self.hub.has_side_space(bot) else { return true };
        if operator && is_local {
            return true;
        }
        tracing::warn!(%bot, sides_max, "a side connection was refused: the bot has as many as it may");
        let error = ErrorFrame::new(Code::TooManyConnections)
            .message(format!("`{bot}` has {sides_max} side connections, as many as it may"))
            .hint("close those that nobody needs; an operator can raise `limits.sideConnectionsPerBot`");
        self.send(conn, &ServerFrame::Error(error.about("auth")));
        if let Some(peer) = self.peers.get(&conn) {
            peer.outbox.close(CloseCode::TRY_LATER, "too many side connections");
        }
        false
    }

    fn turn_away(&mut self, conn: ConnId, token: &Secret, refusal: &Refusal) {
        self.metrics.auth_failures += 1;
        let (error, close) = match refusal {
            Refusal::Unknown if is_mistyped(token.expose()) => {
                let error = ErrorFrame::new(Code::BadToken)
                    .message("the token is mistyped, or a part of it is missing")
                    .hint("copy it again, from its prefix `bh_` to its end");
                (error, CloseCode::BAD_TOKEN)
            }
            Refusal::Unknown => {
                let hint = "ask whoever runs the hub for a token: an operator can run: bot-hub bot add NAME";
                (ErrorFrame::new(Code::BadToken).hint(hint), CloseCode::BAD_TOKEN)
            }
            Refusal::Disabled => (ErrorFrame::new(Code::BotDisabled), CloseCode::BAD_TOKEN),
            Refusal::Throttled(wait_ms) => {
                let mut error = ErrorFrame::new(Code::AuthThrottled);
                error.retry_after_ms = Some(*wait_ms);
                (error, CloseCode::THROTTLED)
            }
        };
        let Some(peer) = self.peers.get(&conn) else { return };
        tracing::warn!(address = %peer.address, why = %error.name, "authentication refused");
        self.send(conn, &ServerFrame::Error(error.about("auth")));
        if let Some(peer) = self.peers.get(&conn) {
            peer.outbox.close(close, "authentication refused");
        }
    }
}

/// A token as the rules about access judge it.
#[must_use]
pub fn presented(token: &Secret) -> Presented {
    let strength = if is_weak(token.expose()) { Strength::Guessable } else { Strength::Strong };
    Presented { hash: hash_token(token.expose()), strength }
}

/// What a client may call itself, in characters: enough for two programs with their versions.
const CLIENT_CHARS_MAX: usize = 80;

/// What a client calls itself, as it can be kept and shown on any screen and in any log.
pub(super) fn printable(client: &str) -> SmolStr {
    let shown = client.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    shown.take(CLIENT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_cut_and_holds_nothing_that_a_screen_obeys() {
        let check = |client: &str, shown: &str| assert_eq!(printable(client), shown, "{client:?}");
        check("openclaw/2026.9.6 bot-hub/0.1.0", "openclaw/2026.9.6 bot-hub/0.1.0");
        check("a\u{1b}[31mb\nc\u{202e}d", "a[31mbcd");
        check(&"x".repeat(100), &"x".repeat(80));
        check("", "");
    }
}

//! Operations about invites, over both ways that bots have: frames and HTTP.
//!
//! Owns the codes that are made: one leaves the hub once, in the answer to the bot that asked for it, and goes to
//! the rules of `access` as a hash. Decides nothing: the rules do.

#[cfg(test)]
mod tests;

use bot_hub_core::access::{Decision, Invited};
use bot_hub_core::io::Input;
use bot_protocol::frame::answer::{Answer, InviteMade};
use bot_protocol::frame::operator::{InviteWish, Operate, Operation};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;

use super::Engine;
use super::accounts::no_randomness;
use super::credential::{hash_code, make_code, scannable};
use super::decided::ReplyTo;
use crate::door::{ConnId, InviteCall};

/// Whether an operation is answered here and not by the brain.
pub(super) fn concerns_invites(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::InviteCreate(_) | Operation::InviteList(_) | Operation::InviteRevoke { .. }
    )
}

impl Engine {
    pub(super) fn operate_invites(&mut self, conn: ConnId, request: Operate) {
        let Some(bot) = self.bot_of(conn) else { return };
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
        let decision = match call {
            InviteCall::List(page) => {
                let list = self.access.list_invites(&bot, &page, self.now);
                return self.reply(to, Ok(list.into()));
            }
            InviteCall::Create(wish) => self.make_invite(bot, wish),
            InviteCall::Revoke(id) => {
                let decision = self.access.revoke_invite(&bot, &id, self.now);
                decision.map(|decision| decision.map(Into::into))
            }
        };
        match decision {
            Ok(decision) => self.decided(to, decision),
            Err(error) => self.reply(to, Err(error)),
        }
    }

    fn make_invite(&mut self, by: BotId, wish: InviteWish) -> Result<Decision<Answer>, ErrorFrame> {
        let code = make_code().map_err(|error| no_randomness(&error))?;
        let hash = hash_code(code.expose()).expect("the code was made for it");
        let decision = self.access.invite(by, wish, hash, &mut self.hub, self.now)?;
        for room in decision.answer.rooms_made.clone() {
            // A bot that is invited somewhere expects a closed company.
            self.input(Input::RoomNeeded { room, closed: true });
        }
        let public_url = self.public_url.clone();
        Ok(decision.map(|Invited { invite, rooms_made, bots }| {
            let made = InviteMade {
                id: invite.id,
                secret: Some(scannable(&code)),
                code,
                name: invite.name,
                rooms: invite.rooms,
                rooms_made,
                can: invite.rights.into(),
                bots,
                expires_at: invite.expires_at,
                public_url,
            };
            made.into()
        }))
    }
}

//! Somebody comes by an invite.
//!
//! Owns the way from a code to a bot with a token. What is refused leaves the code as it was.

use core::net::IpAddr;

use bot_protocol::code::Code;
use bot_protocol::frame::answer::InviteState;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use super::names::taken;
use super::{
    Access, AccessWrite, BotRecord, ClaimRecord, Decision, InviteRecord, Rooms, SecretHash,
    TokenRecord,
};

/// What somebody has who comes.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The hash of the code.
    pub code: SecretHash,
    /// The hash of the token that it gets.
    pub token: SecretHash,
    /// What it wants to be called; otherwise what the invite says.
    pub name: Option<String>,
    /// Name and version of its program.
    pub client: SmolStr,
    /// From where.
    pub from: IpAddr,
}

/// Why nobody comes by a code.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimRefusal {
    /// Nobody made that code.
    Unknown,
    /// Too many wrong codes; not before so many milliseconds.
    Throttled(u64),
    /// Somebody is claiming or revoking it just now.
    Busy,
    /// Somebody came by it.
    Used,
    /// It was good for so long and no longer.
    Expired,
    /// It was taken back.
    Revoked,
    /// The name that was wished is none, for that reason.
    BadName(String),
    /// The invite is good, and cannot be honoured as things are now.
    Refused(ErrorFrame),
}

impl Access {
    /// Honours an invite, or not. The answer is the invite as it is then.
    pub fn claim(
        &mut self,
        claim: Claim,
        rooms: &mut impl Rooms,
        now: Timestamp,
    ) -> Result<Decision<InviteRecord>, ClaimRefusal> {
        let invite = self.open_invite(&claim, now)?;
        let name = match &claim.name {
            Some(name) => BotId::new(name).map_err(|error| {
                ClaimRefusal::BadName(format!("`{name:.64}` is no name: {error}"))
            })?,
            None => invite.name.clone(),
        };
        self.may_claim(&invite, &name, rooms, now).map_err(ClaimRefusal::Refused)?;
        let bot = BotRecord { guest: true, ..BotRecord::new(name.clone(), now) };
        let token = claim.token;
        let token =
            TokenRecord { bot: name.clone(), hash: token, created_at: now, expires_at: None };
        let address = SmolStr::new(claim.from.to_canonical().to_string());
        let record = ClaimRecord { at: now, bot: name, client: claim.client, address };
        let invite = InviteRecord { claim: Some(record), ..invite };
        let used = AccessWrite::Invite(Box::new(invite.clone()));
        Ok(self.decide(vec![AccessWrite::Bot(bot), AccessWrite::Token(token), used], invite))
    }

    fn open_invite(&mut self, claim: &Claim, now: Timestamp) -> Result<InviteRecord, ClaimRefusal> {
        let Some(invite) = self.invites.find(&claim.code) else {
            // Only wrong codes meet the rate limit: the holder of a good one does not wait because others
            // behind the same address guess.
            if let Some(wait_ms) = self.invites.guesses.wait(claim.from, now) {
                return Err(ClaimRefusal::Throttled(wait_ms));
            }
            self.invites.guesses.failed(claim.from, now);
            return Err(ClaimRefusal::Unknown);
        };
        match super::invites::state(invite, now) {
            InviteState::Open if self.invites.is_changing(&invite.id) => Err(ClaimRefusal::Busy),
            InviteState::Open => Ok(invite.clone()),
            InviteState::Used => Err(ClaimRefusal::Used),
            InviteState::Expired => Err(ClaimRefusal::Expired),
            InviteState::Revoked => Err(ClaimRefusal::Revoked),
        }
    }

    /// Whether the invite can be honoured as things are now.
    fn may_claim(
        &self,
        invite: &InviteRecord,
        name: &BotId,
        rooms: &mut impl Rooms,
        now: Timestamp,
    ) -> Result<(), ErrorFrame> {
        rooms.take_newcomers()?;
        let is_operator = self.registry.is_operator(&invite.by);
        let is_there = is_operator || self.registry.origin(&invite.by).is_some();
        let may = rooms.may_invite(&invite.by, is_operator, &invite.rooms, invite.rights);
        if !is_there || may.is_err() {
            return Err(ErrorFrame::new(Code::NoRight)
                .message("the bot that made this invite may not invite any more")
                .hint("ask the operator of the hub for another one"));
        }
        let is_other_name = *name != invite.name;
        let is_reserved = is_other_name && self.invites.expects(name, now);
        let is_known = is_other_name && rooms.is_known(name);
        let is_here = self.registry.is_taken(name) || rooms.names_a_room(name);
        if is_here || is_known || is_reserved {
            return Err(taken(name).hint("ask for another name: `name`, or bot-hub join --as NAME"));
        }
        self.must_have_no_past(name)?;
        if is_other_name {
            self.must_be_distinct(name)?;
        }
        rooms.have_space(&invite.rooms)
    }
}

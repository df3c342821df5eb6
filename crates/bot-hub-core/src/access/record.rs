//! Bots, tokens and invites as they are stored, and every write that concerns them.
//!
//! Owns the vocabulary: what a store keeps of access, and what may be done to it. Holds hashes, and never a
//! token or a code.

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

/// SHA-256 of a token or a code.
pub type SecretHash = [u8; 32];

/// How long a token that was prepared waits to be kept.
pub(super) const PREPARED_MS: u64 = 5 * 60_000;

/// A bot as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotRecord {
    /// Its name.
    pub bot: BotId,
    /// Whether it may operate the hub.
    pub operator: bool,
    /// Whether its tokens are refused.
    pub disabled: bool,
    /// Whether it came by an invite, and is confined to the rooms that it was let into.
    pub guest: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last connected.
    pub last_seen: Option<Timestamp>,
}

impl BotRecord {
    /// A bot that is new: no operator, no guest, and never seen.
    #[must_use]
    pub const fn new(bot: BotId, created_at: Timestamp) -> Self {
        let (operator, disabled, guest, last_seen) = (false, false, false, None);
        Self { bot, operator, disabled, guest, created_at, last_seen }
    }
}

/// A token as it is stored: only its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Whose it is.
    pub bot: BotId,
    /// Its hash.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it ends because nobody has kept it yet. The record alone says so, so that it is
    /// known after a start, too.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.expires_at == Some(self.created_at + PREPARED_MS)
    }

    /// It is worth nothing from then on, unless it ends sooner anyway.
    pub fn end_at(&mut self, at: Timestamp) {
        self.expires_at = Some(self.expires_at.map_or(at, |sooner| sooner.min(at)));
    }
}

/// An invite as it is stored: only the hash of its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRecord {
    /// By which people name it; no secret.
    pub id: SmolStr,
    /// The hash of its code.
    pub hash: SecretHash,
    /// What the bot that comes by it is called, unless it asks for another name.
    pub name: BotId,
    /// Where it becomes a member.
    pub rooms: Vec<RoomName>,
    /// What it may do there.
    pub rights: Rights,
    /// Who made it.
    pub by: BotId,
    /// When.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Who came by it.
    pub claim: Option<ClaimRecord>,
}

/// Who came by an invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRecord {
    /// When.
    pub at: Timestamp,
    /// The bot that it became.
    pub bot: BotId,
    /// Name and version of its program, as it said.
    pub client: SmolStr,
    /// Where it came from.
    pub address: SmolStr,
}

/// One write about who may come in. All that an operation does is here: a hub that applies the same writes
/// in the same order knows the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessWrite {
    /// Make a bot, or replace all that is stored of it.
    Bot(BotRecord),
    /// Forget a bot, its tokens and memberships. What it said stays, and until when there was one of its
    /// name.
    ForgetBot(BotId, Timestamp),
    /// Accept another token.
    Token(TokenRecord),
    /// Forget every token of a bot.
    RevokeTokens(BotId),
    /// Every token of a bot is worth nothing from then on, unless it ends sooner anyway.
    ExpireTokens(BotId, Timestamp),
    /// Forget one token.
    ForgetToken(SecretHash),
    /// Make an invite, or replace all that is stored of it.
    Invite(Box<InviteRecord>),
    /// Forget an invite.
    ForgetInvite(SmolStr),
    /// When a bot was last connected. Does nothing for one that is not stored.
    Seen(BotId, Timestamp),
}

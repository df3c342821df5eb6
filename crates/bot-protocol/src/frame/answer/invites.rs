//! Answers about invites.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::name::{BotId, RoomName};
use crate::right::Granted;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::word::{Open, words};

/// An invite was made. This is the only time that its code leaves the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteMade {
    /// Whom the invited agent comes to talk with.
    #[serde(default)]
    pub bots: Vec<BotId>,
    /// What the bot that comes by it may do in the rooms.
    pub can: Granted,
    /// The code, as people type it.
    pub code: Secret,
    /// When the code ends.
    pub expires_at: Timestamp,
    /// What `invite_revoke` names it by. It is no secret.
    pub id: SmolStr,
    /// What the bot that comes by it is called, unless it asks for another name.
    pub name: BotId,
    /// The address of the hub as others see it, if the configuration says one.
    pub public_url: Option<String>,
    /// Where the bot becomes a member.
    pub rooms: Vec<RoomName>,
    /// The rooms among them that were made for it, closed.
    #[serde(default)]
    pub rooms_made: Vec<RoomName>,
    /// The code in the form that is recognised where secrets are searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// A page of invites, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteList {
    /// The invites.
    pub invites: Vec<InviteLine>,
    /// There is more: the same request with this as `after` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SmolStr>,
}

/// One invite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteLine {
    /// Who made it.
    pub by: BotId,
    /// What the bot that comes by it may do in the rooms.
    pub can: Granted,
    /// Who came by it; `null` if nobody did.
    pub claim: Option<ClaimLine>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When its code ends.
    pub expires_at: Timestamp,
    /// What `invite_revoke` names it by.
    pub id: SmolStr,
    /// What the bot that comes by it is called, unless it asks for another name.
    pub name: BotId,
    /// Where the bot becomes a member.
    pub rooms: Vec<RoomName>,
    /// How it stands.
    pub state: Open<InviteState>,
}

/// Who came by an invite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimLine {
    /// From which address; `null` where the asker is no operator.
    pub address: Option<SmolStr>,
    /// When.
    pub at: Timestamp,
    /// What it is called.
    pub bot: BotId,
    /// Its program, as that named itself; it may be empty.
    pub client: SmolStr,
}

words! {
    /// How an invite stands.
    pub enum InviteState {
        /// Somebody may still come by it.
        Open = "open",
        /// Somebody came by it.
        Used = "used",
        /// Its time is over.
        Expired = "expired",
        /// Somebody revoked it.
        Revoked = "revoked",
    }
}

/// An invite is revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteRevoked {
    /// Which one.
    pub id: SmolStr,
    /// Always true.
    pub revoked: bool,
}

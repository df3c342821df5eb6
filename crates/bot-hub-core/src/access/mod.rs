//! Who may come in: the vocabulary.

mod record;

pub use self::record::{
    AccessWrite, BotRecord, ClaimRecord, InviteRecord, SecretHash, TokenRecord,
};

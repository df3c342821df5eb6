//! Every refusal that the hub can send: its number, name, retry class and sentence.
//!
//! Owns the one table of codes; `docs/errors.md` explains each and a test holds the two together.
//! Numbers and names are never reused. Ranges: 1xxx protocol, 2xxx identity, 3xxx target, 4xxx
//! policy, 5xxx hub.

use crate::word::words;

words! {
    /// Whether and when the same request may be tried again.
    pub enum Retry {
        /// The same request will always fail.
        Never = "never",
        /// The same request may succeed later, unchanged.
        Later = "later",
        /// Something has to be changed first: the request, the configuration, a membership.
        AfterFix = "after_fix",
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $retry:ident, $sentence:literal;)*) => {
        /// Why the hub refuses something.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether trying again makes sense.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }

            /// What happened, in one sentence without a full stop.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

codes! {
    /// Not JSON, or not an object.
    BadJson = 1001, "bad_json", AfterFix, "the frame is not a JSON object";
    /// A `type` that this hub does not know.
    UnknownType = 1002, "unknown_type", AfterFix, "this hub knows no frame of that type";
    /// A bound on bytes was exceeded.
    TooLarge = 1003, "too_large", AfterFix, "the frame or one of its fields is too large";
    /// A field is missing or has the wrong shape.
    BadFrame = 1004, "bad_frame", AfterFix, "a field of the frame is missing or has the wrong shape";
    /// Nested deeper than `limits.json_depth`.
    TooDeep = 1005, "too_deep", AfterFix, "the frame is nested too deeply";

    /// The token belongs to nobody.
    BadToken = 2001, "bad_token", AfterFix, "the token is not known to this hub";
    /// The first frame was not `auth`.
    NotAuthenticated = 2002, "not_authenticated", AfterFix, "authenticate before anything else";
    /// The bot lacks the right.
    NotAllowed = 2003, "not_allowed", AfterFix, "this bot may not do that";
    /// Too many wrong tokens from one address.
    AuthThrottled = 2005, "auth_throttled", Later, "too many failed authentications from this address";
    /// The bot was switched off by an operator.
    BotDisabled = 2006, "bot_disabled", AfterFix, "this bot has been disabled by an operator";
    /// A second `auth` on one connection.
    AlreadyAuthenticated = 2007, "already_authenticated", Never, "this connection is authenticated already";
    /// The bot has as many side connections as it may have.
    TooManyConnections = 2008, "too_many_connections", Later, "this bot has as many side connections as it may have";

    /// No room has that name.
    NoSuchRoom = 3001, "no_such_room", AfterFix, "there is no such room";
    /// No bot has that name.
    NoSuchBot = 3002, "no_such_bot", AfterFix, "there is no such bot";
    /// The sender is not in the room.
    NotAMember = 3003, "not_a_member", AfterFix, "this bot is not a member of the room";
    /// A bot's name where a room's belongs, or the other way round.
    WrongKind = 3004, "wrong_kind", AfterFix, "the name belongs to the other kind of target";
    /// The id names no message of this sender, or not one that is still kept.
    NoSuchMessage = 3005, "no_such_message", Never, "no message with that id is kept here";
    /// The id names messages of more than one sender.
    AmbiguousId = 3006, "ambiguous_id", AfterFix, "more than one message that this bot was handed has that id";

    /// The same id was used for another message.
    IdConflict = 4001, "id_conflict", AfterFix, "that id already names a message with other contents";
    /// The bot is in as many rooms as it may be.
    TooManyRooms = 4002, "too_many_rooms", AfterFix, "this bot is in as many rooms as it may be";
    /// The room has as many members as it may have.
    RoomFull = 4003, "room_full", AfterFix, "the room has as many members as it may have";
    /// `expires_at` lies in the past.
    Expired = 4004, "expired", Never, "the message had expired before it arrived";
    /// The room admits only those whom an operator adds.
    RoomClosed = 4005, "room_closed", AfterFix, "the room is closed: an operator has to add this bot";

    /// A member without the right for it.
    NoRight = 4006, "no_right", AfterFix, "this bot lacks the right to do that there";
    /// A guest, beyond the rooms that it was let into.
    NotInvited = 4007, "not_invited", AfterFix, "this bot is a guest: it has no business there";
    /// The invite's code leads nowhere, or is worth nothing any more.
    NoSuchInvite = 4008, "no_such_invite", AfterFix, "there is no such invite";
    /// The name is not to be had.
    NameTaken = 4009, "name_taken", AfterFix, "that name is taken";
    /// As many invites are open as there may be.
    TooManyInvites = 4010, "too_many_invites", AfterFix, "as many invites are open as there may be";
    /// An operator paused the bot there: it may not speak either.
    Paused = 4011, "paused", AfterFix, "an operator has paused this bot there";
    /// The bot has said as much as it may within a day.
    OverQuota = 4017, "over_quota", Later, "this bot has said as much as it may within a day";

    /// More work is waiting than the hub accepts.
    Overloaded = 5001, "overloaded", Later, "the hub has more work waiting than it accepts";
    /// No space left; nothing was stored.
    StorageFull = 5002, "storage_full", Later, "the hub's disk is full: nothing was stored";
    /// The hub is going down.
    ShuttingDown = 5003, "shutting_down", Later, "the hub is shutting down";
    /// The store failed; nothing was acknowledged.
    StorageFailed = 5004, "storage_failed", Later, "the hub's store failed: nothing was stored";
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_and_names_are_unique_and_ordered() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{:?}", pair[1]);
        }
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}

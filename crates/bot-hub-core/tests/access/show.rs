//! What a transcript shows of writes, answers and bots.

use bot_hub_core::access::{
    AccessWrite, Followed, InviteRecord, Invited, NewToken, Refusal, SecretHash,
};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::time::Timestamp;

use crate::bench::{Bench, NOON};

/// A moment, as seconds after noon.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("+{}s", at.since(NOON) / 1_000)
}

/// The letters that a hash stands for.
pub(crate) fn letters(hash: &SecretHash) -> String {
    let letters = hash.iter().take_while(|byte| **byte != 0);
    letters.map(|byte| char::from(*byte)).collect()
}

pub(crate) fn refused(error: &ErrorFrame) -> String {
    format!("refused, {}: {}", error.name, error.message)
}

pub(crate) fn turned_away(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unknown => "nobody".to_owned(),
        Refusal::Disabled => "disabled".to_owned(),
        Refusal::Throttled(ms) => format!("wait {}s", ms.div_ceil(1_000)),
    }
}

pub(crate) fn write(write: &AccessWrite) -> String {
    match write {
        AccessWrite::Bot(it) => {
            let flags = [(it.operator, "operator"), (it.disabled, "disabled"), (it.guest, "guest")];
            let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name);
            std::iter::once(format!("bot {}", it.bot))
                .chain(flags.map(str::to_owned))
                .collect::<Vec<_>>()
                .join(", ")
        }
        AccessWrite::ForgetBot(bot, at) => format!("forget {bot}, ended {}", moment(*at)),
        AccessWrite::Token(it) => {
            let end = it.expires_at.map_or(String::new(), |at| format!(" until {}", moment(at)));
            format!("token {} of {}{end}", letters(&it.hash), it.bot)
        }
        AccessWrite::RevokeTokens(bot) => format!("revoke the tokens of {bot}"),
        AccessWrite::ExpireTokens(bot, at) => format!("end the tokens of {bot} at {}", moment(*at)),
        AccessWrite::ForgetToken(hash) => format!("forget token {}", letters(hash)),
        AccessWrite::Invite(it) => invite(it),
        AccessWrite::ForgetInvite(id) => format!("forget invite {}", code_of(id)),
        AccessWrite::Seen(bot, at) => format!("seen {bot} {}", moment(*at)),
    }
}

pub(crate) fn invite(it: &InviteRecord) -> String {
    let rooms: Vec<&str> = it.rooms.iter().map(|room| room.as_str()).collect();
    let mut shown =
        format!("invite {} for {} into {}", letters(&it.hash), it.name, rooms.join(","));
    shown += &format!(" by {} until {}", it.by, moment(it.expires_at));
    if let Some(at) = it.revoked_at {
        shown += &format!(", revoked {}", moment(at));
    }
    if let Some(claim) = &it.claim {
        shown += &format!(", used by {} from {} {}", claim.bot, claim.address, moment(claim.at));
    }
    shown
}

/// The code that an invite's name begins with.
fn code_of(id: &str) -> String {
    let digits = id.trim_start_matches("inv_").as_bytes();
    let bytes = digits.chunks(2).filter_map(|pair| {
        u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|byte| *byte != 0)
    });
    bytes.map(char::from).collect()
}

pub(crate) fn invited(it: &Invited) -> String {
    let bots: Vec<&str> = it.bots.iter().map(|bot| bot.as_str()).collect();
    let mut shown = format!("invited to talk with {}", bots.join(","));
    if !it.rooms_made.is_empty() {
        let rooms: Vec<&str> = it.rooms_made.iter().map(|room| room.as_str()).collect();
        shown += &format!(", {} is made", rooms.join(","));
    }
    shown
}

pub(crate) fn new_token(it: &NewToken) -> String {
    let mut shown = format!("a token for {}", it.bot);
    if let Some(at) = it.keep_until {
        shown += &format!(", to be kept until {}", moment(at));
    }
    if let Some(at) = it.old_ends_at {
        shown += &format!(", the others end {}", moment(at));
    }
    shown
}

pub(crate) fn followed(followed: &Followed) -> String {
    match followed {
        Followed::Changed(bot) => format!("{bot} is judged anew"),
        Followed::Gone(bot) => format!("{bot} is gone"),
    }
}

/// A line for every bot.
pub(crate) fn bots(bench: &Bench) -> Vec<String> {
    let registry = bench.access.registry();
    let line = |bot: &_| {
        let standing = registry.standing(bot, bench.now);
        let mut shown = format!("{bot}: {:?}", registry.origin(bot).unwrap());
        for (is_so, word) in [
            (standing.operator, "operator"),
            (standing.guest, "guest"),
            (standing.shut_out, "shut out"),
            (registry.is_changing(bot), "being changed"),
        ] {
            if is_so {
                shown += &format!(", {word}");
            }
        }
        let seen = standing.last_seen.map_or(String::new(), |at| format!(", seen {}", moment(at)));
        format!("{shown}, {} tokens{seen}", registry.token_count(bot))
    };
    registry.names().iter().map(line).collect()
}

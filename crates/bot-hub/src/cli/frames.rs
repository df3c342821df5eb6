//! Hints of the hub, translated from frames into commands.
//!
//! Owns the hints of refusals that a person reads. The hub writes for programs, which send frames; a person
//! types commands. Changes no message.

use bot_protocol::name::BotId;

use super::failure::Failure;
use super::words;

/// The refusal with a hint that names a command.
pub(super) fn in_commands(failure: Failure, me: Option<&BotId>) -> Failure {
    let Some(code) = failure.code.as_deref() else { return failure };
    let hint = failure.hint.as_deref();
    let told = match code {
        "bot_disabled" => Some(enable(me)),
        "not_a_member" => {
            let room_and_me = named(&failure.message).zip(me);
            room_and_me.map(|(room, me)| not_a_member(&words::room(room), me))
        }
        _ => None,
    };
    let told = told.or_else(|| hint.map(translated));
    Failure { hint: told, ..failure }
}

fn enable(me: Option<&BotId>) -> String {
    match me {
        Some(me) => format!("an operator can run: bot-hub bot enable {me}"),
        None => "an operator can run: bot-hub bot enable NAME, unless the configuration file switches its \
                 token off"
            .to_owned(),
    }
}

/// The first name in backticks in a message of the hub.
fn named(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// The command that makes a bot a member of a room; the room is written as it is typed.
pub(super) fn not_a_member(room: &str, me: &BotId) -> String {
    if let Some(pair) = room.strip_prefix("dm:") {
        return match pair.split(':').any(|bot| bot == me.as_str()) {
            true => format!("to be in it again: bot-hub room join '{room}'"),
            false => "a direct conversation has the two bots of its name".to_owned(),
        };
    }
    format!(
        "if it is open: bot-hub room join '{room}'; if not, an operator can run: bot-hub room add '{room}' {me}"
    )
}

/// The command for the frame that a hint names.
fn translated(hint: &str) -> String {
    if let Some(room) = hint.strip_prefix("send {\"type\":\"join\",\"room\":\"") {
        let room = words::room(room.split('"').next().unwrap_or_default());
        return format!(
            "see what there is: bot-hub room list; to make it: bot-hub room join '{room}'"
        );
    }
    match hint {
        "send `rooms` to see yours" => "see yours: bot-hub rooms".to_owned(),
        "send `who` to see the bots that share a room with you" => {
            "see the bots that share a room with you: bot-hub who".to_owned()
        }
        "ask whoever runs the hub; `joined` says what you may do in a room" => {
            "ask whoever runs the hub; what you may do: bot-hub whoami".to_owned()
        }
        other => other
            .replace("`to: ", "`@")
            .replace("`room: ", "`#")
            .replace("did you mean room `", "did you mean `#")
            .replace(", or room `", ", or `#"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_frame_would_do_is_told_as_a_command() {
        let check = |hint: &str, expected: &str| assert_eq!(translated(hint), expected);
        check(
            r#"send {"type":"join","room":"lab"} to make it, or `rooms` to see what there is"#,
            "see what there is: bot-hub room list; to make it: bot-hub room join '#lab'",
        );
        check("did you mean `to: ann`, or room `lab`?", "did you mean `@ann`, or `#lab`?");
        check("did you mean room `lab`?", "did you mean `#lab`?");
        check("did you mean `room: lab`?", "did you mean `#lab`?");
        check("try again in a second", "try again in a second");
    }
}

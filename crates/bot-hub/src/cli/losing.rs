//! What bots lose with a membership, or with a room, as the end of a sentence.
//!
//! Owns this wording. Never asks the hub.

/// The number of dropped messages in words; empty for 0.
pub(super) fn dropped(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 message that waited for it is dropped, and its sender can see that".to_owned(),
        count => {
            format!(
                "; {count} messages that waited for it are dropped, and their senders can see that"
            )
        }
    }
}

/// The number of messages that would be dropped, as the end of a question.
pub(super) fn question(waiting: u64) -> String {
    match waiting {
        0 => " Nothing waits for it there.".to_owned(),
        1 => " 1 message waits for it, and is dropped.".to_owned(),
        count => format!(" {count} messages wait for it, and are dropped."),
    }
}

/// What waits for somebody and goes with its room, as the end of a question. What waits for two counts twice.
pub(super) fn with_a_room(waiting: u64) -> String {
    match waiting {
        0 => " Nothing waits for anybody there.".to_owned(),
        1 => " 1 message waits for somebody there, and is dropped.".to_owned(),
        count => format!(" {count} messages wait for somebody there, and are dropped."),
    }
}

/// The same when it is done; empty for 0.
pub(super) fn dropped_with_a_room(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 message that waited for somebody is dropped, and its sender is told".to_owned(),
        count => format!(
            "; {count} messages that waited for somebody are dropped, and their senders are told"
        ),
    }
}

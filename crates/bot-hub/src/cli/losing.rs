//! What the end of a membership took from a bot, as the end of a sentence.

/// What was dropped; nothing if that is nothing.
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

/// The same before it happens, as the end of a question.
pub(super) fn question(waiting: u64) -> String {
    match waiting {
        0 => " Nothing waits for it there.".to_owned(),
        1 => " 1 message waits for it, and is dropped.".to_owned(),
        count => format!(" {count} messages wait for it, and are dropped."),
    }
}

//! What an operator does, and that it is recorded with its record or not at all.
//!
//! Owns the judgement over batches: an act and its record are in one, whatever happens to the hub and to its
//! disk. `book` owns the promises about messages.

use std::collections::BTreeSet;

use bot_hub_core::change::Change;
use bot_hub_server::acts::line_of;
use bot_hub_store::record::{RecordKind, RecordQuery, RecordWrite};
use bot_hub_store::{AccessWrite, Reader, Write};
use bot_protocol::frame::operator::Operation;
use bot_protocol::name::{BotId, RoomName};

/// Who operates the hub. What it makes is called after it.
pub(crate) const OPERATOR: &str = "ops";

/// What the operator asks for in its `number`th act of a life.
pub(crate) fn operation(life: u64, number: u64, about: BotId) -> (Operation, String) {
    let name = format!("{OPERATOR}-{life}-{number}");
    let operation = match number % 3 {
        0 => Operation::RoomCreate { room: RoomName::new(&name).expect("a name"), closed: true },
        1 => Operation::BotAdd { bot: BotId::new(&name).expect("a name"), operator: false },
        _ => {
            let said = name.parse().expect("a line");
            Operation::BotSet { bot: about, about: Some(said), skills: None }
        }
    };
    (operation, name)
}

/// What is made by acts in a batch, and what is recorded in it, by name.
fn made(write: &Write) -> Option<String> {
    let name = match write {
        Write::Change(Change::CreateRoom { room, .. }) => room.to_string(),
        Write::Access(AccessWrite::Bot(bot)) => bot.bot.to_string(),
        Write::Record(RecordWrite::Put(it)) if *it.kind() == RecordKind::PROFILE => {
            let said: serde_json::Value = serde_json::from_slice(it.value()).ok()?;
            return said["about"].as_str().map(|_| format!("profile of {}", it.key()));
        }
        _ => return None,
    };
    name.starts_with(&format!("{OPERATOR}-")).then_some(name)
}

fn recorded(write: &Write) -> Option<String> {
    let Write::Record(RecordWrite::Put(record)) = write else { return None };
    let line = line_of(record).filter(|_| *record.kind() == RecordKind::AUDIT)?;
    Some(match line.operation.as_str() {
        "room_create" => line.rooms.first()?.to_string(),
        "bot_add" => line.bot?.to_string(),
        _ => format!("profile of {}", line.bot?),
    })
}

/// What is wrong with a batch that the store took.
pub(crate) fn objection(batch: &[Write]) -> Option<String> {
    let made: BTreeSet<String> = batch.iter().filter_map(made).collect();
    let recorded: BTreeSet<String> = batch.iter().filter_map(recorded).collect();
    (made != recorded).then(|| format!("made {made:?}, recorded {recorded:?}"))
}

/// Rooms and bots of which it is recorded that an operator made them.
pub(crate) fn kept(reader: &mut dyn Reader) -> BTreeSet<String> {
    let (mut names, mut next) = (BTreeSet::new(), Some(RecordQuery::all(RecordKind::AUDIT)));
    while let Some(query) = next {
        let page = reader.records(&query).expect("memory can be read");
        let writes = page.records.into_iter().map(|it| Write::Record(RecordWrite::Put(it)));
        names.extend(writes.filter_map(|it| recorded(&it)));
        next = page.next;
    }
    names
}

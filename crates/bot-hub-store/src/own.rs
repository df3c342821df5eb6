//! A bot's own messages directly after its cursor.
//!
//! Owns one correction at the start. Cursors are saved late, so after a kill or in a backup a cursor may
//! lie before messages that the bot sent itself. These must not count as waiting for it. Own messages after
//! another waiting message stay. Never writes.

use std::collections::BTreeMap;

use bot_hub_core::change::{Answer, MemberRecord, Page, Query, Snapshot, Span};
use bot_protocol::name::{BotId, RoomName};

use super::Reader;

/// How many own entries are examined per member, and how many per read.
const OWN_MAX: usize = 4_096;
const PAGE_ENTRIES: u32 = 64;
const PAGE_BYTES: u32 = 1 << 20;

/// Moves each cursor past its bot's own entries.
pub fn pass_own(snapshot: &mut Snapshot, reader: &mut dyn Reader) {
    for record in &mut snapshot.rooms {
        // Most members of a room wait for the same entry, so senders are remembered.
        let mut senders: BTreeMap<u64, Option<BotId>> = BTreeMap::new();
        let (room, head, first) = (&record.room, record.head, record.first);
        let behind = |it: &&mut MemberRecord| it.cursor < head && it.cursor + 1 >= first;
        for member in record.members.iter_mut().filter(behind) {
            let sender = senders.entry(member.cursor).or_insert_with(|| {
                let next = page(reader, room, member.cursor, 1).entries.into_iter().next();
                next.filter(|it| it.seq == member.cursor + 1).map(|it| it.draft.from.clone())
            });
            if sender.as_ref() == Some(&member.bot) {
                pass(member, reader, room, head);
            }
        }
    }
}

fn pass(member: &mut MemberRecord, reader: &mut dyn Reader, room: &RoomName, head: u64) {
    let mut passed = 0;
    while member.cursor < head && passed < OWN_MAX {
        let entries = page(reader, room, member.cursor, PAGE_ENTRIES).entries;
        let own = entries
            .iter()
            .zip(member.cursor + 1..)
            .take_while(|(it, seq)| it.seq == *seq && it.draft.from == member.bot)
            .count();
        member.cursor += own as u64;
        passed += own;
        if let Some(other) = entries.get(own) {
            member.waiting_since = Some(other.draft.sent_at);
            return;
        }
        if own == 0 {
            return;
        }
    }
    if member.cursor >= head {
        member.waiting_since = None;
    }
}

fn page(reader: &mut dyn Reader, room: &RoomName, after: u64, entries_max: u32) -> Page {
    let span = Span::After(after);
    let query = Query::Page { room: room.clone(), span, entries_max, bytes_max: PAGE_BYTES };
    match reader.answer(&query) {
        Answer::Page(page) => page,
        _ => Page::default(),
    }
}

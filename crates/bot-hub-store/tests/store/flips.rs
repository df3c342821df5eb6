//! Single flipped bits anywhere in the database file, and files that end too early: nothing wrong is
//! returned, nothing is missing without a word, and `verify` names it.
//!
//! `BOT_HUB_FLIPS=N` sets how many of each.

use std::path::Path;

use bot_hub_core::change::{Answer, Page, Query, Span};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::record::RecordOrder;
use bot_hub_store::sqlite::{SqliteStore, verify};
use bot_hub_store::{
    AccessWrite, BotRecord, InviteRecord, Loaded, Reader, Store, TokenRecord, Write,
};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

use super::drafts::{BOTS, KINDS, ROOMS, Rng, Work, bot, records, room, rooms};

const FLIPS: u64 = 300;

/// What one flip led to.
#[derive(Debug, Default)]
struct Tally {
    harmless: u64,
    refused: u64,
    withheld: u64,
    other: u64,
}

fn registry() -> Vec<Write> {
    let record = |name: &&str| BotRecord {
        bot: bot(name),
        operator: false,
        disabled: false,
        guest: name.len() == 3,
        created_at: Timestamp(1),
        last_seen: None,
    };
    let token = |name: &&str| TokenRecord {
        bot: bot(name),
        hash: [name.as_bytes()[0]; 32],
        created_at: Timestamp(1),
        expires_at: None,
    };
    let invite = |name: &&str| InviteRecord {
        id: format!("inv_{name}").into(),
        hash: [name.as_bytes()[1]; 32],
        name: bot(name),
        rooms: ROOMS.map(room).to_vec(),
        rights: Rights::USUAL,
        by: bot("ann"),
        created_at: Timestamp(1),
        expires_at: Timestamp(2),
        revoked_at: None,
        claim: None,
    };
    let each = |name| {
        [
            Write::Access(AccessWrite::Bot(record(name))),
            Write::Access(AccessWrite::Token(token(name))),
            Write::Access(AccessWrite::Invite(Box::new(invite(name)))),
        ]
    };
    let mut writes: Vec<Write> = BOTS.iter().flat_map(each).collect();
    writes.push(Write::Access(AccessWrite::ExpireTokens(bot(BOTS[0]), Timestamp(9))));
    writes
}

/// A store with a few hundred entries, closed; and the same in memory.
fn made(directory: &Path) -> MemoryStore {
    let mut store = SqliteStore::open(directory).unwrap();
    let mut model = MemoryStore::new().unwrap();
    let mut work = Work::new(7);
    let batches = [rooms(), registry()].into_iter().chain((0..90).map(|_| work.batch(12)));
    for batch in batches {
        store.commit(&batch).unwrap();
        model.commit(&batch).unwrap();
    }
    model
}

fn page(reader: &mut dyn Reader, name: &str, way: Span) -> Option<Page> {
    let query =
        Query::Page { room: room(name), span: way, entries_max: 10_000, bytes_max: u32::MAX };
    match reader.answer(&query) {
        Answer::Page(page) => Some(page),
        _ => None,
    }
}

/// Whether everything was returned. Panics if something wrong was, or if something is missing that is
/// not named.
fn is_complete(found: &Page, expected: &Page, context: &str) -> bool {
    let mut rest = expected.entries.iter();
    for entry in &found.entries {
        let original = rest.find(|original| original.seq >= entry.seq);
        assert_eq!(Some(entry), original, "{context}: wrong bytes");
    }
    let missing: Vec<_> = expected
        .entries
        .iter()
        .map(|entry| entry.seq)
        .filter(|seq| !found.entries.iter().any(|entry| entry.seq == *seq))
        .collect();
    let unnamed: Vec<_> = missing.iter().filter(|seq| !found.corrupt.contains(seq)).collect();
    assert!(unnamed.is_empty(), "{context}: {unnamed:?} are missing without a word");
    found.corrupt.is_empty()
}

/// What a hub and a person would see of a store with a flipped bit.
fn check(directory: &Path, model: &MemoryStore, expected: &Loaded, context: &str) -> Tally {
    let mut tally = Tally::default();
    // First, since a start mends what it can: a damaged epoch becomes a new one.
    let is_named = verify(directory).map_or(true, |report| !report.damage.is_empty());
    let found = SqliteStore::open(directory).and_then(|mut store| {
        let loaded = store.load()?;
        let reader = store.reader()?;
        Ok((store, loaded, reader))
    });
    let is_noticed = match found {
        Err(_) => {
            tally.refused = 1;
            true
        }
        Ok((_store, mut loaded, mut reader)) => {
            let epoch_is_same = loaded.snapshot.epoch == expected.snapshot.epoch;
            loaded.snapshot.epoch = expected.snapshot.epoch;
            let mut originals = model.reader().unwrap();
            let mut is_whole = true;
            for name in ROOMS {
                // A room whose name is gone is not one that is empty.
                let is_known = loaded.snapshot.rooms.iter().any(|it| it.room == room(name));
                for way in [Span::After(0), Span::Before(u64::MAX)] {
                    let original = page(originals.as_mut(), name, way).unwrap();
                    let found = page(reader.as_mut(), name, way);
                    is_whole &= match found {
                        Some(found) if is_known => is_complete(&found, &original, context),
                        _ => false,
                    };
                }
            }
            for kind in KINDS {
                let original = records(originals.as_mut(), &kind, RecordOrder::Ascending);
                is_whole &= records(reader.as_mut(), &kind, RecordOrder::Ascending) == original;
            }
            tally.withheld = u64::from(!is_whole);
            tally.other = u64::from(is_whole && (loaded != *expected || !epoch_is_same));
            tally.withheld + tally.other > 0
        }
    };
    assert!(!is_noticed || is_named, "{context}: `verify` says nothing");
    tally.harmless = u64::from(!is_noticed);
    tally
}

/// Many small stores that no loss of power threatens: in memory, if the system has a place for that.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Damages a store again and again, each time from the same beginning.
fn damage(name: &str, seed: u64, mut harm: impl FnMut(&mut Rng, &mut Vec<u8>) -> String) {
    let original = scratch();
    let model = made(original.path());
    let bytes = std::fs::read(original.path().join("hub.db")).unwrap();
    let mut store = SqliteStore::open(original.path()).unwrap();
    let expected = store.load().unwrap();
    drop(store);
    assert_eq!(verify(original.path()).unwrap().damage, []);

    let times = std::env::var("BOT_HUB_FLIPS").ok().and_then(|text| text.parse().ok());
    let mut rng = Rng(seed);
    let mut sum = Tally::default();
    for time in 0..times.unwrap_or(FLIPS) {
        let mut damaged = bytes.clone();
        let context = format!("{name} {time}: {}", harm(&mut rng, &mut damaged));
        let directory = scratch();
        std::fs::write(directory.path().join("hub.db"), &damaged).unwrap();
        let tally = check(directory.path(), &model, &expected, &context);
        sum.harmless += tally.harmless;
        sum.refused += tally.refused;
        sum.withheld += tally.withheld;
        sum.other += tally.other;
    }
    println!("{name}, {} bytes: {sum:?}", bytes.len());
}

#[test]
fn a_flipped_bit_is_noticed_named_and_contained() {
    damage("flip", 11, |rng, bytes| {
        let (at, bit) = (rng.below(bytes.len() as u64) as usize, rng.below(8));
        bytes[at] ^= 1 << bit;
        format!("bit {bit} of byte {at} (page {})", at / 4096 + 1)
    });
}

#[test]
fn a_file_that_ends_too_early_is_noticed_named_and_contained() {
    damage("truncation", 12, |rng, bytes| {
        let length = 1 + rng.below(bytes.len() as u64 - 1) as usize;
        bytes.truncate(length);
        format!("to {length} bytes")
    });
}

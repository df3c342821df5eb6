//! A store that an earlier release made, opened by this one.
//!
//! `schema-1.db` was made by the program as it was before there were invites: three bots and one of the
//! configuration, two rooms with members and messages, a disabled bot, a retention of its own. The
//! tokens that were issued then still open the door, which needs only their hashes.
//!
//! What it holds too little of comes from a store of today that is led back, step by step, to each schema
//! that there ever was.

use bot_hub_core::change::Change;
use bot_hub_store::export::{Exported, entries};
use bot_hub_store::sqlite::{SqliteStore, verify};
use bot_hub_store::{
    AccessWrite, BotRecord, ClaimRecord, InviteRecord, Reader, Store, TokenRecord, Write,
};
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::drafts::{Work, bot, compare, model, room, rooms};

/// From the schema with the number of its place plus two to the one before: the opposite of each step,
/// for a store that makes no use of what the step brought.
const BACK: &[&str] = &[
    "
    DROP TABLE invite;
    ALTER TABLE token DROP COLUMN expires_at;
    ALTER TABLE bot DROP COLUMN guest;
    ALTER TABLE member DROP COLUMN rights;
",
    "",
    "DROP INDEX token_bot;",
    "DROP INDEX receipt_ahead;",
    "DROP TABLE record;",
];

const TOKENS: [(&str, &str); 2] = [
    ("bob", "bh_bot_24wsrekqec2eukkbhmtmdgrcp663b7pgufteagbqg5y7sts5wo5"),
    ("cat", "bh_bot_6xczspd5giyoq7kw5cewklazhvjq7qzqzvl2n3ynp5c4myhirpj"),
];

#[test]
fn a_store_of_the_first_schema_is_copied_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.db");
    std::fs::write(&file, include_bytes!("schema-1.db")).unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let loaded = store.load().unwrap();

    let bots: Vec<_> = loaded
        .bots
        .iter()
        .map(|it| (it.bot.as_str(), it.operator, it.disabled, it.guest))
        .collect();
    let expected =
        [("bob", false, false, false), ("cat", true, false, false), ("dan", false, true, false)];
    assert_eq!(bots, expected);
    for (name, token) in TOKENS {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = loaded.tokens.iter().find(|it| it.hash == hash);
        assert_eq!(known.map(|it| (it.bot.as_str(), it.expires_at)), Some((name, None)));
    }
    assert_eq!(loaded.invites, []);
    let members: Vec<_> = loaded.snapshot.rooms.iter().flat_map(|room| &room.members).collect();
    assert_eq!(members.len(), 7);
    assert!(members.iter().all(|member| member.rights == Rights::USUAL));
    let lab = loaded.snapshot.rooms.iter().find(|it| it.room == room("lab")).unwrap();
    assert_eq!((lab.head, lab.closed, lab.retain.is_some()), (2, false, true));

    let rights = Rights::USUAL.with(Right::Invite);
    let grant = Change::Grant { room: room("lab"), bot: bot("bob"), rights };
    store.commit(&[Write::Change(grant)]).unwrap();
    drop(store);
    assert_eq!(verify(directory.path()).unwrap().damage, []);
    assert!(directory.path().join("hub.db.schema-1").exists(), "the copy from before");
    let loaded = SqliteStore::open(directory.path()).unwrap().load().unwrap();
    let lab = loaded.snapshot.rooms.iter().find(|it| it.room == room("lab")).unwrap();
    let bob = lab.members.iter().find(|it| it.bot == bot("bob")).unwrap();
    assert_eq!(bob.rights, rights);
}

/// Everything that was said in a room, as text.
fn said(reader: &mut dyn Reader, name: &str) -> Vec<String> {
    let words = |line| match line {
        Ok(Exported::Entry(it)) => format!("{} {}: {}", it.seq, it.draft.from, it.draft.text),
        other => format!("{other:?}"),
    };
    entries(reader, room(name), 0).map(words).collect()
}

#[test]
fn what_was_said_under_the_first_schema_can_be_read_under_todays() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hub.db"), include_bytes!("schema-1.db")).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let mut reader = store.reader().unwrap();
    assert_eq!(said(reader.as_mut(), "lab"), ["1 bob: one", "2 cat: two"]);
    assert_eq!(said(reader.as_mut(), "dm:ana:bob"), ["1 bob: psst"]);
}

fn accounts() -> [Write; 3] {
    let (created_at, last_seen) = (Timestamp(5), Some(Timestamp(7)));
    let dan = BotRecord {
        bot: bot("dan"),
        operator: true,
        disabled: false,
        guest: false,
        created_at,
        last_seen,
    };
    let eve = BotRecord { bot: bot("eve"), operator: false, disabled: true, ..dan.clone() };
    let token = TokenRecord { bot: bot("dan"), hash: [7; 32], created_at, expires_at: None };
    [
        Write::Access(AccessWrite::Bot(dan)),
        Write::Access(AccessWrite::Bot(eve)),
        Write::Access(AccessWrite::Token(token)),
    ]
}

/// The schema that brought invites, guests, rights and tokens that end; the one of 0.1.0.
const INVITES: u32 = 2;

/// Who was removed and when, what the clock said, and all that the schema has of who may come in.
fn facts(schema: u32) -> Vec<Write> {
    let at = Timestamp;
    let mut facts = vec![
        Write::Access(AccessWrite::ForgetBot(bot("eve"), at(9_000))),
        Write::Access(AccessWrite::Seen(bot("dan"), at(9_500))),
        Write::Clock(at(90_000)),
        Write::AgeWaits(Some(at(91_000))),
    ];
    if schema < INVITES {
        return facts;
    }
    let guest = BotRecord { guest: true, ..BotRecord::new(bot("fern"), at(11)) };
    let (hash, created_at, expires_at) = ([8; 32], at(11), Some(at(100_000)));
    let token = TokenRecord { bot: bot("fern"), hash, created_at, expires_at };
    facts
        .extend([Write::Access(AccessWrite::Bot(guest)), Write::Access(AccessWrite::Token(token))]);
    let open = InviteRecord {
        id: "inv_1".into(),
        hash: [1; 32],
        name: bot("gus"),
        rooms: vec![room("lab")],
        rights: Rights::USUAL.with(Right::Invite),
        by: bot("dan"),
        created_at: at(12),
        expires_at: at(200_000),
        revoked_at: None,
        claim: None,
    };
    let claim = Some(ClaimRecord {
        at: at(13),
        bot: bot("fern"),
        client: "leaf/1".into(),
        address: "192.0.2.1".into(),
    });
    let used = InviteRecord { id: "inv_2".into(), hash: [2; 32], claim, ..open.clone() };
    let revoked_at = Some(at(14));
    let revoked = InviteRecord { id: "inv_3".into(), hash: [3; 32], revoked_at, ..open.clone() };
    let invites = [open, used, revoked].map(Box::new).map(AccessWrite::Invite);
    facts.extend(invites.map(Write::Access));
    facts
}

fn schema_of(conn: &Connection) -> u32 {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_store_of_every_earlier_schema_opens_with_all_that_was_in_it() {
    let newest = u32::try_from(BACK.len()).unwrap() + 1;
    for earlier in 1..newest {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hub.db");
        let mut store = SqliteStore::open(directory.path()).unwrap();
        let (mut model, mut work) = (model(), Work::new(14));
        store.commit(&rooms()).unwrap();
        for batch in std::iter::once(accounts().to_vec()).chain((0..60).map(|_| work.batch(12))) {
            let is_old = |write: &Write| match write {
                Write::Change(Change::Grant { .. }) => earlier >= INVITES,
                Write::Record(_) => false,
                _ => true,
            };
            let batch: Vec<Write> = batch.into_iter().filter(is_old).collect();
            store.commit(&batch).unwrap();
            model.commit(&batch).unwrap();
        }
        let facts = facts(earlier);
        store.commit(&facts).unwrap();
        model.commit(&facts).unwrap();
        let before = store.load().unwrap();
        drop(store);

        let conn = Connection::open(&file).unwrap();
        assert_eq!(schema_of(&conn), newest, "the way back from the newest schema is missing here");
        for step in BACK[earlier as usize - 1..].iter().rev() {
            conn.execute_batch(step).unwrap();
        }
        conn.pragma_update(None, "user_version", earlier).unwrap();
        drop(conn);

        let mut store = SqliteStore::open(directory.path()).unwrap();
        compare(&mut store, &mut model, &work.ids()).unwrap();
        assert_eq!(store.load().unwrap(), before, "schema {earlier}");
        for _ in 0..10 {
            let batch = work.batch(12);
            store.commit(&batch).unwrap();
            model.commit(&batch).unwrap();
        }
        compare(&mut store, &mut model, &work.ids()).unwrap();
        drop(store);
        let report = verify(directory.path()).unwrap();
        assert_eq!(report.damage, []);
        assert!(!report.records.is_empty(), "it takes what only the newest schema has");
        let copy = directory.path().join(format!("hub.db.schema-{earlier}"));
        assert_eq!(schema_of(&Connection::open(copy).unwrap()), earlier);
        assert_eq!(schema_of(&Connection::open(&file).unwrap()), newest);
    }
}

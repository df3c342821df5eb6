//! A store that an earlier release made, opened by this one.
//!
//! `schema-1.db` was made by the program as it was before there were invites: three bots and one of the
//! configuration, two rooms with members and messages, a disabled bot, a retention of its own. The
//! tokens that were issued then still open the door, which needs only their hashes.

use bot_hub::store::Store;
use bot_hub::store::sqlite::{SqliteStore, verify};
use bot_hub_core::change::Change;
use bot_protocol::right::{Right, Rights};
use sha2::{Digest, Sha256};

use super::drafts::{bot, room};

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
    store.commit(&[bot_hub::store::Write::Change(grant)]).unwrap();
    drop(store);
    assert_eq!(verify(directory.path()).unwrap().damage, []);
    assert!(directory.path().join("hub.db.schema-1").exists(), "the copy from before");
    let loaded = SqliteStore::open(directory.path()).unwrap().load().unwrap();
    let lab = loaded.snapshot.rooms.iter().find(|it| it.room == room("lab")).unwrap();
    let bob = lab.members.iter().find(|it| it.bot == bot("bob")).unwrap();
    assert_eq!(bob.rights, rights);
}

//! A claim is one batch: wherever the power goes, either the code still works or the token does.

use std::path::Path;

use bot_hub_core::change::Change;
use bot_hub_store::sqlite::{Options, SqliteStore};
use bot_hub_store::{
    AccessWrite, BotRecord, ClaimRecord, InviteRecord, Loaded, Store, TokenRecord, Write,
};
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;

use super::drafts::{Rng, bot, room};
use super::vfs::SimulatedDisk;

fn invite() -> InviteRecord {
    InviteRecord {
        id: "inv_1".into(),
        hash: [7; 32],
        name: bot("fern"),
        rooms: vec![room("lab")],
        rights: Rights::USUAL.with(Right::Invite),
        by: bot("operator"),
        created_at: Timestamp(1),
        expires_at: Timestamp(9),
        revoked_at: None,
        claim: None,
    }
}

/// What the engine submits for a claim.
fn claim() -> Vec<Write> {
    let claim = ClaimRecord {
        at: Timestamp(2),
        bot: bot("fern"),
        client: "test".into(),
        address: "192.0.2.1".into(),
    };
    let (lab, fern) = (room("lab"), bot("fern"));
    let record = BotRecord {
        bot: fern.clone(),
        operator: false,
        disabled: false,
        guest: true,
        created_at: Timestamp(2),
        last_seen: None,
    };
    let token = TokenRecord {
        bot: fern.clone(),
        hash: [8; 32],
        created_at: Timestamp(2),
        expires_at: None,
    };
    vec![
        Write::Change(Change::Join { room: lab.clone(), bot: fern.clone() }),
        Write::Change(Change::Grant { room: lab, bot: fern, rights: invite().rights }),
        Write::Access(AccessWrite::Bot(record)),
        Write::Access(AccessWrite::Token(token)),
        Write::Access(AccessWrite::Invite(Box::new(InviteRecord {
            claim: Some(claim),
            ..invite()
        }))),
    ]
}

/// Whether the claim is there: whole, or not at all.
fn is_claimed(loaded: &Loaded) -> bool {
    let members = &loaded.snapshot.rooms[0].members;
    let rights = members.first().map(|member| member.rights);
    let parts = [
        loaded.invites[0].claim.is_some(),
        loaded.bots.iter().any(|it| it.guest),
        loaded.tokens.len() == 1,
        rights == Some(invite().rights),
    ];
    assert!(parts == [true; 4] || parts == [false; 4], "half a claim: {parts:?}");
    parts[0]
}

#[test]
fn wherever_the_power_goes_either_the_code_works_or_the_token() {
    let disk = SimulatedDisk::new("claim");
    let options = Options { vfs: Some(disk.name), never_sync: false, wal_pages: 30 };
    let open = || SqliteStore::open_with(Path::new("/sim"), options);
    let (mut before, mut after) = (0, 0);
    for cut in 1.. {
        *disk.lock() = Default::default();
        let mut store = open().unwrap();
        let create = Change::CreateRoom { room: room("lab"), closed: true };
        store
            .commit(&[
                Write::Change(create),
                Write::Access(AccessWrite::Invite(Box::new(invite()))),
            ])
            .unwrap();
        let started = disk.lock().operations;
        disk.lock().cut_at = Some(started + cut);
        let acknowledged = store.commit(&claim()).is_ok();
        let is_through = !disk.lock().is_off;
        drop(store);
        disk.lock().restart(&mut Rng(cut));
        let claimed = is_claimed(&open().unwrap().load().unwrap());
        assert!(claimed || !acknowledged, "cut {cut}: what was acknowledged is lost");
        (before, after) = (before + u64::from(!claimed), after + u64::from(claimed));
        if is_through {
            break;
        }
    }
    assert!(before > 0 && after > 0, "the cuts did not fall into the claim: {before}, {after}");
}

#[test]
fn a_claim_into_a_room_that_is_not_there_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    store.commit(&[Write::Access(AccessWrite::Invite(Box::new(invite())))]).unwrap();
    assert!(store.commit(&claim()).is_err());
    let loaded = store.load().unwrap();
    assert_eq!((loaded.bots.len(), loaded.tokens.len()), (0, 0));
    assert_eq!(loaded.invites, [invite()]);
}

//! Bots, tokens, rooms' rules and the epoch.

use bot_hub_core::access::{Access, Pass};
use bot_hub_core::change::{Change, Outcome};
use bot_protocol::frame::operator::{Page, Retention};
use bot_protocol::id::Epoch;
use bot_protocol::name::BotId;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;

use super::{Subject, append, bot, numbered, room};
use crate::{AccessWrite, BotRecord, ClaimRecord, InviteRecord, TokenRecord, Write};

fn record(name: &str) -> BotRecord {
    BotRecord {
        bot: bot(name),
        operator: false,
        disabled: false,
        guest: false,
        created_at: Timestamp(5),
        last_seen: None,
    }
}

fn token(name: &str, byte: u8) -> TokenRecord {
    TokenRecord { bot: bot(name), hash: [byte; 32], created_at: Timestamp(6), expires_at: None }
}

pub fn bots_and_tokens_come_back(subject: &mut Subject) {
    subject.write(vec![
        Write::Access(AccessWrite::Bot(record("bob"))),
        Write::Access(AccessWrite::Bot(record("ann"))),
        Write::Access(AccessWrite::Token(token("bob", 2))),
        Write::Access(AccessWrite::Token(token("ann", 1))),
        Write::Access(AccessWrite::Token(token("bob", 3))),
        Write::Access(AccessWrite::Token(token("bob", 3))),
    ]);
    let changed = BotRecord { operator: true, disabled: true, ..record("bob") };
    subject.write(vec![
        Write::Access(AccessWrite::Bot(changed.clone())),
        Write::Access(AccessWrite::Seen(bot("bob"), Timestamp(9))),
        Write::Access(AccessWrite::Seen(bot("bob"), Timestamp(8))),
        Write::Access(AccessWrite::Seen(bot("nobody"), Timestamp(8))),
    ]);
    let loaded = subject.load_twice();
    let seen = BotRecord { last_seen: Some(Timestamp(9)), ..changed };
    assert_eq!(loaded.bots, [record("ann"), seen]);
    assert_eq!(loaded.tokens, [token("ann", 1), token("bob", 2), token("bob", 3)]);
    subject.write(vec![
        Write::Access(AccessWrite::RevokeTokens(bot("bob"))),
        Write::Access(AccessWrite::Token(token("bob", 4))),
    ]);
    assert_eq!(subject.load_twice().tokens, [token("ann", 1), token("bob", 4)]);
}

pub fn a_token_may_end(subject: &mut Subject) {
    let ends = |record: TokenRecord, at| TokenRecord { expires_at: Some(Timestamp(at)), ..record };
    subject.write(vec![
        Write::Access(AccessWrite::Token(token("ann", 1))),
        Write::Access(AccessWrite::Token(token("bob", 2))),
        Write::Access(AccessWrite::Token(ends(token("ann", 3), 7))),
        Write::Access(AccessWrite::ExpireTokens(bot("ann"), Timestamp(9))),
        Write::Access(AccessWrite::Token(token("ann", 4))),
    ]);
    let expected =
        [ends(token("ann", 1), 9), token("bob", 2), ends(token("ann", 3), 7), token("ann", 4)];
    assert_eq!(subject.load_twice().tokens, expected);
    subject.write(vec![
        Write::Access(AccessWrite::ForgetToken([3; 32])),
        Write::Access(AccessWrite::ForgetToken([9; 32])),
    ]);
    assert_eq!(subject.load_twice().tokens.len(), 3);
}

fn invite(number: u8) -> InviteRecord {
    InviteRecord {
        id: format!("inv_{number}").into(),
        hash: [number; 32],
        name: bot("fern"),
        rooms: vec![room("den"), room("lab")],
        rights: Rights::USUAL,
        by: bot("ann"),
        created_at: Timestamp(1),
        expires_at: Timestamp(2),
        revoked_at: None,
        claim: None,
    }
}

pub fn invites_come_back(subject: &mut Subject) {
    let write =
        |invite: &InviteRecord| Write::Access(AccessWrite::Invite(Box::new(invite.clone())));
    subject.write(vec![write(&invite(2)), write(&invite(1)), write(&invite(3))]);
    assert_eq!(subject.load_twice().invites, [invite(1), invite(2), invite(3)]);
    let claim = ClaimRecord {
        at: Timestamp(3),
        bot: bot("moss"),
        client: "test/1".into(),
        address: "2001:db8::1".into(),
    };
    let claimed = InviteRecord { claim: Some(claim), ..invite(1) };
    let revoked = InviteRecord { revoked_at: Some(Timestamp(4)), ..invite(2) };
    subject.write(vec![
        write(&claimed),
        write(&revoked),
        Write::Access(AccessWrite::ForgetInvite("inv_3".into())),
    ]);
    assert_eq!(subject.load_twice().invites, [claimed, revoked]);
}

/// What somebody who has applied writes knows of bots, tokens and invites.
fn known(access: &Access) -> String {
    let registry = access.registry();
    let of = |name: BotId| {
        let opens = |byte: u8, at: u64| {
            registry.is_good(&Pass { bot: name.clone(), token: [byte; 32] }, Timestamp(at))
        };
        let times = [5, 8, 9, 300_005, 300_006];
        let tokens: Vec<_> = (1..6).map(|byte| times.map(|at| opens(byte, at))).collect();
        let kept = registry.tokens_to_keep(&name, Timestamp(9)).len();
        format!("{:?} {kept} {tokens:?}", registry.record(&name))
    };
    let bots: Vec<String> = registry.names().into_iter().map(of).collect();
    let invites = access.list_invites(&bot("ann"), &Page::default(), Timestamp(1));
    format!("{bots:#?} {invites:#?}")
}

pub fn a_start_knows_what_the_writes_say(subject: &mut Subject) {
    let operator = BotRecord { operator: true, ..record("ann") };
    let prepared = TokenRecord { expires_at: Some(Timestamp(300_006)), ..token("bob", 3) };
    let open = || Box::new(invite(1));
    let revoked = InviteRecord { revoked_at: Some(Timestamp(1)), ..invite(1) };
    let mut access = Access::default();
    for batch in [
        vec![AccessWrite::Bot(operator), AccessWrite::Token(token("ann", 1))],
        vec![AccessWrite::Bot(record("bob")), AccessWrite::Token(token("bob", 2))],
        vec![AccessWrite::Token(prepared), AccessWrite::Seen(bot("bob"), Timestamp(9))],
        vec![AccessWrite::ExpireTokens(bot("bob"), Timestamp(9)), AccessWrite::Invite(open())],
        vec![AccessWrite::RevokeTokens(bot("bob")), AccessWrite::Token(token("bob", 4))],
        vec![AccessWrite::Invite(Box::new(revoked)), AccessWrite::ForgetToken([4; 32])],
        vec![AccessWrite::ForgetInvite("inv_1".into()), AccessWrite::Token(token("bob", 5))],
        vec![AccessWrite::ForgetBot(bot("bob"), Timestamp(10))],
        vec![AccessWrite::Bot(record("bob"))],
    ] {
        for write in &batch {
            access.apply(write);
        }
        let last = format!("{:?}", batch.last());
        subject.write(batch.into_iter().map(Write::Access).collect());
        let loaded = subject.load_twice();
        let mut started = Access::default();
        started.restore(loaded.bots, loaded.tokens, loaded.invites);
        assert_eq!(known(&started), known(&access), "after {last}");
    }
}

pub fn a_forgotten_bot_leaves_what_it_said(subject: &mut Subject) {
    subject.fill("lab", 2);
    subject.room("den");
    subject.write(vec![
        Write::Access(AccessWrite::Bot(record("ann"))),
        Write::Access(AccessWrite::Token(token("ann", 1))),
        Write::Change(Change::Join { room: room("lab"), bot: bot("ann") }),
        Write::Change(Change::Join { room: room("den"), bot: bot("ann") }),
        Write::Change(Change::Join { room: room("den"), bot: bot("bob") }),
    ]);
    subject.reopen();
    subject.write(vec![Write::Access(AccessWrite::ForgetBot(bot("ann"), Timestamp(5_000)))]);
    let loaded = subject.load_twice();
    assert_eq!(loaded.snapshot.ended, [(bot("ann"), Timestamp(5_000))]);
    assert_eq!((loaded.bots, loaded.tokens), (vec![], vec![]));
    assert_eq!(subject.record("lab").members, []);
    assert_eq!(subject.record("den").members.len(), 1);
    assert_eq!(subject.log("lab").len(), 2);
    // In one batch with rows that are not written yet.
    subject.write(vec![
        Write::Change(Change::Join { room: room("lab"), bot: bot("ann") }),
        Write::Change(append(numbered("lab", 3))),
        Write::Access(AccessWrite::ForgetBot(bot("ann"), Timestamp(6_000))),
        Write::Access(AccessWrite::ForgetBot(bot("zoe"), Timestamp(7_000))),
    ]);
    let ended = [(bot("ann"), Timestamp(6_000)), (bot("zoe"), Timestamp(7_000))];
    assert_eq!(subject.load_twice().snapshot.ended, ended);
    assert_eq!(subject.record("lab").members, []);
}

pub fn the_epoch_belongs_to_the_store(subject: &mut Subject) {
    let epoch = subject.load().snapshot.epoch;
    assert_ne!(epoch, Epoch(0));
    subject.fill("lab", 2);
    assert_eq!(subject.load_twice().snapshot.epoch, epoch);
}

pub fn a_room_keeps_its_rules(subject: &mut Subject) {
    let created = |name, closed| Change::CreateRoom { room: room(name), closed };
    // Creating it again returns the existing one.
    subject.change(vec![created("lab", true), created("lab", false), created("den", false)]);
    let found = subject.record("lab");
    assert_eq!((found.closed, found.retain), (true, None));
    assert_eq!((found.head, found.first, found.bytes, found.oldest_at), (0, 1, 0, None));
    for retain in [
        Retention::default(),
        Retention { age_ms: None, entries: Some(u64::MAX), bytes: None },
        Retention { age_ms: None, entries: None, bytes: None },
    ] {
        subject.done(Change::Retain { room: room("lab"), retain });
        assert_eq!(subject.record("lab").retain, Some(retain));
    }
    assert!(subject.record("lab").closed);
    assert_eq!(subject.record("den").retain, None);
    assert_eq!(subject.change(vec![append(numbered("lab", 1))]), [Outcome::Appended { seq: 1 }]);
    let found = subject.record("lab");
    assert_eq!((found.head, found.first, found.bytes), (1, 1, 10));
    assert_eq!(found.oldest_at, Some(Timestamp(1_000)));
}

//! How many invites may be open, who sees which of them, and when one is forgotten.

use std::collections::BTreeSet;

use super::*;
use crate::access::ClaimRecord;

const NOON: Timestamp = Timestamp(1_000_000_000);

const DAY: u64 = 24 * 3_600_000;

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

/// An invite that Bob made at noon for a day, with this number.
fn record(number: u16) -> InviteRecord {
    let mut hash = [0; 32];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    InviteRecord {
        id: format_smolstr!("inv_{number}"),
        hash,
        name: bot("fern"),
        rooms: vec![RoomName::new("room-00").unwrap()],
        rights: Rights::USUAL,
        by: bot("bob"),
        created_at: NOON,
        expires_at: NOON + DAY,
        revoked_at: None,
        claim: None,
    }
}

fn used(number: u16, at: Timestamp) -> InviteRecord {
    let (bot, client) = (bot("fern"), "test/1".into());
    let claim = Some(ClaimRecord { at, bot, client, address: "203.0.113.9".into() });
    InviteRecord { claim, ..record(number) }
}

fn kept(invites: Vec<InviteRecord>) -> Book {
    let mut book = Book::default();
    invites.iter().for_each(|invite| book.keep(invite));
    book
}

/// A bot that was here before all invites.
fn own(bot: &BotId) -> Asker<'_> {
    Asker::Bot { bot, since: Timestamp(0) }
}

#[test]
fn there_are_so_many_open_invites_of_everybody_and_of_each_bot() {
    let by = |name: &str, number: u16| InviteRecord { by: bot(name), ..record(number) };
    let bob = bot("bob");
    let own = own(&bob);
    let check = |invites: Vec<InviteRecord>, asker: Asker<'_>, expected: bool| {
        let count = invites.len();
        let found = kept(invites).has_space(asker, NOON);
        assert_eq!(found.is_ok(), expected, "{count} {asker:?}: {found:?}");
    };
    check((0..19).map(record).collect(), own, true);
    check((0..20).map(record).collect(), own, false);
    check((0..20).map(record).collect(), Asker::Operator, true);
    check((0..999).map(|number| by("cat", number)).collect(), own, true);
    check((0..1_000).map(|number| by("cat", number)).collect(), own, false);
    check((0..1_000).map(|number| by("cat", number)).collect(), Asker::Operator, false);
    let over = |number| InviteRecord { expires_at: NOON, ..record(number) };
    check((0..1_000).map(over).collect(), own, true);
}

#[test]
fn a_name_is_expected_as_long_as_its_invite_is_open() {
    let check = |invite: InviteRecord, expected: bool| {
        let found = kept(vec![invite.clone()]).expects(&bot("fern"), NOON);
        assert_eq!(found, expected, "{invite:?}");
    };
    check(record(1), true);
    check(InviteRecord { name: bot("moss"), ..record(1) }, false);
    check(InviteRecord { expires_at: NOON, ..record(1) }, false);
    check(InviteRecord { revoked_at: Some(NOON), ..record(1) }, false);
    check(used(1, NOON), false);
}

#[test]
fn what_has_been_over_for_thirty_days_is_forgotten() {
    let check = |invite: InviteRecord, over_at: Timestamp| {
        let (id, hash) = (invite.id.clone(), invite.hash);
        let mut book = kept(vec![invite]);
        let last = over_at + 30 * DAY;
        assert_eq!(book.forgettable(last), [""; 0]);
        assert_eq!(book.forgettable(last + 1), std::slice::from_ref(&id));
        assert!(book.find(&hash).is_some());
        book.forget(&id);
        assert!(book.find(&hash).is_none());
        assert_eq!(book.show(Asker::Operator, &Page::default(), NOON).invites.len(), 0);
    };
    check(record(1), NOON + DAY);
    check(InviteRecord { revoked_at: Some(NOON + 5), ..record(1) }, NOON + 5);
    check(used(1, NOON + 7), NOON + 7);
}

#[test]
fn operators_see_all_invites_and_others_their_own_without_addresses() {
    let later = InviteRecord { created_at: NOON + 1, ..record(2) };
    let over = InviteRecord { created_at: NOON + 2, expires_at: NOON, ..record(3) };
    let ended = InviteRecord { created_at: NOON + 3, revoked_at: Some(NOON), ..record(4) };
    let others = InviteRecord { created_at: NOON + 4, by: bot("cat"), ..record(5) };
    let book = kept(vec![used(1, NOON), later, over, ended, others]);
    let check = |by: Option<&str>, expected: &[(&str, &str)]| {
        let name = by.map(bot);
        let asker = name.as_ref().map_or(Asker::Operator, own);
        let InviteList { mut invites, next } = book.show(asker, &Page::default(), NOON);
        assert_eq!(next, None);
        let found: Vec<(&str, &str)> =
            invites.iter().map(|it| (it.id.as_str(), it.state.as_str())).collect();
        assert_eq!(found, expected, "{by:?}");
        invites.pop().and_then(|it| it.claim)
    };
    let bobs = [("inv_4", "revoked"), ("inv_3", "expired"), ("inv_2", "open"), ("inv_1", "used")];
    let claim = check(Some("bob"), &bobs).expect("it was used");
    assert_eq!((claim.bot.as_str(), claim.address), ("fern", None));
    let claim = check(None, &[&[("inv_5", "open")], &bobs[..]].concat());
    assert_eq!(claim.and_then(|it| it.address).as_deref(), Some("203.0.113.9"));
    check(Some("ana"), &[]);
}

#[test]
fn an_invite_is_revoked_by_whoever_made_it_or_an_operator_and_once() {
    let book = kept(vec![record(1), used(2, NOON)]);
    let check = |id: &str, by: Option<&str>, expected: Result<u64, &str>| {
        let name = by.map(bot);
        let asker = name.as_ref().map_or(Asker::Operator, own);
        let found = book.revoked(id, asker, NOON + 9);
        let found = found.map(|it| it.revoked_at).map_err(|error| error.name.to_string());
        let expected = expected.map(|after_ms| Some(NOON + after_ms)).map_err(str::to_owned);
        assert_eq!(found, expected, "{id} {by:?}");
    };
    check("inv_1", Some("bob"), Ok(9));
    check("inv_1", None, Ok(9));
    check("inv_1", Some("cat"), Err("no_such_invite"));
    check("inv_7", None, Err("no_such_invite"));
    check("inv_2", Some("bob"), Err("not_allowed"));
    let earlier = InviteRecord { revoked_at: Some(NOON), ..record(3) };
    let again = kept(vec![earlier]).revoked("inv_3", own(&bot("bob")), NOON + 9);
    assert_eq!(again.unwrap().revoked_at, Some(NOON), "it stays over since then");
}

#[test]
fn invites_come_in_pages_the_newest_first() {
    let at = |number: u16, by: &str, made: u64| InviteRecord {
        created_at: NOON + made,
        by: bot(by),
        ..record(number)
    };
    let book = kept(vec![at(1, "bob", 5), at(2, "cat", 5), at(3, "bob", 9), used(4, NOON)]);
    let check = |by: Option<&str>, expected: &[&[&str]]| {
        let by = by.map(bot);
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let asker = by.as_ref().map_or(Asker::Operator, own);
            let page = book.show(asker, &Page { after, limit: Some(2) }, NOON);
            pages.push(page.invites.into_iter().map(|it| it.id).collect::<Vec<_>>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, expected, "{by:?}");
    };
    check(None, &[&["inv_3", "inv_1"], &["inv_2", "inv_4"]]);
    check(Some("bob"), &[&["inv_3", "inv_1"], &["inv_4"]]);
    check(Some("cat"), &[&["inv_2"]]);
    check(Some("dan"), &[&[]]);
}

#[test]
fn a_page_of_invites_into_many_rooms_with_long_names_is_no_larger_than_a_client_takes() {
    let long = |number| RoomName::new(&format!("{number:0>64}")).unwrap();
    let rooms: Vec<RoomName> = (0..ROOMS_MAX).map(long).collect();
    let invites = (0..1_000).map(|number| InviteRecord { rooms: rooms.clone(), ..record(number) });
    let book = kept(invites.collect());
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page = book.show(Asker::Operator, &Page { after, limit: None }, NOON);
        assert!(serde_json::to_string(&page).unwrap().len() < 1 << 20);
        after = page.next;
        found.extend(page.invites.into_iter().map(|it| it.id));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 1_000);

    // 12 rooms of 52 bytes and 400 are a kibibyte: 512 of them are as much as a page takes.
    let long = |number| RoomName::new(&format!("{number:0>49}")).unwrap();
    let rooms: Vec<RoomName> = (0..12).map(long).collect();
    let invites = (0..600).map(|number| InviteRecord { rooms: rooms.clone(), ..record(number) });
    let page = kept(invites.collect()).show(Asker::Operator, &Page::default(), NOON);
    assert_eq!((page.invites.len(), page.next.is_some()), (512, true));
}

#[test]
fn an_invite_that_is_used_or_revoked_is_in_nobodys_way_and_is_forgotten_by_that_time() {
    let mut book = kept(vec![record(1), record(2)]);
    assert!(book.expects(&bot("fern"), NOON));
    book.keep(&used(1, NOON));
    book.keep(&InviteRecord { revoked_at: Some(NOON), ..record(2) });
    assert!(!book.expects(&bot("fern"), NOON));
    assert_eq!(book.forgettable(NOON + (31 * DAY + 1)), ["inv_1", "inv_2"]);
}

#[test]
fn an_invite_that_ended_with_a_bot_is_not_one_of_the_next_bot_of_its_name() {
    let ended = InviteRecord { revoked_at: Some(NOON + 5), ..record(1) };
    let book = kept(vec![ended, record(2)]);
    let by = bot("bob");
    let check = |since: u64, expected: &[&str]| {
        let asker = Asker::Bot { bot: &by, since: NOON + since };
        let list = book.show(asker, &Page::default(), NOON + 9);
        let found: Vec<_> = list.invites.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(found, expected, "there since {since}");
        let revoked = book.revoked("inv_1", asker, NOON + 9);
        assert_eq!(revoked.is_ok(), expected.contains(&"inv_1"), "there since {since}");
    };
    check(4, &["inv_1", "inv_2"]);
    check(5, &["inv_2"]);
    check(6, &["inv_2"]);
}

//! What an invite may be, how long it counts, who sees it, and how a refusal is told.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;

use bot_protocol::frame::answer::InviteList;
use bot_protocol::frame::operator::Page;
use bot_protocol::right::Right;

use super::*;
use bot_hub_store::ClaimRecord;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn rooms(count: usize) -> Vec<RoomName> {
    (0..count).map(|number| RoomName::new(&format!("room-{number:02}")).unwrap()).collect()
}

/// An invite that Bob made at noon for a day, with this number.
fn record(number: u16) -> InviteRecord {
    let mut hash = [0; 32];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    InviteRecord {
        id: format!("inv_{number}").into(),
        hash,
        name: bot("fern"),
        rooms: rooms(1),
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

#[test]
fn an_invite_leads_into_so_many_rooms_each_of_them_once() {
    let mut stage = Stage::new();
    let mut make = |rooms: Vec<RoomName>| {
        let wish = InviteWish { name: bot("fern"), rooms, can: None, expires_in_ms: None };
        let mut made = stage.call(InviteCall::Create(wish));
        stage.settle();
        told(&mut made)
    };
    let twice = [rooms(32), rooms(32)].concat();
    let (status, made) = make(twice.into_iter().rev().collect());
    assert_eq!((status, &made["rooms"]), (200, &json!(rooms(32))), "{made}");
    assert_eq!(made["ok"], true);
    assert_eq!(make(rooms(33)).0, 400);
}

#[test]
fn an_invite_counts_for_a_day_or_as_long_as_was_wished_within_bounds() {
    let mut stage = Stage::new();
    let mut made = |expires_in_ms: Option<u64>| {
        let wish = InviteWish { name: bot("fern"), rooms: rooms(1), can: None, expires_in_ms };
        let mut made = stage.call(InviteCall::Create(wish));
        stage.settle();
        told(&mut made)
    };
    for (wished, lasts) in [
        (None, DAY),
        (Some(MINUTE), MINUTE),
        (Some(MINUTE + 1), MINUTE + 1),
        (Some(30 * DAY), 30 * DAY),
    ] {
        assert_eq!(made(wished).1["expires_at"], json!(NOON + lasts), "{wished:?}");
    }
    for (wished, bound) in [
        (0, "60000"),
        (MINUTE - 1, "60000"),
        (30 * DAY + 1, "2592000000"),
        (u64::MAX, "2592000000"),
    ] {
        let (status, refused) = made(Some(wished));
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((status, message.contains(bound)), (400, true), "{wished}: {refused}");
    }
}

#[test]
fn an_invite_is_named_by_its_code_and_the_code_is_told_in_both_forms() {
    let mut stage = Stage::new();
    let wish =
        InviteWish { name: bot("fern"), rooms: rooms(1), can: None, expires_in_ms: Some(DAY) };
    let mut made = stage.call(InviteCall::Create(wish));
    stage.settle();
    let (_, made) = told(&mut made);
    let (code, secret) = (made["code"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let hash = hash_code(code).unwrap();
    assert_eq!(hash_code(secret), Some(hash));
    let digits: Vec<String> = hash[..5].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(made["id"], format!("inv_{}", digits.concat()));
}

#[test]
fn a_code_counts_until_it_expires_and_not_a_moment_longer() {
    let mut stage = Stage::new();
    let ((_, one), (_, other)) = (stage.invite("fern"), stage.invite("moss"));
    stage.engine.now = NOON + DAY;
    check(&mut stage.claim(&one), 410, "expired_code");
    stage.engine.now = NOON + (DAY - 1);
    let mut claimed = stage.claim(&other);
    stage.settle();
    assert_eq!(told(&mut claimed).0, 200);
}

#[test]
fn whoever_guesses_waits_for_what_is_left_of_the_minute() {
    let mut stage = Stage::new();
    let (_, mine) = stage.invite("fern");
    for number in 0..5 {
        let wrong = format!("K7QF-2M9D-XR4T-800{number}");
        check(&mut stage.claim(&wrong), 404, "unknown_code");
    }
    stage.engine.now = NOON + 999;
    let guess = "K7QF-2M9D-XR4T-8009";
    let Ok(Answer::Refused(error)) = stage.claim(guess).try_recv() else {
        panic!("the sixth has to wait");
    };
    // For 59.001 s, told in whole seconds.
    assert_eq!((error.status, error.retry_after_s), (429, Some(60)), "{error:?}");
    assert_eq!(error.hint, "try again in 60 s");
    // A good code does not wait for those who guess.
    let mut claimed = stage.claim(&mine);
    stage.settle();
    assert_eq!(told(&mut claimed).0, 200);
    stage.engine.now = NOON + MINUTE;
    check(&mut stage.claim(guess), 404, "unknown_code");
}

#[test]
fn nobody_comes_in_while_the_hub_goes() {
    let mut stage = Stage::new();
    let (_, code) = stage.invite("fern");
    stage.engine.draining = true;
    check(&mut stage.claim(&code), 503, "shutting_down");
}

#[test]
fn an_invite_of_somebody_who_is_gone_lets_nobody_in() {
    let mut stage = Stage::new();
    let (_, code) = stage.invite("fern");
    stage.engine.configure(Reconfiguration {
        operators: vec![],
        tokens: vec![],
        ..configuration(&[])
    });
    check(&mut stage.claim(&code), 403, "no_right");
}

#[test]
fn there_are_so_many_open_invites_of_everybody_and_of_each_bot() {
    let by = |name: &str, number: u16| InviteRecord { by: bot(name), ..record(number) };
    let check = |invites: Vec<InviteRecord>, is_operator: bool, expected: bool| {
        let count = invites.len();
        let found = Book::restore(invites).has_space(&bot("bob"), is_operator, NOON);
        assert_eq!(found.is_ok(), expected, "{count} {is_operator}: {found:?}");
    };
    check((0..19).map(record).collect(), false, true);
    check((0..20).map(record).collect(), false, false);
    check((0..20).map(record).collect(), true, true);
    check((0..999).map(|number| by("cat", number)).collect(), false, true);
    check((0..1_000).map(|number| by("cat", number)).collect(), false, false);
    check((0..1_000).map(|number| by("cat", number)).collect(), true, false);
    let over = |number| InviteRecord { expires_at: NOON, ..record(number) };
    check((0..1_000).map(over).collect(), false, true);
}

#[test]
fn a_name_is_expected_as_long_as_its_invite_is_open() {
    let check = |invite: InviteRecord, expected: bool| {
        let found = Book::restore(vec![invite.clone()]).expects(&bot("fern"), NOON);
        assert_eq!(found, expected, "{invite:?}");
    };
    check(record(1), true);
    check(InviteRecord { name: bot("moss"), ..record(1) }, false);
    check(InviteRecord { expires_at: NOON, ..record(1) }, false);
    check(InviteRecord { revoked_at: Some(NOON), ..record(1) }, false);
    check(used(1, NOON), false);
}

#[test]
fn an_invite_that_is_used_or_revoked_is_in_nobodys_way_and_is_forgotten_by_that_time() {
    let mut book = Book::restore(vec![record(1), record(2)]);
    assert!(book.expects(&bot("fern"), NOON));
    book.keep(used(1, NOON));
    book.keep(InviteRecord { revoked_at: Some(NOON), ..record(2) });
    assert!(!book.expects(&bot("fern"), NOON));
    assert_eq!(book.forgettable(NOON + (31 * DAY + 1)), ["inv_1", "inv_2"]);
}

#[test]
fn an_invite_that_ended_with_a_bot_is_not_one_of_the_next_bot_of_its_name() {
    let ended = InviteRecord { revoked_at: Some(NOON + 5), ..record(1) };
    let book = Book::restore(vec![ended, record(2)]);
    let by = bot("bob");
    let check = |since: u64, expected: &[&str]| {
        let own = Some((&by, NOON + since));
        let list = book.show(own, &Page::default(), NOON + 9);
        let found: Vec<_> = list.invites.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(found, expected, "there since {since}");
        let revoked = book.revoked("inv_1", &by, false, (NOON + since, NOON + 9));
        assert_eq!(revoked.is_ok(), expected.contains(&"inv_1"), "there since {since}");
    };
    check(4, &["inv_1", "inv_2"]);
    check(5, &["inv_2"]);
    check(6, &["inv_2"]);
}

#[test]
fn a_bot_of_the_file_that_could_not_be_stored_is_stored_when_the_file_is_read_again() {
    let mut stage = Stage::new();
    let mut read = |is_full: bool| {
        stage.is_full.store(is_full, Ordering::Relaxed);
        stage.engine.configure(configuration(&["bob"]));
        stage.settle();
        let registry = &stage.engine.registry;
        (registry.record(&bot("bob")).is_some(), registry.is_changing(&bot("bob")))
    };
    assert_eq!(read(true), (false, false));
    assert_eq!(read(false), (true, false));
}

#[test]
fn what_has_been_over_for_thirty_days_is_forgotten() {
    let check = |invite: InviteRecord, over_at: Timestamp| {
        let (id, hash) = (invite.id.clone(), invite.hash);
        let mut book = Book::restore(vec![invite]);
        let last = over_at + 30 * DAY;
        assert_eq!(book.forgettable(last), [""; 0]);
        assert_eq!(book.forgettable(last + 1), [id]);
        book.forget_old(last);
        assert!(book.find(&hash).is_some());
        book.forget_old(last + 1);
        assert!(book.find(&hash).is_none());
        assert_eq!(book.show(None, &Page::default(), NOON).invites.len(), 0);
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
    let book = Book::restore(vec![used(1, NOON), later, over, ended, others]);
    let check = |by: &str, is_operator: bool, expected: &[(&str, &str)]| {
        let by_bot = bot(by);
        let own = (!is_operator).then_some((&by_bot, Timestamp(0)));
        let InviteList { mut invites, next } = book.show(own, &Page::default(), NOON);
        assert_eq!(next, None);
        let found: Vec<(&str, &str)> =
            invites.iter().map(|it| (it.id.as_str(), it.state.as_str())).collect();
        assert_eq!(found, expected, "{by}");
        invites.pop().and_then(|it| it.claim)
    };
    let own = [("inv_4", "revoked"), ("inv_3", "expired"), ("inv_2", "open"), ("inv_1", "used")];
    let claim = check("bob", false, &own).expect("it was used");
    assert_eq!((claim.bot.as_str(), claim.address), ("fern", None));
    let claim = check("ana", true, &[&[("inv_5", "open")], &own[..]].concat());
    assert_eq!(claim.and_then(|it| it.address).as_deref(), Some("203.0.113.9"));
    check("ana", false, &[]);
}

#[test]
fn an_invite_is_revoked_by_whoever_made_it_or_an_operator_and_once() {
    let book = Book::restore(vec![record(1), used(2, NOON)]);
    let code = |id: &str, by: &str, is_operator: bool| {
        let found = book.revoked(id, &bot(by), is_operator, (Timestamp(0), NOON + 9));
        found.map(|(record, _)| record.revoked_at).map_err(|error| error.name.to_string())
    };
    assert_eq!(code("inv_1", "bob", false), Ok(Some(NOON + 9)));
    assert_eq!(code("inv_1", "ana", true), Ok(Some(NOON + 9)));
    assert_eq!(code("inv_1", "cat", false), Err("no_such_invite".to_owned()));
    assert_eq!(code("inv_7", "ana", true), Err("no_such_invite".to_owned()));
    assert_eq!(code("inv_2", "bob", false), Err("not_allowed".to_owned()));
    let earlier = InviteRecord { revoked_at: Some(NOON), ..record(3) };
    let again =
        Book::restore(vec![earlier]).revoked("inv_3", &bot("bob"), false, (Timestamp(0), NOON + 9));
    assert_eq!(again.unwrap().0.revoked_at, Some(NOON));
}

#[test]
fn a_refusal_over_http_has_the_status_of_its_kind() {
    let check = |code: Code, expected: u16| {
        let Answer::Refused(error) = refused(ErrorFrame::new(code)) else {
            panic!("no refusal for {code:?}");
        };
        assert_eq!(error.status, expected, "{error:?}");
    };
    check(Code::BadFrame, 400);
    for code in [Code::NoSuchRoom, Code::NotAMember, Code::NoSuchInvite] {
        check(code, 404);
    }
    for code in [Code::NameTaken, Code::RoomFull, Code::TooManyInvites, Code::WrongKind] {
        check(code, 409);
    }
    for code in [Code::NoRight, Code::NotAllowed] {
        check(code, 403);
    }
    for code in [Code::Overloaded, Code::StorageFull, Code::ShuttingDown, Code::StorageFailed] {
        check(code, 503);
    }
}

/// What is logged while something is done.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    // Beside a second one: alone, it would miss the places that log first on the thread of another test.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::dispatcher::with_default(&tracing::Dispatch::new(subscriber), work);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn whoever_runs_the_hub_is_warned_of_a_name_in_the_file_that_somebody_else_has_a_token_of() {
    const WARNED: &str = "the configuration names `fern`, which came by an invite";
    let come = |stage: &mut Stage| {
        let (_, code) = stage.invite("fern");
        stage.claim(&code)
    };
    let (mut after, mut meanwhile, mut revoked) = (Stage::new(), Stage::new(), Stage::new());
    drop(come(&mut after));
    after.settle();
    assert!(logged(|| after.engine.configure(configuration(&["fern"]))).contains(WARNED));
    let again = logged(|| after.engine.configure(configuration(&["fern"])));
    assert!(!again.contains(WARNED), "once is enough: {again}");

    drop(come(&mut meanwhile));
    meanwhile.engine.configure(configuration(&["fern"]));
    assert!(logged(|| meanwhile.settle()).contains(WARNED));

    drop(come(&mut revoked));
    revoked.settle();
    revoked.engine.registry.revoke(&bot("fern"));
    let said = logged(|| revoked.engine.configure(configuration(&["fern"])));
    assert!(!said.contains(WARNED), "nobody has a token of it any more: {said}");
}

#[test]
fn whom_the_file_expects_is_invited_by_an_operator_only_and_a_room_by_nobody() {
    let wish = |name: &str, can: Option<Rights>| {
        let rooms = vec![RoomName::new("lab").unwrap()];
        InviteCall::Create(InviteWish { name: bot(name), rooms, can, expires_in_ms: None })
    };
    let mut stage = Stage::new();
    let mut made = stage.call(wish("fern", Some(Rights::USUAL.with(Right::Invite))));
    stage.settle();
    let mut come = stage.claim(told(&mut made).1["code"].as_str().unwrap());
    stage.settle();
    assert_eq!(told(&mut come).0, 200);
    let (room, members) = (RoomName::new("vault").unwrap(), vec![bot("heir")]);
    stage.engine.input(Input::RoomDeclared { room, members, closed: true, retain: None });
    stage.settle();

    let mut ask = |by: &str, name: &str| {
        let (reply, mut answer) = oneshot::channel();
        stage.engine.call_invites(bot(by), wish(name, None), ReplyTo::Http(reply));
        stage.settle();
        told(&mut answer).0
    };
    assert_eq!((ask("fern", "heir"), ask("ana", "heir")), (409, 200));
    assert_eq!((ask("fern", "moss"), ask("ana", "moss")), (200, 200));
    assert_eq!((ask("fern", "vault"), ask("ana", "lab")), (409, 409));
}

#[test]
fn an_invite_that_the_store_does_not_take_is_none_and_one_that_it_keeps_counts_on() {
    let mut stage = Stage::new();
    let (id, code) = stage.invite("fern");
    stage.is_full.store(true, Ordering::Relaxed);
    let rooms = vec![RoomName::new("lab").unwrap()];
    let wish = InviteWish { name: bot("moss"), rooms, can: None, expires_in_ms: None };
    for call in [InviteCall::Create(wish), InviteCall::Revoke(id)] {
        let mut refused = stage.call(call);
        stage.settle();
        check(&mut refused, 503, "storage_full");
    }
    stage.is_full.store(false, Ordering::Relaxed);
    let mut claimed = stage.claim(&code);
    stage.settle();
    assert_eq!(told(&mut claimed).0, 200);
}

#[test]
fn invites_come_in_pages_the_newest_first() {
    let at = |number: u16, by: &str, made: u64| InviteRecord {
        created_at: NOON + made,
        by: bot(by),
        ..record(number)
    };
    let book =
        Book::restore(vec![at(1, "bob", 5), at(2, "cat", 5), at(3, "bob", 9), used(4, NOON)]);
    let check = |by: Option<&str>, expected: &[&[&str]]| {
        let by = by.map(bot);
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let own = by.as_ref().map(|by| (by, Timestamp(0)));
            let page = book.show(own, &Page { after, limit: Some(2) }, NOON);
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
    let book = Book::restore(invites.collect());
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page = book.show(None, &Page { after, limit: None }, NOON);
        assert!(json!(page).to_string().len() < 1 << 20);
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
    let page = Book::restore(invites.collect()).show(None, &Page::default(), NOON);
    assert_eq!((page.invites.len(), page.next.is_some()), (512, true));
}

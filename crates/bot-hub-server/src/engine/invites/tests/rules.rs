//! What an invite may be, how long it counts, and how a refusal is told.

use std::io;
use std::sync::Mutex;

use bot_hub_core::access::AccessWrite;
use bot_protocol::code::Code;
use bot_protocol::right::{Right, Rights};

use super::*;
use crate::engine::decided::refused;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn rooms(count: usize) -> Vec<RoomName> {
    (0..count).map(|number| RoomName::new(&format!("room-{number:02}")).unwrap()).collect()
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
    stage.engine.input(Input::Drain);
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
    revoked.engine.decided_alone(vec![AccessWrite::RevokeTokens(bot("fern"))]);
    revoked.settle();
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
    let mut refused = stage.claim(&code);
    stage.settle();
    check(&mut refused, 503, "storage_full");
    assert_eq!(stage.engine.hub.gauges().pending_changes, 0, "the brain has heard it");
    stage.is_full.store(false, Ordering::Relaxed);
    let mut claimed = stage.claim(&code);
    stage.settle();
    assert_eq!(told(&mut claimed).0, 200);
    assert_eq!(stage.engine.hub.gauges().pending_changes, 0);
}

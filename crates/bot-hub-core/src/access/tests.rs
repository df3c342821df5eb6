//! Who is let in after how many failures, from where, and what a token is worth.
//!
//! Owns no rule: everything is asked as a door would ask it, and changed as a store would say it.

use core::net::{IpAddr, Ipv4Addr};

use bot_protocol::frame::operator::{Operation, Page};
use bot_protocol::time::Timestamp;

use super::*;

const NOON: Timestamp = Timestamp(1_000_000_000);

const HERE: &str = "127.0.0.1";

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn hash(token: &str) -> SecretHash {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// Ana has the token `good` and operates the hub, Bob's `off` is disabled.
fn access(failures_per_minute: u32) -> Access {
    let mut access = Access::default();
    let tokens = [("good", "ana", false), ("off", "bob", true)];
    declare(&mut access, &tokens, &["ana"], failures_per_minute);
    access
}

fn declare(
    access: &mut Access,
    tokens: &[(&str, &str, bool)],
    operators: &[&str],
    failures_per_minute: u32,
) -> Reread {
    let token = |(token, name, disabled): &(&str, &str, bool)| (hash(token), bot(name), *disabled);
    access.configure(Declared {
        tokens: tokens.iter().map(token).collect(),
        operators: operators.iter().map(|name| bot(name)).collect(),
        failures_per_minute,
        ..Declared::default()
    })
}

fn record(name: &str) -> BotRecord {
    BotRecord::new(bot(name), NOON)
}

fn stored(token: &str, name: &str) -> TokenRecord {
    TokenRecord { bot: bot(name), hash: hash(token), created_at: NOON, expires_at: None }
}

fn keep(access: &mut Access, token: &str, name: &str) {
    access.apply(&AccessWrite::Token(stored(token, name)));
}

fn end_at(access: &mut Access, name: &str, after_ms: u64) {
    access.apply(&AccessWrite::ExpireTokens(bot(name), NOON + after_ms));
}

/// Who comes in with that token from there, so many milliseconds after noon.
fn enter(access: &mut Access, from: &str, token: &str, after_ms: u64) -> Result<BotId, Refusal> {
    let strength = if token.len() < 16 { Strength::Guessable } else { Strength::Strong };
    let shown = Presented { hash: hash(token), strength };
    let pass = access.authenticate(shown, from.parse().unwrap(), NOON + after_ms);
    pass.map(|pass| pass.bot)
}

fn check(access: &mut Access, token: &str, after_ms: u64, expected: Result<&str, Refusal>) {
    let found = enter(access, HERE, token, after_ms);
    assert_eq!(found, expected.map(bot), "{token} after {after_ms}");
}

#[test]
fn a_token_names_its_bot() {
    let mut access = access(3);
    check(&mut access, "good", 0, Ok("ana"));
    check(&mut access, "off", 0, Err(Refusal::Disabled));
    check(&mut access, "goo", 0, Err(Refusal::Unknown));
}

#[test]
fn guessing_is_limited_per_address_and_not_per_bot() {
    let mut access = access(3);
    let attacker = "203.0.113.9";
    keep(&mut access, "a-token-that-nobody-guesses", "cleo");
    let mut check = |from: &str, token: &str, after_ms: u64, expected: Result<&str, Refusal>| {
        let found = enter(&mut access, from, token, after_ms);
        assert_eq!(found, expected.map(bot), "{token} after {after_ms}");
    };
    for after_ms in 0..3 {
        check(attacker, "guess", after_ms, Err(Refusal::Unknown));
    }
    check(attacker, "good", 10, Err(Refusal::Throttled(59_990)));
    check(attacker, "a-token-that-nobody-guesses", 10, Ok("cleo"));
    check(HERE, "good", 10, Ok("ana"));
    check(attacker, "good", 60_000, Ok("ana"));
}

#[test]
fn failures_are_counted_from_the_first_of_a_minute() {
    let mut access = access(3);
    let mut check = |token: &str, after_ms: u64, expected: Option<Refusal>| {
        let found = enter(&mut access, "203.0.113.9", token, after_ms).err();
        assert_eq!(found, expected, "at {after_ms}");
    };
    check("guess", 0, Some(Refusal::Unknown));
    check("guess", 1, Some(Refusal::Unknown));
    // The third comes when the minute of the first is over, and is the first of another.
    check("guess", 60_000, Some(Refusal::Unknown));
    check("guess", 60_001, Some(Refusal::Unknown));
    check("good", 60_002, None);
    check("guess", 60_002, Some(Refusal::Unknown));
    check("good", 60_003, Some(Refusal::Throttled(59_997)));
    check("good", 119_999, Some(Refusal::Throttled(1)));
    check("good", 120_000, None);
}

#[test]
fn a_network_of_64_bits_is_one_guesser_and_the_next_one_is_another() {
    let mut access = access(2);
    for from in ["2001:db8::1", "2001:db8::ffff:2"] {
        assert_eq!(enter(&mut access, from, "guess", 0), Err(Refusal::Unknown));
    }
    let mut check = |from: &str, expected: Option<Refusal>| {
        assert_eq!(enter(&mut access, from, "good", 0).err(), expected, "{from}");
    };
    check("2001:db8::3", Some(Refusal::Throttled(60_000)));
    check("2001:db8:0:1::1", None);
    check("2001:db9::1", None);
    check("203.0.113.9", None);
}

#[test]
fn an_ipv4_address_is_the_same_however_it_is_written() {
    let mut access = access(1);
    assert_eq!(enter(&mut access, "::ffff:203.0.113.9", "guess", 0), Err(Refusal::Unknown));
    let mut check = |from: &str, expected: Option<Refusal>| {
        assert_eq!(enter(&mut access, from, "good", 0).err(), expected, "{from}");
    };
    check("203.0.113.9", Some(Refusal::Throttled(60_000)));
    check("203.0.113.8", None);
}

#[test]
fn so_many_addresses_are_remembered_and_no_more() {
    let mut access = access(1);
    let nth = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n)).to_string();
    let is_limited = |access: &mut Access, from: &str, after_ms: u64| {
        enter(access, from, "good", after_ms).is_err()
    };
    for n in 0..10_000 {
        assert_eq!(enter(&mut access, &nth(n), "guess", 0), Err(Refusal::Unknown));
    }
    assert!(is_limited(&mut access, &nth(0), 0), "all of them are remembered");

    let lowest = "9.9.9.9";
    assert_eq!(enter(&mut access, lowest, "guess", 1), Err(Refusal::Unknown));
    assert!(!is_limited(&mut access, &nth(0), 1), "one had to make room");
    assert!(is_limited(&mut access, &nth(1), 1) && is_limited(&mut access, &nth(9_999), 1));
    assert!(is_limited(&mut access, lowest, 1));

    // Those whose minute is over go first, and then nobody has to make room.
    let late = nth(20_000);
    assert_eq!(enter(&mut access, &late, "guess", 60_000), Err(Refusal::Unknown));
    assert!(is_limited(&mut access, lowest, 60_000) && is_limited(&mut access, &late, 60_000));
    assert!(!is_limited(&mut access, &nth(1), 60_000));
}

#[test]
fn a_reload_takes_away_what_the_file_no_longer_gives() {
    let mut access = access(3);
    keep(&mut access, "made", "cleo");
    declare(&mut access, &[("other", "ana", false)], &[], 3);
    assert!(access.registry().standing(&bot("bob"), NOON).shut_out);
    assert!(!access.registry().standing(&bot("ana"), NOON).shut_out);
    check(&mut access, "good", 0, Err(Refusal::Unknown));
    check(&mut access, "other", 0, Ok("ana"));
    check(&mut access, "made", 0, Ok("cleo"));
}

#[test]
fn a_reload_concerns_whom_the_file_names_before_and_after() {
    let mut access = access(3);
    keep(&mut access, "made", "cleo");
    keep(&mut access, "taken", "dora");
    let Reread { bots, vouched } = declare(&mut access, &[("taken", "eve", false)], &["fay"], 3);
    let expected = ["ana", "bob", "dora", "eve", "fay"].map(bot);
    assert_eq!((bots, vouched), (expected.into(), vec![]));
    assert_eq!(access.registry().names(), ["cleo", "eve"].map(bot).into());
}

#[test]
fn the_token_of_the_process_makes_an_operator() {
    let mut access = access(3);
    access.accept_local_operator(hash("local"), bot("operator"));
    let operate = ["operator", "ana", "bob"].map(|name| access.registry().is_operator(&bot(name)));
    assert_eq!(operate, [true, true, false]);
}

#[test]
fn no_record_shuts_out_whoever_uses_the_command_line_of_this_machine() {
    let mut access = access(3);
    let switched_off = BotRecord { disabled: true, ..record("operator") };
    access.restore(vec![switched_off], vec![], vec![]);
    access.accept_local_operator(hash("local"), bot("operator"));
    keep(&mut access, "made", "operator");
    check(&mut access, "local", 0, Ok("operator"));
    check(&mut access, "made", 0, Err(Refusal::Disabled));
    assert!(!access.registry().standing(&bot("operator"), NOON).shut_out);
}

#[test]
fn what_the_store_remembers_opens_the_door_unless_it_is_switched_off() {
    let mut access = access(9);
    let dora = BotRecord { disabled: true, ..record("dora") };
    let cleo = BotRecord { operator: true, ..record("cleo") };
    let tokens = vec![stored("cleos", "cleo"), stored("doras", "dora")];
    access.restore(vec![cleo, dora.clone()], tokens, vec![]);
    check(&mut access, "cleos", 0, Ok("cleo"));
    check(&mut access, "doras", 0, Err(Refusal::Disabled));
    let operate = |access: &Access, name: &str| access.registry().is_operator(&bot(name));
    assert!(operate(&access, "cleo") && !operate(&access, "dora"));
    assert_eq!(access.registry().record(&bot("dora")), Some(&dora));
    access.apply(&AccessWrite::Bot(BotRecord { operator: true, ..record("dora") }));
    check(&mut access, "doras", 0, Ok("dora"));
    assert!(operate(&access, "dora"));
}

#[test]
fn a_bot_comes_from_where_its_tokens_are_written_down() {
    let mut access = access(9);
    let check = |access: &Access, name: &str, origin: Option<Origin>, tokens: usize| {
        let registry = access.registry();
        let found = (registry.origin(&bot(name)), registry.token_count(&bot(name)));
        assert_eq!(found, (origin, tokens), "{name}");
    };
    check(&access, "ana", Some(Origin::Config), 1);
    check(&access, "cleo", None, 0);
    access.apply(&AccessWrite::Bot(record("cleo")));
    check(&access, "cleo", Some(Origin::Store), 0);
    keep(&mut access, "cleos", "cleo");
    keep(&mut access, "anas", "ana");
    check(&access, "cleo", Some(Origin::Store), 1);
    check(&access, "ana", Some(Origin::Config), 2);
    access.accept_local_operator(hash("local"), bot("cleo"));
    check(&access, "cleo", Some(Origin::Process), 2);
    assert_eq!(access.registry().names(), ["ana", "bob", "cleo"].map(bot).into());
}

#[test]
fn only_the_tokens_that_were_made_at_run_time_can_be_taken_away() {
    let mut access = access(9);
    keep(&mut access, "anas", "ana");
    keep(&mut access, "cleos", "cleo");
    access.accept_local_operator(hash("local"), bot("ana"));
    access.apply(&AccessWrite::Bot(record("ana")));
    access.apply(&AccessWrite::ForgetToken(hash("good")));
    access.apply(&AccessWrite::ForgetBot(bot("ana"), NOON));
    check(&mut access, "anas", 0, Err(Refusal::Unknown));
    check(&mut access, "good", 0, Ok("ana"));
    check(&mut access, "local", 0, Ok("ana"));
    check(&mut access, "cleos", 0, Ok("cleo"));
    assert_eq!(access.registry().record(&bot("ana")), None);
}

#[test]
fn only_the_tokens_of_that_bot_that_were_made_at_run_time_end() {
    let mut access = access(99);
    keep(&mut access, "anas", "ana");
    keep(&mut access, "cleos", "cleo");
    end_at(&mut access, "ana", 10);
    check(&mut access, "anas", 9, Ok("ana"));
    check(&mut access, "anas", 10, Err(Refusal::Unknown));
    check(&mut access, "good", 10, Ok("ana"));
    check(&mut access, "cleos", 10, Ok("cleo"));
}

#[test]
fn a_bot_whose_last_token_is_switched_off_has_lost_its_tokens() {
    let mut access = access(9);
    declare(&mut access, &[("good", "ana", true)], &[], 9);
    assert!(access.registry().standing(&bot("ana"), NOON).shut_out);
    check(&mut access, "good", 0, Err(Refusal::Disabled));
}

#[test]
fn a_pass_is_good_as_long_as_its_token_and_its_bot_are() {
    let mut access = access(9);
    keep(&mut access, "cleos", "cleo");
    let pass = |name: &str, token: &str| Pass { bot: bot(name), token: hash(token) };
    let is_good = |access: &Access, pass: &Pass, after_ms: u64| {
        access.registry().is_good(pass, NOON + after_ms)
    };
    let cleos = pass("cleo", "cleos");
    assert!(is_good(&access, &cleos, 0));
    assert!(!is_good(&access, &pass("ana", "cleos"), 0), "the token is another bot's now");
    end_at(&mut access, "cleo", 10);
    assert!(is_good(&access, &cleos, 9) && !is_good(&access, &cleos, 10));

    let anas = pass("ana", "good");
    access.apply(&AccessWrite::Bot(BotRecord { disabled: true, ..record("ana") }));
    assert!(!is_good(&access, &anas, 0));
    access.apply(&AccessWrite::Bot(record("ana")));
    assert!(is_good(&access, &anas, 0));
    declare(&mut access, &[], &[], 9);
    assert!(!is_good(&access, &anas, 0));
}

#[test]
fn a_guest_is_whoever_came_by_an_invite_and_operates_nothing() {
    let mut access = access(9);
    let guest = |name: &str| BotRecord { guest: true, ..record(name) };
    // The file has a token for Ana, and whoever wrote the file vouches for her.
    let bots = [guest("gus"), BotRecord { operator: true, ..guest("ops") }, guest("ana")];
    access.restore([&bots[..], &[record("cleo")]].concat(), vec![], vec![]);
    let guests = ["gus", "ops", "cleo", "ana"].map(|name| access.registry().is_guest(&bot(name)));
    assert_eq!(guests, [true, false, false, false]);
}

#[test]
fn a_token_that_ends_opens_no_door_from_then_on() {
    let mut access = access(3);
    keep(&mut access, "old", "cleo");
    end_at(&mut access, "cleo", 10);
    keep(&mut access, "new", "cleo");
    assert_eq!(access.next_end(), Some(NOON + 10));
    check(&mut access, "old", 9, Ok("cleo"));
    check(&mut access, "new", 9, Ok("cleo"));
    check(&mut access, "old", 10, Err(Refusal::Unknown));
    check(&mut access, "new", 10, Ok("cleo"));
    assert_eq!(access.end_tokens(NOON + 9).writes, []);
    let over = access.end_tokens(NOON + 10);
    assert_eq!(over.writes, [AccessWrite::ForgetToken(hash("old"))]);
    assert_eq!(over.answer, [bot("cleo")]);
    assert_eq!((access.next_end(), access.registry().token_count(&bot("cleo"))), (None, 1));
    assert_eq!(access.apply(&over.writes[0]), None, "the time has ended it before");
}

#[test]
fn a_token_that_was_taken_away_does_not_end_once_more() {
    let mut access = access(3);
    keep(&mut access, "old", "cleo");
    end_at(&mut access, "cleo", 10);
    end_at(&mut access, "cleo", 5);
    access.apply(&AccessWrite::RevokeTokens(bot("cleo")));
    assert_eq!(access.end_tokens(NOON + 20).writes, []);
    assert_eq!(access.next_end(), None);
}

#[test]
fn names_come_in_pages_whoever_gave_them() {
    let mut access = access(3);
    keep(&mut access, "made", "cleo");
    access.accept_local_operator(hash("more"), bot("dora"));
    let check = |after: Option<&str>, limit: u32, expected: &[&str], next: Option<&str>| {
        let wish = Page { after: after.map(Into::into), limit: Some(limit) };
        let (names, found) = access.registry().page(&wish);
        let names: Vec<&str> = names.iter().map(BotId::as_str).collect();
        assert_eq!((&names[..], found.as_deref()), (expected, next), "{wish:?}");
    };
    check(None, 2, &["ana", "bob"], Some("bob"));
    check(Some("bob"), 2, &["cleo", "dora"], None);
    check(Some("bo"), 0, &["bob"], Some("bob"));
    check(Some("dora"), 9, &[], None);
}

#[test]
fn bots_without_a_token_come_in_pages_too() {
    let mut access = access(3);
    for name in ["bea", "cleo", "dora", "eve"] {
        access.apply(&AccessWrite::Bot(record(name)));
    }
    let check = |after: &str, expected: &[&str], next: Option<&str>| {
        let wish = Page { after: Some(after.into()), limit: Some(2) };
        let (names, found) = access.registry().page(&wish);
        let names: Vec<&str> = names.iter().map(BotId::as_str).collect();
        assert_eq!((&names[..], found.as_deref()), (expected, next), "{wish:?}");
    };
    check("bob", &["cleo", "dora"], Some("dora"));
    check("cleo", &["dora", "eve"], None);
    check("b", &["bea", "bob"], Some("bob"));
}

#[test]
fn the_stored_tokens_of_the_local_operator_can_be_revoked_and_its_own_cannot() {
    let mut access = access(3);
    access.accept_local_operator(hash("local"), bot("operator"));
    let revoke = Operation::BotRevokeToken { bot: bot("operator") };
    let name =
        |access: &Access| access.may_operate(&bot("operator"), &revoke).map_err(|it| it.name);
    assert_eq!(name(&access), Err("not_allowed".into()));
    keep(&mut access, "of-before", "operator");
    assert_eq!(name(&access), Ok(()));
}

#[test]
fn when_a_bot_was_here_last_is_not_forgotten_by_a_change_of_it() {
    let mut access = access(3);
    let seen = |at: u64| Some(NOON + at);
    access.apply(&AccessWrite::Bot(record("cleo")));
    access.apply(&AccessWrite::Seen(bot("cleo"), NOON + 5));
    for (kept, expected) in [(None, seen(5)), (seen(4), seen(5)), (seen(9), seen(9))] {
        access.apply(&AccessWrite::Bot(BotRecord { last_seen: kept, ..record("cleo") }));
        let found = access.registry().record(&bot("cleo")).and_then(|it| it.last_seen);
        assert_eq!(found, expected, "{kept:?}");
    }
}

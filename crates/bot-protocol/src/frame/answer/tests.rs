//! The bytes of every answer, as hubs have always written them.

use super::*;
use crate::frame::ServerFrame;
use crate::word::Open;

/// Reads an answer as a client does, writes it as a hub does, and returns it.
fn check<A: Reply>(json: &str) -> A {
    let frame = format!(r#"{{"type":"operated","ref":"r1","result":{json}}}"#);
    let heard = ServerFrame::decode(frame.as_bytes()).unwrap();
    let Some(ServerFrame::Operated(mut operated)) = heard else { panic!("{frame}") };
    let answer: A = operated.result.clone().read().expect(json);
    operated.result = answer.into();
    assert_eq!(ServerFrame::Operated(operated).encode(), frame);
    serde_json::from_str(json).expect(json)
}

#[test]
fn answers_about_bots_are_written_as_ever() {
    let made: TokenMade = check(
        r#"{"bot":"dora","keep_until":1300000,"public_url":null,"token":"bh_bot_x","token_id":"00ff"}"#,
    );
    assert!(!format!("{made:?}").contains("bh_bot_x"));
    check::<TokenMade>(
        r#"{"bot":"dora","old_ends_at":9,"public_url":"https://hub.example","token":"bh_bot_x"}"#,
    );
    check::<TokenKept>(r#"{"bot":"dora","old_ends_at":null}"#);
    check::<TokensRevoked>(r#"{"bot":"dora","tokens":1}"#);
    check::<BotSwitched>(r#"{"bot":"dora","disabled":true}"#);
    check::<BotRemoved>(r#"{"bot":"dora","dropped":3,"removed":true}"#);
    let list: BotList = check(concat!(
        r#"{"bots":[{"bot":"ana","client":null,"created_at":null,"disabled":false,"ended_lately":null,"#,
        r#""guest":false,"last_seen":null,"online":false,"operator":true,"origin":"configuration file","#,
        r#""said_in_a_day":0,"slowed":null,"tokens":1},{"bot":"bob","client":"x 1","created_at":1,"disabled":true,"#,
        r#""ended_lately":{"count":3,"since":7,"why":"the hub stopped"},"guest":true,"last_seen":2,"#,
        r#""online":true,"operator":false,"origin":"store","#,
        r#""said_in_a_day":0,"slowed":{"busy_ms":3,"ms":2,"times":1},"tokens":0}],"next":"bob"}"#,
    ));
    assert_eq!(list.bots[0].origin, BotOrigin::ConfigurationFile);
}

#[test]
fn answers_about_rooms_are_written_as_ever() {
    check::<Done>(r#"{"ok":true}"#);
    check::<Done>(r#"{"dropped":2,"ok":true}"#);
    check::<EntryRedacted>(
        r#"{"from":"ann","id":"m1","redacted":{"at":5,"by":"op"},"room":"lab","seq":7}"#,
    );
    let room = concat!(
        r#""bytes":8,"closed":false,"entries":1,"first":3,"head":3,"members":[{"bot":"ana","#,
        r#""can":["read","post","request"],"cursor":3,"online":true,"waiting":0}],"#,
    );
    let retain =
        r#""retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab""#;
    check::<RoomLine>(&format!(r#"{{{room}"next":"ana",{retain}}}"#));
    check::<RoomLine>(&format!(r#"{{{room}"retain":{{"entries":1}},"room":"lab"}}"#));
    check::<RoomList>(&format!(r#"{{"next":"lab ana","rooms":[{{{room}{retain}}}]}}"#));
    let list: PendingList = check(concat!(
        r#"{"next":"lab bob","pending":[{"bot":"bob","in_flight":0,"oldest_age_ms":null,"#,
        r#""oldest_seq":1,"reason":"offline","room":"lab","waiting":1}]}"#,
    ));
    assert_eq!(list.pending[0].reason, WaitReason::Offline);
    check::<Observing>(r#"{"observing":"all"}"#);
    check::<Observing>(r#"{"observing":{"dm:ann:bob":0,"lab":3}}"#);
}

#[test]
fn the_numbers_and_invites_are_written_as_ever() {
    check::<HubNumbers>(concat!(
        r#"{"accepted":1,"ahead_ms":0,"bots":3,"connections":3,"corrupt":0,"dead":0,"deliveries":1,"#,
        r#""disk_left":null,"dropped":0,"entries":1,"epoch":"00000000000000e0","expired":0,"forgotten":0,"#,
        r#""oldest_waiting_ms":2000,"online":2,"pauses":0,"received":0,"refused_changes":0,"#,
        r#""retention_waits":null,"rooms":1,"waiting":1}"#,
    ));
    let made: InviteMade = check(concat!(
        r#"{"bots":["ana"],"can":["read","post"],"code":"K7QF-2M9D","expires_at":5,"id":"inv_01","#,
        r#""name":"fern","public_url":null,"rooms":["lab"],"rooms_made":[],"secret":"bh_inv_x"}"#,
    ));
    assert!(!format!("{made:?}").contains("K7QF"));
    check::<InviteList>(concat!(
        r#"{"invites":[{"by":"ana","can":["read"],"claim":null,"created_at":1,"expires_at":2,"#,
        r#""id":"inv_01","name":"fern","rooms":["lab"],"state":"open"},{"by":"ana","can":["read"],"#,
        r#""claim":{"address":null,"at":1,"bot":"fern","client":""},"created_at":1,"expires_at":2,"#,
        r#""id":"inv_02","name":"fern","rooms":["lab"],"state":"used"}],"next":"1.inv_02"}"#,
    ));
    check::<InviteRevoked>(r#"{"id":"inv_01","revoked":true}"#);
}

#[test]
fn answers_about_pauses_are_written_by_name() {
    check::<PauseLine>(r#"{"by":"ana","since":1}"#);
    check::<PauseList>(concat!(
        r#"{"next":"lab bob rule","pauses":[{"bot":"bob","room":"lab","since":1,"until":2,"#,
        r#""why":{"limit":30,"rule":"turns","used":30}}]}"#,
    ));
    check::<Resumed>(r#"{"ended":0,"holds":{"by":"ana","since":1},"skipped":0}"#);
    check::<Resumed>(r#"{"ended":2,"skipped":3}"#);
    let stopped: HubNumbers = serde_json::from_str(r#"{"stopped":{"since":1}}"#).unwrap();
    assert_eq!(stopped.stopped.map(|line| line.since), Some(crate::time::Timestamp(1)));
}

#[test]
fn an_answer_of_an_older_or_a_newer_hub_is_read() {
    let read = |json: &str| serde_json::from_str::<BotLine>(json).expect(json);
    let older = read(r#"{"bot":"ana","online":true,"disabled":false}"#);
    assert_eq!((older.guest, older.slowed, older.ended_lately), (false, None, None));
    let newer = r#"{"bot":"ana","online":true,"disabled":false,"origin":"the moon","mood":1}"#;
    assert_eq!(read(newer).origin, Open::Unknown("the moon".into()));
    let numbers: HubNumbers = serde_json::from_str(r#"{"rooms":2,"more":{}}"#).unwrap();
    assert_eq!(numbers, HubNumbers { rooms: 2, ..HubNumbers::default() });
}

#[test]
fn what_was_received_keeps_every_field() {
    let json = serde_json::json!({ "ok": true, "later": [1] });
    let answer: Answer = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(answer.clone().read::<Done>().unwrap(), Done::dropping(0));
    assert_eq!(answer.into_json(), json);
    assert!(Answer::from(Done::dropping(1)).read::<BotLine>().is_err());
}

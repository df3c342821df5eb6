//! How a connection begins, lasts and ends.

use super::*;

#[test]
fn a_link_authenticates_and_takes_up_where_it_was() {
    assert_snapshot!(from_the_start("
        0 tick
        5 opened
        9 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa','rooms':[{'room':'lab','position':{'epoch':'00000000000000aa','seq':4},'head':4}]}
        10 closed reset by peer
        600 tick
        601 opened
    "), @r"
    0 tick
        connect
    5 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    9 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa','rooms':[{'room':'lab','position':{'epoch':'00000000000000aa','seq':4},'head':4}]}
        event 1: connected
    10 closed reset by peer
        waiting 279 ms: the connection broke: reset by peer
        event 2: disconnected for 279 ms: the connection broke: reset by peer
    600 tick
        connect
    601 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    ");
}

#[test]
fn attempts_that_fail_wait_longer_and_longer_and_are_told_once() {
    assert_snapshot!(from_the_start("
        0 tick
        0 closed refused
        1000 tick
        1000 closed refused
        3000 tick
        3000 closed refused
        9000 tick
        9000 closed refused
    "), @r"
    0 tick
        connect
    0 closed refused
        waiting 279 ms: the connection broke: refused
        event 1: disconnected for 279 ms: the connection broke: refused
    1000 tick
        connect
    1000 closed refused
        waiting 451 ms: the connection broke: refused
    3000 tick
        connect
    3000 closed refused
        waiting 1515 ms: the connection broke: refused
    9000 tick
        connect
    9000 closed refused
        waiting 3131 ms: the connection broke: refused
    ");
}

#[test]
fn a_bad_token_ends_at_once() {
    assert_snapshot!(from_the_start("
        0 send m1 #lab hi
        0 ask 1 {'type':'rooms'}
        0 tick
        0 opened
        1 < {'type':'error','code':2001,'name':'bad_token','message':'the token is not known to this hub','retry':'after_fix'}
        2 closed code 1008
        3 send m2 #lab hello
    "), @r"
    0 send m1 #lab hi
    0 ask 1 {'type':'rooms'}
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    1 < {'type':'error','code':2001,'name':'bad_token','message':'the token is not known to this hub','retry':'after_fix'}
        sent m1: the hub refused the authentication: the token is not known to this hub (`bad_token`, 2001)
        answer 1: the hub refused the authentication: the token is not known to this hub (`bad_token`, 2001)
        disconnect
        ended: the hub refused the authentication: the token is not known to this hub (`bad_token`, 2001)
    2 closed code 1008
    3 send m2 #lab hello
        sent m2: the hub refused the authentication: the token is not known to this hub (`bad_token`, 2001)
    ");
}

#[test]
fn a_hub_that_is_busy_is_asked_again_when_it_said() {
    assert_snapshot!(from_the_start("
        0 tick
        0 opened
        1 < {'type':'error','code':5001,'name':'overloaded','message':'too much','retry':'later','retry_after_ms':8000}
    "), @r"
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    1 < {'type':'error','code':5001,'name':'overloaded','message':'too much','retry':'later','retry_after_ms':8000}
        disconnect
        waiting 9650 ms: the hub refused the connection for now: too much (`overloaded`, 5001)
        event 1: disconnected for 9650 ms: the hub refused the connection for now: too much (`overloaded`, 5001)
    ");
}

#[test]
fn a_hub_that_does_not_answer_the_authentication_is_left() {
    assert_snapshot!(from_the_start("
        0 tick
        0 opened
        9999 tick
        10000 tick
    "), @r"
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    9999 tick
    10000 tick
        disconnect
        waiting 279 ms: nothing was heard from the hub for 10000 ms
        event 1: disconnected for 279 ms: nothing was heard from the hub for 10000 ms
    ");
}

#[test]
fn silence_is_answered_with_a_ping_and_then_with_a_new_connection() {
    assert_snapshot!(when_ready("
        19999 tick
        20000 tick
        20001 < {'type':'pong'}
        40001 tick
        40002 heard
        60002 tick
        85002 tick
    "), @r"
    19999 tick
    20000 tick
        > {'type':'ping'}
    20001 < {'type':'pong'}
    40001 tick
        > {'type':'ping'}
    40002 heard
    60002 tick
        > {'type':'ping'}
    85002 tick
        disconnect
        waiting 279 ms: nothing was heard from the hub for 45000 ms
        event 2: disconnected for 279 ms: nothing was heard from the hub for 45000 ms
    ");
}

#[test]
fn a_ping_of_the_hub_is_answered() {
    assert_snapshot!(when_ready("
        1 < {'type':'ping','at':77}
        2 < {'type':'pong','at':78}
    "), @r"
    1 < {'type':'ping','at':77}
        > {'type':'ping','at':77}
    2 < {'type':'pong','at':78}
    ");
}

#[test]
fn a_hub_that_goes_away_is_rejoined_around_the_time_that_it_said() {
    assert_snapshot!(when_ready("
        1 send m1 #lab one
        2 < {'type':'going_away','reason':'shutdown','reconnect_in_ms':4000}
        3 send m2 #lab two
        4 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
        5 closed code 1012
        2000 tick
        5002 tick
        5003 opened
        5004 < {'type':'auth_ok','caps':['ack']}
    "), @r"
    1 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    2 < {'type':'going_away','reason':'shutdown','reconnect_in_ms':4000}
        event 2: going away Shutdown
    3 send m2 #lab two
    4 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
        sent m1: acked Some(5)
    5 closed code 1012
        waiting 4539 ms: the hub ended the connection: the hub restarts or stops
        event 3: disconnected for 4539 ms: the hub ended the connection: the hub restarts or stops
    2000 tick
    5002 tick
        connect
    5003 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    5004 < {'type':'auth_ok','caps':['ack']}
        event 4: connected
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    ");
}

#[test]
fn a_hub_that_goes_away_and_does_not_close_is_left() {
    assert_snapshot!(when_ready("
        1 < {'type':'going_away','reason':'too_slow','reconnect_in_ms':60000}
        4999 tick
        5001 tick
    "), @r"
    1 < {'type':'going_away','reason':'too_slow','reconnect_in_ms':60000}
        event 2: going away TooSlow
    4999 tick
    5001 tick
        disconnect
        waiting 61304 ms: the hub ended the connection: this client does not read what it is sent
        event 3: disconnected for 61304 ms: the hub ended the connection: this client does not read what it is sent
    ");
}

#[test]
fn a_fight_over_a_bot_is_slowed_down_and_not_given_up() {
    assert_snapshot!(from_the_start("
        0 tick
        0 opened
        1 < {'type':'going_away','reason':'replaced','reconnect_in_ms':10000}
        2 closed code 4000
    "), @r"
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    1 < {'type':'going_away','reason':'replaced','reconnect_in_ms':10000}
        event 1: going away Replaced
        disconnect
        waiting 10335 ms: the hub ended the connection: a newer connection of this bot took over
        event 2: disconnected for 10335 ms: the hub ended the connection: a newer connection of this bot took over
    2 closed code 4000
    ");
}

#[test]
fn a_client_that_is_replaced_or_revoked_does_not_come_back() {
    for reason in ["replaced", "revoked"] {
        let script = format!(
            "
            1 send m1 #lab one
            2 < {{'type':'going_away','reason':'{reason}'}}
            3 closed code 4000
            9000 tick
        "
        );
        let transcript = when_ready(&script);
        let ended = if reason == "replaced" {
            "ended: another connection of this bot took over"
        } else {
            "ended: this bot was disabled or removed, or its token was revoked"
        };
        assert!(transcript.contains("    disconnect\n"), "{transcript}");
        assert!(
            transcript.contains(ended) && !transcript.contains("connect\n    >"),
            "{transcript}"
        );
    }
}

#[test]
fn a_hub_that_names_no_time_to_come_back_means_it() {
    assert_snapshot!(when_ready("
        2 < {'type':'going_away','reason':'shutdown'}
    "), @r"
    2 < {'type':'going_away','reason':'shutdown'}
        event 2: going away Shutdown
        disconnect
        ended: the hub sent this client away for good: the hub restarts or stops
    ");
}

#[test]
fn stopping_tells_everybody_who_waits() {
    assert_snapshot!(when_ready("
        1 send m1 #lab one
        1 ask 1 {'type':'rooms'}
        2 stop
        3 ask 2 {'type':'who'}
        3 stop
    "), @r"
    1 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    1 ask 1 {'type':'rooms'}
        > {'type':'rooms'}
    2 stop
        sent m1: the client was closed
        answer 1: the client was closed
        disconnect
        ended: the client was closed
    3 ask 2 {'type':'who'}
        answer 2: the client was closed
    3 stop
    ");
}

#[test]
fn a_reason_that_only_a_newer_hub_knows_is_shown_and_its_time_kept() {
    let transcript = when_ready(
        "
        100 < {'type':'going_away','reason':'tidying_up','reconnect_in_ms':2000}
    ",
    );
    assert!(transcript.contains("event 2: going away Unknown(\"tidying_up\")"), "{transcript}");
    assert!(!transcript.contains("ended"), "{transcript}");
    let transcript = when_ready(
        "
        100 < {'type':'going_away','reason':'moved_house'}
    ",
    );
    assert!(transcript.contains("for good: `moved_house`"), "{transcript}");
}

#[test]
fn a_refusal_with_a_time_is_for_now_by_whatever_word() {
    let transcript = from_the_start("
        0 tick
        0 opened
        1 < {'type':'error','code':9001,'name':'at_lunch','message':'later','retry':'after_lunch','retry_after_ms':700}
    ");
    assert!(transcript.contains("waiting") && !transcript.contains("ended"), "{transcript}");
    let transcript = from_the_start(
        "
        0 tick
        0 opened
        1 < {'type':'error','code':9002,'name':'gone','message':'no','retry':'in_another_life'}
    ",
    );
    assert!(transcript.contains("ended"), "{transcript}");
}

#[test]
fn what_cannot_be_read_is_counted_and_skipped_and_its_question_answered() {
    let transcript = when_ready(
        "
        100 ask 1 {'type':'history','room':'lab'}
        101 < {'type':'history','room':'lab','entries':7}
        102 ask 2 {'type':'operate','ref':'r1','do':{'hub_status':{}}}
        103 < {'type':'operated','ref':'r1'}
        104 < {'type':'message','room':'lab','from':'ann','text':['a','list']}
        105 < {'type':'message','room':'lab','from':'ann','text':'hi','id':'m6','seq':6,'prev':4}
    ",
    );
    for said in [
        "answer 1: the hub's answer cannot be read: in `history`, field `entries`: invalid type",
        "event 2: Unreadable { count: 1, problem: \"in `history`",
        "answer 2: the hub's answer cannot be read: in `operated`: missing field `result`",
        "event 4: Unreadable { count: 3, problem: \"in `message`, field `text`",
        "event 5: message #lab <ann> hi",
    ] {
        assert!(transcript.contains(said), "{said}\n{transcript}");
    }
    assert!(!transcript.contains("disconnect"), "{transcript}");
}

#[test]
fn a_greeting_that_cannot_be_read_is_tried_again() {
    let transcript = from_the_start(
        "
        0 tick
        0 opened
        1 < {'type':'auth_ok','rooms':'all of them'}
    ",
    );
    assert!(transcript.contains("the hub sent something that is no frame"), "{transcript}");
}

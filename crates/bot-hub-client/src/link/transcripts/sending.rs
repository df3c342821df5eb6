//! What becomes of messages on their way to the hub.

use super::*;

#[test]
fn messages_are_sent_again_in_order_with_the_same_id_until_their_ack() {
    assert_snapshot!(when_ready("
        1 send m1 #lab one
        1 send m2 #lab two
        1 send m3 @bob three
        2 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
        3 closed reset
        4 send m4 #lab four
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack']}
        602 < {'type':'ack','room':'lab','id':'m2','seq':6,'delivered':1,'duplicate':true}
        602 < {'type':'ack','room':'dm:bob:me','id':'m3','seq':1,'delivered':0}
        603 < {'type':'ack','room':'lab','id':'m4','seq':7,'delivered':1}
    "), @r"
    1 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    1 send m2 #lab two
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    1 send m3 @bob three
        > {'type':'message','to':'bob','text':'three','id':'m3'}
    2 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
        sent m1: acked Some(5)
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 2: disconnected for 279 ms: the connection broke: reset
    4 send m4 #lab four
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack']}
        event 3: connected
        > {'type':'message','room':'lab','text':'two','id':'m2'}
        > {'type':'message','to':'bob','text':'three','id':'m3'}
        > {'type':'message','room':'lab','text':'four','id':'m4'}
    602 < {'type':'ack','room':'lab','id':'m2','seq':6,'delivered':1,'duplicate':true}
        sent m2: acked Some(6)
    602 < {'type':'ack','room':'dm:bob:me','id':'m3','seq':1,'delivered':0}
        sent m3: acked Some(1)
    603 < {'type':'ack','room':'lab','id':'m4','seq':7,'delivered':1}
        sent m4: acked Some(7)
    ");
}

#[test]
fn more_messages_than_allowed_and_twice_the_same_id_are_refused() {
    assert_snapshot!(when_ready("
        1 send m1 #lab one
        1 send m1 #lab again
        1 send m2 #lab two
        1 send m3 #lab three
        1 send m4 #lab four
    "), @r"
    1 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    1 send m1 #lab again
        sent m1: a message with that id is on its way
    1 send m2 #lab two
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    1 send m3 #lab three
        > {'type':'message','room':'lab','text':'three','id':'m3'}
    1 send m4 #lab four
        sent m4: too many messages wait for the hub's acknowledgement
    ");
}

#[test]
fn a_definite_refusal_ends_a_message() {
    assert_snapshot!(when_ready("
        1 send m1 #nowhere one
        2 < {'type':'error','code':3001,'name':'no_such_room','message':'there is no such room','retry':'after_fix','ref':'m1'}
    "), @r"
    1 send m1 #nowhere one
        > {'type':'message','room':'nowhere','text':'one','id':'m1'}
    2 < {'type':'error','code':3001,'name':'no_such_room','message':'there is no such room','retry':'after_fix','ref':'m1'}
        sent m1: the hub refused the message: there is no such room (`no_such_room`, 3001)
    ");
}

#[test]
fn a_message_that_the_hub_could_not_even_name_is_not_sent() {
    let deep = format!("'meta':{}{}", "[".repeat(40), "]".repeat(40));
    let mut link = Link::new(config(), 7);
    run(&mut link, WELCOME);
    let Input::Send { id, mut message } = send("m1 #lab x") else { unreachable!() };
    let meta = deep.trim_start_matches("'meta':").to_owned();
    message.meta = Some(bot_protocol::frame::Opaque::from_json(meta).unwrap());
    link.handle(Timestamp(1), Input::Send { id, message });
    let Some(Output::Sent { result: Err(SendError::Invalid(error)), .. }) = link.poll() else {
        panic!("it was sent");
    };
    assert_eq!(error.message, "at most 32 levels are allowed");
}

#[test]
fn a_postponed_message_is_sent_again_and_not_overtaken_on_its_way_to_the_same_target() {
    assert_snapshot!(when_ready("
        1 send m1 #lab one
        2 < {'type':'error','code':5002,'name':'storage_full','message':'full','retry':'later','retry_after_ms':500,'ref':'m1'}
        3 send m2 #lab two
        3 send m3 @bob three
        400 tick
        700 tick
        701 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
    "), @r"
    1 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    2 < {'type':'error','code':5002,'name':'storage_full','message':'full','retry':'later','retry_after_ms':500,'ref':'m1'}
        event 2: postponed m1 593 ms
    3 send m2 #lab two
    3 send m3 @bob three
        > {'type':'message','to':'bob','text':'three','id':'m3'}
    400 tick
    700 tick
        > {'type':'message','room':'lab','text':'one','id':'m1'}
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    701 < {'type':'ack','room':'lab','id':'m1','seq':5,'delivered':1}
        sent m1: acked Some(5)
    ");
}

#[test]
fn a_hub_without_ids_and_epochs_is_understood() {
    assert_snapshot!(from_the_start("
        0 tick
        0 opened
        1 < {'type':'auth_ok'}
        2 ask 1 {'type':'join','room':'lab'}
        3 < {'type':'joined','room':'lab','members':['pelouse']}
        4 send m1 #lab one
        4 send m2 #lab two
        5 < {'type':'ack','room':'lab','delivered':1}
        6 < {'type':'message','room':'lab','from':'pelouse','text':'hi'}
        6 < {'type':'message','room':'lab','from':'pelouse','text':'hi'}
        7 taken 3
        8 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok'}
    "), @r"
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    1 < {'type':'auth_ok'}
        event 1: connected
    2 ask 1 {'type':'join','room':'lab'}
        > {'type':'join','room':'lab'}
    3 < {'type':'joined','room':'lab','members':['pelouse']}
        answer 1: {'type':'joined','room':'lab','members':['pelouse']}
    4 send m1 #lab one
        > {'type':'message','room':'lab','text':'one','id':'m1'}
    4 send m2 #lab two
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    5 < {'type':'ack','room':'lab','delivered':1}
        sent m1: acked None
    6 < {'type':'message','room':'lab','from':'pelouse','text':'hi'}
        event 2: message #lab <pelouse> hi
    6 < {'type':'message','room':'lab','from':'pelouse','text':'hi'}
        event 3: message #lab <pelouse> hi
    7 taken 3
    8 closed reset
        waiting 279 ms: the connection broke: reset
        event 4: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{}}
    601 < {'type':'auth_ok'}
        event 5: connected
        > {'type':'join','room':'lab'}
        > {'type':'message','room':'lab','text':'two','id':'m2'}
    ");
}

//! What becomes of what the hub delivers.

use super::*;

#[test]
fn a_side_connection_resumes_and_acknowledges_nothing() {
    let mut config = config();
    config.auth.side = true;
    assert_snapshot!(run(&mut Link::new(config, 7), "
        0 tick
        0 opened
        1 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        2 < {'type':'message','room':'lab','from':'a','text':'seen','id':'x5','seq':5}
        3 taken 2
    "), @r"
    0 tick
        connect
    0 opened
        > {'type':'auth','token':'t','caps':['ack'],'side':true}
    1 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        event 1: connected
    2 < {'type':'message','room':'lab','from':'a','text':'seen','id':'x5','seq':5}
        event 2: message #lab <a> seen
    3 taken 2
    ");
}

#[test]
fn what_the_application_took_is_acknowledged_once_per_room() {
    assert_snapshot!(when_ready("
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        1 < {'type':'message','room':'dm:a:me','from':'a','text':'psst','id':'y1','seq':1}
        1 < {'type':'message','room':'lab','from':'b','text':'seven','id':'x7','seq':7}
        2 taken 1
        2 taken 4
        2 taken 5
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        event 3: message #lab <a> six
    1 < {'type':'message','room':'dm:a:me','from':'a','text':'psst','id':'y1','seq':1}
        event 4: message #dm:a:me <a> psst
    1 < {'type':'message','room':'lab','from':'b','text':'seven','id':'x7','seq':7}
        event 5: message #lab <b> seven
    2 taken 1
    2 taken 4
        > {'type':'receipt','room':'lab','seq':6,'state':'received'}
        > {'type':'receipt','room':'dm:a:me','seq':1,'state':'received'}
    2 taken 5
        > {'type':'receipt','room':'lab','seq':7,'state':'received'}
    ");
}

#[test]
fn a_redelivery_is_not_given_twice_and_is_acknowledged_again_if_it_was_taken() {
    assert_snapshot!(when_ready("
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        2 taken 2
        3 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        602 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5,'redelivered':true}
        602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
        602 < {'type':'message','room':'lab','from':'b','text':'other six','id':'x6','seq':7}
        603 taken 3
        604 taken 6
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        event 3: message #lab <a> six
    2 taken 2
        > {'type':'receipt','room':'lab','seq':5,'state':'received'}
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 4: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':5}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        event 5: connected
    602 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5,'redelivered':true}
        > {'type':'receipt','room':'lab','id':'x5','from':'a','state':'received'}
    602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
    602 < {'type':'message','room':'lab','from':'b','text':'other six','id':'x6','seq':7}
        event 6: message #lab <b> other six
    603 taken 3
        > {'type':'receipt','room':'lab','seq':6,'state':'received'}
    604 taken 6
        > {'type':'receipt','room':'lab','seq':7,'state':'received'}
    ");
}

#[test]
fn what_was_taken_before_a_gap_was_told_is_acknowledged_when_the_application_has_seen_the_gap() {
    let config = Config { acknowledge: Acknowledge::Manual, ..config() };
    assert_snapshot!(when_ready_with(config, "
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        2 taken 3
        3 tell {'type':'receipt','room':'lab','id':'x6','state':'received'}
        4 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        602 < {'type':'gap','room':'lab','from_seq':5,'to_seq':5,'lost':1,'reason':'retention'}
        602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
        603 < {'type':'message','room':'den','from':'a','text':'psst','id':'y1','seq':1}
        604 taken 6
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        event 3: message #lab <a> six
    2 taken 3
    3 tell {'type':'receipt','room':'lab','id':'x6','state':'received'}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'received'}
    4 closed reset
        waiting 279 ms: the connection broke: reset
        event 4: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        event 5: connected
    602 < {'type':'gap','room':'lab','from_seq':5,'to_seq':5,'lost':1,'reason':'retention'}
        event 6: gap #lab from 5 Retention
    602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
    603 < {'type':'message','room':'den','from':'a','text':'psst','id':'y1','seq':1}
        event 7: message #den <a> psst
    604 taken 6
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'received'}
    ");
}

#[test]
fn with_manual_acknowledgement_the_application_says_what_it_did() {
    let config = Config { acknowledge: Acknowledge::Manual, ..config() };
    assert_snapshot!(when_ready_with(config, "
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        2 taken 3
        3 tell {'type':'receipt','room':'lab','id':'x6','state':'received'}
        4 tell {'type':'receipt','room':'lab','id':'x6','state':'started'}
        5 closed reset
        6 tell {'type':'receipt','room':'lab','id':'x6','state':'answered','reply':'m1'}
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        602 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5,'redelivered':true}
        602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
        603 tell {'type':'receipt','room':'lab','id':'x5','state':'received'}
        604 closed reset
        1700 tick
        1700 opened
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        event 3: message #lab <a> six
    2 taken 3
    3 tell {'type':'receipt','room':'lab','id':'x6','state':'received'}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'received'}
    4 tell {'type':'receipt','room':'lab','id':'x6','state':'started'}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'started'}
    5 closed reset
        waiting 279 ms: the connection broke: reset
        event 4: disconnected for 279 ms: the connection broke: reset
    6 tell {'type':'receipt','room':'lab','id':'x6','state':'answered','reply':'m1'}
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        event 5: connected
    602 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5,'redelivered':true}
    602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6,'redelivered':true}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'received'}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'started'}
        > {'type':'receipt','room':'lab','id':'x6','from':'a','state':'answered','reply':'m1'}
    603 tell {'type':'receipt','room':'lab','id':'x5','state':'received'}
        > {'type':'receipt','room':'lab','id':'x5','from':'a','state':'received'}
    604 closed reset
        waiting 451 ms: the connection broke: reset
        event 6: disconnected for 451 ms: the connection broke: reset
    1700 tick
        connect
    1700 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':6}}}
    ");
}

#[test]
fn receipts_are_repeated_until_a_later_ack_proves_that_they_arrived() {
    assert_snapshot!(when_ready("
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        2 taken 2
        3 tell {'type':'receipt','room':'lab','id':'x5','state':'started'}
        4 send m1 #lab hello
        5 tell {'type':'receipt','room':'lab','id':'x5','state':'answered','reply':'m1'}
        6 < {'type':'ack','room':'lab','id':'m1','seq':6,'delivered':1}
        7 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    2 taken 2
        > {'type':'receipt','room':'lab','seq':5,'state':'received'}
    3 tell {'type':'receipt','room':'lab','id':'x5','state':'started'}
        > {'type':'receipt','room':'lab','id':'x5','from':'a','state':'started'}
    4 send m1 #lab hello
        > {'type':'message','room':'lab','text':'hello','id':'m1'}
    5 tell {'type':'receipt','room':'lab','id':'x5','state':'answered','reply':'m1'}
        > {'type':'receipt','room':'lab','id':'x5','from':'a','state':'answered','reply':'m1'}
    6 < {'type':'ack','room':'lab','id':'m1','seq':6,'delivered':1}
        sent m1: acked Some(6)
    7 closed reset
        waiting 279 ms: the connection broke: reset
        event 3: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':5}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000aa'}
        event 4: connected
        > {'type':'receipt','room':'lab','id':'x5','from':'a','state':'answered','reply':'m1'}
    ");
}

#[test]
fn another_epoch_is_a_gap_and_starts_the_numbers_anew() {
    assert_snapshot!(when_ready("
        1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        2 taken 2
        3 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'lab','position':{'epoch':'00000000000000bb','seq':1},'head':3}]}
        602 < {'type':'gap','room':'lab','from_seq':1,'to_seq':1,'lost':0,'reason':'epoch'}
        602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':2}
        602 < {'type':'message','room':'lab','from':'a','text':'new','id':'x7','seq':3}
        603 taken 3
        604 taken 7
        605 closed reset
        1700 tick
        1700 opened
    "), @r"
    1 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        event 2: message #lab <a> five
    1 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':6}
        event 3: message #lab <a> six
    2 taken 2
        > {'type':'receipt','room':'lab','seq':5,'state':'received'}
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 4: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':5}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'lab','position':{'epoch':'00000000000000bb','seq':1},'head':3}]}
        event 5: connected
        event 6: gap #lab from 6 Epoch
    602 < {'type':'gap','room':'lab','from_seq':1,'to_seq':1,'lost':0,'reason':'epoch'}
    602 < {'type':'message','room':'lab','from':'a','text':'six','id':'x6','seq':2}
    602 < {'type':'message','room':'lab','from':'a','text':'new','id':'x7','seq':3}
        event 7: message #lab <a> new
    603 taken 3
        > {'type':'receipt','room':'lab','seq':2,'state':'received'}
    604 taken 7
        > {'type':'receipt','room':'lab','seq':3,'state':'received'}
    605 closed reset
        waiting 432 ms: the connection broke: reset
        event 8: disconnected for 432 ms: the connection broke: reset
    1700 tick
        connect
    1700 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000bb','seq':3}}}
    ");
}

#[test]
fn an_application_that_listens_no_more_leaves_messages_at_the_hub() {
    assert_snapshot!(when_ready("
        1 deaf
        2 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
        3 closed reset
        600 tick
        600 opened
    "), @r"
    1 deaf
    2 < {'type':'message','room':'lab','from':'a','text':'five','id':'x5','seq':5}
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 2: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    ");
}

#[test]
fn a_receipt_that_the_hub_refuses_is_not_repeated() {
    assert_snapshot!(when_ready("
        1 tell {'type':'receipt','room':'lab','id':'x5','state':'started'}
        1 tell {'type':'receipt','room':'lab','id':'x6','state':'started'}
        2 < {'type':'error','code':3005,'name':'no_such_message','message':'gone','retry':'never','ref':'x5'}
        3 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack']}
    "), @r"
    1 tell {'type':'receipt','room':'lab','id':'x5','state':'started'}
        > {'type':'receipt','room':'lab','id':'x5','state':'started'}
    1 tell {'type':'receipt','room':'lab','id':'x6','state':'started'}
        > {'type':'receipt','room':'lab','id':'x6','state':'started'}
    2 < {'type':'error','code':3005,'name':'no_such_message','message':'gone','retry':'never','ref':'x5'}
        event 2: refused no_such_message
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 3: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack']}
        event 4: connected
        > {'type':'receipt','room':'lab','id':'x6','state':'started'}
    ");
}

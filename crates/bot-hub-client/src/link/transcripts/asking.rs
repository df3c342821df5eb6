//! Questions, and what is repeated after a reconnect.

use super::*;

#[test]
fn rooms_are_joined_again_where_the_hub_forgot_them() {
    assert_snapshot!(when_ready("
        1 ask 1 {'type':'join','room':'den'}
        1 ask 2 {'type':'join','room':'attic'}
        2 < {'type':'joined','room':'den','members':[],'position':{'epoch':'00000000000000aa','seq':9}}
        2 < {'type':'joined','room':'attic','members':[]}
        3 closed reset
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'attic','position':{'epoch':'00000000000000bb','seq':0},'head':0}]}
        602 < {'type':'joined','room':'den','members':[],'position':{'epoch':'00000000000000bb','seq':0}}
        603 closed reset
        1700 tick
        1700 opened
        1701 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'attic','position':{'epoch':'00000000000000bb','seq':0},'head':0}]}
    "), @r#"
    1 ask 1 {'type':'join','room':'den'}
        > {'type':'join','room':'den'}
    1 ask 2 {'type':'join','room':'attic'}
    2 < {'type':'joined','room':'den','members':[],'position':{'epoch':'00000000000000aa','seq':9}}
        answer 1: {'type':'joined','room':'den','members':[],'position':{'epoch':'00000000000000aa','seq':9}}
        > {'type':'join','room':'attic'}
    2 < {'type':'joined','room':'attic','members':[]}
        answer 2: {'type':'joined','room':'attic','members':[]}
    3 closed reset
        waiting 279 ms: the connection broke: reset
        event 2: disconnected for 279 ms: the connection broke: reset
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'den':{'epoch':'00000000000000aa','seq':9},'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'attic','position':{'epoch':'00000000000000bb','seq':0},'head':0}]}
        event 3: connected
        event 4: gap #den from 10 Epoch
        event 5: gap #lab from 5 Epoch
        > {'type':'join','room':'den'}
    602 < {'type':'joined','room':'den','members':[],'position':{'epoch':'00000000000000bb','seq':0}}
    603 closed reset
        waiting 451 ms: the connection broke: reset
        event 6: disconnected for 451 ms: the connection broke: reset
    1700 tick
        connect
    1700 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'attic':{'epoch':'00000000000000bb','seq':0},'den':{'epoch':'00000000000000bb','seq':0}}}
    1701 < {'type':'auth_ok','caps':['ack'],'epoch':'00000000000000bb','rooms':[{'room':'attic','position':{'epoch':'00000000000000bb','seq':0},'head':0}]}
        event 7: connected
        event 8: left #den Some("the membership ended while this client was away")
    "#);
}

#[test]
fn one_question_of_a_type_is_on_the_wire_and_answers_find_theirs() {
    assert_snapshot!(when_ready("
        1 ask 1 {'type':'history','room':'lab','limit':1}
        1 ask 2 {'type':'history','room':'den'}
        1 ask 3 {'type':'who'}
        1 ask 4 {'type':'operate','ref':'r1','do':{'bot_list':{}}}
        1 ask 5 {'type':'operate','ref':'r2','do':{'room_list':{}}}
        2 < {'type':'operated','ref':'r2','result':[]}
        2 < {'type':'who','bots':[]}
        2 < {'type':'history','room':'lab','entries':[],'has_more':false}
        3 < {'type':'error','code':3003,'name':'not_a_member','message':'not a member','retry':'after_fix','ref':'history'}
        3 < {'type':'error','code':2003,'name':'not_allowed','message':'no','retry':'after_fix','ref':'r1'}
        4 < {'type':'error','code':3003,'name':'not_a_member','message':'not a member','retry':'after_fix','ref':'receipt'}
    "), @r"
    1 ask 1 {'type':'history','room':'lab','limit':1}
        > {'type':'history','room':'lab','limit':1}
    1 ask 2 {'type':'history','room':'den'}
    1 ask 3 {'type':'who'}
        > {'type':'who'}
    1 ask 4 {'type':'operate','ref':'r1','do':{'bot_list':{}}}
        > {'type':'operate','ref':'r1','do':{'bot_list':{}}}
    1 ask 5 {'type':'operate','ref':'r2','do':{'room_list':{}}}
        > {'type':'operate','ref':'r2','do':{'room_list':{}}}
    2 < {'type':'operated','ref':'r2','result':[]}
        answer 5: {'type':'operated','ref':'r2','result':[]}
    2 < {'type':'who','bots':[]}
        answer 3: {'type':'who','bots':[]}
    2 < {'type':'history','room':'lab','entries':[],'has_more':false}
        answer 1: {'type':'history','room':'lab','entries':[],'has_more':false}
        > {'type':'history','room':'den'}
    3 < {'type':'error','code':3003,'name':'not_a_member','message':'not a member','retry':'after_fix','ref':'history'}
        answer 2: the hub refused: not a member (`not_a_member`, 3003)
    3 < {'type':'error','code':2003,'name':'not_allowed','message':'no','retry':'after_fix','ref':'r1'}
        answer 4: the hub refused: no (`not_allowed`, 2003)
    4 < {'type':'error','code':3003,'name':'not_a_member','message':'not a member','retry':'after_fix','ref':'receipt'}
        event 2: refused not_a_member
    ");
}

#[test]
fn a_lost_connection_repeats_questions_but_not_operations() {
    assert_snapshot!(when_ready("
        1 ask 1 {'type':'rooms'}
        1 ask 2 {'type':'operate','ref':'r1','do':{'bot_list':{}}}
        2 closed reset
        3 ask 3 {'type':'operate','ref':'r2','do':{'room_list':{}}}
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack']}
    "), @r"
    1 ask 1 {'type':'rooms'}
        > {'type':'rooms'}
    1 ask 2 {'type':'operate','ref':'r1','do':{'bot_list':{}}}
        > {'type':'operate','ref':'r1','do':{'bot_list':{}}}
    2 closed reset
        answer 2: the connection was lost before the answer: whether it was done is not known
        waiting 279 ms: the connection broke: reset
        event 2: disconnected for 279 ms: the connection broke: reset
    3 ask 3 {'type':'operate','ref':'r2','do':{'room_list':{}}}
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack']}
        event 3: connected
        > {'type':'rooms'}
        > {'type':'operate','ref':'r2','do':{'room_list':{}}}
    ");
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_one() {
    assert_snapshot!(when_ready("
        1 ask 1 {'type':'rooms'}
        9000 ask 2 {'type':'rooms'}
        10001 tick
        10002 < {'type':'rooms','rooms':[]}
        10003 < {'type':'rooms','rooms':[]}
    "), @r"
    1 ask 1 {'type':'rooms'}
        > {'type':'rooms'}
    9000 ask 2 {'type':'rooms'}
    10001 tick
        answer 1: the hub did not answer `rooms` within 10000 ms
    10002 < {'type':'rooms','rooms':[]}
        > {'type':'rooms'}
    10003 < {'type':'rooms','rooms':[]}
        answer 2: {'type':'rooms','rooms':[]}
    ");
}

#[test]
fn presence_is_said_again_and_typing_is_not() {
    assert_snapshot!(when_ready("
        1 tell {'type':'presence','state':'busy'}
        1 tell {'type':'typing','room':'lab'}
        2 closed reset
        3 tell {'type':'typing','room':'lab'}
        600 tick
        600 opened
        601 < {'type':'auth_ok','caps':['ack']}
    "), @r"
    1 tell {'type':'presence','state':'busy'}
        > {'type':'presence','state':'busy'}
    1 tell {'type':'typing','room':'lab'}
        > {'type':'typing','room':'lab'}
    2 closed reset
        waiting 279 ms: the connection broke: reset
        event 2: disconnected for 279 ms: the connection broke: reset
    3 tell {'type':'typing','room':'lab'}
    600 tick
        connect
    600 opened
        > {'type':'auth','token':'t','caps':['ack'],'resume':{'lab':{'epoch':'00000000000000aa','seq':4}}}
    601 < {'type':'auth_ok','caps':['ack']}
        event 3: connected
        > {'type':'presence','state':'busy'}
    ");
}

//! From page to page, and to the end of the log.

use crate::transcript;

#[test]
fn a_socket_that_has_drained_owes_nothing_any_more() {
    transcript!(@r#"
    > set outstanding 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab a id=m1
    bob <- #lab 1 ana: a (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab b id=m2
    bob <- #lab 2 ana: b (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab c id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > written bob
    bob <- #lab 3 ana: c (m3), late 0ms
    "#);
}

#[test]
fn a_page_is_handed_over_as_far_as_the_socket_takes_it() {
    transcript!(@r#"
    > set outstanding 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab a id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab b id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab c id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- #lab 1 ana: a (m1), late 0ms, 1 of 3
    bob <- #lab 2 ana: b (m2), late 0ms, 2 of 3
    > written bob
    bob <- #lab 3 ana: c (m3), late 0ms, 3 of 3
    "#);
}

#[test]
fn a_window_larger_than_a_page_is_filled_page_by_page() {
    transcript!(@r#"
    > set window 200
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > quiet
    > times 100 ana say #lab number {n} id=m{n}
    > brief
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/100
    bob <- #lab 1 ana: number 1 (m1), late 0ms, 1 of 100
    ... 97 more ...
    bob <- #lab 99 ana: number 99 (m99), late 0ms, 99 of 100
    bob <- #lab 100 ana: number 100 (m100), late 0ms, 100 of 100
    > bob received lab 100
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 100/100
    > numbers
    hub: accepted 100, deliveries 100, received 100
    "#);
}

#[test]
fn ones_own_messages_behind_one_that_waits_are_not_read_again_at_each_connection() {
    transcript!(@r#"
    > open ana
    ana <- auth_ok []
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > quiet
    > times 300 bob say #lab own {n} id=o{n}
    > close ana
    > close bob
    > brief
    > show store
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/301
    store ? page #lab after 0, at most 64
    bob <- #lab 1 ana: one (m1), late 0ms, redelivered, 1 of 1
    > bob received lab 1
    > tick 1s
    store <- cursor #lab ana 1 delivered
    store <- cursor #lab bob 301 received
    "#);
}

#[test]
fn a_log_that_ends_before_its_head_is_told_as_a_gap() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > vanish lab 3
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 3
    bob <- #lab 2 ana: two (m2), late 0ms, 2 of 3
    bob <- {"type":"gap","room":"lab","from_seq":3,"to_seq":3,"lost":1,"reason":"retention"}
    > bob received lab 2
    "#);
}

#[test]
fn a_gap_of_ones_own_messages_is_not_told() {
    transcript!(@r#"
    > set keep 1
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > open cli as bob side
    cli <- auth_ok [] lab 0/1
    > cli say #lab mine id=m2
    ana <- #lab 2 bob: mine (m2)
    cli <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab two id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > tick 1m
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":2,"lost":1,"reason":"retention"}
    bob <- #lab 3 ana: two (m3), late 60000ms, 1 of 1
    "#);
}

#[test]
fn reading_back_to_a_bound_ends_there() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > quiet
    > times 5 ana say #lab number {n} id=m{n}
    > loud
    > ana history lab after=1 before=4 limit=2
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 3","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab after=1 before=5 limit=2
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"number 3","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":true}
    > damage lab 3
    > ana history lab after=1 before=3
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > ana history lab after=1 before=4
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"number 2","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0}],"has_more":false,"corrupt":[3]}
    > numbers
    hub: accepted 5, corrupt 1
    "#);
}

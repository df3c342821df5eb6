//! Reading the log a page at a time, while everything else goes on.

use crate::transcript;

#[test]
fn a_page_that_was_asked_for_before_a_reconnect_is_not_taken_for_the_next_one() {
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
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > show store
    > answer
    > answer
    bob <- #lab 1 ana: one, late 0ms, 1 of 1
    bob <- #lab 2 ana: two, late 0ms
    > free reads
    "#);
}

#[test]
fn a_page_that_was_asked_for_before_leaving_is_not_taken_for_the_next_membership() {
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
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    > bob leave lab
    bob <- {"type":"left","room":"lab","dropped":2}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":2},"policy":{"closed":false}}
    > ana say #lab three
    bob <- #lab 3 ana: three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":0}
    > answer
    > ana say #lab four
    bob <- #lab 4 ana: four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":1,"queued":0}
    > free reads
    "#);
}

#[test]
fn a_message_that_is_committed_while_a_page_is_read_follows_it() {
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
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1}
    > free reads
    bob <- #lab 1 ana: one, late 0ms, 1 of 1
    bob <- #lab 2 ana: two, late 0ms
    > ana say #lab three
    bob <- #lab 3 ana: three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_look_up_that_fails_is_tried_again() {
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
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > hold reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    > fail
    > tick 500ms
    > show store
    > tick 500ms
    store ? page #lab after 0, at most 64
    > free reads
    bob <- #lab 1 ana: one, late 1000ms, 1 of 1
    "#);
}

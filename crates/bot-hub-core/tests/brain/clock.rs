//! A clock that is set while the hub runs.

use crate::transcript;

#[test]
fn no_entry_is_older_than_the_one_before_when_the_clock_is_set_back() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > back 600s
    > ana say #lab two id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    > tick 700s
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":0}
    > ana history lab
    ana <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"one","id":"m1","seq":1,"prev":0,"sent_at":1000000,"age_ms":100000},{"room":"lab","from":"ana","text":"two","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":100000},{"room":"lab","from":"ana","text":"three","id":"m3","seq":3,"prev":2,"sent_at":1100000,"age_ms":0}],"has_more":false}
    "#);
}

#[test]
fn cursors_are_saved_in_time_when_the_clock_is_set_back() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > quiet
    > ana say #lab one id=m1
    > loud
    > show store
    > bob received lab m1
    > back 600s
    > tick 300ms
    store <- cursor #lab ana 1 received
    store <- cursor #lab bob 1 received
    "#);
}

#[test]
fn what_was_promised_for_a_moment_is_judged_by_the_clock_as_it_is_now() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > back 600s
    > ana say #lab soon id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > tick 4s
    > leap 600s
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1005000,"reason":"expires_at passed before it was received"}
    "#);
}

//! What the retention does at its very bound.

use crate::transcript;

#[test]
fn a_room_that_is_exactly_full_is_not_trimmed() {
    transcript!(@r#"
    > set keep 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > show store
    > tick 61s
    store <- cursor #lab ana 2 received
    > set keep_bytes 6
    > tick 61s
    > set keep_bytes 5
    > tick 61s
    store <- trim #lab
    "#);
}

#[test]
fn an_entry_that_is_exactly_as_old_as_allowed_stays() {
    transcript!(@r#"
    > set keep_ms 60000
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > show store
    > tick 1m
    store <- cursor #lab ana 1 received
    > tick 1m
    store <- trim #lab
    "#);
}

#[test]
fn after_a_trim_by_age_the_room_is_looked_at_again_when_the_next_message_is_due() {
    transcript!(@r#"
    > set keep_ms 86400000
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > tick 12h
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > show store
    > tick 12h
    store <- cursor #lab ana 2 received
    > tick 2m
    store <- trim #lab
    > tick 80m
    > tick 10h
    > tick 2h
    store <- trim #lab
    > tick 48h
    "#);
}

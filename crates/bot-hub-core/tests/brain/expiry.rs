//! Entries that stop being worth delivering.

use crate::transcript;

#[test]
fn a_waiting_entry_expires_and_both_sides_are_told() {
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
    > show store
    > ana say #lab soon id=m1 expires=5s
    store <- append #lab ana: soon
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > ana say #lab lasting id=m2
    store <- append #lab ana: lasting
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > tick 6s
    store <- cursor #lab ana 2 delivered
    store <- drop #lab bob 1..1 Expired
    store ? page #lab after 0, at most 64
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"expires_at passed before it was received"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/2
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    store ? page #lab after 1, at most 64
    bob <- #lab 2 ana: lasting (m2), late 6000ms, 1 of 1
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    "#);
}

#[test]
fn an_expired_message_is_refused() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > tick 1s
    > ana {"type":"message","room":"lab","text":"x","id":"m1","expires_at":1000500}
    ana <- {"type":"error","code":4004,"name":"expired","message":"the message had expired before it arrived","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn what_is_on_its_way_is_not_called_back() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab soon id=m1 expires=5s
    bob <- #lab 1 ana: soon (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > tick 6s
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1006000}
    "#);
}

#[test]
fn what_was_on_its_way_and_came_back_expires() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab soon id=m1 expires=5s
    bob <- #lab 1 ana: soon (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > tick 6s
    > close bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"expires_at passed before it was received"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    "#);
}

#[test]
fn a_message_that_expires_before_it_is_committed_is_handed_to_nobody() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab soon id=m1 expires=5s
    > tick 6s
    > free store
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"expires_at passed before it was received"}
    > ana say #lab next id=m2
    bob <- #lab 2 ana: next (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    "#);
}

#[test]
fn an_entry_expires_after_a_restart() {
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
    > ana say #lab soon id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > restart
    > open ana receipts
    ana <- auth_ok [receipts] lab 0/1
    > show store
    > tick 6s
    store <- drop #lab bob 1..1 Expired
    store ? page #lab after 0, at most 64
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"expires_at passed before it was received"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    > restart
    > open ana receipts
    ana <- auth_ok [receipts] lab 0/1
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    "#);
}

#[test]
fn an_entry_that_expired_while_the_hub_was_down_is_not_delivered() {
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
    > ana say #lab soon id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > hold store
    > hold reads
    > tick 6s
    > free store
    > restart
    > free reads
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    > open ana receipts
    ana <- auth_ok [receipts] lab 1/1
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    "#);
}

#[test]
fn a_seed_client_is_told_that_something_expired_before_its_next_message() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > ana say #lab soon id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > tick 6s
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab next
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":2,"delivered":0,"queued":1}
    bob <- {"type":"message","room":"lab","from":"ana","text":"next","age_ms":0,"lost":1}
    bob <- probe 1
    "#);
}

#[test]
fn an_expired_message_that_is_pushed_out_of_a_buffer_is_not_reported_as_dropped_too() {
    transcript!(@r#"
    > set buffer 1
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close bob
    > ana say #lab soon id=m1 expires=5s
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":1}
    > tick 6s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"expired","at":1006000,"reason":"expires_at passed before it was received"}
    > ana say #lab next id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":1}
    > ana say #lab third id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1,"dropped":1}
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"dropped","at":1007000,"reason":"buffer_per_bot_per_room"}
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":1,"lost":1,"reason":"expired"}
    bob <- {"type":"gap","room":"lab","from_seq":2,"to_seq":2,"lost":1,"reason":"buffer_limit"}
    bob <- #lab 3 ana: third (m3), late 1000ms, 1 of 1
    "#);
}

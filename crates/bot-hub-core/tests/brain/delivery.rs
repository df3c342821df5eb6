//! Cursors, windows, redelivery.

use crate::transcript;

#[test]
fn a_position_is_an_epoch_and_a_seq() {
    transcript!(@r#"
    > show frames
    > open ana ack
    ana <- {"type":"auth_ok","bot":"ana","hub":{"name":"bot-hub","version":"0.1.0"},"caps":["ack"],"limits":{"frame_bytes":262144,"text_bytes":131072,"meta_bytes":16384,"json_depth":32,"rooms_per_bot":1000,"members_per_room":5000,"window_entries":64,"history_page":200},"epoch":"00000000000000e0","now":1000000,"rooms":[]}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":0}
    > close ana
    > open ana ack resume
    ana <- {"type":"auth_ok","bot":"ana","hub":{"name":"bot-hub","version":"0.1.0"},"caps":["ack"],"limits":{"frame_bytes":262144,"text_bytes":131072,"meta_bytes":16384,"json_depth":32,"rooms_per_bot":1000,"members_per_room":5000,"window_entries":64,"history_page":200},"epoch":"00000000000000e0","now":1000000,"rooms":[{"room":"lab","position":{"epoch":"00000000000000e0","seq":2},"head":2}]}
    "#);
}

#[test]
fn a_cursor_moves_over_a_contiguous_prefix_only() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > show store
    > bob received lab m2
    > tick 1s
    store <- cursor #lab ana 3 received
    store <- receipt #lab 2 bob received
    > bob received lab m1
    > tick 1s
    store <- cursor #lab bob 2 received
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 2/3
    store ? page #lab after 2, at most 64
    bob <- #lab 3 ana: three (m3), late 2000ms, redelivered, 1 of 1
    "#);
}

#[test]
fn a_receipt_by_seq_stands_for_everything_up_to_it() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > bob received lab 2
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    > bob received lab 99
    ana <- {"type":"receipt","room":"lab","id":"m3","bot":"bob","state":"received","at":1000000}
    > show store
    > tick 1s
    store <- cursor #lab ana 3 delivered
    "#);
}

#[test]
fn a_full_window_stops_delivery_and_receipts_open_it() {
    transcript!(@r#"
    > set window 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":0,"queued":1}
    > ana say #lab four id=m4
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > bob received lab m1
    bob <- #lab 3 ana: three (m3), late 0ms
    > bob received lab m2
    bob <- #lab 4 ana: four (m4), late 0ms
    > bob received lab m3
    > bob received lab m4
    > ana say #lab five id=m5
    bob <- #lab 5 ana: five (m5)
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_proof_opens_the_window_of_a_seed_client() {
    transcript!(@r#"
    > set window 2
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab one
    bob <- {"type":"message","room":"lab","from":"ana","text":"one"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two
    bob <- {"type":"message","room":"lab","from":"ana","text":"two"}
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":1}
    > ana say #lab four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":1}
    > prove bob
    bob <- probe 2
    bob <- {"type":"message","room":"lab","from":"ana","text":"three","age_ms":0}
    > prove bob
    bob <- probe 3
    bob <- {"type":"message","room":"lab","from":"ana","text":"four","age_ms":0}
    "#);
}

#[test]
fn nothing_is_redelivered_while_a_connection_lasts() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > written bob
    > tick 3h
    "#);
}

#[test]
fn what_was_not_received_is_redelivered_when_the_bot_is_back() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > bob received lab m1
    > bob received lab m3
    > tick 5s
    > close bob
    > ana say #lab four id=m4
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":0,"queued":1}
    > open bob ack resume
    bob <- auth_ok [ack] lab 1/4
    bob <- #lab 2 ana: two (m2), late 5000ms, redelivered, 1 of 2
    bob <- #lab 4 ana: four (m4), late 0ms, 2 of 2
    "#);
}

#[test]
fn a_client_may_resume_from_a_position_that_it_alone_knows() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > open bob ack lab=1
    bob <- auth_ok [ack] lab 0/2
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 1 of 1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > show store
    > tick 1s
    store <- cursor #lab ana 2 delivered
    "#);
}

#[test]
fn a_position_behind_the_cursor_or_beyond_the_head_is_not_believed() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob received lab m1
    > ana say #lab two id=m2
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > close bob
    > open bob ack lab=0
    bob <- auth_ok [ack] lab 1/2
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 1 of 1
    > close bob
    > open bob ack lab=9
    bob <- auth_ok [ack] lab 1/2
    bob <- #lab 2 ana: two (m2), late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn a_position_in_another_epoch_is_answered_with_a_gap() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    bob <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > close bob
    > open bob ack lab=old:7
    bob <- auth_ok [ack] lab 0/1
    bob <- {"type":"gap","room":"lab","from_seq":1,"to_seq":0,"lost":0,"reason":"epoch"}
    bob <- #lab 1 ana: one, late 0ms, redelivered, 1 of 1
    "#);
}

#[test]
fn a_slow_reader_waits_in_the_log_and_goes_on_when_its_socket_drains() {
    transcript!(@r#"
    > set outstanding 6
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    bob <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ana say #lab two
    bob <- #lab 2 ana: two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":3,"delivered":0,"queued":1}
    > ana say #lab four
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-4","seq":4,"delivered":0,"queued":1}
    > written bob 1
    bob <- #lab 3 ana: three, late 0ms
    > written bob 2
    bob <- #lab 4 ana: four, late 0ms
    > written bob 3
    > written bob 4
    > ana say #lab five
    bob <- #lab 5 ana: five
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-5","seq":5,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_slow_reader_of_two_rooms_is_served_in_both() {
    transcript!(@r#"
    > set outstanding 3
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join den
    bob <- {"type":"joined","room":"den","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one
    bob <- #lab 1 ana: one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":1,"queued":0}
    > ana say #den two
    ana <- {"type":"ack","room":"den","id":"00000000000000ab-2","seq":1,"delivered":0,"queued":1}
    > ana say #lab three
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-3","seq":2,"delivered":0,"queued":1}
    > written bob 1
    bob <- #den 1 ana: two, late 0ms
    bob <- #lab 2 ana: three, late 0ms
    > written bob 2
    > written bob 3
    "#);
}

#[test]
fn own_messages_are_passed_over() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > bob say #lab two id=m2
    ana <- #lab 2 bob: two (m2)
    bob <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana say #lab three id=m3
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > bob received lab m1
    > show store
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- cursor #lab bob 2 received
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 2/3
    store ? page #lab after 2, at most 64
    bob <- #lab 3 ana: three (m3), late 1000ms, redelivered, 1 of 1
    "#);
}

#[test]
fn the_same_id_of_two_senders_does_not_confuse_the_window() {
    transcript!(@r#"
    > open ana receipts
    ana <- auth_ok [receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob receipts
    bob <- auth_ok [receipts]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open carl ack
    carl <- auth_ok [ack]
    > carl join lab
    carl <- {"type":"joined","room":"lab","members":["ana","bob"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab first id=m0
    bob, carl <- #lab 1 ana: first (m0)
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m0","seq":1,"delivered":2,"queued":0}
    > ana say #lab from ana id=m1
    bob, carl <- #lab 2 ana: from ana (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":2,"delivered":2,"queued":0}
    > bob say #lab from bob id=m1
    ana, carl <- #lab 3 bob: from bob (m1)
    ana <- probe 2
    bob <- {"type":"ack","room":"lab","id":"m1","seq":3,"delivered":2,"queued":0}
    > carl received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"received","at":1000000}
    > carl received lab m1
    bob <- {"type":"receipt","room":"lab","id":"m1","bot":"carl","state":"received","at":1000000}
    > carl received lab m0
    ana <- {"type":"receipt","room":"lab","id":"m0","bot":"carl","state":"received","at":1000000}
    > show store
    > tick 1s
    store <- cursor #lab ana 2 delivered
    "#);
}

#[test]
fn each_of_the_rarer_fields_of_a_message_arrives_also_alone() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack resume
    > open bob ack,acts resume
    > loud
    > ana {"type":"message","room":"lab","text":"one","id":"m1","meta":{"n":1}}
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana {"type":"message","room":"lab","text":"two","id":"m2","act":{"n":2}}
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > ana {"type":"message","room":"lab","text":"three","id":"m3","thread":"t"}
    bob <- #lab 3 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > ana {"type":"message","room":"lab","text":"four","id":"m4","reply_to":"m1"}
    bob <- #lab 4 ana: four (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":1,"queued":0}
    > ana {"type":"message","room":"lab","text":"five","id":"m5","expires_at":2000000}
    bob <- #lab 5 ana: five (m5)
    ana <- {"type":"ack","room":"lab","id":"m5","seq":5,"delivered":1,"queued":0}
    > bob history lab
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"one","id":"m1","seq":1,"prev":0,"sent_at":1000000,"meta":{"n":1},"age_ms":0},{"room":"lab","from":"ana","text":"two","id":"m2","seq":2,"prev":1,"sent_at":1000000,"act":{"n":2},"age_ms":0},{"room":"lab","from":"ana","text":"three","id":"m3","seq":3,"prev":2,"sent_at":1000000,"thread":"t","age_ms":0},{"room":"lab","from":"ana","text":"four","id":"m4","seq":4,"prev":3,"sent_at":1000000,"reply_to":"m1","age_ms":0},{"room":"lab","from":"ana","text":"five","id":"m5","seq":5,"prev":4,"sent_at":1000000,"expires_at":2000000,"age_ms":0}],"has_more":false}
    "#);
}

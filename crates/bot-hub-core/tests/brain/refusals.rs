//! A store that refuses or fails.

use bot_hub_core::settings::Settings;

use crate::bench::Bench;
use crate::script::execute;
use crate::transcript;

#[test]
fn a_full_disk_refuses_and_delivers_nothing() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab one id=m1
    > ana say #lab two
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"message"}
    > free store
    > ana say #lab three id=m3
    bob <- #lab 1 ana: three (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":1,"delivered":1,"queued":0}
    "#);
}

#[test]
fn nothing_is_delivered_or_acknowledged_before_it_is_committed() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab one id=m1
    > tick 1s
    > free store
    bob <- #lab 1 ana: one (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_full_disk_refuses_memberships() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > hold store
    > ana join lab
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"join"}
    > ana join lab
    > commit
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana leave lab
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"leave"}
    > free store
    > ana say #lab still a member
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn cursors_and_facts_that_were_refused_are_saved_later() {
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
    > hold store
    > show store
    > bob done lab m1
    store ? locate #lab m1 from anybody
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob done
    > tick 200ms
    store <- cursor #lab ana 1 delivered
    > refuse storage_full
    > tick 200ms
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob received
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob done
    store <- cursor #lab ana 1 delivered
    > refuse storage_full
    > free store
    > tick 400ms
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob received
    store <- cursor #lab bob 1 received
    store <- receipt #lab 1 bob done
    store <- cursor #lab ana 1 delivered
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"done","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"done","at":1000000}]}]}
    "#);
}

#[test]
fn a_failing_store_answers_questions_with_an_error() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab one id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > hold reads
    > ana history lab
    > fail
    ana <- {"type":"error","code":5004,"name":"storage_failed","message":"the hub's store could not answer","retry":"later","ref":"history"}
    > ana status m1
    > fail
    ana <- {"type":"error","code":5004,"name":"storage_failed","message":"the hub's store could not answer","retry":"later","ref":"m1"}
    > ana done lab m7
    > fail
    ana <- {"type":"error","code":5004,"name":"storage_failed","message":"the hub's store could not answer","retry":"later","ref":"m7"}
    "#);
}

#[test]
fn an_operation_that_was_refused_says_so() {
    transcript!(@r#"
    > open ops side operator
    ops <- auth_ok []
    > hold store
    > ops do {"room_create":{"room":"lab"}}
    > refuse storage_full
    ops <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"r1"}
    > free store
    > ops do {"room_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"rooms":[]}}
    > ops do {"room_create":{"room":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    "#);
}

#[test]
fn a_loss_is_told_when_it_is_stored_and_never_before() {
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
    > damage lab 2
    > hold store
    > open bob ack resume
    bob <- auth_ok [ack] lab 0/3
    bob <- #lab 1 ana: one (m1), late 0ms, 1 of 3
    > refuse storage_full
    > tick 1s
    > commit
    bob <- {"type":"gap","room":"lab","from_seq":2,"to_seq":2,"lost":1,"reason":"corrupt"}
    bob <- #lab 3 ana: three (m3), late 1000ms, 2 of 3
    > bob received lab m1
    > bob received lab m3
    "#);
}

#[test]
fn what_a_seed_client_read_while_the_disk_was_full_is_not_called_received_later() {
    transcript!(@r#"
    > open ana ack,receipts
    ana <- auth_ok [ack,receipts]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab one id=m1
    bob <- {"type":"message","room":"lab","from":"ana","text":"one"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > show store
    > hold store
    > prove bob
    > close bob
    > open bob ack resume
    bob <- auth_ok [ack] lab 1/1
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 delivered
    > refuse storage_full
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 delivered
    > refuse storage_full
    > open ops side operator
    ops <- auth_ok []
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":1,"ahead_ms":0,"bots":3,"connections":3,"corrupt":0,"dead":0,"deliveries":1,"disk_left":null,"dropped":0,"entries":1,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":0,"online":2,"pauses":0,"received":0,"refused_changes":2,"retention_waits":null,"rooms":1,"waiting":0}}
    > free store
    > tick 10s
    store <- cursor #lab ana 1 received
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 delivered
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    "#);
}

#[test]
fn what_was_refused_to_a_client_is_not_made_later() {
    transcript!(@r#"
    > bot bob
    > open ana ack
    ana <- auth_ok [ack]
    > hold store
    > ana join lab
    > ana say @bob hello id=m1
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"join"}
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    > free store
    > show store
    > tick 30s
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_list":{}}
    ops <- {"type":"operated","ref":"r1","result":{"rooms":[]}}
    > ana join lab
    store <- create #lab
    store <- join #lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    "#);
}

#[test]
fn what_the_configuration_declares_is_made_when_the_disk_has_space_again() {
    transcript!(@r#"
    > hold store
    > declare lab ana
    > refuse storage_full
    > free store
    > show store
    > tick 30s
    store <- create #lab
    store <- join #lab ana
    "#);
}

#[test]
fn the_room_of_an_invite_that_was_refused_is_made_when_somebody_comes_by_another() {
    transcript!(@r#"
    > hold store
    > need front
    > refuse storage_full
    > free store
    > show store
    > tick 30s
    > let in dora front read,post
    store <- create #front, closed
    store <- join #front dora
    store <- grant #front dora read,post
    "#);
}

#[test]
fn a_reader_that_knew_of_a_loss_goes_on_when_the_store_refuses_the_loss() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack
    > ana say #lab one id=m1 expires=1s
    > ana say #lab two id=m2
    > hold store
    > tick 3s
    > loud
    > open bob ack resume lab=1
    bob <- auth_ok [ack] lab 0/2
    > refuse storage_full
    bob <- #lab 2 ana: two (m2), late 3000ms, 1 of 1
    > free store
    "#);
}

#[test]
fn a_member_of_the_configuration_that_is_removed_while_the_store_is_full_is_waited_for_no_more() {
    let mut bench = Bench::new(Settings::default());
    let mut check = |lines: &[&str], declaring: usize| {
        lines.iter().for_each(|line| execute(&mut bench, line));
        assert_eq!(bench.hub.declaring(), declaring, "{lines:?}");
    };
    check(&["declare lab", "bot heir", "hold store"], 0);
    check(&["declare lab ana,heir", "refuse storage_full"], 2);
    check(&["remove heir"], 1);
    check(&["free store", "tick 1m"], 0);
    // Declared again, it is expected again, as the next bot of that name.
    check(&["hold store", "declare lab ana,heir"], 1);
    check(&["free store"], 0);
}

#[test]
fn senders_hear_of_a_position_that_the_store_refused_when_it_takes_it() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > ana say #lab one id=m1
    > ana say #lab two id=m2
    > written bob
    > close bob
    > hold store
    > open bob ack lab=2
    > refuse storage_full
    > free store
    > loud
    > tick 5s
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000200}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000200}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"received","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000}]}]}
    "#);
}

#[test]
fn as_soon_as_the_store_takes_something_what_was_refused_is_tried_again() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana ack resume
    > open bob ack resume
    > ana say #lab one id=m1
    > bob received lab m1
    > hold store
    > tick 5s
    > refuse storage_full
    > tick 10s
    > refuse storage_full
    > tick 10s
    > refuse storage_full
    > free store
    > loud
    > show store
    > tick 1ms
    > ana say #lab two id=m2
    store <- append #lab ana: two
    bob <- #lab 2 ana: two (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    store <- cursor #lab ana 2 received
    store <- cursor #lab bob 1 received
    > tick 1ms
    "#);
}

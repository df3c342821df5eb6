//! The ladder only goes up, whatever a bot says and in whatever order.

use crate::transcript;

#[test]
fn a_lower_rung_that_comes_late_is_ignored() {
    transcript!(@r#"
    > quiet
    > open ana receipts
    > ana join lab
    > open bob ack
    > bob join lab
    > ana say #lab work id=m1
    > loud
    > bob done lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > tick 1s
    > bob started lab m1
    > tick 1s
    > bob failed lab m1
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"done","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"done","at":1000000}]}]}
    "#);
}

#[test]
fn what_is_said_before_the_store_has_the_first_is_judged_behind_it() {
    transcript!(@r#"
    > quiet
    > open ana receipts
    > ana join lab
    > open bob ack
    > bob join lab
    > ana say #lab work id=m1
    > loud
    > hold store
    > bob done lab m1
    > bob started lab m1
    > tick 1s
    > bob failed lab m1
    > free store
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"done","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"done","at":1000000}]}]}
    "#);
}

#[test]
fn no_rung_was_reached_later_than_the_one_above_it() {
    transcript!(@r#"
    > quiet
    > open ana receipts
    > ana join lab
    > open bob ack
    > bob join lab
    > ana say #lab work id=m1
    > loud
    > bob started lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    > tick 18ms
    > written bob
    > bob done lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000018}
    > tick 1s
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"done","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1000000},{"state":"done","at":1000018}]}]}
    "#);
}

#[test]
fn what_a_bot_said_and_what_had_expired_stand_above_a_range_that_is_dropped() {
    transcript!(@r#"
    > quiet
    > declare lab ana,bob
    > open ana receipts resume
    > open bob ack resume
    > ana say #lab one id=m1
    > bob started lab m1
    > close bob
    > ana say #lab two id=m2 expires=5s
    > ana say #lab three id=m3
    > tick 6s
    > elsewhere drop lab bob 1..3
    > loud
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"started","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1000000}]}]}
    > ana status m2
    ana <- {"type":"status","id":"m2","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"expired","steps":[{"state":"stored","at":1000000},{"state":"expired","at":1006000,"reason":"expires_at passed before it was received"}]}]}
    > ana status m3
    ana <- {"type":"status","id":"m3","room":"lab","seq":3,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"dropped","steps":[{"state":"stored","at":1000000},{"state":"dropped","at":1006000,"reason":"buffer_per_bot_per_room"}]}]}
    "#);
}

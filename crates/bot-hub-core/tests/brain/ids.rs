//! Whose message an id names, and who could have known it before.

use bot_protocol::name::RoomName;

use crate::bench::Bench;
use crate::{script, transcript};

#[test]
fn nobody_can_tell_the_next_id_that_the_hub_makes() {
    let mut bench = Bench::new(bot_hub_core::settings::Settings::default());
    for line in ["open ana ack", "ana join lab", "times 3 ana say #lab number {n}"] {
        script::execute(&mut bench, line);
    }
    let room = RoomName::new("lab").expect("a name");
    let ids: Vec<&str> = bench.store.committed(&room).values().map(|it| it.id.as_str()).collect();
    for pair in ids.windows(2) {
        let (one, other) = (pair[0], pair[1]);
        let common = one.bytes().zip(other.bytes()).filter(|(one, other)| one == other).count();
        assert!(one.len() == other.len() && one.len() <= 23, "{ids:?}");
        assert!(common < 16, "10 digits of time, and 13 of chance: {ids:?}");
    }
}

#[test]
fn a_decoy_with_the_same_id_steals_no_receipt() {
    transcript!(@r#"
    > quiet
    > open ana ack,receipts
    > open eve ack,receipts
    > open bob ack
    > ana join lab
    > eve join lab
    > bob join lab
    > eve say #lab decoy id=m1
    > ana say #lab work id=m1
    > loud
    > bob received lab m1
    eve <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob started lab m1
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob started lab m1 from=ana
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    > bob answered lab m1 from=ana reply=m9
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"answered","at":1000000,"reply":"m9"}
    > bob done lab m1 from=eve
    eve <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"done","at":1000000}
    > bob done lab m1 from=zoe
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > bob {"type":"receipt","room":"lab","id":"m1","seq":2,"state":"done"}
    > bob {"type":"receipt","room":"lab","id":"m1","seq":7,"state":"done"}
    bob <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    "#);
}

#[test]
fn what_is_on_its_way_is_found_by_its_sender_and_id() {
    transcript!(@r#"
    > quiet
    > open ana ack,receipts
    > open eve ack,receipts
    > open bob ack
    > ana join lab
    > eve join lab
    > bob join lab
    > eve say #lab decoy id=m1
    > ana say #lab work id=m1
    > loud
    > bob started lab m1
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob started lab m1 from=ana
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    > bob failed lab m1 from=eve
    eve <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    eve <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"failed","at":1000000}
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":2,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"started","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"started","at":1000000}]},{"bot":"eve","state":"stored","steps":[{"state":"stored","at":1000000}]}]}
    > eve status m1
    eve <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"eve","sent_at":1000000,"recipients":[{"bot":"ana","state":"stored","steps":[{"state":"stored","at":1000000}]},{"bot":"bob","state":"failed","steps":[{"state":"stored","at":1000000},{"state":"received","at":1000000},{"state":"failed","at":1000000}]}]}
    "#);
}

#[test]
fn an_id_that_two_share_stays_ambiguous_when_the_first_was_received() {
    transcript!(@r#"
    > quiet
    > open ana ack,receipts
    > open eve ack,receipts
    > open bob ack
    > ana join lab
    > eve join lab
    > bob join lab
    > ana say #lab work id=m1
    > bob received lab m1
    > eve say #lab decoy id=m1
    > loud
    > bob started lab m1
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob received lab m1
    eve <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > bob answered lab m1 reply=m9
    bob <- {"type":"error","code":3006,"name":"ambiguous_id","message":"more than one message that this bot was handed has that id","hint":"say `from` beside `id`: the sender of the message that is meant","retry":"after_fix","ref":"m1"}
    > bob started lab m1 from=ana
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"started","at":1000000}
    > ana say #lab more id=m2
    eve, bob <- #lab 3 ana: more (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":3,"delivered":2,"queued":0}
    > bob started lab m2
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"received","at":1000000}
    ana <- {"type":"receipt","room":"lab","id":"m2","bot":"bob","state":"started","at":1000000}
    "#);
}

//! What the seed fixes, to the letter, and what its clients must learn all the same.

use crate::transcript;

#[test]
fn the_seeds_exchange_is_answered_byte_for_byte() {
    transcript!(@r#"
    > open pelouse seed
    pelouse <- {"type":"auth_ok"}
    > pelouse {"type":"join","room":"marlbot-pelouse"}
    pelouse <- {"type":"joined","room":"marlbot-pelouse","members":[]}
    > open marlbot seed
    marlbot <- {"type":"auth_ok"}
    > marlbot {"type":"join","room":"marlbot-pelouse"}
    marlbot <- {"type":"joined","room":"marlbot-pelouse","members":["pelouse"]}
    > marlbot {"type":"message","room":"marlbot-pelouse","text":"Hey, article idea?"}
    pelouse <- {"type":"message","room":"marlbot-pelouse","from":"marlbot","text":"Hey, article idea?"}
    pelouse <- probe 1
    marlbot <- {"type":"ack","room":"marlbot-pelouse","delivered":1}
    "#);
}

#[test]
fn what_arrives_while_a_seed_client_is_away_is_flushed_after_it_has_joined_again() {
    transcript!(@r#"
    > open ana seed
    ana <- {"type":"auth_ok"}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[]}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > close bob
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","delivered":0}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","delivered":0}
    > tick 5s
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"one","age_ms":5000}
    bob <- {"type":"message","room":"lab","from":"ana","text":"two","age_ms":5000}
    bob <- probe 1
    > prove bob
    "#);
}

#[test]
fn a_seed_client_advances_by_proof_and_never_by_the_mere_write() {
    transcript!(@r#"
    > show store
    > open ana ack,receipts
    ana <- auth_ok [ack,receipts]
    > ana join lab
    store <- create #lab
    store <- join #lab ana
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    store <- join #lab bob
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana say #lab one id=m1
    store <- append #lab ana: one
    bob <- {"type":"message","room":"lab","from":"ana","text":"one"}
    bob <- probe 1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > written bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- delivered #lab bob 1
    > close bob
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    store ? page #lab after 0, at most 64
    bob <- {"type":"message","room":"lab","from":"ana","text":"one","age_ms":1000}
    bob <- probe 2
    > prove bob
    > tick 1s
    store <- cursor #lab bob 1 delivered
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    > close bob
    > tick 1s
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    "#);
}

#[test]
fn a_proof_covers_what_was_sent_before_its_probe_only() {
    transcript!(@r#"
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
    > prove bob
    bob <- probe 2
    > close bob
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"two","age_ms":0}
    bob <- probe 3
    "#);
}

#[test]
fn a_wrong_or_old_proof_proves_nothing() {
    transcript!(@r#"
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
    > prove bob 99
    > close bob
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"one","age_ms":0}
    bob <- probe 2
    "#);
}

#[test]
fn a_cursor_that_moved_by_proof_is_saved_as_delivered_even_when_the_client_is_gone() {
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
    > show store
    > prove bob
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"delivered","at":1000000}
    > close bob
    > tick 1s
    store <- cursor #lab ana 1 received
    store <- delivered #lab bob 1
    store <- cursor #lab bob 1 delivered
    > ana status m1
    store ? find m1 from ana
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[{"bot":"bob","state":"delivered","steps":[{"state":"stored","at":1000000},{"state":"delivered","at":1000000}]}]}
    "#);
}

#[test]
fn a_seed_client_gets_no_frame_that_the_seed_does_not_know() {
    transcript!(@r#"
    > set buffer 1
    > open ana ack,presence,receipts
    ana <- auth_ok [ack,receipts,presence]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob seed
    bob <- {"type":"auth_ok"}
    > bob join lab
    ana <- {"type":"presence","bot":"bob","state":"online","since":1000000}
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    > ana typing lab
    > ana presence busy
    > close bob
    ana <- {"type":"presence","bot":"bob","state":"offline","since":1000000}
    > ana say #lab one
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ana say #lab two
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-2","seq":2,"delivered":0,"queued":1,"dropped":1}
    > tick 1s
    ana <- {"type":"receipt","room":"lab","id":"00000000000000ab-1","bot":"bob","state":"dropped","at":1001000,"reason":"buffer_per_bot_per_room"}
    > open bob seed
    bob <- {"type":"auth_ok"}
    ana <- {"type":"presence","bot":"bob","state":"online","since":1001000}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"]}
    bob <- {"type":"message","room":"lab","from":"ana","text":"two","age_ms":1000,"lost":1}
    bob <- probe 1
    "#);
}

#[test]
fn a_seed_client_that_is_replaced_or_blocked_is_only_closed() {
    transcript!(@r#"
    > open bob seed
    bob <- {"type":"auth_ok"}
    > open bob2 as bob seed
    bob <- closed: Replaced
    bob2 <- {"type":"auth_ok"}
    > block bob
    bob2 <- closed: Revoked
    "#);
}

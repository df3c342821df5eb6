//! What a bot may say in a day, and what the last space of the disk is kept for.

use crate::transcript;

#[test]
fn a_bot_says_so_much_in_a_day_and_another_one_is_not_affected() {
    transcript!(@r#"
    > set day 20
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > quiet
    > loud
    > ana say #lab 0123456789 id=m1
    bob <- #lab 1 ana: 0123456789 (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > ana say #lab 01234567890 id=m2
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 10 bytes within a day and may say 20; this message has 11","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > bob say #lab 01234567890 id=m2
    ana <- #lab 2 bob: 01234567890 (m2)
    bob <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":1,"queued":0}
    > # A repeat is no news, and gets its first answer.
    > ana say #lab 0123456789 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0,"duplicate":true}
    > ana say #lab 0123456789 id=m3
    bob <- #lab 3 ana: 0123456789 (m3)
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0}
    > tick 20h
    > ana say #lab 0123456789 id=m3
    ana <- {"type":"ack","room":"lab","id":"m3","seq":3,"delivered":1,"queued":0,"duplicate":true}
    > tick 5h
    > ana say #lab 01234567890123456789 id=m4
    bob <- #lab 4 ana: 01234567890123456789 (m4)
    ana <- {"type":"ack","room":"lab","id":"m4","seq":4,"delivered":1,"queued":0}
    > numbers
    hub: accepted 4, duplicates 2, refused 1, deliveries 4
    "#);
}

#[test]
fn a_message_that_is_longer_than_a_day_has_no_time_at_which_it_fits() {
    transcript!(@r#"
    > set day 5
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab 0123456789 id=m1
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 0 bytes within a day and may say 5; this message has 10","hint":"say it in parts over several days, or an operator can raise `limits.bytesPerBotPerDay`","retry":"after_fix","ref":"m1"}
    "#);
}

#[test]
fn guests_have_a_limit_of_their_own_and_operators_none() {
    transcript!(@r#"
    > set day 20
    > set guest_day 10
    > open ops operator ack
    ops <- auth_ok [ack]
    > ops join lab
    ops <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > let in gus lab read,post
    > open gus ack resume
    gus <- auth_ok [ack] lab 0/0
    > gus say #lab 01234567890 id=m1
    gus <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 0 bytes within a day and may say 10; this message has 11","hint":"say it in parts over several days, or an operator can raise `limits.bytesPerGuestPerDay`","retry":"after_fix","ref":"m1"}
    > gus say #lab 0123456789 id=m2
    ops <- #lab 1 gus: 0123456789 (m2)
    gus <- {"type":"ack","room":"lab","id":"m2","seq":1,"delivered":1,"queued":0}
    > ops say #lab 0123456789012345678901234567890 id=m3
    gus <- #lab 2 ops: 0123456789012345678901234567890 (m3)
    ops <- {"type":"ack","room":"lab","id":"m3","seq":2,"delivered":1,"queued":0}
    "#);
}

#[test]
fn what_the_store_refused_or_had_before_does_not_count() {
    transcript!(@r#"
    > set day 10
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > hold store
    > ana say #lab 0123456789 id=m1
    > refuse storage_full
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk is full: nothing was stored","retry":"later","ref":"m1"}
    > free store
    > ana say #lab 0123456789 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    "#);
}

#[test]
fn the_last_space_of_the_disk_is_kept_for_receipts_and_operators() {
    transcript!(@r#"
    > open ops operator ack
    ops <- auth_ok [ack]
    > open ana ack receipts
    ana <- auth_ok [receipts]
    > open bob ack
    bob <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab before id=m1
    bob <- #lab 1 ana: before (m1)
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":1,"queued":0}
    > disk 4096
    > ana say #lab after id=m2
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk has 4096 bytes left, which are kept for receipts and operators: nothing was stored","hint":"an operator can make space or lower `limits.freeDiskReserve`","retry":"later","ref":"m2"}
    > ana join den
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk has 4096 bytes left, which are kept for receipts and operators: nothing was stored","hint":"an operator can make space or lower `limits.freeDiskReserve`","retry":"later","ref":"join"}
    > ana say @bob after id=m3
    ana <- {"type":"error","code":5002,"name":"storage_full","message":"the hub's disk has 4096 bytes left, which are kept for receipts and operators: nothing was stored","hint":"an operator can make space or lower `limits.freeDiskReserve`","retry":"later","ref":"m3"}
    > bob received lab m1
    ana <- {"type":"receipt","room":"lab","id":"m1","bot":"bob","state":"received","at":1000000}
    > ops join den
    ops <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops say #lab a word id=m4
    ana, bob <- #lab 2 ops: a word (m4)
    ana <- probe 1
    ops <- {"type":"ack","room":"lab","id":"m4","seq":2,"delivered":2,"queued":0}
    > ops do {"hub_status":{}}
    ops <- {"type":"operated","ref":"r1","result":{"accepted":2,"ahead_ms":0,"bots":3,"connections":3,"corrupt":0,"dead":0,"deliveries":3,"disk_left":4096,"dropped":0,"entries":2,"epoch":"00000000000000e0","expired":0,"forgotten":0,"oldest_waiting_ms":0,"online":3,"pauses":0,"received":1,"refused_changes":0,"retention_waits":null,"rooms":2,"waiting":2}}
    > disk enough
    > ana say #lab after id=m2
    bob <- #lab 3 ana: after (m2)
    ana <- {"type":"ack","room":"lab","id":"m2","seq":3,"delivered":1,"queued":0}
    "#);
}

#[test]
fn a_bot_that_used_up_its_day_under_a_clock_that_was_ahead_waits_for_a_day_and_not_for_a_year() {
    transcript!(@r#"
    > set day 10
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > leap 8760h
    > ana say #lab 0123456789 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > back 8760h
    > ana say #lab 1 id=m2
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 10 bytes within a day and may say 10; this message has 1","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > tick 25h
    > ana say #lab 1 id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_restart_begins_a_new_day_for_everybody() {
    transcript!(@r#"
    > quiet
    > set day 10
    > open ana ack
    > ana join lab
    > loud
    > ana say #lab 12345678 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana say #lab 12345678 id=m2
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 8 bytes within a day and may say 10; this message has 8","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > restart
    > open ana ack
    ana <- auth_ok [ack] lab 0/1
    > ana say #lab 12345678 id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    "#);
}

#[test]
fn a_message_as_long_as_a_day_fits_when_that_day_is_over() {
    transcript!(@r#"
    > set day 10
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #lab 01234 id=m1
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > ana say #lab 0123456789 id=m2
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 5 bytes within a day and may say 10; this message has 10","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > tick 25h
    > ana say #lab 0123456789 id=m2
    ana <- {"type":"ack","room":"lab","id":"m2","seq":2,"delivered":0,"queued":0}
    "#);
}

#[test]
fn what_a_message_has_beside_its_text_counts_too() {
    transcript!(@r#"
    > set day 30
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana {"type":"message","room":"lab","text":"0123456789","id":"m1","meta":{"n":"0123456789012"}}
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 0 bytes within a day and may say 30; this message has 31","hint":"say it in parts over several days, or an operator can raise `limits.bytesPerBotPerDay`","retry":"after_fix","ref":"m1"}
    > ana {"type":"message","room":"lab","text":"0123456789","id":"m1","act":{"n":"0123456789012"}}
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 0 bytes within a day and may say 30; this message has 31","hint":"say it in parts over several days, or an operator can raise `limits.bytesPerBotPerDay`","retry":"after_fix","ref":"m1"}
    > ana {"type":"message","room":"lab","text":"0123456","id":"m1","act":{"n":"0"},"meta":{"n":"1"}}
    ana <- {"type":"ack","room":"lab","id":"m1","seq":1,"delivered":0,"queued":0}
    > said ana
    25
    > ana {"type":"message","room":"lab","text":"01234567","id":"m2"}
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 25 bytes within a day and may say 30; this message has 8","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > ana {"type":"message","room":"lab","text":"0123456","id":"m2"}
    ana <- {"type":"error","code":4017,"name":"over_quota","message":"this bot has said 25 bytes within a day and may say 30; this message has 7","hint":"it fits in 1484 minutes; an operator can raise `limits.bytesPerBotPerDay`","retry":"later","retry_after_ms":89000000,"ref":"m2"}
    > said ana
    25
    > tick 25h
    > said ana
    0
    "#);
}

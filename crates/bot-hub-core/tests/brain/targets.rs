//! Names that lead nowhere.

use crate::transcript;

#[test]
fn a_bot_named_as_a_room_is_refused_with_what_was_probably_meant() {
    transcript!(@r#"
    > open pelouse ack
    pelouse <- auth_ok [ack]
    > pelouse join marlbot-pelouse
    pelouse <- {"type":"joined","room":"marlbot-pelouse","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open marlbot ack
    marlbot <- auth_ok [ack]
    > marlbot join marlbot-pelouse
    marlbot <- {"type":"joined","room":"marlbot-pelouse","members":["pelouse"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > marlbot say #pelouse hello id=m1
    marlbot <- {"type":"error","code":3004,"name":"wrong_kind","message":"`pelouse` is a bot, not a room","hint":"did you mean `to: pelouse`, or room `marlbot-pelouse`?","retry":"after_fix","ref":"m1"}
    > marlbot join pelouse
    marlbot <- {"type":"error","code":3004,"name":"wrong_kind","message":"`pelouse` is a bot, not a room","hint":"did you mean `to: pelouse`, or room `marlbot-pelouse`?","retry":"after_fix","ref":"join"}
    "#);
}

#[test]
fn a_room_named_as_a_bot_is_refused_with_what_was_probably_meant() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say @lab hello
    ana <- {"type":"error","code":3004,"name":"wrong_kind","message":"`lab` is a room, not a bot","hint":"did you mean `room: lab`?","retry":"after_fix","ref":"message"}
    "#);
}

#[test]
fn an_unknown_name_is_refused_with_a_suggestion() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join laboratory
    ana <- {"type":"joined","room":"laboratory","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob join laboratory
    bob <- {"type":"joined","room":"laboratory","members":["ana"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana say #labratory hello
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `labratory`","hint":"did you mean room `laboratory`?","retry":"after_fix","ref":"message"}
    > ana say @bobb hello
    ana <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `bobb`","hint":"did you mean `to: bob`?","retry":"after_fix","ref":"message"}
    > ana say @zeno hello
    ana <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `zeno`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    > ana say #zzz hello
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `zzz`","hint":"send {\"type\":\"join\",\"room\":\"zzz\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"message"}
    "#);
}

#[test]
fn a_typing_error_reveals_no_bot_that_shares_no_room() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana say @bobb hello
    ana <- {"type":"error","code":3002,"name":"no_such_bot","message":"there is no bot `bobb`","hint":"send `who` to see the bots that share a room with you","retry":"after_fix","ref":"message"}
    "#);
}

#[test]
fn a_room_that_one_is_not_in_says_how_to_get_in() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open bob ack
    bob <- auth_ok [ack]
    > bob say #lab hello id=m1
    bob <- {"type":"error","code":3003,"name":"not_a_member","message":"you are not a member of `lab`","hint":"send {\"type\":\"join\",\"room\":\"lab\"} first","retry":"after_fix","ref":"m1"}
    "#);
}

#[test]
fn a_program_that_goes_on_mistyping_is_refused_without_a_suggestion() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > times 19 ana say #labb number {n}
    > loud
    > ana say #labb x id=m20
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `labb`","hint":"did you mean room `lab`?","retry":"after_fix","ref":"m20"}
    > ana say #labb x id=m21
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `labb`","hint":"send {\"type\":\"join\",\"room\":\"labb\"} to make it, or `rooms` to see what there is","retry":"after_fix","ref":"m21"}
    > tick 10s
    > ana say #labb x id=m22
    ana <- {"type":"error","code":3001,"name":"no_such_room","message":"there is no room `labb`","hint":"did you mean room `lab`?","retry":"after_fix","ref":"m22"}
    "#);
}

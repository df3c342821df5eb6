//! What was said before a membership began is not for the member.

use crate::transcript;

#[test]
fn a_member_reads_back_from_where_its_membership_began() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > ana say #lab before id=m1
    > ana say #lab before id=m2
    > open bob ack
    > bob join lab
    > bob leave lab
    > bob join lab
    > ana say #lab after id=m3
    > ana say #lab after id=m4
    > open ops side operator
    > loud
    > bob history lab
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"after","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"after","id":"m4","seq":4,"prev":3,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > bob history lab after=0
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"after","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"after","id":"m4","seq":4,"prev":3,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > bob history lab after=0 limit=1
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"after","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":true}
    > bob history lab before=4 limit=1
    bob <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"after","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0}],"has_more":false}
    > bob history lab before=3
    bob <- {"type":"history","room":"lab","entries":[],"has_more":false}
    > ops history lab limit=3
    ops <- {"type":"history","room":"lab","entries":[{"room":"lab","from":"ana","text":"before","id":"m2","seq":2,"prev":1,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"after","id":"m3","seq":3,"prev":2,"sent_at":1000000,"age_ms":0},{"room":"lab","from":"ana","text":"after","id":"m4","seq":4,"prev":3,"sent_at":1000000,"age_ms":0}],"has_more":true}
    "#);
}

#[test]
fn what_a_name_said_in_an_earlier_membership_is_not_told_in_a_later_one() {
    transcript!(@r#"
    > quiet
    > open ana ack
    > ana join lab
    > ana say #lab one id=m1
    > ana leave lab
    > loud
    > ana status m1
    ana <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":1},"policy":{"closed":false}}
    > ana status m1
    ana <- {"type":"error","code":3005,"name":"no_such_message","message":"no message with that id is kept here","retry":"never","ref":"m1"}
    > open ops side operator
    ops <- auth_ok []
    > ops status m1
    ops <- {"type":"status","id":"m1","room":"lab","seq":1,"from":"ana","sent_at":1000000,"recipients":[]}
    "#);
}

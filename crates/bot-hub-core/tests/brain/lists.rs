//! Lists page by page: who turns the pages sees everything once, and no more than may be seen.

use crate::transcript;

#[test]
fn rooms_come_in_pages_by_name_and_only_those_that_may_be_seen() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open ops side operator
    ops <- auth_ok []
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join attic
    ana <- {"type":"joined","room":"attic","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ops do {"room_create":{"room":"cellar","closed":true}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > bot bob
    > ana say @bob hello
    ana <- {"type":"ack","room":"dm:ana:bob","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":1}
    > ana {"type":"rooms","limit":2}
    ana <- {"type":"rooms","rooms":[{"room":"attic","members":1,"online":1,"head":0,"member":true,"closed":false},{"room":"den","members":1,"online":1,"head":0,"member":true,"closed":false}],"next":"den"}
    > ana {"type":"rooms","limit":2,"after":"den"}
    ana <- {"type":"rooms","rooms":[{"room":"dm:ana:bob","members":2,"online":1,"head":1,"member":true,"closed":true}]}
    > ana {"type":"rooms","limit":2,"after":"dm:ana:bob"}
    ana <- {"type":"rooms","rooms":[]}
    > ops {"type":"rooms","limit":3}
    ops <- {"type":"rooms","rooms":[{"room":"attic","members":1,"online":1,"head":0,"member":false,"closed":false},{"room":"cellar","members":0,"online":0,"head":0,"member":false,"closed":true},{"room":"den","members":1,"online":1,"head":0,"member":false,"closed":false}],"next":"den"}
    > ops {"type":"rooms","limit":3,"after":"den"}
    ops <- {"type":"rooms","rooms":[{"room":"dm:ana:bob","members":2,"online":1,"head":1,"member":false,"closed":true}]}
    > ana {"type":"rooms","limit":0}
    ana <- {"type":"rooms","rooms":[{"room":"attic","members":1,"online":1,"head":0,"member":true,"closed":false}],"next":"attic"}
    "#);
}

#[test]
fn a_room_that_is_closed_later_is_listed_where_it_belongs() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana join den
    ana <- {"type":"joined","room":"den","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob {"type":"rooms"}
    bob <- {"type":"rooms","rooms":[{"room":"den","members":1,"online":1,"head":0,"member":false,"closed":false}]}
    > declare den ana closed
    > bob {"type":"rooms"}
    bob <- {"type":"rooms","rooms":[]}
    > ana {"type":"rooms"}
    ana <- {"type":"rooms","rooms":[{"room":"den","members":1,"online":1,"head":0,"member":true,"closed":true}]}
    "#);
}

#[test]
fn members_come_in_pages_by_name() {
    transcript!(@r#"
    > open zoe ack
    zoe <- auth_ok [ack]
    > open ana ack
    ana <- auth_ok [ack]
    > open moe ack
    moe <- auth_ok [ack]
    > zoe join lab
    zoe <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > moe join lab
    moe <- {"type":"joined","room":"lab","members":["ana","zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > zoe {"type":"who","room":"lab","limit":2}
    zoe <- {"type":"who","room":"lab","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"moe","state":"online","last_seen":1000000}],"next":"moe"}
    > zoe {"type":"who","room":"lab","limit":2,"after":"moe"}
    zoe <- {"type":"who","room":"lab","bots":[{"bot":"zoe","state":"online","last_seen":1000000}]}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_show":{"room":"lab","limit":2}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0},{"bot":"moe","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"next":"moe","retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > ops do {"room_show":{"room":"lab","limit":2,"after":"moe"}}
    ops <- {"type":"operated","ref":"r1","result":{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"zoe","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}}
    > ops {"type":"who","limit":3}
    ops <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"moe","state":"online","last_seen":1000000},{"bot":"ops","state":"offline"}],"next":"ops"}
    > ops {"type":"who","limit":3,"after":"ops"}
    ops <- {"type":"who","bots":[{"bot":"zoe","state":"online","last_seen":1000000}]}
    "#);
}

#[test]
fn who_shares_a_room_is_told_room_by_room() {
    transcript!(@r#"
    > open zoe ack
    zoe <- auth_ok [ack]
    > open ana ack
    ana <- auth_ok [ack]
    > open moe ack
    moe <- auth_ok [ack]
    > zoe join lab
    zoe <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > moe join lab
    moe <- {"type":"joined","room":"lab","members":["ana","zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > zoe join attic
    zoe <- {"type":"joined","room":"attic","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > moe join attic
    moe <- {"type":"joined","room":"attic","members":["zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > zoe {"type":"who"}
    zoe <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"moe","state":"online","last_seen":1000000},{"bot":"zoe","state":"online","last_seen":1000000}]}
    > zoe {"type":"who","limit":1}
    zoe <- {"type":"who","bots":[{"bot":"moe","state":"online","last_seen":1000000}],"next":"attic moe"}
    > zoe {"type":"who","limit":1,"after":"attic moe"}
    zoe <- {"type":"who","bots":[{"bot":"zoe","state":"online","last_seen":1000000}],"next":"attic"}
    > zoe {"type":"who","limit":2,"after":"attic zoe"}
    zoe <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"moe","state":"online","last_seen":1000000}],"next":"lab moe"}
    > zoe {"type":"who","limit":2,"after":"lab moe"}
    zoe <- {"type":"who","bots":[{"bot":"zoe","state":"online","last_seen":1000000}]}
    > zoe {"type":"who","after":"lab"}
    zoe <- {"type":"who","bots":[]}
    > ana {"type":"who","after":"attic"}
    ana <- {"type":"who","bots":[{"bot":"ana","state":"online","last_seen":1000000},{"bot":"moe","state":"online","last_seen":1000000},{"bot":"zoe","state":"online","last_seen":1000000}]}
    "#);
}

#[test]
fn all_rooms_with_all_members_come_in_pages_and_a_large_room_goes_on_in_the_next() {
    transcript!(@r#"
    > open zoe ack
    zoe <- auth_ok [ack]
    > open ana ack
    ana <- auth_ok [ack]
    > zoe join lab
    zoe <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join attic
    ana <- {"type":"joined","room":"attic","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"room_create":{"room":"zoo"}}
    ops <- {"type":"operated","ref":"r1","result":{"ok":true}}
    > ops do {"room_list":{"limit":2}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"lab ana","rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"attic"},{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}]}}
    > ops do {"room_list":{"limit":2,"after":"lab ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"zoe","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"},{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"zoo"}]}}
    > ops do {"room_list":{"limit":1}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"attic","rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"attic"}]}}
    > ops do {"room_list":{"limit":1,"after":"attic"}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"lab ana","rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"ana","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}]}}
    > ops do {"room_list":{"limit":1,"after":"lab ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"lab","rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[{"bot":"zoe","can":["read","post","request"],"cursor":0,"online":true,"waiting":0}],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"lab"}]}}
    > ops do {"room_list":{"limit":1,"after":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"rooms":[{"bytes":0,"closed":false,"entries":0,"first":1,"head":0,"members":[],"retain":{"age_ms":2592000000,"bytes":268435456,"entries":100000},"room":"zoo"}]}}
    "#);
}

#[test]
fn what_waits_comes_in_pages_of_which_one_may_be_empty() {
    transcript!(@r#"
    > open zoe ack
    zoe <- auth_ok [ack]
    > open ana ack
    ana <- auth_ok [ack]
    > open bob ack
    bob <- auth_ok [ack]
    > ana join attic
    ana <- {"type":"joined","room":"attic","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > zoe join lab
    zoe <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":["zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > bob join lab
    bob <- {"type":"joined","room":"lab","members":["ana","zoe"],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > close ana
    > close bob
    > zoe say #lab hello
    zoe <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":2}
    > open ops side operator
    ops <- auth_ok []
    > ops do {"pending":{"limit":1}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"attic","pending":[]}}
    > ops do {"pending":{"limit":1,"after":"attic"}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"lab ana","pending":[{"bot":"ana","in_flight":0,"oldest_age_ms":0,"oldest_seq":1,"reason":"offline","room":"lab","waiting":1}]}}
    > ops do {"pending":{"limit":1,"after":"lab ana"}}
    ops <- {"type":"operated","ref":"r1","result":{"next":"lab bob","pending":[{"bot":"bob","in_flight":0,"oldest_age_ms":0,"oldest_seq":1,"reason":"offline","room":"lab","waiting":1}]}}
    > ops do {"pending":{"bot":"ana","limit":1}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[{"bot":"ana","in_flight":0,"oldest_age_ms":0,"oldest_seq":1,"reason":"offline","room":"lab","waiting":1}]}}
    > ops do {"pending":{"bot":"ana","limit":1,"after":"lab"}}
    ops <- {"type":"operated","ref":"r1","result":{"pending":[]}}
    "#);
}

#[test]
fn an_operator_that_goes_watches_nothing_any_more() {
    transcript!(@r#"
    > open ana ack
    ana <- auth_ok [ack]
    > ana join lab
    ana <- {"type":"joined","room":"lab","members":[],"position":{"epoch":"00000000000000e0","seq":0},"policy":{"closed":false}}
    > open ops side operator
    ops <- auth_ok []
    > open eve side operator
    eve <- auth_ok []
    > ops do {"observe":{"rooms":["lab"]}}
    ops <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > eve do {"observe":{"rooms":["lab"]}}
    eve <- {"type":"operated","ref":"r1","result":{"observing":{"lab":0}}}
    > close ops
    > ana say #lab hello
    eve <- #lab 1 ana: hello
    ana <- {"type":"ack","room":"lab","id":"00000000000000ab-1","seq":1,"delivered":0,"queued":0}
    "#);
}

//! A hub of more rooms and bots than one answer holds: who turns pages sees all, who does not sees the first.

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::frame::operator::{Operation, Page};
use bot_hub_client::bot_protocol::id::MessageId;
use bot_hub_client::bot_protocol::name::RoomName;

use super::stage::{HERE, Stage, config, room, says, token};

const MANY: usize = 1_100;

/// So many rooms, and one in which that many bots are.
fn crowded() -> Stage {
    let names: Vec<String> = (0..MANY).map(|number| format!("bot-{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["ana", "ops"]).collect();
    let rooms = (0..MANY).map(|number| format!("\"room-{number:04}\": {{ open: true }}"));
    let rooms = rooms.collect::<Vec<_>>().join(", ");
    let members = names.iter().filter(|name| **name != "ops").map(|name| format!("\"{name}\""));
    let members = members.collect::<Vec<_>>().join(", ");
    let more = format!(
        "operators: [\"ops\"], rooms: {{ lab: {{ open: true, members: [{members}] }}, {rooms} }}"
    );
    Stage::start(&config(&names, &more))
}

#[tokio::test]
async fn a_client_sees_everything_in_a_hub_of_many_rooms_and_bots() {
    let stage = crowded();
    let (ana, _events) = stage.client("ana").await;
    let rooms = ana.rooms().await.unwrap();
    assert_eq!((rooms.rooms.len(), rooms.next), (MANY + 1, None));
    assert!(rooms.rooms.is_sorted_by(|one, other| one.room < other.room));
    for room in [None, Some(room())] {
        let bots = ana.who(room.clone()).await.unwrap();
        assert_eq!((bots.bots.len(), bots.next), (MANY + 1, None), "{room:?}");
        assert!(bots.bots.is_sorted_by(|one, other| one.bot < other.bot));
    }
    let id = MessageId::new("m-1").unwrap();
    let mut message = says("hello");
    message.id = Some(id.clone());
    ana.send(message).await.unwrap().await.unwrap();
    let report = ana.status(id, None).await.unwrap();
    assert_eq!((report.recipients.len(), report.next), (MANY, None));

    let (ops, _events) = stage.client("ops").await;
    assert_eq!(ops.rooms().await.unwrap().rooms.len(), MANY + 1);
    // The hub has an operator of its own besides.
    assert_eq!(ops.who(None).await.unwrap().bots.len(), MANY + 3);
}

#[tokio::test]
async fn who_knows_of_no_pages_gets_the_first_and_is_told_that_there_is_more() {
    let stage = crowded();
    let mut seed = stage.socket(HERE).await;
    seed.say(&format!("{{\"type\":\"auth\",\"token\":\"{}\"}}", token("ana"))).await;
    assert!(matches!(seed.hear().await, Some(ServerFrame::AuthOk(_))));
    seed.say("{\"type\":\"rooms\"}").await;
    let Some(ServerFrame::Rooms(rooms)) = seed.hear().await else { panic!("no rooms") };
    assert_eq!((rooms.rooms.len(), rooms.next.as_deref()), (1_000, Some("room-0998")));
    seed.say("{\"type\":\"who\",\"room\":\"lab\"}").await;
    let Some(ServerFrame::Who(bots)) = seed.hear().await else { panic!("no bots") };
    assert_eq!((bots.bots.len(), bots.next.as_deref()), (1_000, Some("bot-0998")));
}

#[tokio::test]
async fn what_operators_list_comes_in_pages_that_leave_out_nothing() {
    let stage = crowded();
    let (ops, _events) = stage.client("ops").await;
    let (after, limit) = (None, None);
    let (bot, lab) = (None, RoomName::new("lab").unwrap());
    for (operation, list, expected) in [
        // The hub has an operator of its own besides.
        (Operation::BotList(Page::default()), "bots", MANY + 3),
        // The room of many members goes on in the second page.
        (Operation::RoomList(Page::default()), "rooms", MANY + 2),
        (Operation::RoomShow { room: lab, after: after.clone(), limit }, "members", MANY + 1),
        (Operation::Pending { bot, after, limit }, "pending", 0),
        (Operation::InviteList(Page::default()), "invites", 0),
    ] {
        let (mut found, mut next) = (0, Some(operation));
        while let Some(operation) = next {
            let page = ops.operate(operation.clone()).await.unwrap();
            let lines = page[list].as_array().unwrap().len();
            assert!(lines <= 1_000, "{operation:?}");
            found += lines;
            next = page["next"].as_str().and_then(|next| operation.page_after(next.into()));
        }
        assert_eq!(found, expected, "{list}");
    }
}

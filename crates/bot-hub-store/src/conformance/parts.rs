//! The fate of a message, in several parts.

use bot_hub_core::change::{Answer, Change, DroppedRange, Found, Loss, Query, Recipients};
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState::{Delivered, Received, Started};
use bot_protocol::time::Timestamp;

use super::members::receipt;
use super::{Subject, bot, cursor, look_up, numbered, room};

const BOTS: usize = 30;

/// Members with no receipt at all, with receipts, with marks, with a dropped range, and some that have
/// left.
fn fill(subject: &mut Subject) {
    subject.room("lab");
    let name = |number: usize| format!("bot-{number:02}");
    for number in 0..BOTS {
        subject.join("lab", &name(number));
    }
    subject.say(numbered("lab", 1));
    for number in 0..BOTS {
        let name = name(number);
        match number % 5 {
            0 => subject.done(cursor("lab", &name, 1, 50)),
            1 => {
                let started = receipt("lab", &name, 1, Started, 60);
                subject.change(vec![Change::Receipt(started)]);
            }
            2 => {
                let range = DroppedRange { from: 1, to: 1, reason: Loss::Dead };
                let (room, bot, at) = (room("lab"), bot(&name), Timestamp(70));
                subject.change(vec![Change::Drop { room, bot, range, at }]);
            }
            3 => {
                subject.done(cursor("lab", &name, 1, 80));
                let (room, bot) = (room("lab"), bot(&name));
                subject.change(vec![Change::Leave { room, bot, why: Loss::Left }]);
            }
            _ => {}
        }
    }
}

fn found(subject: &mut Subject, query: &Query) -> Vec<Found> {
    match subject.ask(query) {
        Answer::Found(found) => found,
        other => panic!("{other:?} to {query:?}"),
    }
}

pub fn the_recipients_of_a_message_come_in_parts(subject: &mut Subject) {
    fill(subject);
    let whole = found(subject, &look_up("m1", None, Recipients::ALL));
    let [whole] = &whole[..] else { panic!("not one message but {whole:?}") };
    assert_eq!((whole.bots.len(), &whole.next), (BOTS, &None));
    assert!(whole.receipts.iter().any(|it| [Delivered, Received].contains(&it.state)));
    let (mut bots, mut receipts, mut after, mut parts) = (Vec::new(), Vec::new(), None, 0);
    loop {
        let recipients = Recipients { after, max: 1 };
        let part = found(subject, &look_up("m1", None, recipients)).remove(0);
        assert!(part.bots.len() <= 8, "{:?}", part.bots);
        bots.extend(part.bots);
        receipts.extend(part.receipts);
        parts += 1;
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    bots.sort_unstable();
    receipts.sort_by(|one, other| (&one.bot, one.state).cmp(&(&other.bot, other.state)));
    assert_eq!((bots, receipts), (whole.bots.clone(), whole.receipts.clone()));
    assert!(parts >= BOTS / 8, "{parts} parts");
}

pub fn a_message_is_found_in_the_room_that_is_named(subject: &mut Subject) {
    for name in ["lab", "den"] {
        subject.room(name);
        subject.say(numbered(name, 1));
    }
    let mut rooms = |from: Option<&str>, in_room: Option<&str>| {
        let (id, from) = (MessageId::new("m1").unwrap(), from.map(bot));
        let room = in_room.map(room);
        let query = Query::Find { id, from, room, recipients: Recipients::ALL };
        let mut rooms: Vec<String> =
            found(subject, &query).iter().map(|it| it.room.to_string()).collect();
        rooms.sort_unstable();
        rooms
    };
    for from in [None, Some("ann")] {
        assert_eq!(rooms(from, None), ["den", "lab"]);
        assert_eq!(rooms(from, Some("den")), ["den"]);
        assert_eq!(rooms(from, Some("nowhere")), [""; 0]);
    }
    assert_eq!(rooms(Some("bob"), Some("den")), [""; 0]);
}

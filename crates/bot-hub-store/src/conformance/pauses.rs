//! Pauses.

use bot_hub_core::change::{Change, DroppedRange, Loss, Outcome, Removal};
use bot_hub_core::pause::PauseKey;
use bot_protocol::frame::pause::{PauseLine, PauseRule, PauseWhy};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::{Subject, bot, room};

fn pause(of_room: Option<&str>, of_bot: Option<&str>, by: Option<&str>, until: u64) -> PauseLine {
    let rule = by.is_none().then(|| PauseRule::Turns.into());
    PauseLine {
        bot: of_bot.map(bot),
        by: by.map(bot),
        room: of_room.map(room),
        since: Timestamp(5),
        until: Some(Timestamp(until)),
        why: PauseWhy { rule, used: Some(30), ..PauseWhy::default() },
    }
}

fn hold(line: &PauseLine) -> Change {
    Change::Pause(Box::new(line.clone()))
}

fn end(line: &PauseLine) -> Change {
    Change::Resume(Box::new(PauseKey::of(line)))
}

impl Subject {
    /// The pauses that a start knows, which reopening does not change.
    fn pauses(&mut self) -> Vec<PauseLine> {
        let pauses = self.load().snapshot.pauses;
        self.reopen();
        assert_eq!(self.load().snapshot.pauses, pauses, "after reopening");
        pauses
    }
}

pub fn a_pause_comes_back_until_it_ends(subject: &mut Subject) {
    assert_eq!(subject.pauses(), []);
    let everything = pause(None, None, Some("ann"), 7);
    // A room need not be there for it, and a person and a rule pause the same.
    let of_rule = pause(Some("lab"), Some("bob"), None, 8);
    let of_person = pause(Some("lab"), Some("bob"), Some("ann"), 9);
    let all = [&everything, &of_person, &of_rule];
    let outcomes = subject.change(all.map(hold).to_vec());
    assert_eq!(outcomes, [Outcome::Done, Outcome::Done, Outcome::Done]);
    assert_eq!(subject.pauses(), all.map(PauseLine::clone));

    let longer = pause(Some("lab"), Some("bob"), None, 80);
    subject.done(hold(&longer));
    subject.done(end(&of_person));
    subject.done(end(&of_person));
    assert_eq!(subject.pauses(), [everything, longer]);
}

pub fn more_pauses_than_a_page_come_back(subject: &mut Subject) {
    let all: Vec<PauseLine> =
        (100..700).map(|n| pause(Some("lab"), Some(&format!("bot-{n}")), None, n)).collect();
    subject.change(all.iter().map(hold).collect());
    assert_eq!(subject.pauses(), all);
}

pub fn the_pauses_of_a_room_end_with_it(subject: &mut Subject) {
    subject.room("lab");
    let (of_room, of_member) =
        (pause(Some("lab"), None, Some("ann"), 7), pause(Some("lab"), Some("bob"), None, 8));
    let others = [pause(None, Some("lab"), None, 8), pause(Some("lab2"), None, None, 9)];
    subject.change(others.iter().chain([&of_room, &of_member]).map(hold).collect());
    let why = Removal::Asked;
    subject.change(vec![Change::RemoveRoom { room: room("lab"), why }]);
    assert_eq!(subject.pauses(), others);
    subject.room("lab");
    assert_eq!(subject.pauses(), others);
}

pub fn what_was_skipped_is_declined(subject: &mut Subject) {
    subject.room("lab");
    subject.join("lab", "bob");
    subject.fill("lab", 1);
    let range = DroppedRange { from: 1, to: 1, reason: Loss::Skipped };
    let (at, room, bot) = (Timestamp(9), room("lab"), bot("bob"));
    subject.done(Change::Drop { room, bot, range, at });
    subject.reopen();
    let found = subject.find("m1", &["ann"]).remove(0);
    let of_bob: Vec<_> = found.receipts.iter().map(|it| (it.state, it.reason.as_deref())).collect();
    assert_eq!(of_bob, [(ReceiptState::Declined, Some(Loss::Skipped.word()))]);
    let record = subject.load().snapshot.rooms.remove(0);
    assert_eq!(record.members[0].dropped, [range]);
}

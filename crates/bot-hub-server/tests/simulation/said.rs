//! What senders were told of each entry and bot, and that nothing says less later.
//!
//! Owns the order of the ladder as a sender sees it. What the hub may forget in a crash, it forgets too.

use std::collections::{BTreeMap, VecDeque};

use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;

/// One entry and one recipient.
type About = (RoomName, u64, BotId);

#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What frames said of each that was more than anything before, and when.
    climbed: BTreeMap<About, Vec<(ReceiptState, u64)>>,
    /// When senders asked for the state of a message and have no answer yet, oldest first.
    asked: BTreeMap<(BotId, MessageId), VecDeque<u64>>,
}

impl Said {
    /// The hub was killed. Whatever a bot did with an entry is told when it is stored; that the entry was
    /// written to a socket is told at once, and stored a little later.
    pub(crate) fn crashed(&mut self) {
        self.asked.clear();
        self.refused();
    }

    /// The store took nothing: what was written to sockets before is not known everywhere until it does.
    pub(crate) fn refused(&mut self) {
        for said in self.climbed.values_mut() {
            said.retain(|&(state, _)| rank(state) > rank(ReceiptState::Delivered));
        }
    }

    /// The most that a frame said.
    pub(crate) fn most(&self, about: &About) -> Option<ReceiptState> {
        self.climbed.get(about)?.last().map(|it| it.0)
    }

    /// A frame says so. Returns what an earlier one said, if that was more. Between two frames about what
    /// the bot did itself, the lower rung may come late: it is no less true, and `status` says the higher.
    pub(crate) fn tell(
        &mut self,
        now: u64,
        about: About,
        state: ReceiptState,
    ) -> Result<(), ReceiptState> {
        let said = self.climbed.entry(about).or_default();
        match said.last() {
            Some((most, _)) if rank(state) < rank(*most) && !is_received(state) => {
                return Err(*most);
            }
            Some((most, _)) if rank(state) <= rank(*most) => {}
            _ => said.push((state, now)),
        }
        Ok(())
    }

    pub(crate) fn asks(&mut self, now: u64, by: &BotId, id: &MessageId) {
        self.asked.entry((by.clone(), id.clone())).or_default().push_back(now);
    }

    /// The answer goes out. Returns since when it was asked for; answers may overtake each other.
    pub(crate) fn answered(&mut self, to: &BotId, id: &MessageId) -> u64 {
        let asked = self.asked.get_mut(&(to.clone(), id.clone()));
        asked.and_then(VecDeque::pop_front).unwrap_or(0)
    }

    /// An answer to what was asked at `asked_at` says so. Returns what a frame from before said, if that
    /// was more.
    pub(crate) fn answer(
        &self,
        asked_at: u64,
        about: &About,
        state: ReceiptState,
    ) -> Result<(), ReceiptState> {
        let said = self.climbed.get(about).into_iter().flatten();
        let mut before = said.filter(|(_, at)| *at < asked_at).map(|it| it.0);
        match before.next_back() {
            Some(most) if rank(state) < rank(most) => Err(most),
            _ => Ok(()),
        }
    }
}

/// What the hub takes off the ladder was not received, and may have been delivered.
fn rank(state: ReceiptState) -> u8 {
    match state {
        ReceiptState::Stored => 0,
        ReceiptState::Delivered => 1,
        ReceiptState::Expired | ReceiptState::Dropped | ReceiptState::Dead => 2,
        ReceiptState::Received => 3,
        ReceiptState::Started => 4,
        ReceiptState::Answered
        | ReceiptState::Done
        | ReceiptState::Declined
        | ReceiptState::Failed => 5,
    }
}

/// Whether its sender was told that the bot took responsibility.
pub(crate) fn is_received(state: ReceiptState) -> bool {
    rank(state) >= rank(ReceiptState::Received)
}

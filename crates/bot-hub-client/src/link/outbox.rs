//! Messages without an `ack`.
//!
//! Owns their order, and which of them may be sent now. Only an `ack` or a definite error removes a
//! message.

use std::collections::VecDeque;

use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::Ack;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;

use crate::error::SendError;

/// Unacknowledged messages, in the order of the calls.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<Item>,
    items_max: usize,
    /// How many of them are not on the wire.
    held: usize,
}

#[derive(Debug)]
struct Item {
    id: MessageId,
    message: Message,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Not sent on this connection.
    Waiting,
    /// Sent as the n-th frame of this connection.
    InFlight(u64),
    /// Refused for now; may be sent again at this time.
    Postponed(Timestamp),
}

impl Outbox {
    pub(super) fn new(items_max: usize) -> Self {
        Self { queue: VecDeque::new(), items_max, held: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, id: MessageId, message: Message) -> Result<(), SendError> {
        if self.queue.iter().any(|item| item.id == id) {
            return Err(SendError::InFlight);
        }
        if self.queue.len() >= self.items_max {
            return Err(SendError::Full);
        }
        self.queue.push_back(Item { id, message, stage: Stage::Waiting });
        self.held += 1;
        Ok(())
    }

    /// The messages to send now, in order. A message never overtakes a postponed one to the same target.
    pub(super) fn due(&self, now: Timestamp) -> Vec<(MessageId, Message)> {
        let mut due = Vec::new();
        if self.held == 0 {
            return due;
        }
        let mut blocked: Vec<(Option<&RoomName>, Option<&BotId>)> = Vec::new();
        for item in self.queue.iter().skip(self.first_held()) {
            let target = (item.message.room.as_ref(), item.message.to.as_ref());
            let early = matches!(item.stage, Stage::Postponed(until) if until > now);
            if matches!(item.stage, Stage::InFlight(_)) || blocked.contains(&target) {
                continue;
            }
            if early {
                blocked.push(target);
            } else {
                due.push((item.id.clone(), item.message.clone()));
            }
        }
        due
    }

    /// Where to start the search: usually the only held item is the newest.
    fn first_held(&self) -> usize {
        let waits = |item: &Item| item.stage == Stage::Waiting;
        if self.held == 1 && self.queue.back().is_some_and(waits) {
            self.queue.len() - 1
        } else {
            0
        }
    }

    /// Records that the message was sent as the n-th frame of this connection.
    pub(super) fn sent(&mut self, id: &MessageId, frame: u64) {
        // Searches from the back, because the message is usually the newest.
        if let Some(item) = self.queue.iter_mut().rev().find(|item| item.id == *id) {
            self.held -= usize::from(!matches!(item.stage, Stage::InFlight(_)));
            item.stage = Stage::InFlight(frame);
        }
    }

    /// Records that the hub cannot take the message before `until`.
    pub(super) fn postpone(&mut self, id: &MessageId, until: Timestamp) {
        if let Some(item) = self.queue.iter_mut().find(|item| item.id == *id) {
            self.held += usize::from(matches!(item.stage, Stage::InFlight(_)));
            item.stage = Stage::Postponed(until);
        }
    }

    /// The message that an `ack` belongs to. A hub without ids answers in order.
    pub(super) fn acked(&self, ack: &Ack) -> Option<MessageId> {
        let matching = |item: &&Item| match &ack.id {
            Some(id) => item.id == *id,
            None => {
                matches!(item.stage, Stage::InFlight(_))
                    && item.message.room.as_ref() == Some(&ack.room)
            }
        };
        self.queue.iter().find(matching).map(|item| item.id.clone())
    }

    /// The message on the wire with this id, if there is one.
    pub(super) fn in_flight(&self, reference: &str) -> Option<MessageId> {
        let matching = |item: &&Item| {
            item.id.as_str() == reference && matches!(item.stage, Stage::InFlight(_))
        };
        self.queue.iter().find(matching).map(|item| item.id.clone())
    }

    /// Removes a message; returns which frame of this connection it was, if it was sent.
    pub(super) fn remove(&mut self, id: &MessageId) -> Option<u64> {
        let at = self.queue.iter().position(|item| item.id == *id)?;
        let item = self.queue.remove(at)?;
        match item.stage {
            Stage::InFlight(frame) => Some(frame),
            Stage::Waiting | Stage::Postponed(_) => {
                self.held -= 1;
                None
            }
        }
    }

    /// Handles the loss of the connection: all messages on the wire must be sent again.
    pub(super) fn disconnected(&mut self) {
        for item in &mut self.queue {
            if matches!(item.stage, Stage::InFlight(_)) {
                item.stage = Stage::Waiting;
                self.held += 1;
            }
        }
    }

    /// When the next postponed message is due. For each target only the first counts, because the others
    /// must not overtake it.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        if self.held == 0 {
            return None;
        }
        let (mut seen, mut earliest) = (Vec::new(), None);
        for item in &self.queue {
            let target = (&item.message.room, &item.message.to);
            if let Stage::Postponed(until) = item.stage
                && !seen.contains(&target)
            {
                seen.push(target);
                earliest = Some(earliest.map_or(until, |earliest: Timestamp| earliest.min(until)));
            }
        }
        earliest
    }

    /// Removes all messages.
    pub(super) fn drain(&mut self) -> Vec<MessageId> {
        self.held = 0;
        self.queue.drain(..).map(|item| item.id).collect()
    }
}

//! Waits for the receipts of a message.
//!
//! Owns when a wish is fulfilled, and when it can no longer be. Asks `status` after every event and every
//! reconnect, so receipts that were lost with a connection are not missed.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use bot_hub_client::{AskError, Event};
use bot_protocol::frame::answer::Ask;
use bot_protocol::frame::client::History;
use bot_protocol::frame::server::{
    Delivery, HistoryPage, RangeReceipt, Receipt, RecipientStatus, Step,
};
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::word::Open;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::{Sent, Wait};
use crate::cli::failure::{Failure, Kind};
use crate::cli::hub::Hub;
use crate::cli::out::{Out, say};
use crate::cli::target::Destination;
use crate::cli::visible::visible_line;

/// The state of every recipient, and the answer if there was one.
type Outcome = (Vec<Value>, Option<Delivery>);

/// How far a message is, compared with the wish.
enum Standing {
    Fulfilled(Option<MessageId>),
    Open,
    /// No recipient can reach the wish any more.
    Hopeless,
}

/// Called before sending. Some clients answer with `reply_to` and send no receipts; an operator sees such
/// answers by observing the room. Other bots wait for receipts only.
pub(super) async fn listen(hub: &Hub, destination: &Destination) -> Result<(), Failure> {
    let rooms = match destination {
        Destination::Room(room) => Some(vec![room.clone()]),
        // The room of a direct conversation may not exist yet.
        Destination::Bot(_) => None,
    };
    match hub.client.ask(Ask::observe(rooms)).await {
        Ok(_) | Err(AskError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn until(hub: &mut Hub, sent: &Sent, wish: Wait) -> Result<Outcome, Failure> {
    let mut known: Vec<RecipientStatus> = Vec::new();
    let waited = timeout_at(sent.deadline, wait(hub, sent, wish, &mut known)).await;
    waited.unwrap_or_else(|_| Err(too_late(sent, wish, &known)))
}

async fn wait(
    hub: &mut Hub,
    sent: &Sent,
    wish: Wait,
    known: &mut Vec<RecipientStatus>,
) -> Result<Outcome, Failure> {
    let mut heard: Vec<Receipt> = Vec::new();
    let mut shown = Progress::default();
    loop {
        *known = hub.client.status(sent.id.clone(), Some(hub.me.clone())).await?.recipients;
        heard.iter().for_each(|receipt| add(known, receipt));
        shown.show(known, hub.out);
        match standing(known, wish) {
            Standing::Fulfilled(reply) => {
                let answer = match reply {
                    Some(reply) => read_answer(hub, sent, &reply).await?,
                    None => None,
                };
                return Ok((told(known), answer));
            }
            Standing::Hopeless => return Err(hopeless(sent, wish, known)),
            Standing::Open => {}
        }
        match next_signal(hub, sent, wish).await? {
            Signal::Look => {}
            Signal::Receipt(receipt) => heard.push(receipt),
            Signal::Answer(answer) => return Ok((told(known), Some(*answer))),
        }
    }
}

/// Shows how the states of the recipients change, on a terminal.
#[derive(Default)]
struct Progress {
    /// How many steps of each recipient were shown.
    steps: BTreeMap<BotId, usize>,
    counts: String,
}

/// With more recipients than this, only counts are shown.
const LISTED_MAX: usize = 8;

impl Progress {
    fn show(&mut self, known: &[RecipientStatus], out: Out) {
        if out.json || !std::io::stderr().is_terminal() {
            return;
        }
        if known.len() > LISTED_MAX {
            return self.count(known);
        }
        for it in known {
            let shown = self.steps.entry(it.bot.clone()).or_default();
            for step in it.steps.iter().skip(*shown) {
                let reason = step.reason.as_deref().map(visible_line);
                let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
                let state = step.state.to_string();
                say(&format!("  {}: {}{reason}", it.bot, visible_line(&state)));
            }
            *shown = it.steps.len();
        }
    }

    fn count(&mut self, known: &[RecipientStatus]) {
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        known.iter().for_each(|it| *states.entry(it.state.to_string()).or_default() += 1);
        let counts: Vec<String> =
            states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let counts = counts.join(", ");
        if counts != self.counts {
            say(&format!("  {counts}"));
            self.counts = counts;
        }
    }
}

/// An event that may change the state of the message.
enum Signal {
    /// Something happened; `status` says what.
    Look,
    Receipt(Receipt),
    /// An answer that came as a message.
    Answer(Box<Delivery>),
}

async fn next_signal(hub: &mut Hub, sent: &Sent, wish: Wait) -> Result<Signal, Failure> {
    loop {
        match hub.events.next().await {
            Some(Event::Receipt(receipt)) if receipt.id == sent.id => {
                return Ok(Signal::Receipt(*receipt));
            }
            Some(Event::Receipts(range)) if concerns(&range, sent) => return Ok(Signal::Look),
            Some(Event::Connected(_)) => return Ok(Signal::Look),
            Some(Event::Message(message)) if wish == Wait::Answered => {
                let answers = message.reply_to.as_ref() == Some(&sent.id);
                if answers && message.room == sent.room && message.from != hub.me {
                    return Ok(Signal::Answer(message));
                }
            }
            Some(_) => {}
            None => return Err(hub.client.ended().await.into()),
        }
    }
}

/// Whether a range of receipts includes this message.
fn concerns(range: &RangeReceipt, sent: &Sent) -> bool {
    let is_in = |seq: u64| (range.from_seq..=range.to_seq).contains(&seq);
    range.room == sent.room && sent.ack.seq.is_none_or(is_in)
}

/// Adds a receipt that `status` does not have yet: the hub sends a receipt while it is still being stored.
fn add(recipients: &mut [RecipientStatus], receipt: &Receipt) {
    let Some(recipient) = recipients.iter_mut().find(|it| it.bot == receipt.bot) else { return };
    if recipient.steps.iter().all(|step| step.state != receipt.state) {
        let (state, at) = (receipt.state.clone(), receipt.at);
        let (reason, reply) = (receipt.reason.clone(), receipt.reply.clone());
        // This program cannot order a state that it does not know: the step comes last, and the state from
        // `status` stays.
        if state.known() > recipient.state.known() {
            recipient.state = state.clone();
        }
        recipient.steps.push(Step { state, at, reason, reply });
        recipient.steps.sort_by(|one, other| one.state.cmp(&other.state));
    }
}

/// The answer that a receipt names.
async fn read_answer(
    hub: &Hub,
    sent: &Sent,
    reply: &MessageId,
) -> Result<Option<Delivery>, Failure> {
    let mut after = sent.ack.seq.unwrap_or(0);
    loop {
        let page =
            History { room: sent.room.clone(), after: Some(after), before: None, limit: None };
        let page = match hub.client.history(page).await {
            Ok(page) => page,
            // There is an answer, but this bot may not read it.
            Err(AskError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Some(answer) = page.entries.iter().find(|entry| entry.id.as_ref() == Some(reply)) {
            return Ok(Some(answer.clone()));
        }
        match next_after(&page, after) {
            Some(last) => after = last,
            None => return Ok(None),
        }
    }
}

/// Where the next page begins, if there is one. A hub that sets `has_more` without moving on would
/// otherwise be asked forever.
fn next_after(page: &HistoryPage, after: u64) -> Option<u64> {
    let last = page.entries.last().and_then(|entry| entry.seq)?;
    (page.has_more && last > after).then_some(last)
}

fn standing(recipients: &[RecipientStatus], wish: Wait) -> Standing {
    let reply = |it: &RecipientStatus| {
        let answered = it.steps.iter().find(|step| step.state == ReceiptState::Answered);
        answered.map(|step| step.reply.clone())
    };
    if wish == Wait::Answered {
        if let Some(reply) = recipients.iter().find_map(reply) {
            return Standing::Fulfilled(reply);
        }
    } else if !recipients.is_empty() && recipients.iter().all(|it| has_reached(it, wish)) {
        return Standing::Fulfilled(None);
    }
    let is_final = |state: &Open<_>| state.known().is_some_and(ReceiptState::is_final);
    let is_over = |it: &RecipientStatus| is_final(&it.state) && !has_reached(it, wish);
    let is_hopeless = match wish {
        Wait::Answered => recipients.iter().all(is_over),
        _ => recipients.is_empty() || recipients.iter().any(is_over),
    };
    if is_hopeless { Standing::Hopeless } else { Standing::Open }
}

fn has_reached(recipient: &RecipientStatus, wish: Wait) -> bool {
    use ReceiptState::{Answered, Declined, Delivered, Done, Failed, Received, Started};
    let reached = |states: &[ReceiptState]| {
        let mut steps = recipient.steps.iter().filter_map(|it| it.state.known());
        steps.any(|state| states.contains(&state))
    };
    // A recipient that declines or fails has received the message.
    let received = &[Received, Started, Answered, Done, Declined, Failed];
    match wish {
        Wait::Stored => true,
        Wait::Delivered => reached(&[Delivered]) || reached(received),
        Wait::Received => reached(received),
        Wait::Answered => reached(&[Answered]),
    }
}

fn told(recipients: &[RecipientStatus]) -> Vec<Value> {
    recipients.iter().map(|it| json!({ "bot": it.bot, "state": it.state })).collect()
}

fn in_words(recipients: &[RecipientStatus]) -> String {
    let each = recipients.iter().map(|it| {
        let reason = it.steps.last().and_then(|step| step.reason.as_deref());
        let reason = reason.map(visible_line);
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        format!("{}: {}{reason}", it.bot, it.state)
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "it has no recipient".to_owned() } else { each.join(", ") }
}

fn too_late(sent: &Sent, wish: Wait, known: &[RecipientStatus]) -> Failure {
    let message =
        format!("`{}` is not {} after {}; {}", sent.id, name(wish), sent.timeout, in_words(known));
    Failure::new(Kind::TimedOut, message)
        .hint(format!("it is stored and goes on by itself: bot-hub trace {}", sent.id))
        .details(json!({ "id": sent.id, "room": sent.room, "recipients": told(known) }))
}

fn hopeless(sent: &Sent, wish: Wait, known: &[RecipientStatus]) -> Failure {
    let declined = known.iter().any(|it| it.state == ReceiptState::Declined);
    let kind = if declined { Kind::Refused } else { Kind::Failed };
    let message =
        format!("`{}` is stored and will not be {}; {}", sent.id, name(wish), in_words(known));
    Failure::new(kind, message)
        .details(json!({ "id": sent.id, "room": sent.room, "recipients": told(known) }))
}

fn name(wish: Wait) -> &'static str {
    match wish {
        Wait::Stored => "stored",
        Wait::Delivered => "delivered",
        Wait::Received => "received",
        Wait::Answered => "answered",
    }
}

#[cfg(test)]
mod tests {
    use bot_protocol::name::RoomName;
    use bot_protocol::time::Timestamp;

    use super::*;

    /// `ann:stored,delivered` describes a recipient and its steps.
    fn check(recipients: &[&str], wish: Wait, expected: &str) {
        let recipients: Vec<_> = recipients.iter().map(|text| recipient(text)).collect();
        let found = match standing(&recipients, wish) {
            Standing::Fulfilled(None) => "fulfilled".to_owned(),
            Standing::Fulfilled(Some(reply)) => format!("fulfilled by {reply}"),
            Standing::Open => "open".to_owned(),
            Standing::Hopeless => "hopeless".to_owned(),
        };
        assert_eq!(found, expected, "{recipients:?}");
    }

    fn recipient(text: &str) -> RecipientStatus {
        let (bot, states) = text.split_once(':').unwrap();
        let step = |name: &str| {
            let state: Open<ReceiptState> = serde_json::from_value(json!(name)).unwrap();
            let reply = (state == ReceiptState::Answered).then(|| MessageId::new("r1").unwrap());
            Step { state, at: Timestamp(0), reason: None, reply }
        };
        let steps: Vec<Step> = states.split(',').map(step).collect();
        let state = steps.last().unwrap().state.clone();
        RecipientStatus { bot: BotId::new(bot).unwrap(), state, steps }
    }

    #[test]
    fn a_wish_for_delivery_concerns_every_recipient() {
        check(&["ann:stored"], Wait::Delivered, "open");
        check(&["ann:stored,delivered", "bob:stored"], Wait::Delivered, "open");
        check(&["ann:stored,delivered", "bob:stored,received"], Wait::Delivered, "fulfilled");
        check(&["ann:stored,delivered", "bob:stored,dropped"], Wait::Delivered, "hopeless");
        check(&["ann:stored,received,declined"], Wait::Received, "fulfilled");
        check(&["ann:stored,delivered"], Wait::Received, "open");
        check(&["ann:stored,handed_on"], Wait::Delivered, "open");
        check(&["ann:delivered,handed_on"], Wait::Delivered, "fulfilled");
        check(&[], Wait::Received, "hopeless");
    }

    #[test]
    fn a_page_that_does_not_lead_further_is_the_last() {
        let check = |seqs: &[u64], has_more: bool, expected: Option<u64>| {
            let entries = seqs.iter().map(|seq| {
                let entry = json!({ "room": "lab", "from": "ann", "text": "", "seq": seq });
                serde_json::from_value::<Delivery>(entry).unwrap()
            });
            let room = RoomName::new("lab").unwrap();
            let page =
                HistoryPage { room, entries: entries.collect(), has_more, corrupt: Vec::new() };
            assert_eq!(next_after(&page, 4), expected, "{seqs:?}");
        };
        check(&[5, 6], true, Some(6));
        check(&[5, 6], false, None);
        check(&[3, 4], true, None);
        check(&[1, 2], true, None);
        check(&[], true, None);
    }

    #[test]
    fn a_wish_for_an_answer_is_content_with_the_first() {
        check(&["ann:received", "bob:received,answered"], Wait::Answered, "fulfilled by r1");
        check(&["ann:received", "bob:received,done"], Wait::Answered, "open");
        check(&["ann:received,done", "bob:stored,expired"], Wait::Answered, "hopeless");
    }
}

//! `bot-hub trace`: what happened to one message, per recipient.
//!
//! Owns how receipts are shown: each with the time since the message was stored.

use bot_protocol::frame::server::{RecipientStatus, Step};
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use serde_json::json;

use super::failure::{Failure, Kind};
use super::hub::Hub;
use super::send::message_id;
use super::target::bot_argument;
use super::words;

/// Which message.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The ladder: stored, delivered (written to its connection), received (it took responsibility), started (its
agent began a turn with it), answered or done. Ways off it: declined, failed, expired, dropped, dead.
A client that gives no receipts never gets beyond delivered.")]
pub(super) struct Trace {
    /// The message's id, as `send` and `tail --json` print it
    #[arg(value_name = "MESSAGE_ID", value_parser = message_id)]
    id: MessageId,
    /// Its sender, if several have used the same id
    #[arg(long, value_name = "BOT", value_parser = bot_argument)]
    from: Option<BotId>,
}

impl Trace {
    pub(super) async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let report = hub.client.status(self.id.clone(), self.from).await;
        let report = report.map_err(|error| {
            let failure = Failure::from(error);
            if failure.kind != Kind::NotFound {
                return failure;
            }
            Failure::new(Kind::NotFound, format!("no message `{}` is kept here", self.id))
                .hint("ids are printed by `bot-hub send`, and by `bot-hub history ROOM --json`")
        })?;
        let value = json!(report);
        hub.out.answer(&value, || {
            let mut lines = vec![format!(
                "{} from {} in {}, number {}\n{}  stored",
                report.id,
                report.from,
                words::room(report.room.as_str()),
                report.seq,
                words::local(report.sent_at),
            )];
            if let Some(redaction) = &report.redacted {
                lines.push(format!("redacted {}", words::redacted_by(redaction)));
            }
            lines.extend(report.recipients.iter().map(|it| recipient(it, report.sent_at)));
            if report.recipients.is_empty() {
                lines.push("nobody else was a member of the room".to_owned());
            }
            lines.join("\n")
        })
    }
}

fn recipient(recipient: &RecipientStatus, stored: Timestamp) -> String {
    let steps = recipient.steps.iter().filter(|step| step.state != ReceiptState::Stored);
    let mut lines: Vec<String> = steps.map(|step| rung(step, stored)).collect();
    if lines.is_empty() {
        let why = recipient.steps.iter().find_map(|step| step.reason.as_deref());
        let why = why.map_or_else(String::new, |why| format!(": {}", words::visible_line(why)));
        lines.push(format!("  waits, not delivered yet{why}"));
    }
    format!("{}\n{}", recipient.bot, lines.join("\n"))
}

fn rung(step: &Step, stored: Timestamp) -> String {
    let after = words::period(step.at.since(stored));
    let reason = step
        .reason
        .as_ref()
        .map_or_else(String::new, |it| format!(": {}", words::visible_line(it)));
    let reply = step.reply.as_ref().map_or_else(String::new, |it| format!(" with {it}"));
    let state = step.state.to_string();
    let state = words::visible_line(&state);
    format!("  {state:<9}  after at most {after}{reply}{reason}")
}

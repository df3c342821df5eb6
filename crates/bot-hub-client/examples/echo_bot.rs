//! A bot that answers everything in one room: `echo_bot URL ROOM`, with the token in `BOT_HUB_TOKEN`.
//!
//! It acknowledges by hand, so that a message whose answer was not stored is delivered again.

use bot_hub_client::bot_protocol::frame::client::{Message, Receipt};
use bot_hub_client::bot_protocol::frame::server::Delivery;
use bot_hub_client::bot_protocol::name::RoomName;
use bot_hub_client::bot_protocol::receipt::ReceiptState;
use bot_hub_client::{Acknowledge, Client, Event, Options};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(room)) = (arguments.next(), arguments.next()) else {
        return Err("usage: echo_bot URL ROOM, with the token in `BOT_HUB_TOKEN`".into());
    };
    let mut options = Options::new(url, std::env::var("BOT_HUB_TOKEN")?);
    options.acknowledge = Acknowledge::Manual;
    let (client, mut events) = Client::connect(options).await?;
    let joined = client.join(RoomName::new(&room)?).await?;
    eprintln!("in `{}` with {} others", joined.room, joined.members.len());
    while let Some(event) = events.next().await {
        match event {
            // Two bots that echo each other's echoes would never stop.
            Event::Message(message) if message.reply_to.is_none() => {
                answer(&client, *message).await?;
            }
            other => eprintln!("{other:?}"),
        }
    }
    Err(client.ended().await.into())
}

async fn answer(client: &Client, message: Delivery) -> Result<(), Failure> {
    let answer = Message {
        room: Some(message.room.clone()),
        text: format!("{}: {}", message.from, message.text),
        reply_to: message.id.clone(),
        ..Message::default()
    };
    let ack = client.send(answer).await?.await?;
    let receipt = Receipt {
        room: message.room,
        id: message.id,
        from: Some(message.from),
        seq: None,
        state: ReceiptState::Answered,
        reason: None,
        reply: ack.id,
    };
    Ok(client.receipt(receipt).await?)
}

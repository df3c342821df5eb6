//! The client of Bot Hub: one connection that heals itself.
//!
//! [`Client::connect`] gives a cheap handle and a stream of [`Event`]s; one task behind them
//! connects, authenticates, resumes, acknowledges, sends again, deduplicates and reconnects.
//!
//! * A message that [`Client::send`] took is sent, with the same id, until the hub says that it is
//!   stored or why it never will be.
//! * A message that somebody else said is given once, in the order of its room, and is acknowledged
//!   when the application took it ([`Acknowledge`]).
//! * What was certainly lost is told ([`Event::Gap`]); so is everything that the hub refused.
//!
//! ```no_run
//! use bot_hub_client::bot_protocol::frame::client::Message;
//! use bot_hub_client::bot_protocol::name::RoomName;
//! use bot_hub_client::{Client, Event, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options::new("ws://127.0.0.1:18795", "the-token-of-marlbot");
//! let (client, mut events) = Client::connect(options).await?;
//! let room = RoomName::new("marlbot-pelouse")?;
//! client.join(room.clone()).await?;
//!
//! let text = "Hey, article idea?".to_owned();
//! let message = Message { room: Some(room), text, ..Message::default() };
//! let ack = client.send(message).await?.await?;
//! println!("stored as {:?}, handed to {} bots", ack.seq, ack.delivered);
//!
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {}", message.from, message.text);
//!     }
//! }
//! Err(client.ended().await.into())
//! # }
//! ```
//!
//! [`link`] is the same client without IO, for simulations.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod backoff;
mod dial;
mod driver;
mod error;
mod event;
mod handle;
mod id;
pub mod link;
mod options;
mod pages;
#[cfg(feature = "simulation")]
pub mod simulation;
mod wire;

pub use bot_protocol;
#[cfg(feature = "tls")]
pub use dial::{explain_tls, tls_config, tls_roots};
pub use driver::State;
pub use error::{AskError, ConnectError, End, SendError, TellError, Why};
pub use event::Event;
pub use handle::{Client, Events, Pulse, Sending};
pub use id::message_id;
pub use options::{Acknowledge, Cap, Options};

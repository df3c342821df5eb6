//! The client with a simulated network and seeded randomness.
//!
//! Owns only the entry point; everything behind it is the real client.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::dial::OPEN_TIMEOUT;
use crate::error::Why;
use crate::handle::{Client, Events};
use crate::options::Options;
use crate::wire::{Connect, Opening, upgrade};

/// What comes of dialling.
pub type Dialling<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// Opens the streams that stand for TCP.
pub trait Dial: Send + 'static {
    /// A stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens one.
    fn dial(&mut self) -> Dialling<Self::Stream>;
}

struct Over<D>(D);

impl<D: Dial> Connect for Over<D> {
    type Stream = D::Stream;

    fn open(&mut self) -> Opening<D::Stream> {
        let dialling = self.0.dial();
        Box::pin(async move {
            let unreachable = |error: io::Error| Why::Unreachable(error.to_string());
            let opened = timeout(OPEN_TIMEOUT, async {
                let stream = dialling.await.map_err(unreachable)?;
                upgrade("ws://hub/".parse().expect("a URL"), stream).await
            });
            opened.await.unwrap_or_else(|_| Err(unreachable(io::ErrorKind::TimedOut.into())))
        })
    }
}

/// Starts a client; `options.url` is not used. The same `seed` gives the same backoffs.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn start(options: &Options, dial: impl Dial, seed: u64) -> (Client, Events) {
    Client::start_with(options, Over(dial), seed)
}

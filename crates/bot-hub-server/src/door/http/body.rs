//! The bodies of requests and of answers: whole, or piece by piece, and always with a bound.
//!
//! Owns the bounds on bytes. Never interprets a body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use super::clock::Answered;
use super::refusal::Refusal;
use crate::door::code::HttpCode;

/// What a request carries, as it comes.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    bytes_max: usize,
    /// Bytes that may still come.
    left: usize,
}

impl RequestBody {
    /// A body of at most so many bytes.
    pub(super) fn new(incoming: Incoming, bytes_max: usize) -> Self {
        Self { incoming, bytes_max, left: bytes_max }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.incoming.size_hint().lower() > self.left as u64 {
            return Err(self.too_large());
        }
        while let Some(frame) = self.incoming.frame().await {
            let frame = frame.map_err(|_| {
                Refusal::new(HttpCode::BadRequest, "the body does not come to its end")
            })?;
            // What is no data are trailers, and nobody asked for them.
            let Ok(bytes) = frame.into_data() else { continue };
            let Some(left) = self.left.checked_sub(bytes.len()) else {
                return Err(self.too_large());
            };
            self.left = left;
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    /// All of it.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, Refusal> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }

    fn too_large(&self) -> Refusal {
        let message = format!("a body here has at most {} bytes", self.bytes_max);
        Refusal::new(HttpCode::TooLarge, message).hint("send less")
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct ReplyBody {
    source: Source,
    answered: Option<Answered>,
}

#[derive(Debug)]
enum Source {
    /// Empty once it was taken.
    Whole(Bytes),
    /// The channel is the bound: who makes the pieces waits for the peer to take them. `left` are the bytes
    /// that are still to come, where the length was told beforehand.
    Pieces { pieces: mpsc::Receiver<io::Result<Bytes>>, left: Option<u64> },
}

impl ReplyBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Whole(bytes.into()), answered: None }
    }

    /// A body that comes piece by piece. An error cuts the answer, and the peer sees that it is cut; so does
    /// an end before so many bytes as were promised.
    pub(super) fn pieces(pieces: mpsc::Receiver<io::Result<Bytes>>, len: Option<u64>) -> Self {
        Self { source: Source::Pieces { pieces, left: len }, answered: None }
    }

    /// Has the clock told when the body was taken.
    pub(super) fn tell(&mut self, answered: Answered) {
        self.answered = Some(answered);
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match &mut self.source {
            Source::Whole(bytes) if bytes.is_empty() => None,
            Source::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Source::Pieces { pieces, left } => match ready!(pieces.poll_recv(cx)) {
                Some(Ok(bytes)) => {
                    if let Some(left) = left {
                        *left = left.saturating_sub(bytes.len() as u64);
                    }
                    Some(Ok(Frame::data(bytes)))
                }
                Some(Err(error)) => Some(Err(error)),
                None if left.is_some_and(|left| left > 0) => {
                    Some(Err(io::ErrorKind::UnexpectedEof.into()))
                }
                None => None,
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Pieces { left, .. } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Pieces { left: Some(left), .. } => SizeHint::with_exact(*left),
            Source::Pieces { left: None, .. } => SizeHint::default(),
        }
    }
}

//! The bodies of requests and answers: whole or in pieces, and always with a limit.
//!
//! Owns the limits on bytes. Never interprets a body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

use super::clock::Answered;
use super::refusal::Refusal;
use crate::door::code::HttpCode;

/// The body of a request, read as it arrives.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: Incoming,
    bytes_max: usize,
    /// How many bytes may still arrive.
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
            // A frame without data holds trailers, which nobody uses.
            let Ok(bytes) = frame.into_data() else { continue };
            let Some(left) = self.left.checked_sub(bytes.len()) else {
                return Err(self.too_large());
            };
            self.left = left;
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    /// The whole body.
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
    /// Empty after it was taken.
    Whole(Bytes),
    /// The channel limits the memory: the producer waits for the peer to take the pieces. `left` counts the
    /// bytes that are still missing, where the length was announced.
    Pieces { pieces: mpsc::Receiver<io::Result<Bytes>>, left: Option<u64> },
}

impl ReplyBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Whole(bytes.into()), answered: None }
    }

    /// A body in pieces. If it fails, or ends before the announced length, the answer is cut off visibly.
    pub(super) fn pieces(pieces: mpsc::Receiver<io::Result<Bytes>>, len: Option<u64>) -> Self {
        Self { source: Source::Pieces { pieces, left: len }, answered: None }
    }

    /// Tells the clock when the body was taken.
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

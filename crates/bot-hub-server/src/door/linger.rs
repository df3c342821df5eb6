//! The end of a socket: reads until the peer hangs up, so that the peer can read our last bytes.
//!
//! Owns how long and how much is read. Never looks at the bytes.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

use super::buffers::Buffers;

/// Closing a socket with unread bytes makes the kernel reset it, and a reset destroys what the peer has not
/// read. After this many bytes we stop waiting.
const LINGER_BYTES_MAX: usize = 1 << 20;

/// Reads and discards until the end of the stream, for at most `patience`.
pub(super) async fn linger<S: AsyncRead + Unpin>(
    mut stream: S,
    buffers: &Buffers,
    patience: Duration,
) {
    let mut left = LINGER_BYTES_MAX;
    let silence = async {
        while let Some(read) = poll_fn(|cx| poll_throw_away(&mut stream, buffers, cx)).await
            && let Some(rest) = left.checked_sub(read)
        {
            left = rest;
        }
    };
    if timeout(patience, silence).await.is_err() {
        tracing::debug!("peer did not hang up");
    }
}

/// How many bytes were discarded; `None` at the end of the stream.
fn poll_throw_away<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffers: &Buffers,
    cx: &mut Context<'_>,
) -> Poll<Option<usize>> {
    buffers.with_scratch(|scratch| {
        let mut buf = ReadBuf::new(scratch);
        let is_ok = ready!(Pin::new(stream).poll_read(cx, &mut buf)).is_ok();
        Poll::Ready(Some(buf.filled().len()).filter(|read| is_ok && *read > 0))
    })
}

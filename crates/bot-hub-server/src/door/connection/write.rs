//! The writing loop: sends everything that is queued in one write.
//!
//! Owns batching and partial writes. Never decides what is sent.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Connection, End, once_around};
use crate::door::intent::Ended;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) async fn write(&self) -> End {
        loop {
            poll_fn(|cx| self.outbox.poll_work(cx)).await;
            if !self.outbox.has_work()
                && let Some(closing) = self.outbox.closing()
            {
                return closing.into();
            }
            // First lets the ready tasks append what they have: one write for everything is several times
            // faster than a write for each.
            once_around().await;
            self.take_batch();
            if self.write_batch().await.is_err() {
                return End::Cut(Ended::Lost);
            }
        }
    }

    pub(super) fn take_batch(&self) {
        let batch = self.outbox.take();
        // Recorded before the write: the peer may answer a probe while the rest of the batch still waits.
        self.reports.probe_taken.set(batch.probe);
        *self.batch.borrow_mut() = batch;
    }

    /// Writes the rest of the batch. Cancel safe.
    pub(super) async fn write_batch(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_batch(cx)).await?;
        let batch = self.batch.take();
        self.reports.written.set(self.reports.written.get().max(batch.mark));
        self.reports.has_drained.set(self.reports.has_drained.get() | batch.was_high);
        self.line.buffers.give(batch.bytes);
        Ok(())
    }

    fn poll_write_batch(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = self.poll_socket_write(cx);
        if progress.is_pending() {
            self.liveness.write_blocked(Instant::now());
        } else {
            self.liveness.write_went_on();
        }
        progress
    }

    fn poll_socket_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut batch = self.batch.borrow_mut();
        let mut stream = self.stream.borrow_mut();
        while !batch.rest().is_empty() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, batch.rest()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            batch.written += written;
            self.outbox.wrote(written);
            self.liveness.write_went_on();
        }
        Pin::new(&mut *stream).poll_flush(cx)
    }
}

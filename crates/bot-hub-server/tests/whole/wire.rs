//! TCP in virtual time: bytes that take a while, in pieces of any size, until the line is cut.
//!
//! Owns delay, buffers and the ways in which a line ends: closed, reset, or silent without anybody
//! noticing. Never looks at the bytes.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dice::Dice;

/// What a line is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The longest way of a piece, in milliseconds.
    pub(crate) delay_max: u64,
    /// The longest piece.
    pub(crate) piece_max: usize,
    /// Bytes that are under way at the most.
    pub(crate) buffer_max: usize,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    held: usize,
    ended: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct State {
    lanes: [Lane; 2],
    kind: Kind,
    dice: Dice,
    is_cut: bool,
    is_silent: bool,
}

impl State {
    fn wake_all(&mut self) {
        for lane in &mut self.lanes {
            lane.reader.take().into_iter().chain(lane.writer.take()).for_each(Waker::wake);
        }
    }
}

/// A line between two ends, with the controls to break it.
#[derive(Clone, Debug)]
pub(crate) struct Line(Arc<Mutex<State>>);

/// One of its ends.
#[derive(Debug)]
pub(crate) struct End {
    line: Line,
    side: usize,
    arrival: Pin<Box<Sleep>>,
}

impl Line {
    pub(crate) fn new(kind: Kind, seed: u64) -> (Self, [End; 2]) {
        let lanes = [Lane::default(), Lane::default()];
        let dice = Dice::new(seed);
        let state = State { lanes, kind, dice, is_cut: false, is_silent: false };
        let line = Self(Arc::new(Mutex::new(state)));
        let end = |side| {
            let arrival = Box::pin(sleep_until(Instant::now()));
            End { line: line.clone(), side, arrival }
        };
        let ends = [end(0), end(1)];
        (line, ends)
    }

    /// Both ends are told at once.
    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        state.is_cut = true;
        state.wake_all();
    }

    /// Nothing arrives any more, and nobody is told.
    pub(crate) fn silence(&self) {
        self.lock().is_silent = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no end panics with the lock")
    }
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let line = self.line.clone();
        let mut state = line.lock();
        if state.is_cut {
            return Poll::Ready(Err(reset()));
        }
        let is_silent = state.is_silent;
        let lane = &mut state.lanes[1 - self.side];
        lane.reader = Some(cx.waker().clone());
        let Some((at, piece)) = lane.pieces.front_mut().filter(|_| !is_silent) else {
            let is_over = lane.ended && !is_silent;
            return if is_over { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        if *at > Instant::now() {
            self.arrival.as_mut().reset(*at);
            let _later = self.arrival.as_mut().poll(cx);
            return Poll::Pending;
        }
        let count = piece.len().min(into.remaining());
        let bytes: Vec<u8> = piece.drain(..count).collect();
        if piece.is_empty() {
            lane.pieces.pop_front();
        }
        into.put_slice(&bytes);
        lane.held -= count;
        lane.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.line.lock();
        let is_known_gone = state.lanes[self.side].reader_gone && !state.is_silent;
        if state.is_cut || is_known_gone {
            return Poll::Ready(Err(reset()));
        }
        let kind = state.kind;
        let way = Duration::from_millis(state.dice.between(0, kind.delay_max));
        let piece_max = 1 + state.dice.below(kind.piece_max);
        let lane = &mut state.lanes[self.side];
        let count = bytes.len().min(piece_max).min(kind.buffer_max - lane.held);
        if count == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // Pieces do not overtake each other.
        let before = lane.pieces.back().map(|(at, _)| *at);
        let at = before.into_iter().fold(Instant::now() + way, Instant::max);
        lane.pieces.push_back((at, bytes[..count].iter().copied().collect()));
        lane.held += count;
        lane.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.line.lock();
        state.lanes[self.side].ended = true;
        state.wake_all();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.lanes[self.side].ended = true;
        state.lanes[1 - self.side].reader_gone = true;
        state.wake_all();
    }
}

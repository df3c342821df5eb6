//! Writes the log to stderr, whose reader may be slow or stopped.
//!
//! Owns a bounded queue and the one thread that writes it. Logging never waits: a terminal stopped with
//! ctrl-S, or a pipe that nobody reads, costs lines but does not stop the hub. Lines that do not fit are
//! counted, and reported when the reader continues.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The size of the queue: some thousand lines, so that a reader that pauses briefly misses none.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// The queue of lines. Clones share it.
#[derive(Clone)]
pub(super) struct Outlet(Arc<Shared>);

struct Shared {
    bytes_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// A line was taken from the queue and is not written yet.
    is_writing: bool,
    /// Lines that did not fit or could not be written: since the start, and since the last report.
    dropped: u64,
    untold: u64,
}

impl Outlet {
    /// Starts the thread that writes to `sink`. When the reader takes lines again, it calls `tell` with the
    /// number of dropped lines.
    pub(super) fn start(
        bytes_max: usize,
        mut sink: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let state = Mutex::default();
        let outlet = Self(Arc::new(Shared { bytes_max, state, changed: Condvar::new() }));
        let lines = outlet.clone();
        let write = move || {
            loop {
                let line = lines.next();
                let dropped = lines.written(sink.write_all(&line).and_then(|()| sink.flush()));
                if dropped > 0 {
                    tell(dropped);
                }
            }
        };
        thread::Builder::new().name("log-write".to_owned()).spawn(write)?;
        Ok(outlet)
    }

    /// Queues a line, or counts it as dropped. Never waits.
    pub(super) fn put(&self, line: Vec<u8>) {
        let mut state = self.lock();
        if state.bytes + line.len() > self.0.bytes_max {
            state.dropped += 1;
            state.untold += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Lines that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits until everything is written, for at most `longest`.
    pub(super) fn settle(&self, longest: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
        // It does not matter whether everything was written or the time was over.
        drop(self.0.changed.wait_timeout_while(self.lock(), longest, is_busy));
    }

    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.is_writing = true;
                return line;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns how many dropped lines to report. Returns 0 until half of the queue is free; otherwise the
    /// report would displace the next line.
    fn written(&self, outcome: io::Result<()>) -> u64 {
        let mut state = self.lock();
        state.is_writing = false;
        if outcome.is_err() {
            // A closed pipe or a full disk: there is nobody to tell.
            state.dropped += 1;
            state.untold += 1;
            self.0.changed.notify_all();
            return 0;
        }
        self.0.changed.notify_all();
        if state.bytes > self.0.bytes_max / 2 {
            return 0;
        }
        std::mem::take(&mut state.untold)
    }

    /// The counters are valid even after a panic of another thread.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A reader that takes a line when it is told to.
    struct Slow {
        go: mpsc::Receiver<io::Result<()>>,
        lines: mpsc::Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(io::Error::other)??;
            self.lines
                .send(String::from_utf8_lossy(line).into_owned())
                .map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_reads_are_dropped_counted_and_told() {
        let (go, wait) = mpsc::channel();
        let (lines, read) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let sink = Slow { go: wait, lines };
        let outlet = Outlet::start(8, sink, move |count| tell.send(count).unwrap()).unwrap();
        let put = |line: &str| outlet.put(line.as_bytes().to_vec());
        put("one.");
        // Whether the first one has left the queue already does not matter: two more fill it.
        let wait_for_writer = || {
            while !outlet.lock().is_writing {
                thread::yield_now();
            }
        };
        wait_for_writer();
        ["two.", "tri.", "gone", "lost"].into_iter().for_each(put);
        assert_eq!(outlet.dropped(), 2);
        outlet.settle(Duration::from_millis(1));
        for expected in ["one.", "two.", "tri."] {
            go.send(Ok(())).unwrap();
            assert_eq!(read.recv().unwrap(), expected);
        }
        assert_eq!(told.recv().unwrap(), 2);
        outlet.settle(Duration::from_secs(60));
        put("next");
        go.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        outlet.settle(Duration::from_secs(60));
        put("more");
        go.send(Ok(())).unwrap();
        assert_eq!((read.recv().unwrap(), told.recv().unwrap()), ("more".to_owned(), 1));
        assert_eq!(outlet.dropped(), 3);
    }
}

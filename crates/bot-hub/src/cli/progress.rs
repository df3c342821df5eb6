//! Shows that a long operation is still running.
//!
//! Owns one line on stderr, printed only on a terminal.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often the line is updated. An operation that ends sooner shows no line.
const BEAT: Duration = Duration::from_secs(1);

/// Runs `work`, and shows on a terminal how long it has taken so far.
pub(super) fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !stderr().is_terminal() {
        return work();
    }
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let started = Instant::now();
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                show(&format!("{what}, {} s so far", started.elapsed().as_secs()));
            }
            show("");
        });
        let result = work();
        drop(done);
        result
    })
}

/// Replaces the line. An error of writing it does not stop the work.
fn show(line: &str) {
    drop(write!(stderr(), "\r\u{1b}[K{line}"));
    drop(stderr().flush());
}

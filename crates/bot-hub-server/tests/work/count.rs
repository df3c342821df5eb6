//! Counts work on this thread: allocations, and what SQLite executes on every connection.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::sync::Once;

use rusqlite::ffi;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static MACHINE: Cell<u64> = const { Cell::new(0) };
    static COMPILED: Cell<u64> = const { Cell::new(0) };
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
}

fn add(counter: &'static std::thread::LocalKey<Cell<u64>>, more: u64) {
    counter.set(counter.get() + more);
}

// SAFETY: everything is left to the system's allocator; the counter is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(&ALLOCATIONS, 1);
        // SAFETY: the caller keeps the same promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same promises.
        unsafe { System.dealloc(at, layout) }
    }
}

/// What was done for one frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// Elements that loops of the brain looked at.
    pub(crate) steps: u64,
    pub(crate) allocations: u64,
    /// Instructions of SQLite's machine.
    pub(crate) machine: u64,
    /// Bytes answered.
    pub(crate) answer: u64,
    /// Statements that SQLite compiled anew to execute them.
    pub(crate) compiled: u64,
}

impl Work {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            allocations: self.allocations + other.allocations,
            machine: self.machine + other.machine,
            answer: self.answer + other.answer,
            compiled: self.compiled + other.compiled,
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, allocations, machine, answer, .. } = self;
        let shown = format!(
            "{steps} steps, {allocations} allocations, {machine} in SQLite, {answer} bytes"
        );
        f.pad(&shown)
    }
}

/// Everything since the last call, but for the answer.
pub(crate) fn take() -> Work {
    Work {
        steps: bot_hub_core::take_steps(),
        allocations: ALLOCATIONS.take(),
        machine: MACHINE.take(),
        answer: 0,
        compiled: COMPILED.take(),
    }
}

/// Statements executed since the last call.
pub(crate) fn take_executions() -> u64 {
    EXECUTIONS.take()
}

/// Counts on every connection that is opened from now on.
pub(crate) fn watch_sqlite() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // SAFETY: SQLite calls it with a connection that is being opened.
        let result = unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
        assert_eq!(result, ffi::SQLITE_OK);
    });
}

unsafe extern "C" fn opened(
    db: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    let kind = ffi::SQLITE_TRACE_PROFILE as c_uint;
    // SAFETY: the connection is open, and `executed` needs no context.
    unsafe { ffi::sqlite3_trace_v2(db, kind, Some(executed), std::ptr::null_mut()) }
}

unsafe extern "C" fn executed(
    _: c_uint,
    _: *mut c_void,
    statement: *mut c_void,
    _: *mut c_void,
) -> c_int {
    // SAFETY: for this kind of event it is the statement that was executed.
    let status = |what| unsafe { ffi::sqlite3_stmt_status(statement.cast(), what, 1) };
    add(&EXECUTIONS, 1);
    add(&MACHINE, u64::from(status(ffi::SQLITE_STMTSTATUS_VM_STEP).unsigned_abs()));
    // SQLite compiles pragmas every time, whatever one does.
    // SAFETY: the text lives as long as its statement.
    let text = unsafe { CStr::from_ptr(ffi::sqlite3_sql(statement.cast())) };
    if !text.to_bytes().starts_with(b"PRAGMA") {
        add(&COMPILED, u64::from(status(ffi::SQLITE_STMTSTATUS_REPREPARE).unsigned_abs()));
    }
    0
}

//! The simulated disk as a file system of SQLite.
//!
//! Owns the bridge from SQLite's C interface to [`Disk`], and nothing of its behaviour but the locks.
//! One registered file system per disk; both live until the process ends.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use super::disk::{Disk, Refusal};

/// A registered disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulatedDisk {
    /// The name for `Options::vfs`.
    pub(crate) name: &'static str,
    disk: &'static Mutex<Disk>,
}

/// SQLite's idea of an open file, with ours behind it.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    disk: *const Mutex<Disk>,
    file: u64,
    /// Who holds locks.
    number: u64,
}

impl SimulatedDisk {
    /// Registers an empty disk under a name of its own.
    pub(crate) fn new(name: &str) -> Self {
        let disk: &'static Mutex<Disk> = Box::leak(Box::default());
        let name: &'static CStr = Box::leak(CString::new(name).unwrap().into_boxed_c_str());
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<Handle>() as c_int,
            mxPathname: 512,
            pNext: std::ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: std::ptr::from_ref(disk).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_path),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(time),
            xGetLastError: None,
            xCurrentTimeInt64: Some(time_millis),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure and everything that it points to live for ever.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK);
        Self { name: name.to_str().unwrap(), disk }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The disk, the file and the handle's number behind a file that SQLite hands in.
///
/// # Safety
///
/// `file` was filled by [`open`] and is not closed.
unsafe fn parts<'a>(file: *mut ffi::sqlite3_file) -> (MutexGuard<'a, Disk>, u64, u64) {
    // SAFETY: the caller's promise.
    let handle = unsafe { &*file.cast::<Handle>() };
    // SAFETY: the disk lives for ever.
    let disk = unsafe { &*handle.disk };
    (disk.lock().unwrap_or_else(PoisonError::into_inner), handle.file, handle.number)
}

/// # Safety
///
/// `vfs` is one of ours.
unsafe fn disk_of<'a>(vfs: *mut ffi::sqlite3_vfs) -> MutexGuard<'a, Disk> {
    // SAFETY: `pAppData` is the leaked disk.
    let disk = unsafe { &*(*vfs).pAppData.cast::<Mutex<Disk>>() };
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn code(outcome: Result<(), Refusal>, io_error: c_int) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Refusal::Full) => ffi::SQLITE_FULL,
        Err(Refusal::NoPower | Refusal::Fault) => io_error,
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a buffer of `szOsFile` bytes, and a terminated name.
    unsafe {
        (*file).pMethods = std::ptr::null();
        assert!(!name.is_null(), "temporary files are kept in memory");
        let name = CStr::from_ptr(name).to_str().unwrap();
        let mut disk = disk_of(vfs);
        if disk.is_off {
            return ffi::SQLITE_CANTOPEN;
        }
        if !disk.exists(name) && flags & ffi::SQLITE_OPEN_CREATE == 0 {
            return ffi::SQLITE_CANTOPEN;
        }
        let is_beside = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
        let handle = Handle {
            base: ffi::sqlite3_file { pMethods: &raw const METHODS },
            disk: (*vfs).pAppData.cast(),
            file: disk.open(name, is_beside && flags & ffi::SQLITE_OPEN_CREATE != 0),
            number: disk.number(),
        };
        file.cast::<Handle>().write(handle);
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file that is open, once.
    unsafe {
        let (mut disk, id, number) = parts(file);
        disk.file(id).locks.remove(&number);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file, and a buffer of `amount` bytes.
    unsafe {
        let (mut disk, id, _) = parts(file);
        if disk.is_off {
            return ffi::SQLITE_IOERR_READ;
        }
        let into = std::slice::from_raw_parts_mut(into.cast::<u8>(), amount as usize);
        let found = disk.file(id).current.get(offset as usize..).unwrap_or(&[]);
        let count = found.len().min(into.len());
        into[..count].copy_from_slice(&found[..count]);
        into[count..].fill(0);
        if count < into.len() { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file, and a buffer of `amount` bytes.
    unsafe {
        let (mut disk, id, _) = parts(file);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), amount as usize);
        code(disk.write(id, offset as usize, bytes), ffi::SQLITE_IOERR_WRITE)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, _) = unsafe { parts(file) };
    code(disk.truncate(id, size as usize), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, _) = unsafe { parts(file) };
    code(disk.sync(id), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file, and a place for the result.
    unsafe {
        let (mut disk, id, _) = parts(file);
        *size = disk.file(id).current.len() as ffi::sqlite3_int64;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, number) = unsafe { parts(file) };
    let file = disk.file(id);
    let others = file.locks.iter().filter(|(other, _)| **other != number);
    let highest = others.map(|(_, level)| *level).max().unwrap_or(ffi::SQLITE_LOCK_NONE);
    let bearable = match level {
        ffi::SQLITE_LOCK_SHARED => ffi::SQLITE_LOCK_RESERVED,
        ffi::SQLITE_LOCK_RESERVED => ffi::SQLITE_LOCK_SHARED,
        _ => ffi::SQLITE_LOCK_NONE,
    };
    if highest > bearable {
        return ffi::SQLITE_BUSY;
    }
    let own = file.locks.entry(number).or_insert(level);
    *own = level.max(*own);
    ffi::SQLITE_OK
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, number) = unsafe { parts(file) };
    match level {
        ffi::SQLITE_LOCK_NONE => disk.file(id).locks.remove(&number),
        _ => disk.file(id).locks.insert(number, level),
    };
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file, and a place for the result.
    unsafe {
        let (mut disk, id, _) = parts(file);
        let mut levels = disk.file(id).locks.values();
        let is_reserved = levels.any(|level| *level >= ffi::SQLITE_LOCK_RESERVED);
        *out = c_int::from(is_reserved);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

/// A torn write leaves the bytes beside it alone: what SQLite assumes of every disk by default.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file, and a place for the result.
    unsafe {
        let (mut disk, id, _) = parts(file);
        *out = std::ptr::null_mut();
        let file = disk.file(id);
        while file.shared.len() <= region as usize {
            if extend == 0 {
                return ffi::SQLITE_OK;
            }
            file.shared.push(vec![0; size as usize].into_boxed_slice());
        }
        *out = file.shared[region as usize].as_mut_ptr().cast();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, number) = unsafe { parts(file) };
    let file = disk.file(id);
    let slots = &mut file.shared_locks[offset as usize..(offset + count) as usize];
    let is_shared = flags & ffi::SQLITE_SHM_SHARED != 0;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        for slot in slots {
            match is_shared {
                true => slot.shared.retain(|holder| *holder != number),
                false => slot.exclusive = slot.exclusive.filter(|holder| *holder != number),
            }
        }
        return ffi::SQLITE_OK;
    }
    let is_taken = slots.iter().any(|slot| {
        slot.exclusive.is_some_and(|holder| holder != number)
            || (!is_shared && slot.shared.iter().any(|holder| *holder != number))
    });
    if is_taken {
        return ffi::SQLITE_BUSY;
    }
    for slot in slots {
        match is_shared {
            true => slot.shared.push(number),
            false => slot.exclusive = Some(number),
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: an open file.
    let (mut disk, id, number) = unsafe { parts(file) };
    let file = disk.file(id);
    for slot in &mut file.shared_locks {
        slot.shared.retain(|holder| *holder != number);
        slot.exclusive = slot.exclusive.filter(|holder| *holder != number);
    }
    if delete != 0 {
        file.shared.clear();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_directory: c_int,
) -> c_int {
    // SAFETY: our file system, and a terminated name.
    unsafe {
        let name = CStr::from_ptr(name).to_str().unwrap();
        match disk_of(vfs).delete(name, sync_directory != 0) {
            Ok(true) => ffi::SQLITE_OK,
            Ok(false) => ffi::SQLITE_IOERR_DELETE_NOENT,
            Err(_) => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: our file system, a terminated name, and a place for the result.
    unsafe {
        let name = CStr::from_ptr(name).to_str().unwrap();
        *out = c_int::from(disk_of(vfs).exists(name));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a terminated name, and a buffer of `size` bytes.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        assert!(bytes.len() <= size as usize);
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, size: c_int, out: *mut c_char) -> c_int {
    // SAFETY: a buffer of `size` bytes.
    unsafe { std::ptr::write_bytes(out, 7, size as usize) };
    size
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: a place for the result.
    unsafe { *out = 2_460_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn time_millis(_: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: a place for the result.
    unsafe { *out = 2_460_000 * 86_400_000 };
    ffi::SQLITE_OK
}

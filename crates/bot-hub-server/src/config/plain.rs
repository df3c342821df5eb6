//! Reads files that the configuration names while the hub runs.
//!
//! Owns the guarantee that reading never blocks: opening a FIFO would block until somebody writes into it.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::Path;

/// The content of a regular file, but at most `bytes_max` + 1 bytes.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

//! `/plugin.tgz`: the package of the OpenClaw plugin, if the operator has put one there.
//!
//! Owns what is served: one regular file of limited size, checked with every request. A thread of its own
//! reads the disk, so that the serving thread never waits for it, and only a small part of the file is in
//! memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use tokio::sync::mpsc;

use super::body::ReplyBody;
use super::call::Call;
use super::reply::reply_with;
use super::{Refusal, Reply};
use crate::door::code::HttpCode;

const GZIP: &str = "application/gzip";

/// Many times the size of the package.
const BYTES_MAX: u64 = 8 << 20;

/// The size of one piece.
const PIECE_BYTES: u64 = 64 << 10;

const HINT: &str = "whoever runs this hub makes the file with `plugins/openclaw/pack` in Bot Hub's source, and \
    puts it into the hub's data directory as `plugin.tgz`";

/// Whether there is a package.
pub(super) async fn is_there(path: Option<&Path>) -> bool {
    off_thread(path, |path| length(&path)).await.is_ok()
}

/// `GET /plugin.tgz`
pub(super) async fn hand_out(call: Call<'_>) -> Result<Reply, Refusal> {
    let path = call.config.plugin.as_deref();
    let (file, len) = off_thread(path, |path| open(&path)).await.map_err(|error| {
        let none = |cause| Refusal::new(HttpCode::NotFound, cause).hint(HINT);
        if error.kind() == io::ErrorKind::NotFound {
            return none("this hub has no package of the plugin");
        }
        // The details are for the operator, not for the client.
        tracing::debug!(%error, "`plugin.tgz` in the data directory cannot be handed out");
        none("this hub's package of the plugin cannot be handed out")
    })?;
    let (pieces, taken) = mpsc::channel(1);
    // The task ends with the answer, when nobody takes the next piece.
    tokio::task::spawn_local(read(file, len, pieces));
    let mut reply = reply_with(StatusCode::OK, GZIP, ReplyBody::pieces(taken, Some(len)));
    let name = HeaderValue::from_static("attachment; filename=\"bot-hub-openclaw.tgz\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}

async fn off_thread<T: Send + 'static>(
    path: Option<&Path>,
    look: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = path.ok_or(io::ErrorKind::NotFound)?.to_path_buf();
    tokio::task::spawn_blocking(move || look(path)).await.map_err(io::Error::other)?
}

/// The length of a regular file. Opening anything else could block or lead elsewhere.
fn length(path: &Path) -> io::Result<u64> {
    let found = path.symlink_metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.len() > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
    }
    Ok(found.len())
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    length(path)?;
    let file = File::open(path)?;
    // The file may have been replaced in between.
    let len = file.metadata()?.len().min(BYTES_MAX);
    Ok((file, len))
}

/// Reads `len` bytes of the file, each piece after the previous one was taken. If the file gets shorter
/// meanwhile, the answer is cut off.
async fn read(mut file: File, len: u64, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut left = len;
    while left > 0 {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::new();
            let read = file.by_ref().take(left.min(PIECE_BYTES)).read_to_end(&mut piece);
            (file, read.map(|_| Bytes::from(piece)))
        });
        let Ok((again, piece)) = read.await else { return };
        file = again;
        let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        left -= bytes;
        if pieces.send(piece).await.is_err() || bytes == 0 {
            return;
        }
    }
}

//! `/plugin.tgz`: the package of the OpenClaw plugin, where the operator has put one.
//!
//! Owns what may be handed out: one regular file of a bounded size, looked at with every request. The disk is
//! waited for on a thread of its own, never on the one that serves, and no more of the file is held than the
//! peer is about to take.

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

/// Many times what the package has.
const BYTES_MAX: u64 = 8 << 20;

/// What is read at once, and what waits for the peer.
const PIECE_BYTES: u64 = 64 << 10;

const HINT: &str = "whoever runs this hub makes the file with `plugins/openclaw/pack` in Bot Hub's source, and \
    puts it into the hub's data directory as `plugin.tgz`";

/// Whether there is a package to hand out.
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
        // What is wrong with the operator's file is the operator's to know.
        tracing::debug!(%error, "`plugin.tgz` in the data directory cannot be handed out");
        none("this hub's package of the plugin cannot be handed out")
    })?;
    let (pieces, taken) = mpsc::channel(1);
    // Ends with the answer: then nobody takes the next piece.
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

/// What else could lie there would block whoever opens it, or lead somewhere else.
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
    // It may have been replaced in between.
    let len = file.metadata()?.len().min(BYTES_MAX);
    Ok((file, len))
}

/// Reads so many bytes of the file, each piece when the one before was taken. If the file becomes
/// shorter while it is sent, the answer is cut, too.
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

//! `/plugin.tgz`: the package of the OpenClaw plugin, where the operator has put one.
//!
//! Owns what may be handed out: one regular file of a bounded size, looked at with every request. The disk is
//! waited for on a thread of its own, never on the one that serves.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use super::reply::{refuse, reply};
use super::{Refusal, Reply};

const GZIP: &str = "application/gzip";

/// Many times what the package has.
const BYTES_MAX: u64 = 8 << 20;

const HINT: &str = "whoever runs this hub makes the file with `plugins/openclaw/pack` in Bot Hub's source, and \
    puts it into the hub's data directory as `plugin.tgz`";

/// Whether there is a package to hand out.
pub(super) async fn is_there(path: Option<&Path>) -> bool {
    off_thread(path, |path| length(&path)).await.is_ok()
}

pub(super) async fn reply_with(path: Option<&Path>) -> Result<Reply, Refusal> {
    let package = off_thread(path, |path| read(&path)).await.map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return refuse(StatusCode::NOT_FOUND, "this hub has no package of the plugin", HINT);
        }
        // What is wrong with the operator's file is the operator's to know.
        tracing::debug!(%error, "`plugin.tgz` in the data directory cannot be handed out");
        refuse(StatusCode::NOT_FOUND, "this hub's package of the plugin cannot be handed out", HINT)
    })?;
    let mut reply = reply(StatusCode::OK, GZIP, package);
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

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let length = length(path)?;
    let mut package = Vec::new();
    // It may be replaced while it is read; then it is cut, and whoever unpacks it says so.
    File::open(path)?.take(length).read_to_end(&mut package)?;
    Ok(package)
}

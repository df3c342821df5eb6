//! Notices that the configuration file changed.
//!
//! Owns the comparison, by polling. An ordinary write, an editor that replaces the file, and a link that is
//! switched (as Kubernetes does) all change the stamp. Never reads the content.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The last seen state of a file.
#[derive(Clone, Debug)]
pub struct FileStamp {
    path: PathBuf,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl FileStamp {
    /// Reads the current state; a missing file has a state too.
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: look(path) }
    }

    /// Whether the file differs from its last seen state, which is updated. A file that disappears has
    /// changed once.
    pub fn changed(&mut self) -> bool {
        let now = look(&self.path);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn look(path: &Path) -> Option<Seen> {
    let metadata = std::fs::metadata(path).ok()?;
    let inode = inode(&metadata);
    Some(Seen { modified: metadata.modified().ok(), bytes: metadata.len(), inode })
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_each_change_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json5");
        let mut stamp = FileStamp::of(&path);
        assert!(!stamp.changed(), "absent stays absent");
        std::fs::write(&path, "{}").unwrap();
        assert!(stamp.changed(), "it appeared");
        assert!(!stamp.changed());
        std::fs::write(&path, "{ }").unwrap();
        assert!(stamp.changed(), "it was written");
        let other = folder.path().join("other");
        std::fs::write(&other, "{ }").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(stamp.changed(), "it was replaced by one of the same size and time");
        std::fs::remove_file(&path).unwrap();
        assert!(stamp.changed(), "it disappeared");
        assert!(!stamp.changed());
    }
}

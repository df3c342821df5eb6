//! A disk that can be made full: a small file system in memory, which only root can make.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Its size while it is not full.
const ROOMY: &str = "size=1g";

/// A mounted file system; unmounted when it goes away.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts it, if that is allowed here.
    pub fn mount(at: &Path) -> Result<Self> {
        std::fs::create_dir_all(at)?;
        mount(&["-t", "tmpfs", "-o", ROOMY, "tmpfs"], at)
            .context("no file system can be mounted here")?;
        Ok(Self(at.to_owned()))
    }

    /// Leaves so many bytes free and no more.
    pub fn fill(&self, left: u64) -> Result<()> {
        let mut tries = 0;
        loop {
            let state = rustix::fs::statvfs(&self.0)?;
            let used = (state.f_blocks - state.f_bfree) * state.f_frsize;
            // It cannot be made smaller than what is in it, and that may grow meanwhile.
            let filled = mount(&["-o", &format!("remount,size={}", used + left)], &self.0);
            tries += 1;
            if filled.is_ok() || tries == 5 {
                return filled;
            }
        }
    }

    /// Gives the space back.
    pub fn free(&self) -> Result<()> {
        mount(&["-o", &format!("remount,{ROOMY}")], &self.0)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there is on the way out.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(arguments: &[&str], at: &Path) -> Result<()> {
    let output = Command::new("mount").args(arguments).arg(at).output()?;
    ensure!(output.status.success(), "mount: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

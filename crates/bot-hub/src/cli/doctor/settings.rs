//! The configuration: is it valid, and who can read its file?
//!
//! Owns these findings, and the fix of file modes. Never changes a setting.

use std::path::Path;

use super::finding::{Findings, Level};
use bot_hub_server::config::{ConfigErrors, Loaded, Problem};

pub(super) fn examine(
    file: Option<&Path>,
    loaded: &Result<Loaded, ConfigErrors>,
    findings: &mut Findings,
) {
    let name = file.map_or("the defaults".to_owned(), |file| file.display().to_string());
    match loaded {
        Ok(loaded) => {
            findings.fine("config", format!("{name}: in order"));
            loaded.warnings.iter().for_each(|it| warn(it, findings));
        }
        Err(errors) => {
            errors.warnings.iter().for_each(|it| warn(it, findings));
            for it in &errors.errors {
                let why = "a hub does not start with it, and one that runs keeps its old settings";
                findings.problem("config", said(it), why, it.hint.clone());
            }
        }
    }
    if let (Some(file), Ok(loaded)) = (file, loaded)
        && !loaded.config.tokens.is_empty()
    {
        private(file, "it holds tokens, and whoever has one can speak as that bot", findings);
    }
}

fn warn(it: &Problem, findings: &mut Findings) {
    findings.warning("config", said(it), "", it.hint.clone());
}

fn said(it: &Problem) -> String {
    let space = if it.path.is_empty() { "" } else { " " };
    format!("{}{space}{}: {}", it.origin, it.path, it.message)
}

/// Reports a file that others can read although only its owner should.
pub(super) fn private(file: &Path, why: &str, findings: &mut Findings) {
    let Some(mode) = open_to_others(file) else { return };
    let shown = file.display().to_string();
    let right = if file.is_dir() { 0o700 } else { 0o600 };
    let next = format!("chmod {right:o} {shown}");
    // The directory counts too: a user who cannot enter it cannot read the file, whatever the file's mode.
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_shut = file.is_file() && open_to_others(folder).is_none();
    let (level, why, what) = match is_shut {
        true => {
            (Level::Note, "", format!("has mode {mode:o}: only its directory keeps others out"))
        }
        false => {
            (Level::Problem, why, format!("can be read by others on this machine (mode {mode:o})"))
        }
    };
    findings.mend(level, "secrets", format!("`{shown}` {what}"), (why, next), || {
        set_mode(file, right)?;
        Ok(format!("`{shown}` has mode {right:o} now (it was {mode:o})"))
    });
}

#[cfg(unix)]
fn open_to_others(file: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = file.metadata().ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(unix)]
fn set_mode(file: &Path, mode: u32) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(file, permissions).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<(), String> {
    Err("not known how, on this system".to_owned())
}

//! `bot-hub backup` and `bot-hub restore`: a copy of the store, and a store from a copy.
//!
//! Owns what is printed about both; the store does the copying. Both work on the data directory and not
//! through the hub: a backup works while a hub runs, a restore only while none does.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bot_protocol::frame::audit::{ActWay, AuditLine};
use bot_protocol::id::Epoch;
use bot_protocol::time::Timestamp;
use serde_json::json;
use smol_str::format_smolstr;

use super::Global;
use super::audit::Why;
use super::failure::{Failure, Kind};
use super::generate::is_there;
use super::hub::{data_dir, store_dir};
use super::out::{Out, counted, say};
use super::paint::label;
use super::progress::during;
use super::verify::damage_of;
use super::words::{local, utc, wall_clock};
use bot_hub_server::acts::{self, ActKey};
use bot_hub_server::server::Home;
use bot_hub_store::StoreError;
use bot_hub_store::sqlite::{
    Copied, Existing, Report, Restored, backup, backup_as_new, begins_as_a_copy, copy_place,
    copy_through, epoch_of, obstacle, piped, restore_noting, undamaged, whole_of,
};

/// Where to.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The copy is the store as it was at one moment, and is verified before it gets its name.

Examples:
  bot-hub backup hub-$(date +%F).db
  bot-hub backup /var/backups/bot-hub --keep 14       a directory: named by the time, the newest 14 stay
  set -o pipefail; bot-hub backup - | ssh elsewhere 'umask 077; cat > new.db' &&
    ssh elsewhere 'mv new.db hub.db'          a damaged or broken copy replaces nothing")]
pub(super) struct Backup {
    /// The file to write (an existing backup is replaced when the new one is complete), a directory that is there, or
    /// `-` for stdout
    #[arg(value_name = "FILE|DIR|-")]
    target: PathBuf,
    /// In a directory: remove all but so many of the backups that were made like this
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

impl Backup {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let dir = store_dir(global)?;
        let is_dir = self.target.is_dir();
        if self.keep.is_some() && !is_dir {
            let message = format!("`{}` is no directory", self.target.display());
            let hint = "--keep counts the backups in a directory; make it first: mkdir -p DIR";
            return Err(Failure::new(Kind::Usage, message).hint(hint));
        }
        if self.target.as_os_str() == "-" {
            return to_stdout(&dir, out);
        }
        let now = wall_clock();
        let file = if is_dir { self.target.join(dated(now)) } else { self.target.clone() };
        copy_place(&dir, &file).map_err(|no| Failure::told(Kind::Usage, &no.to_string()))?;
        can_be_made(&file)?;
        forget_halves(&file);
        let (copied, to_come) = match is_dir {
            true => into_dir(&dir, &self.target, &file, self.keep)?,
            false => (during("copying", || backup(&dir, &file))?, Vec::new()),
        };
        told_of(&copied)?;
        told_of_time(&copied, &to_come, &self.target)?;
        tell(&copied.report, &copied.file.display().to_string(), "copied to", out)
    }
}

/// Names the newest copy with the latest time, even if several processes make backups at once: one process
/// after the other gives its copy a name. Returns the names that carry a future time.
fn into_dir(
    dir: &Path,
    target: &Path,
    draft: &Path,
    keep: Option<u32>,
) -> Result<(Copied, Vec<String>), Failure> {
    let mut turn = None;
    let copied = during("copying", || {
        backup_as_new(dir, draft, || {
            // On a file system without locks, at least no existing file is replaced.
            let folder = std::fs::File::open(target).ok();
            turn = folder.filter(|folder| folder.lock().is_ok());
            let first = next_name_at(target, wall_clock());
            (0..NAMES_MAX).map(move |more| target.join(dated(first + more * 1_000)))
        })
    })?;
    let to_come = forget_oldest(target, &copied.file, keep)?;
    drop(turn);
    Ok((copied, to_come))
}

/// The current time, or just after the latest time in a name. Names with a future time are ignored.
fn next_name_at(dir: &Path, now: Timestamp) -> Timestamp {
    let soon = dated(now + JUST_MADE_MS);
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let names = names.map(|name| undamaged(&name).unwrap_or(&name).to_owned());
    let Some(latest) = names.filter(|name| is_dated(name) && *name <= soon).max() else {
        return now;
    };
    let seconds = 0..=JUST_MADE_MS / 1_000;
    seconds.map(|more| now + more * 1_000).find(|at| dated(*at) > latest).unwrap_or(now)
}

/// A copy that contains damage was written, but counts as a failure.
fn told_of(copied: &Copied) -> Result<(), Failure> {
    let hint = "bot-hub verify names {it}; an older backup may be whole, and none was replaced";
    match is_whole(&copied.report, &copied.file.display().to_string(), "copied to", hint) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Warns of backups that are newer than the current time: the clock is wrong now, or was wrong when they
/// were made.
fn told_of_time(copied: &Copied, to_come: &[String], dir: &Path) -> Result<(), Failure> {
    let Some(first) = to_come.first() else { return Ok(()) };
    let what = words_of(&copied.report, &copied.file.display().to_string(), "copied to");
    let verb = if to_come.len() == 1 { "has a name" } else { "have names" };
    let (count, dir) = (counted(to_come.len() as u64, "backup"), dir.display());
    let message = format!("{what}, but {count} in `{dir}` {verb} of times to come: {first}");
    Err(Failure::new(Kind::Failed, message).hint(
        "is the clock right (date)? such a backup is neither counted nor removed: rename it, or remove it",
    ))
}

/// Checks that the target file can be written before anything is copied.
fn can_be_made(file: &Path) -> Result<(), Failure> {
    let folder = folder(file);
    is_there(folder)?;
    let probe = folder.join(format!(".bot-hub-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    match made {
        Ok(_) => {
            drop(std::fs::remove_file(&probe));
            Ok(())
        }
        Err(error) => {
            let message = format!("nothing can be written into `{}`: {error}", folder.display());
            Err(Failure::new(Kind::Failed, message)
                .hint("name a file in a directory that you may write to, or `-` for stdout"))
        }
    }
}

/// What surrounds the time in the name of a backup.
const DATED: (&str, &str) = ("hub-", ".db");

/// `hub-2026-11-20T10-11-37Z.db`: such names sort by time and are valid on every file system.
fn dated(at: Timestamp) -> String {
    format!("{}{}{}", DATED.0, utc(at).replace(':', "-"), DATED.1)
}

/// How many hubs may back up into one directory within the same second.
const NAMES_MAX: u64 = 60;

/// A backup that is newer than now by less than this was made by another process just now.
const JUST_MADE_MS: u64 = 3_600_000;

fn is_dated(name: &str) -> bool {
    let time = name.strip_prefix(DATED.0).and_then(|rest| rest.strip_suffix(DATED.1));
    let shape = "9999-99-99T99-99-99Z";
    time.is_some_and(|time| {
        time.len() == shape.len()
            && shape.bytes().zip(time.bytes()).all(|(wanted, found)| {
                if wanted == b'9' { found.is_ascii_digit() } else { found == wanted }
            })
    })
}

/// Removes the oldest backups beyond the number to keep. It considers only backups like the one that was
/// just made: named by time, of the same store, and equally whole or damaged. The new backup itself stays,
/// and so does every newer one, because another process made it just now. Backups with a future time stay
/// as well, because their age is unknown; their names are returned. Without a number, all stay.
fn forget_oldest(dir: &Path, made: &Path, keep: Option<u32>) -> Result<Vec<String>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Kind::Failed, format!("old backups in `{}` stay: {error}", dir.display()))
            .hint("the new one is there; remove old ones by hand")
    };
    let files = std::fs::read_dir(dir).map_err(unreadable)?.flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| file.file_name().into_string().ok()).collect();
    let own = made.file_name().unwrap_or_default().to_string_lossy();
    let Some(epoch) = epoch_of(made) else { return Ok(Vec::new()) };
    names.retain(|name| is_like(name, &own) && is_of(&dir.join(name), epoch));
    names.sort_unstable();
    let soon = dated(wall_clock() + JUST_MADE_MS);
    let to_come = names.split_off(names.partition_point(|name| *name <= soon));
    let earlier = names.partition_point(|name| **name < *own);
    let others = keep.map_or(names.len(), |keep| keep as usize - 1);
    let oldest = names.len().saturating_sub(others).min(earlier);
    names[..oldest].iter().try_for_each(|name| remove(&dir.join(name))).map_err(unreadable)?;
    Ok(to_come)
}

/// Whether `name` belongs to another backup that is whole or damaged as `own` is.
fn is_like(name: &str, own: &str) -> bool {
    name != own
        && is_dated(undamaged(name).unwrap_or(name))
        && undamaged(name).is_some() == undamaged(own).is_some()
}

/// Whether a file is a copy of the store with this epoch. Only regular files are opened: opening a pipe
/// would block.
fn is_of(file: &Path, epoch: Epoch) -> bool {
    file.symlink_metadata().is_ok_and(|it| it.is_file()) && epoch_of(file) == Some(epoch)
}

/// Removes a file; it is no error if another backup process has removed it already.
fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A partial backup that was not written to for this long is abandoned.
const HALF_AFTER: Duration = Duration::from_secs(3_600);

/// Removes partial backups that killed processes left: those of this name, or of every time if the name is
/// a time.
fn forget_halves(file: &Path) {
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let is_like_it = |whole: &str| whole == own || is_dated(&own) && is_dated(whole);
    for half in std::fs::read_dir(folder(file)).into_iter().flatten().flatten() {
        let name = half.file_name().to_string_lossy().into_owned();
        let changed = half.metadata().and_then(|it| it.modified()).ok();
        let age = changed.and_then(|at| at.elapsed().ok());
        if whole_of(&name).is_some_and(is_like_it) && age.is_some_and(|age| age > HALF_AFTER) {
            // If it cannot be removed, the next backup tries again.
            drop(std::fs::remove_file(half.path()));
        }
    }
}

fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Writes the copy to a file beside the store and verifies it before it goes to stdout, so that no partial
/// copy is ever piped.
fn to_stdout(dir: &Path, out: Out) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() || out.json {
        return Err(Failure::new(Kind::Usage, "a backup is no text")
            .hint("send it somewhere: bot-hub backup - > hub.db"));
    }
    let is_read_only = rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err();
    let place = if is_read_only { std::env::temp_dir() } else { dir.to_path_buf() };
    let file = piped(&place);
    let copied = during("copying", || copy_through(dir, &file));
    let sent = copied.map_err(Failure::from).and_then(|report| {
        std::io::copy(&mut std::fs::File::open(&file)?, &mut stdout)?;
        stdout.flush()?;
        Ok(report)
    });
    drop(std::fs::remove_file(&file));
    let report = sent?;
    if let Some(failure) = is_whole(&report, "stdout", "copied to", NAMED) {
        return Err(failure);
    }
    say(&words_of(&report, "stdout", "copied to"));
    Ok(())
}

/// Where from.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The hub must not run. Bots notice that the log is another one than the one that they read.\n\n\
                        Example:\n  bot-hub restore hub-2026-11-20.db --data /var/lib/bot-hub --replace"
)]
pub(super) struct Restore {
    /// The copy that `backup` made
    file: PathBuf,
    /// Put a store that is there aside, as hub.db.replaced, or with a number behind that
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    why: Why,
}

impl Restore {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let dir = data_dir(global)?;
        is_a_copy(&self.file)?;
        let place = dir.display().to_string();
        let is_taken = dir.join("hub.db").exists() && obstacle(&dir).is_none() && !self.replace;
        let age = written(&self.file);
        let (copied, replaced) = (epoch_of(&self.file), epoch_of(&dir.join("hub.db")));
        let restored = during("restoring", || self.restore(&dir));
        let Restored { report, ended } = restored.map_err(|error| match error {
            StoreError::InUse { .. } => in_use(&dir),
            StoreError::Failed(_) if is_taken => {
                Failure::new(Kind::Refused, format!("there is a store in `{place}` already")).hint(
                    "restore into another directory with --data, or put it aside with --replace",
                )
            }
            error => error.into(),
        })?;
        tell(&report, &place, "restored into", out)?;
        if let Some(age) = age {
            say(&format!("`{}` was written {age}", self.file.display()));
        }
        if copied.is_some() && replaced.is_some_and(|it| Some(it) != copied) {
            say(&format!(
                "{} it is a copy of another store than the one that was here, or from before a restore; that one \
                 is kept as hub.db.replaced",
                label("warning:")
            ));
        }
        for bot in &ended {
            say(&format!(
                "`{bot}` was removed since, and another bot has the name: the `{bot}` of the copy stays removed; for a \
                 new bot of that name: bot-hub bot add {bot}"
            ));
        }
        say("accounts are as they were then: who was removed or lost a token since has it again \
             (bot-hub bot list, bot-hub invite list)");
        Ok(())
    }
}

impl Restore {
    /// The new store has the records of the copy, and one of the restore.
    fn restore(&self, dir: &Path) -> Result<Restored, StoreError> {
        let existing = if self.replace { Existing::PutAside } else { Existing::Keep };
        restore_noting(&self.file, dir, existing, |reader| {
            // Where they cannot be read, that is told as damage.
            let newest = acts::newest(reader).ok().flatten();
            let key = ActKey::after(newest, wall_clock());
            let file = self.file.file_name().unwrap_or_default().to_string_lossy();
            let line = AuditLine {
                detail: Some(format_smolstr!("from `{file}`")),
                why: self.why.clone().into_text(),
                ..acts::unasked("restore", "restore", ActWay::Command, key.at)
            };
            vec![acts::record(key, &line)]
        })
    }
}

/// Checks that a file is a copy of a store before a directory is made for it.
fn is_a_copy(file: &Path) -> Result<(), Failure> {
    let shown = file.display();
    let made = "a backup comes from: bot-hub backup FILE, on the data directory of a hub";
    let Ok(metadata) = file.metadata() else {
        let message = format!("there is no file `{shown}`");
        return Err(Failure::new(Kind::NotFound, message).hint(made));
    };
    if !metadata.is_file() {
        let hint = "name the file that bot-hub backup made";
        return Err(Failure::new(Kind::Usage, format!("`{shown}` is no file")).hint(hint));
    }
    if !begins_as_a_copy(file) {
        return Err(Failure::new(Kind::Usage, format!("`{shown}` is no backup")).hint(made));
    }
    Ok(())
}

/// When a file was written: `2026-11-20T08:52:31Z`.
fn written(file: &Path) -> Option<String> {
    let since = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(local(Timestamp(u64::try_from(since.as_millis()).ok()?)))
}

/// The refusal of a command that needs the store for itself.
pub(super) fn in_use(dir: &Path) -> Failure {
    let holder = Home::find_running(dir)
        .map_or_else(String::new, |(hub, _)| format!(" (pid {}, {})", hub.pid, hub.url));
    Failure::new(Kind::Refused, format!("a hub runs on `{}`{holder}", dir.display()))
        .hint("stop it first")
}

fn words_of(report: &Report, place: &str, done: &str) -> String {
    let (entries, rooms) = (counted(report.entries, "message"), counted(report.rooms, "room"));
    format!("{entries} in {rooms} {done} {place}")
}

/// What to do about damage; `{it}` stands for it.
const NAMED: &str = "bot-hub verify names {it}";

/// The failure to report for a copy that contains damage.
fn is_whole(report: &Report, place: &str, done: &str, hint: &str) -> Option<Failure> {
    let (verb, it) = match report.damage.len() {
        0 => return None,
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    let (what, damage) = (words_of(report, place, done), report.damage.len() as u64);
    let message = format!("{what}, but {} in it {verb} damaged", counted(damage, "thing"));
    let details = json!({ "place": place, "damage": damage_of(report) });
    let failure = Failure::new(Kind::Failed, message).hint(hint.replace("{it}", it));
    Some(failure.details(details))
}

fn tell(report: &Report, place: &str, done: &str, out: Out) -> Result<(), Failure> {
    if let Some(failure) = is_whole(report, place, done, NAMED) {
        return Err(failure);
    }
    let what = words_of(report, place, done);
    let value = json!({ "place": place, "rooms": report.rooms, "entries": report.entries });
    out.done(&value, || what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bot_hub_store::Store as _;
    use bot_hub_store::sqlite::SqliteStore;

    #[test]
    fn a_backup_removes_none_that_is_newer_than_itself() {
        let [data, dir] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        SqliteStore::open(data.path()).unwrap().load().unwrap();
        let file = |day: u32| dir.path().join(format!("hub-2001-01-0{day}T00-00-00Z.db"));
        let check = |own: u32, keep: u32, expected: &[u32]| {
            for day in 1..=4 {
                backup(data.path(), &file(day)).unwrap();
            }
            assert_eq!(forget_oldest(dir.path(), &file(own), Some(keep)).unwrap(), [""; 0]);
            let left: Vec<u32> = (1..=4).filter(|day| file(*day).exists()).collect();
            assert_eq!(left, expected, "{own} keeps {keep}");
        };
        check(4, 1, &[4]);
        check(4, 3, &[2, 3, 4]);
        check(2, 1, &[2, 3, 4]);
        check(2, 3, &[2, 3, 4]);
        check(2, 4, &[1, 2, 3, 4]);
        check(3, 9, &[1, 2, 3, 4]);
    }
}

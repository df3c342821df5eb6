//! The unit file of the service, and its path.
//!
//! Owns the two templates (`system.service` and `user.service` beside this file) and how they are filled
//! in. Never calls systemd.

use std::path::{Path, PathBuf};

use bot_hub_server::config::{Environment, config_home};

/// What systemd calls the service.
pub(super) const NAME: &str = "bot-hub.service";

/// Directories that the sandbox of the system service hides.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The machine's service: it starts at boot, with its own user.
    System,
    /// One user's.
    User,
}

impl Scope {
    /// The path of the unit; `None` for a user without a home directory.
    pub(super) fn path(self, env: &Environment) -> Option<PathBuf> {
        let units = match self {
            Self::System => PathBuf::from("/etc/systemd/system"),
            Self::User => config_home(env)?.join("systemd/user"),
        };
        Some(units.join(NAME))
    }

    /// The unit for a program with its options.
    pub(super) fn unit(self, program: &Path, options: &[String]) -> String {
        let template = match self {
            Self::System => include_str!("system.service"),
            Self::User => include_str!("user.service"),
        };
        let words: Vec<_> = std::iter::once(program.display().to_string())
            .chain(options.iter().cloned())
            .map(|word| quoted(&word))
            .collect();
        template.replace("{program}", &words.join(" "))
    }

    /// Whether the sandbox hides the program file.
    pub(super) fn hides(self, program: &Path) -> bool {
        self == Self::System && HIDDEN.iter().any(|hidden| program.starts_with(hidden))
    }
}

/// Quotes a word for a command line in a unit file.
fn quoted(word: &str) -> String {
    let escaped =
        word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=%$".contains(c);
    if escaped.chars().all(plain) { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        let check = |word: &str, expected: &str| assert_eq!(quoted(word), expected);
        check("/usr/local/bin/bot-hub", "/usr/local/bin/bot-hub");
        check("/srv/my hub/bot-hub", "\"/srv/my hub/bot-hub\"");
        check("/srv/50%/$x", "/srv/50%%/$$x");
        check("a\"b\\c", "\"a\\\"b\\\\c\"");
    }

    #[test]
    fn the_units_that_are_shipped_are_the_ones_that_install_writes() {
        for (scope, file) in
            [(Scope::System, "bot-hub.service"), (Scope::User, "bot-hub.user.service")]
        {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd").join(file);
            let unit = scope.unit(Path::new("/usr/local/bin/bot-hub"), &[]);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &unit).unwrap();
            }
            let shipped = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(shipped == unit, "{file} is stale: run this test with UPDATE=1 and commit it");
        }
    }

    #[test]
    fn a_program_in_a_home_is_hidden_from_the_systems_service_alone() {
        let check = |scope: Scope, program: &str, expected: bool| {
            assert_eq!(scope.hides(Path::new(program)), expected, "{program}");
        };
        check(Scope::System, "/home/ada/bin/bot-hub", true);
        check(Scope::System, "/root/.cargo/bin/bot-hub", true);
        check(Scope::System, "/usr/local/bin/bot-hub", false);
        check(Scope::System, "/homes/bot-hub", false);
        check(Scope::User, "/home/ada/bin/bot-hub", false);
    }
}

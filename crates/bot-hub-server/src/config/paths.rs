//! The paths of the configuration file and the data directory.
//!
//! Owns the search. The current directory is not searched: a hub must not depend on the directory it is
//! started in, nor obey a file that somebody put there.

use std::path::{Path, PathBuf};

use super::layers::Environment;

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "BOT_HUB_CONFIG";

/// The file to read: the requested one (`--config`, then `$BOT_HUB_CONFIG`), which has to exist, or the
/// first default path that exists. `None` means defaults.
pub fn config_file(asked: Option<PathBuf>, environment: &Environment) -> Option<PathBuf> {
    asked.or_else(|| environment.get(CONFIG_VARIABLE).map(PathBuf::from)).or_else(|| {
        let usual = [user_config_file(environment), Some(system_config_file())];
        usual.into_iter().flatten().find(|path| path.exists())
    })
}

/// `$XDG_CONFIG_HOME/bot-hub/config.json5`, by default under `~/.config`; `None` without a home.
pub fn user_config_file(environment: &Environment) -> Option<PathBuf> {
    Some(config_home(environment)?.join("bot-hub").join("config.json5"))
}

/// Where programs keep what their user has set: `$XDG_CONFIG_HOME`, or `~/.config`; `None` without a
/// home.
pub fn config_home(environment: &Environment) -> Option<PathBuf> {
    base(environment, "XDG_CONFIG_HOME", ".config")
}

/// `/etc/bot-hub/config.json5`.
pub fn system_config_file() -> PathBuf {
    PathBuf::from("/etc/bot-hub/config.json5")
}

/// The default data directory: the state directory of a systemd service, or that of the user. `None`
/// without a home directory.
pub fn data_dir(environment: &Environment) -> Option<PathBuf> {
    if let Some(several) = environment.get("STATE_DIRECTORY") {
        return several.split(':').next().map(PathBuf::from);
    }
    Some(base(environment, "XDG_DATA_HOME", ".local/share")?.join("bot-hub"))
}

/// A directory of the XDG specification, which says to ignore relative ones.
fn base(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let given = environment.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| Some(home(environment)?.join(below_home)))
}

fn home(environment: &Environment) -> Option<PathBuf> {
    environment.get("HOME").map(PathBuf::from)
}

/// A path as it was written, with `~/` for the home directory, counted from `folder` if relative.
/// `None` if `~` is used without a home.
pub(super) fn resolve(path: &Path, folder: &Path, environment: &Environment) -> Option<PathBuf> {
    match path.strip_prefix("~") {
        Ok(below) => Some(home(environment)?.join(below)),
        Err(_) => Some(folder.join(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn check_data(variables: &[(&str, &str)], expected: Option<&str>) {
        assert_eq!(data_dir(&environment(variables)).as_deref(), expected.map(Path::new));
    }

    #[test]
    fn the_data_directory_is_the_services_or_the_users() {
        check_data(&[("HOME", "/home/ada")], Some("/home/ada/.local/share/bot-hub"));
        check_data(&[("HOME", "/h"), ("XDG_DATA_HOME", "/data")], Some("/data/bot-hub"));
        check_data(&[("HOME", "/h"), ("XDG_DATA_HOME", "data")], Some("/h/.local/share/bot-hub"));
        check_data(
            &[("HOME", "/h"), ("STATE_DIRECTORY", "/var/lib/bot-hub:/x")],
            Some("/var/lib/bot-hub"),
        );
        check_data(&[("HOME", "")], None);
    }

    #[test]
    fn the_file_that_was_asked_for_wins_even_if_it_does_not_exist() {
        let set = environment(&[(CONFIG_VARIABLE, "/nowhere/env.json5"), ("HOME", "/nowhere")]);
        let asked = config_file(Some("/nowhere/flag.json5".into()), &set);
        assert_eq!(asked, Some("/nowhere/flag.json5".into()));
        assert_eq!(config_file(None, &set), Some("/nowhere/env.json5".into()));
    }

    #[test]
    fn the_users_file_is_found_only_if_it_exists() {
        let home = tempfile::tempdir().unwrap();
        let set = environment(&[("HOME", &home.path().display().to_string())]);
        let file = user_config_file(&set).unwrap();
        assert_ne!(config_file(None, &set), Some(file.clone()));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "{}").unwrap();
        assert_eq!(config_file(None, &set), Some(file));
    }

    #[test]
    fn a_path_counts_from_the_file_or_from_home() {
        let ada = environment(&[("HOME", "/home/ada")]);
        let check = |path: &str, expected: &str| {
            let resolved = resolve(Path::new(path), Path::new("/etc/bot-hub"), &ada);
            assert_eq!(resolved.as_deref(), Some(Path::new(expected)));
        };
        check("data", "/etc/bot-hub/data");
        check("/data", "/data");
        check("~/data", "/home/ada/data");
        check("~data", "/etc/bot-hub/~data");
    }
}

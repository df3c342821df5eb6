//! `bot-hub config …`: the commands about the configuration.
//!
//! Owns what they print. stdout is data, stderr is talk; the exit code is 0, or 1 if the command
//! could not do what it was asked (usage mistakes are clap's, with 2).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::visible::escaped_json;
use bot_hub_server::config::{
    ConfigErrors, Environment, Loaded, Override, Problem, Setting, Sources, config_file, load,
    schema_text, starter, user_config_file,
};

/// The command succeeded.
pub const EXIT_OK: u8 = 0;

/// The command failed, and stderr says why.
pub const EXIT_FAILURE: u8 = 1;

/// Looks at the configuration, and makes a new one.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is in order, and everything that is not
    Check {
        /// The file to check; without it, the one that the hub would read
        file: Option<PathBuf>,
    },
    /// Print the configuration that is in effect, tokens redacted
    Show {
        /// Print each setting with who said it: default, file and line, variable or flag
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON Schema of the file, for editors
    Schema,
    /// Write a commented file with every setting and its default
    Init {
        /// Where to write; `-` is stdout. Default: the user's configuration file
        file: Option<PathBuf>,
        /// Overwrite a file that exists
        #[arg(long)]
        force: bool,
    },
}

/// What the commands depend on. The caller passes in everything from outside.
#[derive(Debug)]
pub struct Context<'a, O, E> {
    /// The file that `--config` names.
    pub file: Option<PathBuf>,
    /// The environment.
    pub env: Environment,
    /// Settings given by flags.
    pub flags: Vec<Override>,
    /// Whether stdout gets JSON.
    pub json: bool,
    /// Data.
    pub out: &'a mut O,
    /// Talk.
    pub err: &'a mut E,
}

/// Runs one command and returns its exit code. Only writing to `out` and `err` can fail.
pub fn run<O: Write, E: Write>(
    command: ConfigCommand,
    mut context: Context<'_, O, E>,
) -> io::Result<u8> {
    match command {
        ConfigCommand::Check { file } => {
            context.file = file.or(context.file);
            check(&mut context)
        }
        ConfigCommand::Show { origin } => show(&mut context, origin),
        ConfigCommand::Schema => {
            context.out.write_all(schema_text().as_bytes())?;
            Ok(EXIT_OK)
        }
        ConfigCommand::Init { file, force } => init(&mut context, file, force),
    }
}

impl<O: Write, E: Write> Context<'_, O, E> {
    fn load(&mut self) -> (Option<PathBuf>, Result<Loaded, ConfigErrors>) {
        let file = config_file(self.file.take(), &self.env);
        let (env, flags) = (std::mem::take(&mut self.env), std::mem::take(&mut self.flags));
        let loaded = load(&Sources { file: file.clone(), env, flags });
        (file, loaded)
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{}", escaped_json(&format!("{value:#}")))
    }

    /// Reports a failure as JSON or as text, as the caller asked.
    fn fail(&mut self, kind: &str, message: &str, hint: &str) -> io::Result<u8> {
        if self.json {
            let error = json!({ "type": kind, "message": message, "hint": hint });
            self.json(&json!({ "ok": false, "error": error }))?;
        } else {
            writeln!(self.err, "{message}\n  hint: {hint}")?;
        }
        Ok(EXIT_FAILURE)
    }

    fn warnings(&mut self, warnings: &[Problem]) -> io::Result<()> {
        warnings.iter().try_for_each(|warning| writeln!(self.err, "warning: {warning}"))
    }

    fn refuse(&mut self, errors: &ConfigErrors) -> io::Result<u8> {
        if self.json {
            let mistakes = counted(errors.errors.len(), "mistake");
            let error = json!({
                "type": "config",
                "message": format!("the configuration has {mistakes}"),
                "hint": "correct what `details` names, then: bot-hub config check",
                "details": { "errors": list(&errors.errors), "warnings": list(&errors.warnings) },
            });
            self.json(&json!({ "ok": false, "error": error }))?;
            return Ok(EXIT_FAILURE);
        }
        self.warnings(&errors.warnings)?;
        writeln!(self.err, "{errors}")?;
        Ok(EXIT_FAILURE)
    }
}

fn check<O: Write, E: Write>(context: &mut Context<'_, O, E>) -> io::Result<u8> {
    let (file, loaded) = context.load();
    let loaded = loaded.and_then(with_files);
    if context.json {
        let (errors, warnings) = match &loaded {
            Ok(loaded) => (&[][..], &loaded.warnings[..]),
            Err(refused) => (&refused.errors[..], &refused.warnings[..]),
        };
        let ok = loaded.is_ok();
        context.json(
            &json!({ "ok": ok, "file": file, "errors": list(errors), "warnings": list(warnings) }),
        )?;
        return Ok(if ok { EXIT_OK } else { EXIT_FAILURE });
    }
    match loaded {
        Err(errors) => {
            let code = context.refuse(&errors)?;
            let (wrong, unsure) = (errors.errors.len(), errors.warnings.len());
            writeln!(context.err, "{}, {}", counted(wrong, "error"), counted(unsure, "warning"))?;
            Ok(code)
        }
        Ok(loaded) => {
            context.warnings(&loaded.warnings)?;
            let name = file.map_or("the defaults".to_owned(), |file| file.display().to_string());
            let warnings = counted(loaded.warnings.len(), "warning");
            writeln!(context.out, "{name}: in order, {warnings}")?;
            Ok(EXIT_OK)
        }
    }
}

fn list(problems: &[Problem]) -> Vec<Value> {
    problems.iter().map(Problem::to_json).collect()
}

/// Adds the problems of the files that the configuration names (certificates, for example).
fn with_files(mut loaded: Loaded) -> Result<Loaded, ConfigErrors> {
    match bot_hub_server::tls::prepare(&loaded) {
        Ok(tls) => {
            loaded.warnings.extend_from_slice(tls.warnings());
            Ok(loaded)
        }
        Err(mut errors) => {
            errors.warnings.append(&mut loaded.warnings);
            Err(errors)
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn show<O: Write, E: Write>(context: &mut Context<'_, O, E>, origin: bool) -> io::Result<u8> {
    let (file, loaded) = context.load();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return context.refuse(&errors),
    };
    let settings = loaded.settings();
    if context.json {
        let mut value = json!({ "ok": true, "file": file, "warnings": list(&loaded.warnings) });
        if origin {
            value["settings"] = settings.iter().map(Setting::to_json).collect();
        } else {
            value["config"] = serde_json::to_value(&loaded.config).map_err(io::Error::other)?;
        }
        context.json(&value)?;
        return Ok(EXIT_OK);
    }
    context.warnings(&loaded.warnings)?;
    if origin {
        for setting in settings {
            let value = setting.inline();
            writeln!(context.out, "{} = {value}  ({})", setting.path, setting.origin)?;
        }
    } else {
        // Serializes the struct instead of a JSON value, which keeps the order of the file. Apart from the
        // redacted tokens, the output is a valid configuration file.
        let text = serde_json::to_string_pretty(&loaded.config).map_err(io::Error::other)?;
        writeln!(context.out, "{text}")?;
    }
    Ok(EXIT_OK)
}

fn init<O: Write, E: Write>(
    context: &mut Context<'_, O, E>,
    file: Option<PathBuf>,
    force: bool,
) -> io::Result<u8> {
    let named = file.or_else(|| context.file.take());
    let is_named = named.is_some();
    let Some(path) = named.or_else(|| user_config_file(&context.env)) else {
        let hint = "name the file: `bot-hub config init FILE`";
        return context.fail("failed", "there is no home directory to write to", hint);
    };
    if path == Path::new("-") {
        if context.json {
            context.json(&json!({ "ok": true, "text": starter() }))?;
        } else {
            context.out.write_all(starter().as_bytes())?;
        }
        return Ok(EXIT_OK);
    }
    // Creates the folder of the default path. A folder that the person typed is not created: it may be a
    // typing error.
    let made =
        if is_named { Ok(()) } else { path.parent().map_or(Ok(()), std::fs::create_dir_all) };
    if let Err(error) = made.and_then(|()| write_new(&path, &starter(), force)) {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "name another file, or overwrite it with `--force`",
            io::ErrorKind::NotFound => "make its folder first, with `mkdir -p`",
            _ => "name a file in a folder that you may write to",
        };
        let message = format!("`{}` was not written: {error}", path.display());
        return context.fail("failed", &message, hint);
    }
    if context.json {
        context.json(&json!({ "ok": true, "file": path }))?;
    } else {
        writeln!(context.out, "{}", path.display())?;
        writeln!(context.err, "written; edit it, then `bot-hub config check {}`", path.display())?;
    }
    Ok(EXIT_OK)
}

/// Writes the file readable only by its owner, because tokens will be added to it.
fn write_new(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

//! `bot-hub context …`: identities on hubs.
//!
//! Owns the folder `contexts` beside the user's configuration. It holds one file per context, with its
//! token and readable only by its owner, and one file that says which context is in use. `local` is the hub
//! of this machine, found through its data directory; it has no file.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::secret::Secret;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::{Failure, Kind};
use super::out::{Out, say, table};
use super::{Global, ask, words};
use bot_hub_server::config::{Environment, user_config_file};

/// The variable that names a context.
pub(super) const VARIABLE: &str = "BOT_HUB_CONTEXT";

/// The context of the hub on this machine.
pub(super) const LOCAL: &str = "local";

/// The longest name in bytes; the file name adds `.json` to it.
const NAME_BYTES_MAX: usize = 128;

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ContextCommand {
    /// Keep who you are on a hub under a name: its address and your token there
    #[command(after_help = "\
The hub is asked whose token it is; nothing is kept that it does not accept.

Examples:
  bot-hub context add work --url wss://hub.example --token-file ann.token
  bot-hub context add home --url ws://127.0.0.1:18795 --token-file - < ann.token")]
    Add {
        /// What to call it
        name: String,
    },
    /// List contexts
    List,
    /// Use a context from now on; `local` is the hub of this machine
    Use {
        /// Which one
        name: String,
    },
    /// Forget a context and its token, which is kept nowhere else
    Remove {
        /// Which one
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show a context, without its token
    Show {
        /// Which one [default: the one in use]
        name: Option<String>,
    },
}

/// An identity on a hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Context {
    /// The address for pages: `https://hub.example`.
    pub(super) hub: String,
    /// The address for connections.
    pub(super) ws_url: String,
    pub(super) bot: BotId,
    pub(super) token: Secret,
    /// The rooms that its invite opened.
    pub(super) rooms: Vec<RoomName>,
    /// Certificates of the private authority that issued the hub's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<PathBuf>,
}

/// The folder with all contexts.
#[derive(Debug)]
pub(super) struct ContextStore {
    dir: PathBuf,
}

/// A file that was created and waits for its name and contents.
#[derive(Debug)]
pub(super) struct Draft {
    file: fs::File,
    path: PathBuf,
    is_kept: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            drop(fs::remove_file(&self.path));
        }
    }
}

impl ContextCommand {
    pub(super) fn run(self, global: &Global, out: Out) -> Result<(), Failure> {
        let store = ContextStore::open()?;
        match self {
            Self::Add { name } => store.add(&name, global),
            Self::List => store.list(out),
            Self::Use { name } => {
                store.choose(&name)?;
                out.done(&json!({ "context": name }), || format!("{name} is in use"))?;
                warn_of_variables(&name);
                Ok(())
            }
            Self::Remove { name, yes } => store.remove(&name, yes, out),
            Self::Show { name } => store.show(out, name),
        }
    }
}

impl ContextStore {
    pub(super) fn open() -> Result<Self, Failure> {
        let config = user_config_file(&Environment::of_process()).ok_or_else(|| {
            Failure::new(Kind::Failed, "there is no place for contexts: `HOME` is not set")
                .hint("set HOME, or XDG_CONFIG_HOME")
        })?;
        Ok(Self { dir: config.with_file_name("contexts") })
    }

    /// The file of a context.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn pointer(&self) -> PathBuf {
        self.dir.join("in-use")
    }

    /// Creates a file readable only by its owner, before a code is used up: keeping the token must not fail
    /// afterwards.
    pub(super) fn draft(&self) -> Result<Draft, Failure> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        let path = self.dir.join(format!(".new-{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        builder.create(&self.dir).map_err(|error| unusable(&self.dir, &error))?;
        let file = options.open(&path).map_err(|error| unusable(&path, &error))?;
        Ok(Draft { file, path, is_kept: false })
    }

    /// Saves a context under an unused name: the bot's name, or that with the hub's host appended.
    pub(super) fn keep(&self, draft: Draft, context: &Context) -> Result<String, Failure> {
        let bot = context.bot.as_str();
        let host = context.hub.split_once("://").map_or("", |(_, host)| host);
        let host: String = host
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
            .collect();
        let is_free = |name: &String| {
            let known = self.read(name).ok();
            name != LOCAL && known.is_none_or(|it| it.hub == context.hub && it.bot == context.bot)
        };
        let names = [bot.to_owned(), format!("{bot}@{host}")];
        let more = (2..).map(|number| format!("{bot}@{host}-{number}"));
        let name = names.into_iter().chain(more).find(is_free).expect("numbers do not end");
        self.put(draft, &written(context), &self.file(&name))?;
        Ok(name)
    }

    fn put(&self, mut draft: Draft, text: &str, path: &Path) -> Result<(), Failure> {
        let written = draft.file.write_all(text.as_bytes()).and_then(|()| draft.file.sync_all());
        written
            .and_then(|()| fs::rename(&draft.path, path))
            .map_err(|error| unusable(path, &error))?;
        draft.is_kept = true;
        Ok(())
    }

    /// Puts a new context in use, unless another one is in use or a hub runs on this machine.
    pub(super) fn take_up(&self, name: &str, global: &Global) -> Result<bool, Failure> {
        let has_hub = super::hub::store_dir(global).is_ok();
        let current = self.current()?;
        if current.as_deref() == Some(name) {
            return Ok(true);
        }
        if has_hub || current.is_some() {
            return Ok(false);
        }
        self.choose(name)?;
        Ok(true)
    }

    /// The name of the context in use; `None` is the hub of this machine.
    fn current(&self) -> Result<Option<String>, Failure> {
        match fs::read_to_string(self.pointer()) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| name != LOCAL)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&self.pointer(), &error)),
        }
    }

    fn choose(&self, name: &str) -> Result<(), Failure> {
        if name != LOCAL {
            self.read(name)?;
        }
        self.put(self.draft()?, name, &self.pointer())
    }

    pub(super) fn read(&self, name: &str) -> Result<Context, Failure> {
        let text = match is_name(name).then(|| fs::read_to_string(self.file(name))) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unusable(&self.file(name), &error));
            }
            _ => {
                return Err(unknown(name));
            }
        };
        serde_json::from_str(&text).map_err(|_| {
            let message = format!("`{}` is damaged", self.file(name).display());
            let hint =
                format!("forget it with `bot-hub context remove {name}`, and ask for a new invite");
            Failure::new(Kind::Failed, message).hint(hint)
        })
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let files = match fs::read_dir(&self.dir) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&self.dir, &error)),
        };
        let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
        let names = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Asks the hub which bot the token belongs to, and saves the answer.
    fn add(&self, name: &str, global: &Global) -> Result<(), Failure> {
        if name == LOCAL || !is_name(name) {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{name}` cannot be the name of a context"),
            )
            .hint("a name is no path, does not begin with a dot, and is not `local`"));
        }
        if self.file(name).exists() {
            return Err(Failure::new(
                Kind::Refused,
                format!("there is a context `{name}` already"),
            )
            .hint(format!("choose another name, or first: bot-hub context remove {name}")));
        }
        if global.url.as_ref().is_none_or(|url| url.is_empty()) {
            return Err(Failure::new(Kind::Usage, "a context is for a hub, and none is named")
                .hint(format!("bot-hub context add {name} --url wss://HOST --token-file FILE")));
        }
        let draft = self.draft()?;
        super::hub::with_hub(global, async |hub| {
            let rooms = hub.hello.rooms.iter().flatten().map(|it| it.room.clone()).collect();
            let context = Context {
                hub: super::hub::page_url_of(&hub.url),
                ws_url: hub.url.clone(),
                bot: hub.me.clone(),
                token: hub.token.clone(),
                rooms,
                ca_file: absolute(global.ca_file.as_deref()),
            };
            self.put(draft, &written(&context), &self.file(name))?;
            let is_current = self.take_up(name, global)?;
            hub.out.done(&shown(name, is_current, &context), || {
                let use_it = format!("; use it with: bot-hub context use {name}");
                let next = if is_current { ", in use from now on" } else { &use_it };
                format!("{name}: you are {} on {}{next}", context.bot, context.hub)
            })?;
            if is_current && !hub.out.json {
                warn_of_variables(name);
            }
            Ok(())
        })
    }

    fn remove(&self, name: &str, yes: bool, out: Out) -> Result<(), Failure> {
        if !self.names()?.iter().any(|known| known == name) {
            return Err(unknown(name));
        }
        let who = self.read(name).map_or_else(
            |_| format!("context `{name}`"),
            |it| format!("context `{name}` ({} on {})", it.bot, it.hub),
        );
        let question = format!("{who}: forget it, and its token? The token is kept nowhere else.");
        match yes {
            true => {}
            false if ask::somebody_is_there() => ask::confirm(&question)?,
            false => {
                let message = format!("the token of {who} is kept nowhere else");
                let hint = format!("if it may be lost: bot-hub context remove {name} --yes");
                return Err(Failure::new(Kind::Refused, message).hint(hint));
            }
        }
        if self.current()?.as_deref() == Some(name) {
            self.choose(LOCAL)?;
        }
        let path = self.file(name);
        fs::remove_file(&path).map_err(|error| unusable(&path, &error))?;
        let text = || format!("{name} is forgotten; the hub still knows the bot");
        out.done(&json!({ "context": name, "removed": true }), text)
    }

    fn list(&self, out: Out) -> Result<(), Failure> {
        let current = self.current()?;
        let mut rows = vec![row(LOCAL, current.is_none(), "-", "the hub of this machine")];
        let mut contexts = Vec::new();
        for name in self.names()? {
            let Ok(context) = self.read(&name) else { continue };
            let is_current = current.as_deref() == Some(&*name);
            rows.push(row(&name, is_current, context.bot.as_str(), &context.hub));
            contexts.push(shown(&name, is_current, &context));
        }
        let value = json!({ "in_use": current.as_deref().unwrap_or(LOCAL), "contexts": contexts });
        out.answer(&value, || table(["context", "in use", "bot", "hub"], &rows))
    }

    fn show(&self, out: Out, name: Option<String>) -> Result<(), Failure> {
        let current = self.current()?;
        let Some(name) = name.or_else(|| current.clone()).filter(|name| name != LOCAL) else {
            let value = json!({ "context": LOCAL, "in_use": current.is_none() });
            return out.answer(&value, || "local: the hub of this machine".to_owned());
        };
        let context = self.read(&name)?;
        let is_current = current.as_deref() == Some(&*name);
        let count = context.rooms.len().saturating_sub(ROOMS_SHOWN) as u64;
        let rooms = context.rooms.iter().take(ROOMS_SHOWN).map(|room| words::room(room.as_str()));
        let more = (count > 0).then(|| format!("and {count} more"));
        let rooms: Vec<_> = rooms.chain(more).collect();
        out.answer(&shown(&name, is_current, &context), || {
            format!(
                "{name}{}\n  bot    {}\n  hub    {}\n  rooms  {}\n  file   {}",
                if is_current { ", in use" } else { "" },
                context.bot,
                context.hub,
                rooms.join(" "),
                self.file(&name).display()
            )
        })
    }
}

/// How many rooms of a context are printed for people; JSON has all.
const ROOMS_SHOWN: usize = 20;

/// The context that this command should use, with its name; `None` is the hub of this machine.
pub(super) fn chosen(global: &Global) -> Result<Option<(String, Context)>, Failure> {
    if let Some(name) = &global.context {
        let read = || Ok((name.clone(), ContextStore::open()?.read(name)?));
        return if name == LOCAL { Ok(None) } else { read().map(Some) };
    }
    // `--data` and `--config` select the hub of this machine.
    if global.data.is_some() || global.config.is_some() {
        return Ok(None);
    }
    let Ok(store) = ContextStore::open() else { return Ok(None) };
    let read = |name: String| store.read(&name).map(|context| (name, context));
    store.current()?.map(read).transpose()
}

/// Warns of environment variables that override the context in use.
pub(super) fn warn_of_variables(name: &str) {
    for variable in [VARIABLE, "BOT_HUB_URL", "BOT_HUB_TOKEN"] {
        let value = std::env::var(variable).ok().filter(|value| !value.is_empty() && value != name);
        if value.is_some() {
            say(&format!("note: {variable} is set in this shell, and wins over the context"));
        }
    }
}

/// Whether this is a valid name: no path, and no name of a draft.
fn is_name(name: &str) -> bool {
    let is_long = name.len() > NAME_BYTES_MAX;
    !name.is_empty() && !is_long && !name.starts_with('.') && !name.contains(['/', '\\', '\n'])
}

fn written(context: &Context) -> String {
    serde_json::to_string_pretty(context).expect("strings and lists")
}

/// The absolute path, so that the file is found from any directory.
pub(super) fn absolute(file: Option<&Path>) -> Option<PathBuf> {
    let file = file.filter(|file| !file.as_os_str().is_empty())?;
    Some(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()))
}

fn row(name: &str, is_current: bool, bot: &str, hub: &str) -> [String; 4] {
    [name, if is_current { "yes" } else { "" }, bot, hub].map(str::to_owned)
}

fn shown(name: &str, is_current: bool, context: &Context) -> serde_json::Value {
    json!({
        "context": name,
        "in_use": is_current,
        "bot": context.bot,
        "hub": context.hub,
        "ws_url": context.ws_url,
        "rooms": context.rooms,
        "ca_file": context.ca_file,
    })
}

fn unknown(name: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no context `{name}`"))
        .hint("see which there are: bot-hub context list")
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Failed, format!("`{}` cannot be used: {error}", path.display()))
        .hint("it belongs to you alone; check the folder's owner and mode")
}

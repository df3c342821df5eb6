//! The hub that a command talks to: its address, the token, and the connection.
//!
//! Owns finding the running hub through its data directory. Connects as a *side* connection, which never
//! replaces the connection of the bot itself.

use std::io::Read;
use std::ops::AsyncFnOnce;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_hub_client::{Cap, Client, ConnectError, End, Events, Options, State, Why};
use bot_protocol::frame::answer::{Ask, Reply};
use bot_protocol::frame::operator::Operation;
use bot_protocol::frame::server::AuthOk;
use bot_protocol::line::OneLine;
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use serde_json::Value;

use super::Global;
use super::failure::{Failure, Kind};
use super::frames::in_commands;
use super::lost;
use super::out::Out;
use super::pages;
use super::probe::Target;
use bot_hub_server::config::{Environment, Sources, config_file, load};
use bot_hub_server::server::{Home, RunningHub};
use bot_hub_store::sqlite::obstacle;

/// The environment variable with the token. There is no option for it, because other users of the machine
/// can read command lines.
const TOKEN_VARIABLE: &str = "BOT_HUB_TOKEN";

/// Every token is much shorter.
const TOKEN_FILE_BYTES_MAX: u64 = 4_096;

/// A connection to the hub, and the form of the output.
pub(super) struct Hub {
    pub(super) out: Out,
    pub(super) client: Client,
    pub(super) events: Events,
    /// The bot that the token belongs to.
    pub(super) me: BotId,
    pub(super) url: String,
    pub(super) hello: Arc<AuthOk>,
    /// The token that we authenticated with.
    pub(super) token: Secret,
    /// The process of the hub, if it was found through the data directory.
    pub(super) running: Option<RunningHub>,
    /// The hub's address for pages, if a context has it.
    page_url: Option<String>,
    /// Certificates of the private authority that issued the hub's certificate.
    ca_file: Option<PathBuf>,
    /// The context that led to the hub.
    pub(super) context_name: Option<String>,
    /// Whether the token was given, instead of taken from the context or the local operator.
    pub(super) is_token_given: bool,
    since: Instant,
    global: Global,
}

/// Connects, runs a verb, and ends it at ctrl-c.
pub(super) fn with_hub(
    global: &Global,
    verb: impl AsyncFnOnce(&mut Hub) -> Result<(), Failure>,
) -> Result<(), Failure> {
    until_interrupted(async {
        let mut hub = Hub::connect(global).await.map_err(|it| in_commands(it, None))?;
        let lost = hub.lost();
        if let Some(lost) = &lost {
            lost.warn();
        }
        let result = verb(&mut hub).await.map_err(|failure| match lost {
            // The hub only says that its store does not answer; the data directory shows why.
            Some(lost) if failure.code.as_deref() == Some("storage_failed") => lost,
            _ => in_commands(failure, Some(&hub.me)),
        });
        // Drops the receiver of events, because the client's end would wait until somebody takes them.
        drop(hub.events);
        // After ctrl-c the command does not wait for the connection to close.
        if !result.as_ref().is_err_and(|failure| failure.kind == Kind::Interrupted) {
            hub.client.close().await;
        }
        result
    })
}

/// Runs a future until it ends or a person presses ctrl-c.
pub(super) fn until_interrupted(
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Kind::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            // The verb is polled first: it may report something about its interruption.
            biased;
            result = work => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Kind::Interrupted, "")),
        }
    });
    // A command of `--exec` may still run; the process does not wait for it.
    runtime.shutdown_background();
    result
}

impl Hub {
    /// The options that the hub was found with.
    pub(super) fn global(&self) -> &Global {
        &self.global
    }

    pub(super) async fn connect(global: &Global) -> Result<Self, Failure> {
        let Location { url, token, is_token_given, running, page_url, ca_file, context_name } =
            locate(global)?;
        let mut options = Options::new(&url, token.expose());
        options.client = concat!("bot-hub-cli/", env!("CARGO_PKG_VERSION")).to_owned();
        options.caps = vec![Cap::Receipts, Cap::Ranges, Cap::Acts, Cap::Redactions, Cap::Governor];
        options.side = true;
        let given = global.ca_file.clone().filter(|path| !path.as_os_str().is_empty());
        let ca_file = given.or(ca_file);
        options.ca_file.clone_from(&ca_file);
        let connected = Client::connect(options).await;
        let (client, events) = connected.map_err(|error| {
            // This error has a hint of its own, which the usual advice would hide.
            if matches!(error, ConnectError::Unreachable(Why::NotSecure { .. })) {
                return Failure::from(error);
            }
            let failure = Failure::from(error);
            match (failure.kind, &context_name) {
                (Kind::Unreachable, _) => unreachable(failure, &url, &running),
                (Kind::Auth, Some(name)) if is_token_given => {
                    let asked = format!("the hub of the context `{name}` was asked, {url}; ");
                    let hint = failure.hint.clone().unwrap_or_default();
                    failure.hint(format!("{asked}{hint}"))
                }
                _ => failure,
            }
        })?;
        let State::Connected(hello) = client.state() else {
            return Err(Failure::new(Kind::Unreachable, format!("`{url}` hung up at once")));
        };
        let Some(me) = hello.bot.clone() else {
            let message = format!("`{url}` is a hub that does not say who we are");
            return Err(Failure::new(Kind::Failed, message).hint("is it a Bot Hub?"));
        };
        let out = Out { json: global.json };
        Ok(Self {
            out,
            client,
            events,
            me,
            url,
            hello,
            token,
            running,
            page_url,
            ca_file,
            context_name,
            is_token_given,
            since: Instant::now(),
            global: global.clone(),
        })
    }

    /// Connects again after the client has ended, if the hub was found through the data directory: a
    /// restarted hub has a new token for its operator.
    pub(super) async fn again(&mut self) -> Result<(), Failure> {
        let end = self.client.ended().await;
        if self.running.is_none() || !matches!(end, End::Refused(_)) {
            return Err(end.into());
        }
        *self = Self::connect(&self.global.clone()).await?;
        Ok(())
    }

    /// The failure to report if the files of the hub on this machine are gone, so that its messages would
    /// be lost with its end.
    fn lost(&self) -> Option<Failure> {
        lost::of_hub(&data_dir(&self.global).ok()?, self.running.as_ref()?)
    }

    /// Connects to the hub at its current address. If that fails, everything stays as it is.
    pub(super) async fn renew(&mut self) {
        if let Ok(hub) = Self::connect(&self.global.clone()).await {
            *self = hub;
        }
    }

    /// Connects to the hub's new address, if the hub was found through the data directory and was restarted
    /// at another one. Otherwise the client goes on trying.
    pub(super) async fn follow_move(&mut self) {
        let Some(before) = self.running.as_ref() else { return };
        let now = data_dir(&self.global).ok().and_then(|dir| Home::find_running(&dir));
        let has_moved = now.is_some_and(|(now, _)| now.url != before.url);
        if has_moved {
            self.renew().await;
        }
    }

    /// The hub's address for pages as others know it: its public address, or the one that we used.
    /// `https://hub.example`
    pub(super) fn page_url(&self, public_url: Option<&str>) -> String {
        let said = public_url.or(self.page_url.as_deref());
        said.map_or_else(|| page_url_of(&self.url), str::to_owned)
    }

    /// Whether the hub serves a page at this path. `false` also if it does not answer.
    pub(super) async fn has_page(&self, path: &str) -> bool {
        let Some(target) = Target::of_url(&self.url) else { return false };
        let target = Target { ca_file: self.ca_file.clone(), ..target };
        target.has(path).await.unwrap_or(false)
    }

    /// The hub's address for bots as others know it: `wss://hub.example`.
    pub(super) fn bot_url(&self, public_url: Option<&str>) -> String {
        public_url.map_or_else(|| self.url.clone(), |url| url.replacen("http", "ws", 1))
    }

    /// The hub's clock.
    pub(super) fn now(&self) -> Timestamp {
        let then = self.hello.now.unwrap_or_default();
        then + u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The hub's time, a period earlier.
    pub(super) fn before(&self, period: Duration) -> Timestamp {
        self.now() - u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
    }

    /// Asks an operation and joins all pages of the answer.
    async fn operate(&self, operation: Operation, why: Option<OneLine>) -> Result<Value, Failure> {
        let mut whole = self.operate_once(operation.clone(), why).await?;
        let mut walk = pages::Walk::default();
        while let Some(next) = pages::take_next(&mut whole) {
            if !walk.is_new(&next) {
                let what = "the pages of the hub's answer lead back to an earlier one";
                return Err(Failure::new(Kind::Failed, what)
                    .hint("are hub and command line of the same version? bot-hub status"));
            }
            let Some(operation) = operation.page_after(next) else { break };
            pages::append(&mut whole, self.operate_once(operation, None).await?);
        }
        Ok(whole)
    }

    async fn operate_once(
        &self,
        operation: Operation,
        why: Option<OneLine>,
    ) -> Result<Value, Failure> {
        let asked = self.client.operate_because(operation, why).await;
        asked.map_err(|error| self.needs_operator(error.into()))
    }

    /// Explains a refusal to a bot that is no operator.
    fn needs_operator(&self, failure: Failure) -> Failure {
        let names_operators =
            failure.hint.as_deref().is_some_and(|it| it.contains("operator's token"));
        if failure.code.as_deref() != Some("not_allowed") || !names_operators {
            return failure;
        }
        let message =
            format!("only an operator may do that, and `{}` is none on this hub", self.me);
        let hint = "ask whoever runs the hub; what you may see: bot-hub whoami, bot-hub rooms, bot-hub who";
        Failure { message, ..failure }.hint(hint)
    }

    /// Asks, and returns the answer in two forms: the JSON with every field that the hub sent, to be
    /// printed, and the type that this program knows.
    pub(super) async fn ask<A: Reply>(&self, ask: Ask<A>) -> Result<(Value, A), Failure> {
        known(self.operate(ask.operation, ask.why).await?)
    }

    /// The same for one page of the answer.
    pub(super) async fn ask_once<A: Reply>(&self, ask: Ask<A>) -> Result<(Value, A), Failure> {
        known(self.operate_once(ask.operation, ask.why).await?)
    }
}

fn known<A: Reply>(value: Value) -> Result<(Value, A), Failure> {
    let known = A::deserialize(&value).map_err(|error| {
        Failure::new(Kind::Failed, format!("the hub's answer is not understood: {error}"))
            .hint("are hub and command line of the same version? bot-hub status")
    })?;
    Ok((value, known))
}

/// The address for pages of a hub at `wss://hub.example/ws`.
pub(super) fn page_url_of(url: &str) -> String {
    let url = url.trim_end_matches('/');
    url.strip_suffix("/ws").unwrap_or(url).replacen("ws", "http", 1)
}

/// The address of the hub's socket, from that or from the address for pages.
fn ws_address(url: &str) -> Result<String, Failure> {
    let is_of_pages = url.starts_with("http://") || url.starts_with("https://");
    if is_of_pages {
        return Ok(url.replacen("http", "ws", 1));
    }
    if url.starts_with("ws://") || url.starts_with("wss://") {
        return Ok(url.to_owned());
    }
    Err(Failure::new(Kind::Usage, format!("`{url}` is no address of a hub"))
        .hint("it is like wss://hub.example, or ws://127.0.0.1:18795 on its own machine"))
}

struct Location {
    url: String,
    token: Secret,
    is_token_given: bool,
    running: Option<RunningHub>,
    page_url: Option<String>,
    ca_file: Option<PathBuf>,
    context_name: Option<String>,
}

fn locate(global: &Global) -> Result<Location, Failure> {
    // The token is read only once, because a pipe and stdin deliver it only once.
    let given = token_given(global)?;
    let is_token_given = given.is_some();
    let url = global.url.as_deref().filter(|url| !url.is_empty()).map(ws_address).transpose()?;
    if let (Some(url), Some(context)) = (&url, &global.context) {
        let message = format!("both a hub (`{url}`) and a context (`{context}`) are named");
        return Err(Failure::new(Kind::Usage, message).hint(
            "leave one out; --url may come from BOT_HUB_URL, --context from BOT_HUB_CONTEXT",
        ));
    }
    if let Some(url) = url {
        let token = given.ok_or_else(|| {
            Failure::new(Kind::Usage, format!("there is no token for `{url}`")).hint(format!(
                "put one into a file and name it with --token-file, or set {TOKEN_VARIABLE}; a new one comes from whoever runs the hub"
            ))
        })?;
        let (running, page_url, ca_file, context_name) = (None, None, None, None);
        return Ok(Location {
            url,
            token,
            is_token_given,
            running,
            page_url,
            ca_file,
            context_name,
        });
    }
    if let Some((name, context)) = super::context::chosen(global)? {
        let token = given.unwrap_or(context.token);
        let (running, page_url) = (None, Some(context.hub));
        let (url, ca_file, context_name) = (context.ws_url, context.ca_file, Some(name));
        return Ok(Location {
            url,
            token,
            is_token_given,
            running,
            page_url,
            ca_file,
            context_name,
        });
    }
    let dir = data_dir(global)?;
    let (running, operator) = Home::find_running(&dir).ok_or_else(|| no_hub(global, &dir))?;
    let token = given.unwrap_or(operator);
    let url = running.url.clone();
    let (running, page_url, ca_file, context_name) = (Some(running), None, None, None);
    Ok(Location { url, token, is_token_given, running, page_url, ca_file, context_name })
}

/// The failure to report when no hub was found, with the next step.
pub(super) fn no_hub(global: &Global, dir: &Path) -> Failure {
    let message = format!("no hub runs on `{}`", dir.display());
    let failure = |more: &str| Failure::new(Kind::Unreachable, format!("{message}{more}"));
    if let Some(obstacle) = obstacle(dir) {
        let (what, next) = obstacle.split_once("\nhint: ").unwrap_or((&obstacle, ""));
        return failure(&format!(", and none starts: {what}")).hint(next);
    }
    if let Some(original) = Home::original_of(dir) {
        let original = original.display();
        return failure(&format!(": it is a copy of `{original}`, where one runs")).hint(format!(
            "for that one: --data '{original}'; to run another hub on the copy: bot-hub serve"
        ));
    }
    failure("").hint(match (dir.is_dir(), &global.data) {
        (false, Some(_)) => "there is no such directory: name another one with --data, or start a hub with `bot-hub serve`",
        (_, Some(_)) => "start it with `bot-hub serve`, or name a hub elsewhere with --url",
        (_, None) => {
            "start it with `bot-hub serve`, name its data directory with --data, or a hub elsewhere with --url"
        }
    })
}

fn token_given(global: &Global) -> Result<Option<Secret>, Failure> {
    if let Some(file) = &global.token_file {
        let shown = file.display();
        let token = read_token(file).map_err(|error| {
            let message = format!("the token file `{shown}` cannot be read: {error}");
            Failure::new(Kind::Failed, message).hint("it holds one line, the token")
        })?;
        if token.is_empty() {
            return Err(Failure::new(Kind::Failed, format!("the token file `{shown}` is empty"))
                .hint("it holds one line, the token"));
        }
        return Ok(Some(Secret::new(&*token)));
    }
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty());
    Ok(token.map(|token| Secret::new(token.trim())))
}

/// The first line of a file, or of stdin for `-`. A file that is much longer holds no token.
fn read_token(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let mut source: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(file)?),
    };
    source.by_ref().take(TOKEN_FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TOKEN_FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is too long for a token"));
    }
    Ok(text.trim().to_owned())
}

/// The data directory that `serve` would use with the same options.
pub(super) fn data_dir(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(dir) = &global.data {
        return Ok(dir.clone());
    }
    let env = Environment::of_process();
    let file = config_file(global.config.clone(), &env);
    let loaded = load(&Sources { file, env, flags: Vec::new() }).map_err(|errors| {
        Failure::new(Kind::Failed, errors.to_string())
            .hint("the data directory is not known; name it with --data DIR")
    })?;
    loaded.data_dir.ok_or_else(|| {
        Failure::new(Kind::Failed, "there is no data directory").hint("name it with --data DIR")
    })
}

/// The data directory that would be searched for a hub, if it has a store, no hub runs on it, and the
/// options name no other hub.
pub(super) fn idle_store(global: &Global) -> Option<PathBuf> {
    let is_named = global.url.as_ref().is_some_and(|url| !url.is_empty());
    if is_named || !matches!(super::context::chosen(global), Ok(None)) {
        return None;
    }
    let dir = store_dir(global).ok()?;
    Home::find_running(&dir).is_none().then_some(dir)
}

/// The data directory, if it has a store.
pub(super) fn store_dir(global: &Global) -> Result<PathBuf, Failure> {
    let dir = data_dir(global)?;
    let has_store = |dir: &Path| dir.join("hub.db").exists();
    if let Some(lost) = lost::of_dir(&dir) {
        return Err(lost);
    }
    if let Some(obstacle) = obstacle(&dir) {
        return Err(Failure::told(Kind::Failed, &obstacle));
    }
    if has_store(&dir) {
        return Ok(dir);
    }
    let message = format!("there is no store in `{}`", dir.display());
    Err(Failure::new(Kind::NotFound, message).hint("name the data directory with --data DIR"))
}

fn unreachable(failure: Failure, url: &str, running: &Option<RunningHub>) -> Failure {
    let message = format!("no hub answers at `{url}`: {}", failure.message);
    let hint = match running {
        Some(hub) => format!(
            "its data directory says that pid {} serves there; if that process is gone, start it again: bot-hub serve",
            hub.pid
        ),
        None => "is it running, and is the address right?".to_owned(),
    };
    Failure { message, hint: Some(hint), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_where_the_socket_is_however_that_was_written() {
        let check = |url: &str, expected: &str| assert_eq!(page_url_of(url), expected, "{url}");
        check("ws://127.0.0.1:18795", "http://127.0.0.1:18795");
        check("wss://hub.example/", "https://hub.example");
        check("wss://ws.example:8443/ws", "https://ws.example:8443");
        check("wss://hub.example/ws/", "https://hub.example");
    }
}

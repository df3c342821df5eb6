//! A hub to talk to: where it is, whose token is used, and the connection.
//!
//! Owns finding the running hub through its data directory. Connections are *side* connections: they
//! never take the place of a bot that runs.

use std::ops::AsyncFnOnce;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_hub_client::{Cap, Client, ConnectError, End, Events, Options, State, Why};
use bot_protocol::frame::operator::Operation;
use bot_protocol::frame::server::AuthOk;
use bot_protocol::name::BotId;
use bot_protocol::secret::Secret;
use bot_protocol::time::Timestamp;
use serde_json::Value;

use super::Global;
use super::failure::{Failure, Kind};
use super::out::Out;
use crate::config::{Environment, Sources, config_file, load};
use crate::server::{Home, RunningHub};

/// Where the token may stand besides a file; never on the command line, where others can read it.
const TOKEN_VARIABLE: &str = "BOT_HUB_TOKEN";

/// A connection, and how the command prints.
pub(super) struct Hub {
    pub(super) out: Out,
    pub(super) client: Client,
    pub(super) events: Events,
    /// Who we are.
    pub(super) me: BotId,
    pub(super) url: String,
    pub(super) hello: Arc<AuthOk>,
    /// Its process, if it was found through the data directory.
    pub(super) running: Option<RunningHub>,
    /// Its address for pages, where a context says it.
    page_url: Option<String>,
    since: Instant,
    global: Global,
}

/// Connects, runs a verb, and ends at ctrl-c.
pub(super) fn with_hub(
    global: &Global,
    verb: impl AsyncFnOnce(&mut Hub) -> Result<(), Failure>,
) -> Result<(), Failure> {
    until_interrupted(async {
        let mut hub = Hub::connect(global).await?;
        let result = verb(&mut hub).await;
        // Nobody takes events any more; otherwise the end would wait for that.
        drop(hub.events);
        hub.client.close().await;
        result
    })
}

/// Runs something asynchronous until it ends or a person presses ctrl-c.
pub(super) fn until_interrupted(
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Kind::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = work => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Kind::Interrupted, "interrupted")),
        }
    });
    // A command of `--exec` may still run; it is not waited for.
    runtime.shutdown_background();
    result
}

impl Hub {
    pub(super) async fn connect(global: &Global) -> Result<Self, Failure> {
        let Place { url, token, running, page_url, ca_file } = locate(global)?;
        let mut options = Options::new(&url, token.expose());
        options.client = concat!("bot-hub-cli/", env!("CARGO_PKG_VERSION")).to_owned();
        options.caps = vec![Cap::Receipts, Cap::Acts];
        options.side = true;
        let given = global.ca_file.clone().filter(|path| !path.as_os_str().is_empty());
        options.ca_file = given.or(ca_file);
        let connected = Client::connect(options).await;
        let (client, events) = connected.map_err(|error| {
            // What is wrong is known, and what to do; the usual advice would only hide it.
            if matches!(error, ConnectError::Unreachable(Why::NotSecure { .. })) {
                return Failure::from(error);
            }
            let failure = Failure::from(error);
            if failure.kind == Kind::Unreachable {
                unreachable(failure, &url, &running)
            } else {
                failure
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
            running,
            page_url,
            since: Instant::now(),
            global: global.clone(),
        })
    }

    /// Connects anew after the end of the client, if the hub was found through the data directory: a
    /// hub that was started again has another token for its operator.
    pub(super) async fn again(&mut self) -> Result<(), Failure> {
        let end = self.client.ended().await;
        if self.running.is_none() || !matches!(end, End::Refused(_)) {
            return Err(end.into());
        }
        *self = Self::connect(&self.global.clone()).await?;
        Ok(())
    }

    /// Connects anew, wherever the hub is now; if that fails, everything stays as it is.
    pub(super) async fn renew(&mut self) {
        if let Ok(hub) = Self::connect(&self.global.clone()).await {
            *self = hub;
        }
    }

    /// Connects to where the hub is now, if it was found through the data directory and was started
    /// again elsewhere meanwhile. Else the client goes on trying.
    pub(super) async fn follow_move(&mut self) {
        let Some(before) = self.running.as_ref() else { return };
        let now = locate(&self.global).ok().and_then(|place| place.running);
        let has_moved = now.is_some_and(|now| now.url != before.url);
        if has_moved {
            self.renew().await;
        }
    }

    /// Its address for pages, as others know it: the one that it calls its own in the world, or else
    /// the one by which we found it. `https://hub.example`
    pub(super) fn page_url(&self, public_url: Option<&str>) -> String {
        let derived = || {
            let url = self.url.trim_end_matches('/');
            url.strip_suffix("/ws").unwrap_or(url).replacen("ws", "http", 1)
        };
        let public_url = public_url.or(self.page_url.as_deref()).map(str::to_owned);
        public_url.unwrap_or_else(derived)
    }

    /// Its address for bots, as others know it: `wss://hub.example`.
    pub(super) fn bot_url(&self, public_url: Option<&str>) -> String {
        public_url.map_or_else(|| self.url.clone(), |url| url.replacen("http", "ws", 1))
    }

    /// The hub's clock.
    pub(super) fn now(&self) -> Timestamp {
        let then = self.hello.now.unwrap_or_default();
        then + u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The hub's clock so much later, or earlier.
    pub(super) fn before(&self, period: Duration) -> Timestamp {
        self.now() - u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) async fn operate(&self, operation: Operation) -> Result<Value, Failure> {
        Ok(self.client.operate(operation).await?)
    }

    /// The answer in the shape that a command needs.
    pub(super) async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        operation: Operation,
    ) -> Result<(Value, T), Failure> {
        let value = self.operate(operation).await?;
        let typed = T::deserialize(&value).map_err(|error| {
            Failure::new(Kind::Failed, format!("the hub's answer is not understood: {error}"))
                .hint("are hub and command line of the same version? bot-hub status")
        })?;
        Ok((value, typed))
    }
}

struct Place {
    url: String,
    token: Secret,
    running: Option<RunningHub>,
    page_url: Option<String>,
    ca_file: Option<PathBuf>,
}

fn locate(global: &Global) -> Result<Place, Failure> {
    let given = token_given(global)?;
    let url = global.url.clone().filter(|url| !url.is_empty());
    if let (Some(url), Some(context)) = (&url, &global.context) {
        let message = format!("both a hub (`{url}`) and a context (`{context}`) are named");
        return Err(Failure::new(Kind::Usage, message).hint(
            "leave one out; --url may come from BOT_HUB_URL, --context from BOT_HUB_CONTEXT",
        ));
    }
    if let Some(url) = url {
        let token = given.ok_or_else(|| {
            Failure::new(Kind::Usage, format!("there is no token for `{url}`")).hint(format!(
                "put one into a file and name it with --token-file, or set {TOKEN_VARIABLE}"
            ))
        })?;
        return Ok(Place { url, token, running: None, page_url: None, ca_file: None });
    }
    if let Some(context) = super::context::chosen(global)? {
        let token = given.unwrap_or(context.token);
        let page_url = Some(context.hub);
        let ca_file = context.ca_file;
        return Ok(Place { url: context.ws_url, token, running: None, page_url, ca_file });
    }
    let dir = data_dir(global)?;
    let (running, operator) = Home::find_running(&dir).ok_or_else(|| {
        Failure::new(Kind::Unreachable, format!("no hub runs on `{}`", dir.display())).hint(
            "start it with `bot-hub serve`, name its data directory with --data, or a hub elsewhere with --url",
        )
    })?;
    let token = given.unwrap_or(operator);
    let url = running.url.clone();
    Ok(Place { url, token, running: Some(running), page_url: None, ca_file: None })
}

fn token_given(global: &Global) -> Result<Option<Secret>, Failure> {
    if let Some(file) = &global.token_file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let message = format!("the token file `{}` cannot be read: {error}", file.display());
            Failure::new(Kind::Failed, message).hint("it holds one line, the token")
        })?;
        return Ok(Some(Secret::new(text.trim())));
    }
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty());
    Ok(token.map(|token| Secret::new(token.trim())))
}

/// The data directory that `serve` with the same flags would use.
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

/// The data directory, where there is a store in it.
pub(super) fn store_dir(global: &Global) -> Result<PathBuf, Failure> {
    let dir = data_dir(global)?;
    let has_store = |dir: &Path| dir.join("hub.db").exists();
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

//! Spans on their way to a collector, over OTLP/HTTP.
//!
//! Owns the batches and the settings, which are OpenTelemetry's own variables. A collector that is slow
//! or away costs spans, never messages.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::otlp::{Span, request};
use super::told::Traces;
use crate::config::Environment;
use crate::http_client;

/// Spans that may wait: about a second of a busy hub.
const SPANS_MAX: usize = 16_384;

/// Spans of one request: about half a megabyte.
const BATCH_MAX: usize = 1_024;

/// How long a batch that is not full waits for more.
const BATCH_WAIT: Duration = Duration::from_secs(1);

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// How long the end of the hub waits for the last spans.
const END: Duration = Duration::from_secs(1);

/// The answer may say that some spans were not taken; it is read so that the socket ends well.
const ANSWER_BYTES_MAX: usize = 64 << 10;

struct Collector {
    authority: String,
    path: String,
    resource: Vec<(String, String)>,
}

/// The task that sends spans.
#[derive(Debug)]
pub struct Exporter(Option<JoinHandle<()>>);

impl Exporter {
    /// Starts to send spans if the variables name a collector. Must run inside a tokio runtime.
    pub fn start(env: &Environment) -> (Traces, Self) {
        let Some(collector) = Collector::of(env) else { return (Traces::default(), Self(None)) };
        let ratio = env.get("OTEL_TRACES_SAMPLER_ARG").and_then(|ratio| ratio.parse::<f64>().ok());
        let per_mille = (ratio.unwrap_or(1.0).clamp(0.0, 1.0) * 1_000.0).round() as u64;
        let (spans, inbox) = mpsc::channel(SPANS_MAX);
        tracing::info!(collector = %collector.authority, per_mille, "spans are sent to a collector");
        (Traces::told_to(spans, per_mille), Self(Some(tokio::spawn(collector.run(inbox)))))
    }

    /// Sends the last spans, once their [`Traces`] are dropped. A collector that is away does not hold up the end.
    pub async fn end(self) {
        if let Some(task) = self.0 {
            let _is_sent = timeout(END, task).await;
        }
    }
}

impl Collector {
    fn of(env: &Environment) -> Option<Self> {
        let named = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").map(str::to_owned);
        let base = || {
            Some(format!(
                "{}/v1/traces",
                env.get("OTEL_EXPORTER_OTLP_ENDPOINT")?.trim_end_matches('/')
            ))
        };
        let url = named.or_else(base).filter(|url| !url.is_empty())?;
        let uri = url.parse::<hyper::Uri>().ok();
        let authority = uri.as_ref().filter(|it| it.scheme_str() == Some("http"));
        let Some(authority) = authority.and_then(|uri| uri.authority()) else {
            tracing::error!(
                "no spans are sent: the OTLP endpoint is not `http://HOST:PORT`\n\
                 hint: run a collector on this machine, and let that one encrypt"
            );
            return None;
        };
        let port = authority.port_u16().unwrap_or(4318);
        let path = uri.as_ref().map_or("/v1/traces", |uri| uri.path()).to_owned();
        let authority = format!("{}:{port}", authority.host());
        Some(Self { authority, path, resource: resource(env) })
    }

    async fn run(self, mut inbox: mpsc::Receiver<Span>) {
        let mut batch = Vec::new();
        while let Some(first) = inbox.recv().await {
            batch.push(first);
            let filling = async {
                while batch.len() < BATCH_MAX && inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {}
            };
            // Whether it is full or the time is over: it goes.
            let _is_full = timeout(BATCH_WAIT, filling).await;
            let body = request(&self.resource, &batch);
            let sent = timeout(REQUEST, self.post(body)).await;
            match sent.map_err(|_| "no answer in time".to_owned()).flatten() {
                Ok(()) => {}
                Err(error) => tracing::warn!(spans = batch.len(), error, "spans are lost"),
            }
            batch.clear();
        }
    }

    async fn post(&self, body: String) -> Result<(), String> {
        let say = |error: &dyn std::fmt::Display| error.to_string();
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| say(&error))?;
        let request = Request::post(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| say(&error))?;
        let answer = http_client::exchange(stream, request, ANSWER_BYTES_MAX).await;
        match answer.map_err(|error| say(&error))?.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the collector answers {status}")),
        }
    }
}

/// Who we are: the variables' attributes, and ours where they say nothing.
fn resource(env: &Environment) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in env.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default().split(',') {
        if let Some((key, value)) = pair.split_once('=') {
            pairs.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    let name = env.get("OTEL_SERVICE_NAME").filter(|name| !name.is_empty());
    if let Some(name) = name {
        pairs.retain(|(key, _)| key != "service.name");
        pairs.push(("service.name".to_owned(), name.to_owned()));
    }
    let own = [
        ("service.name", "bot-hub".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("process.pid", std::process::id().to_string()),
    ];
    for (key, value) in own {
        if pairs.iter().all(|(known, _)| known != key) {
            pairs.push((key.to_owned(), value));
        }
    }
    pairs
}

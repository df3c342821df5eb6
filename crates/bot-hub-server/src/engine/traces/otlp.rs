//! Spans in OTLP/JSON, as the OpenTelemetry protocol 1.x defines it.
//!
//! Owns the encoding. It is stable and small: two nested lists and a handful of fields, which is why no
//! library stands here.

use serde_json::{Value, json};
use smol_str::SmolStr;

/// What part the hub plays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Producer = 4,
    Consumer = 5,
}

/// One span.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    /// Nanoseconds since 1970, as are all times here.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<(&'static str, SmolStr)>,
    pub(super) error: Option<SmolStr>,
}

impl Span {
    pub(super) fn attribute(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.attributes.push((name, SmolStr::new(value)));
    }

    fn to_json(&self) -> Value {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let status = match &self.error {
            Some(message) => json!({ "code": 2, "message": message }),
            None => json!({}),
        };
        json!({
            "traceId": hex(&self.trace),
            "spanId": hex(&self.span),
            "parentSpanId": self.parent.map_or_else(String::new, |parent| hex(&parent)),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": self.start.min(self.end).to_string(),
            "endTimeUnixNano": self.end.to_string(),
            "attributes": attributes(self.attributes.iter().map(|(name, value)| (*name, value.as_str()))),
            "status": status,
        })
    }
}

/// The body of a request.
pub(super) fn request(resource: &[(String, String)], spans: &[Span]) -> String {
    let resource = resource.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(resource) },
        "scopeSpans": [{
            "scope": { "name": "bot-hub", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans.iter().map(Span::to_json).collect::<Vec<_>>(),
        }],
    }]})
    .to_string()
}

fn attributes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Value> {
    pairs.map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

//! The traces of messages: accepted, committed, handed over, reported on.
//!
//! Owns the moments and everything about the feature `otel`: with it, they are sent as spans to an
//! OpenTelemetry collector; without it, every call here is empty and costs nothing. Never tells what was said.

#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod otlp;
#[cfg(feature = "otel")]
mod told;
#[cfg(not(feature = "otel"))]
mod untold;

#[cfg(not(feature = "otel"))]
pub use self::untold::{Exporter, Traces};
#[cfg(feature = "otel")]
pub use self::{export::Exporter, told::Traces};

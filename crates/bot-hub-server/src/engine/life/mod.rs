//! The life of each message as spans, for whoever collects traces.
//!
//! Owns the moments: accepted, committed, handed over, reported on. Built with the feature `otel` they
//! are told to an OpenTelemetry collector; without it, every call here is empty and costs nothing.
//! Never tells what was said.

#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod otlp;
#[cfg(feature = "otel")]
mod told;
#[cfg(not(feature = "otel"))]
mod untold;

#[cfg(feature = "otel")]
pub use self::export::start;
#[cfg(feature = "otel")]
pub use self::told::Life;
#[cfg(not(feature = "otel"))]
pub(super) use self::untold::Life;

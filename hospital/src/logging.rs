//! The log, on standard error.
//!
//! Three rules keep it useful and harmless. An event says in words what happened and carries the
//! values to search by as fields. A failure is logged once, where it is dealt with. And **no key, share
//! or payload is ever logged, at any level**: our own events name connections and lengths only, and the
//! libraries below us, some of which write whole frames into their traces, are not listened to below
//! warnings. That is why there is a level here and no filter language.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use crate::cli::{LogFormat, LogLevel};

/// The crates whose events the level is about.
const OWN_CRATES: [&str; 3] = ["wardsum_hospital", "wardsum_protocol", "wardsum_certs"];

/// Writes the log to standard error from here on.
///
/// # Panics
///
/// When it is called a second time; a program starts its log once.
pub fn start(level: LogLevel, format: LogFormat) {
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    tracing::subscriber::set_global_default(subscriber(level, json, io::stderr))
        .expect("the log was not started before");
}

/// The subscriber that writes the log to `writer`.
pub fn subscriber<W>(level: LogLevel, json: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.min(level.into()))
        .with_targets(OWN_CRATES.map(|own| (own, LevelFilter::from(level))));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        let layer = layer.json().flatten_event(true);
        Box::new(tracing_subscriber::registry().with(layer.with_filter(targets)))
    } else {
        let layer = layer.with_ansi(io::stderr().is_terminal()).with_target(false);
        Box::new(tracing_subscriber::registry().with(layer.with_filter(targets)))
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

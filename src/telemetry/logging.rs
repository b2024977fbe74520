//! Structured logs on standard error: which events, and in which shape.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::fields::escaped;
use super::spec::{LogFormat, LogSpec};

/// Most entries of `log.level`.
const MAX_DIRECTIVES: usize = 32;

/// Target of everything that countersign itself logs.
const OWN: &str = "countersign";

/// Why logging cannot be set up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoggingError {
    /// Not a level.
    #[error("`{0}` is not a log level: use `off`, `error`, `warn`, `info`, `debug` or `trace`")]
    Level(String),
    /// Not a part of the program.
    #[error(
        "`{0}` is not a part of the program: use a module path, for example `countersign::keys=debug`"
    )]
    Target(String),
    /// A library at `trace` prints what it sends and receives, credentials included.
    #[error(
        "`{0}` cannot be logged at `trace`, which would print credentials: use `debug` or less"
    )]
    Revealing(String),
    /// Too many entries.
    #[error("the log level has more than {MAX_DIRECTIVES} entries: name fewer parts")]
    TooMany,
    /// Logging was set up before.
    #[error("logging is already set up: set it up once, at the start")]
    AlreadySet,
}

/// How logs are written, checked.
#[derive(Clone, Debug)]
pub struct Log {
    format: LogFormat,
    targets: Targets,
}

impl TryFrom<LogSpec> for Log {
    type Error = LoggingError;

    fn try_from(spec: LogSpec) -> Result<Self, LoggingError> {
        let LogSpec { format, level } = spec;
        let targets = parse(&level)?;
        Ok(Self { format, targets })
    }
}

/// Sends the process's logs to standard error. Only the binary calls this, once; a second call changes nothing and
/// says so.
pub fn init(log: &Log) -> Result<(), LoggingError> {
    let terminal = std::io::stderr().is_terminal();
    let (text, ansi) = match log.format {
        LogFormat::Auto => (terminal, terminal),
        LogFormat::Text => (true, terminal),
        LogFormat::Json => (false, false),
    };
    subscriber(log, text, ansi, std::io::stderr)
        .try_init()
        .map_err(|_already| LoggingError::AlreadySet)
}

fn subscriber<W>(log: &Log, text: bool, ansi: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match (text, ansi) {
        // Left alone, the layer colours its lines unless the user's environment says `NO_COLOR`.
        (true, true) => layer.fmt_fields(escaped()).boxed(),
        (true, false) => layer.with_ansi(false).fmt_fields(escaped()).boxed(),
        (false, _) => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(log.targets.clone()))
}

/// Reads `level[,target=level]...`. The bare level is countersign's own; libraries stay at `info` or less unless they
/// are named, and never reach `trace`.
fn parse(text: &str) -> Result<Targets, LoggingError> {
    if text.split(',').count() > MAX_DIRECTIVES {
        return Err(LoggingError::TooMany);
    }
    let mut own = LevelFilter::INFO;
    let mut named = Vec::new();
    for directive in text.split(',').map(str::trim) {
        match directive.split_once('=') {
            None => own = level(directive)?,
            Some((target, text)) => named.push(named_level(target.trim(), level(text.trim())?)?),
        }
    }
    Ok(Targets::new()
        .with_default(own.min(LevelFilter::INFO))
        .with_target(OWN, own)
        .with_targets(named))
}

fn named_level(target: &str, level: LevelFilter) -> Result<(String, LevelFilter), LoggingError> {
    let path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    if target.is_empty() || !target.chars().all(path) {
        return Err(LoggingError::Target(target.to_owned()));
    }
    if target.split("::").next() != Some(OWN) && level > LevelFilter::DEBUG {
        return Err(LoggingError::Revealing(target.to_owned()));
    }
    Ok((target.to_owned(), level))
}

fn level(word: &str) -> Result<LevelFilter, LoggingError> {
    match word {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        other => Err(LoggingError::Level(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn log(level: &str) -> Result<Log, LoggingError> {
        let format = LogFormat::Auto;
        Log::try_from(LogSpec {
            format,
            level: level.to_owned(),
        })
    }

    fn logged(level: &str, text: bool, events: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(&log(level).unwrap(), text, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, events);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_the_message_and_the_fields() {
        let text = logged("info", false, || {
            let _span = tracing::info_span!("check", request_id = "r-1").entered();
            tracing::info!(policy.version = %"v1", "policy loaded");
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "policy loaded");
        assert_eq!(line["policy.version"], "v1");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["request_id"], "r-1");
    }

    #[test]
    fn text_lines_escape_control_characters() {
        let text = logged(
            "info",
            true,
            || tracing::info!(cause = %"a\u{1b}[31mb", "failed"),
        );
        assert!(text.contains("failed"), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_bare_level_is_for_countersign_and_libraries_stay_quiet() {
        let text = logged("debug,countersign::telemetry=trace", true, || {
            tracing::debug!(target: "h2", "frame");
            tracing::debug!(target: "countersign::keys", "fetched");
            tracing::trace!(target: "countersign::keys", "quiet");
            tracing::trace!("own");
        });
        assert!(text.contains("fetched") && text.contains("own"), "{text}");
        assert!(!text.contains("frame") && !text.contains("quiet"), "{text}");
        let quiet = logged("error", true, || tracing::warn!(target: "h2", "reset"));
        assert_eq!(quiet, "");
    }

    #[test]
    fn levels_that_are_wrong_or_reveal_credentials_are_refused() {
        let refused = |text: &str| log(text).unwrap_err();
        assert_eq!(refused("inof"), LoggingError::Level("inof".into()));
        assert_eq!(refused(""), LoggingError::Level(String::new()));
        assert_eq!(refused("info,a b=warn"), LoggingError::Target("a b".into()));
        assert_eq!(
            refused("info,h2=trace"),
            LoggingError::Revealing("h2".into())
        );
        assert_eq!(
            refused("countersignx=trace"),
            LoggingError::Revealing("countersignx".into())
        );
        assert_eq!(refused(&"info,".repeat(40)), LoggingError::TooMany);
        assert!(log("trace, h2=debug").is_ok());
    }

    #[test]
    fn the_second_set_up_is_an_error() {
        let quiet = log("off").unwrap();
        let first = init(&quiet);
        assert!(first.is_ok() || first == Err(LoggingError::AlreadySet));
        assert_eq!(init(&quiet), Err(LoggingError::AlreadySet));
    }
}

//! One redacted record for every decision: a JSON object a line, on a sink of its own.
//!
//! A record's place in the queue is reserved before the answer is given, so no answer goes without a record; when the
//! queue is full the caller answers with a fault. A record never holds a header, a query, a body, a scope, a claim, a
//! token or a value that a constraint sets. The queue, a line and each field of it are bounded. One task writes; it
//! never gives up on a failing sink while the server runs.

mod admin;
mod approval;
mod asked;
mod escape;
mod line;
mod parts;
mod queue;
mod record;
mod sink;
pub mod spec;
mod text;
mod waiting;
mod writer;

#[cfg(test)]
mod tests;

pub use admin::{AdminEvent, By};
pub use queue::{Audit, Slot};
pub use spec::{AuditSettings, AuditSpec, SinkSpec};
pub use writer::AuditWriter;

/// Why a record has no place, or its sink does not work.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// `audit.queue` is out of bounds.
    #[error("`{0}` is not a length of the audit queue: use 1 to {max}", max = spec::MAX_QUEUE)]
    Queue(usize),
    /// `audit.sink.file` is empty.
    #[error("the audit file has no name: write `sink: {{ file: /var/log/countersign/audit.log }}`")]
    NoFile,
    /// The sink cannot be opened.
    #[error("cannot open the audit sink `{sink}`: {source}")]
    Open {
        /// The file, or `stdout`.
        sink: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Every place of the queue is taken.
    #[error("the queue of decision records is full: see whether the audit sink can be written")]
    Full,
    /// The writer has ended.
    #[error("decision records are no longer written")]
    Closed,
    /// The grace period ended before everything was written.
    #[error("up to {0} decision records were not written before the grace period ended")]
    Lost(usize),
}

//! What becomes of records: queued, refused, written, retried, counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::{bare, decision, denied, grant};
use crate::audit::{Audit, AuditError, AuditSettings, AuditSpec, SinkSpec};
use crate::model::time::Timestamp;
use crate::telemetry::Metrics;

fn settings(path: &Path, queue: usize) -> AuditSettings {
    let sink = SinkSpec::File(path.to_owned());
    AuditSettings::try_from(AuditSpec { sink, queue }).unwrap()
}

fn metrics() -> Metrics {
    Metrics::new("0", Timestamp::from_millis(0)).unwrap()
}

fn counted(metrics: &Metrics, series: &str) -> String {
    let text = metrics.encode(Timestamp::from_millis(0), &[], &[]).unwrap();
    let line = text.lines().find(|line| line.starts_with(series)).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    (folder, path)
}

fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok());
    lines
        .map(|line| line["decision_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}

fn write(audit: &Audit, id: &str) {
    audit.reserve().unwrap().write(&bare(id, denied("x")));
}

#[tokio::test]
async fn a_full_queue_refuses_and_counts_and_a_dropped_slot_is_free_again() {
    let (_folder, path) = file();
    let metrics = metrics();
    let (audit, _writer) = Audit::open(&settings(&path, 2), metrics.clone()).unwrap();
    write(&audit, "d-1");
    let held = audit.reserve().unwrap();
    assert!(matches!(audit.reserve(), Err(AuditError::Full)));
    assert_eq!(counted(&metrics, "countersign_audit_dropped_total"), "1");
    drop(held);
    assert!(audit.reserve().is_ok());
}

#[tokio::test]
async fn shadow_results_leave_room_for_decisions() {
    let (_folder, path) = file();
    let metrics = metrics();
    let (audit, writer) = Audit::open(&settings(&path, 4), metrics.clone()).unwrap();
    let enforced = decision("d-1", grant());
    for _ in 0..5 {
        audit.shadow(&enforced, &denied("in shadow"));
    }
    assert_eq!(
        counted(&metrics, "countersign_shadow_records_dropped_total"),
        "2"
    );
    write(&audit, "d-2");
    drop(audit);
    writer
        .run(CancellationToken::new(), Duration::ZERO)
        .await
        .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let first: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["type"], "shadow");
    assert_eq!(first["enforced"]["verdict"], "allow");
    assert_eq!(
        first["shadow"],
        json!({"verdict": "deny", "reason": "not_permitted", "cause": "in shadow"})
    );
    assert_eq!(ids(&path), ["d-1", "d-1", "d-1", "d-2"]);
}

#[tokio::test]
async fn a_moved_file_is_followed_after_reopen_and_no_record_is_lost() {
    let (folder, path) = file();
    let (audit, writer) = Audit::open(&settings(&path, 16), metrics()).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
    write(&audit, "d-1");
    until("the first record is written", || ids(&path) == ["d-1"]).await;
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");

    let moved = folder.path().join("audit.log.1");
    fs::rename(&path, &moved).unwrap();
    audit.reopen();
    until("the file is there again", || path.exists()).await;
    write(&audit, "d-2");
    stop.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(
        (ids(&moved), ids(&path)),
        (vec!["d-1".into()], vec!["d-2".into()])
    );
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_end_and_nothing_is_taken_after() {
    let (_folder, path) = file();
    let (audit, writer) = Audit::open(&settings(&path, 2000), metrics()).unwrap();
    let expected: Vec<_> = (0..1000).map(|n| format!("d-{n}")).collect();
    for id in &expected {
        write(&audit, id);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    writer.run(stop, Duration::from_secs(10)).await.unwrap();
    assert_eq!(ids(&path), expected);
    assert!(matches!(audit.reserve(), Err(AuditError::Closed)));
}

#[tokio::test]
async fn a_torn_last_line_does_not_swallow_the_next_record() {
    let (_folder, path) = file();
    fs::write(&path, "{\"decision_id\":\"d-").unwrap();
    let (audit, writer) = Audit::open(&settings(&path, 16), metrics()).unwrap();
    write(&audit, "d-2");
    drop(audit);
    writer
        .run(CancellationToken::new(), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(ids(&path), ["d-2"]);
}

#[tokio::test]
async fn a_failing_sink_is_retried_while_the_queue_fills_and_its_loss_is_told() {
    let metrics = metrics();
    // Every write to it fails as on a full disk.
    let full = Path::new("/dev/full");
    let (audit, writer) = Audit::open(&settings(full, 2), metrics.clone()).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone(), Duration::from_millis(50)));
    write(&audit, "d-1");
    let failures = || counted(&metrics, "countersign_audit_write_failures_total");
    until("a second attempt", || {
        failures().parse::<f64>().unwrap() >= 2.0
    })
    .await;
    write(&audit, "d-2");
    write(&audit, "d-3");
    assert!(matches!(audit.reserve(), Err(AuditError::Full)));
    stop.cancel();
    assert!(matches!(task.await.unwrap(), Err(AuditError::Lost(3))));
}

#[tokio::test]
async fn a_sink_that_recovers_gets_every_record_once() {
    let (folder, path) = file();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let metrics = metrics();
    let (audit, writer) = Audit::open(&settings(&path, 8), metrics.clone()).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone(), Duration::from_secs(5)));
    write(&audit, "d-1");
    until("a failure", || {
        counted(&metrics, "countersign_audit_write_failures_total") != "0"
    })
    .await;
    write(&audit, "d-2");
    fs::rename(&path, folder.path().join("full")).unwrap();
    audit.reopen();
    until("both are written", || ids(&path).len() == 2).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(ids(&path), ["d-1", "d-2"]);
}

#[test]
fn settings_are_read_and_checked() {
    let read = |value: Json| serde_json::from_value::<AuditSpec>(value);
    assert_eq!(read(json!({})).unwrap(), AuditSpec::default());
    let file = read(json!({"sink": {"file": "/tmp/a"}, "queue": 1})).unwrap();
    assert_eq!(file.sink, SinkSpec::File("/tmp/a".into()));
    assert_eq!(read(json!({"sink": "stdout"})).unwrap().queue, 8192);
    for unknown in [
        json!({"sinks": "stdout"}),
        json!({"sink": "syslog"}),
        json!({"sink": {"path": "x"}}),
    ] {
        assert!(read(unknown.clone()).is_err(), "{unknown}");
    }
    for (spec, problem) in [
        (
            json!({"queue": 0}),
            "`0` is not a length of the audit queue: use 1 to 65536",
        ),
        (
            json!({"sink": {"file": ""}}),
            "the audit file has no name: write `sink: { file: /var/log/countersign/audit.log }`",
        ),
    ] {
        let error = AuditSettings::try_from(read(spec).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), problem);
    }
    let missing = settings(Path::new("/nonexistent/audit.log"), 1);
    let error = Audit::open(&missing, metrics()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot open the audit sink `/nonexistent/audit.log`: ")
    );
}

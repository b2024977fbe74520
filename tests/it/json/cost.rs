//! What reading costs.

use std::time::{Duration, Instant};

use countersign::json::{Json, JsonError, Limits, read};

const MEGABYTE: usize = 1 << 20;

/// Each name compared with each other one would take minutes.
#[test]
fn an_object_of_100_000_members_is_no_feast() {
    let unbounded = Limits {
        nodes: usize::MAX,
        ..Limits::default()
    };
    let prefix = "x".repeat(20);
    let members: Vec<String> = (0..100_000)
        .map(|at| format!("\"{prefix}{at}\":1"))
        .collect();
    let distinct = format!("{{{}}}", members.join(","));
    let twice = format!("{{{},\"{prefix}0\":1}}", members.join(","));
    let started = Instant::now();
    let json = read(distinct.as_bytes(), &unbounded).unwrap();
    for at in 0..100_000 {
        assert!(json.pointer(&format!("/{prefix}{at}")).is_some());
    }
    assert_eq!(
        read(twice.as_bytes(), &unbounded).err(),
        Some(JsonError::Duplicate)
    );
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

/// A `tools/call` of about 2 KB: many small arguments and one long text.
fn tools_call() -> String {
    let rows: Vec<String> = (0..20)
        .map(|at| format!(r#"{{"id":{at},"segment":"eu-west","active":true,"score":{at}.5}}"#))
        .collect();
    let note = "Please export what was asked for. ".repeat(18);
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"export_customers","arguments":{{"segment":"eu","rows":100,"note":"{note}\n","filters":[{}]}},"_meta":{{"progressToken":"abc"}}}}}}"#,
        rows.join(",")
    )
}

fn time<T>(rounds: u32, work: impl Fn() -> T) -> Duration {
    for _ in 0..rounds / 10 {
        std::hint::black_box(work());
    }
    let started = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(work());
    }
    started.elapsed() / rounds
}

/// `cargo test --release --test it json::cost -- --ignored --nocapture`
#[test]
#[ignore = "prints how long it takes"]
fn print_what_reading_costs() {
    let call = tools_call();
    let limits = Limits::default();
    let own = time(20_000, || read(call.as_bytes(), &limits).unwrap());
    let theirs = time(20_000, || {
        serde_json::from_str::<serde_json::Value>(&call).unwrap()
    });
    let json = read(call.as_bytes(), &limits).unwrap();
    let digest = time(20_000, || json.digest().unwrap());
    eprintln!(
        "{} bytes: read {own:?}, serde_json::Value {theirs:?}, digest {digest:?}",
        call.len()
    );
    let spaces = " ".repeat(MEGABYTE - 1000);
    let long_names: Vec<String> = (0..1000)
        .map(|at| format!("\"{}{at:04}\":1", "x".repeat(1000)))
        .collect();
    let short_names: Vec<String> = (0..49_999).map(|at| format!("\"{at}\":1")).collect();
    for (what, body) in [
        ("one string", format!("\"{}\"", "x".repeat(MEGABYTE - 2))),
        (
            "one string of escapes",
            format!("\"{}\"", "\\u0061".repeat(MEGABYTE / 6)),
        ),
        ("brackets only", "[".repeat(MEGABYTE)),
        (
            "spaces, then too deep",
            format!("{spaces}{}", "[".repeat(1000)),
        ),
        (
            "spaces, 64 levels, then malformed",
            format!("{spaces}{}!", "[".repeat(64)),
        ),
        (
            "the same member",
            format!("{{{}", "\"a\":1,".repeat(MEGABYTE / 6)),
        ),
        ("50,000 members", format!("{{{}}}", short_names.join(","))),
        (
            "1,000 members, 1,000 bytes the same",
            format!("{{{}}}", long_names.join(",")),
        ),
        (
            "line breaks, then malformed",
            format!("{}!", "\n".repeat(MEGABYTE)),
        ),
    ] {
        let own = time(20, || read(body.as_bytes(), &limits).is_ok());
        let theirs = time(20, || {
            serde_json::from_str::<serde_json::Value>(&body).is_ok()
        });
        let result = read(body.as_bytes(), &limits);
        let told = result
            .as_ref()
            .map(|json: &Json<'_>| json.as_str().map(str::len));
        eprintln!("{what}: {own:?} (serde_json::Value {theirs:?}), {told:?}");
    }
}

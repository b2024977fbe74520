//! What a connection may cost.

use std::time::Instant;

use super::*;

#[tokio::test]
async fn a_slow_or_idle_client_is_cut_off() {
    let limits = Limits {
        connection: Duration::from_mins(1),
        ..SHORT
    };
    let edge = edge_within(limits, healthy).await;
    for sent in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let begin = Instant::now();
        let answer = edge.send(sent).await;
        assert!(!answer.contains("ok"), "{answer}");
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
    }
}

#[tokio::test]
async fn no_connection_lives_for_ever() {
    let limits = Limits {
        head: Duration::from_mins(1),
        ..SHORT
    };
    let edge = edge_within(limits, healthy).await;
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let begin = Instant::now();
    let mut answers = 0;
    while begin.elapsed() < Duration::from_secs(3) {
        let asked = stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        let mut answer = [0; 1024];
        let answered = stream.read(&mut answer).await;
        if asked.is_err() || !matches!(answered, Ok(1..)) {
            break;
        }
        answers += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answers > 1, "the connection is not kept alive");
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let edge = edge(healthy).await;
    let long = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(100));
    for request in [long, many] {
        let answer = edge.send(&request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn more_connections_than_allowed_wait_and_are_served_in_turn() {
    // Long enough for all of them to be there before the first has to go, on a busy machine too.
    let limits = Limits {
        head: Duration::from_secs(2),
        connection: Duration::from_secs(10),
        ..SHORT
    };
    let edge = edge_within(limits, healthy).await;
    let mut idle = Vec::new();
    for _ in 0..270 {
        idle.push(TcpStream::connect(edge.address).await.unwrap());
    }
    let begin = Instant::now();
    let (head, _) = edge.ask("GET /healthz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        begin.elapsed() > Duration::from_millis(100),
        "nobody waited"
    );
    drop(idle);
}

#[tokio::test]
async fn stopping_ends_idle_connections_at_once() {
    let patient = Duration::from_mins(1);
    let limits = Limits {
        answer: Duration::ZERO,
        head: patient,
        connection: patient,
        grace: patient,
    };
    let edge = edge_within(limits, healthy).await;
    let mut idle = TcpStream::connect(edge.address).await.unwrap();
    assert!(edge.ask("GET /healthz").await.0.starts_with("http/1.1 200"));
    edge.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    tokio::time::timeout(Duration::from_secs(2), edge.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(edge.address).await.is_err());
}

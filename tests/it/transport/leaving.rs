//! How a server leaves its Envoys that came in over TLS.

use std::time::{Duration, Instant};

use super::{EDGE, Port};
use crate::harness::{Ask, SOON, Setup, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_over_tls_fails_while_the_server_drains() {
    let setup = Setup::new().replacing("delay: 50ms, grace: 5s", "delay: 700ms, grace: 5s");
    let mut port = Port::with(setup, &format!("[{{ id: '{EDGE}' }}]"));
    let (idle, client) = (port.envoy(EDGE).await, port.envoy(EDGE).await);
    let ask = Ask::new("GET", "api.example.com", "/healthz");
    assert_eq!(idle.check(&ask).await.outcome(), "allow");
    // Strangers who say nothing, whose handshakes end with the server.
    let silent = port.server.grpc;
    let silent = [
        std::net::TcpStream::connect(silent),
        std::net::TcpStream::connect(silent),
    ];
    let flow = tokio::spawn(async move {
        let mut answered = 1;
        while let Ok(answer) = client.send(ask.request()).await {
            assert_eq!(answer.outcome(), "allow");
            answered += 1;
        }
        (answered, Instant::now())
    });
    eventually(SOON, "load", || {
        (port.server.records().len() > 20).then_some(())
    });
    let asked = Instant::now();
    port.server.signal("TERM");
    // Who comes while it drains is let in and answered.
    let late = port.envoy(EDGE).await;
    let health = Ask::new("GET", "api.example.com", "/healthz");
    assert_eq!(late.check(&health).await.outcome(), "allow");
    assert_eq!(port.server.wait(SOON).code(), Some(0));
    let took = asked.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "{took:?}: nobody uses up the grace period"
    );
    let (answered, ended) = flow.await.unwrap();
    assert!(ended.duration_since(asked) >= Duration::from_millis(650));
    assert_eq!(port.server.records().len(), answered + 1);
    drop((idle, silent));
}

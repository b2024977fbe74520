//! Envoy and countersign on one machine, with a Unix socket between them.

use super::client::Request;
use super::stage::{Stage, setup};

#[test]
fn envoy_asks_over_a_unix_socket() {
    let setup = setup().unix();
    let socket = setup.path("grpc.sock");
    let pipe = format!("{{ pipe: {{ path: {} }} }}", socket.display());
    let tcp = "{ socket_address: { address: 127.0.0.1, port_value: 9191 } }";
    let stage = Stage::led(&[(tcp, pipe)], setup.start(), 1);
    let open = stage.send(&Request::get("echo.example.com", "/open"));
    assert!(open.is_from_upstream(), "{}", open.reason());
    let known = stage.send(&Request::get("echo.example.com", "/known"));
    assert_eq!(
        (known.status, known.reason().as_str()),
        (401, "authentication_required")
    );
    // countersign takes its socket away when it ends.
    stage.server.signal("TERM");
    stage.envoy.await_healthy(0);
    let after = stage.send(&Request::get("echo.example.com", "/open"));
    assert_eq!((after.status, after.is_from_upstream()), (503, false));
}

//! The issuer of `cargo demo`, where a person signs in.

use std::net::SocketAddr;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

#[path = "../../../envoy/demo/clock.rs"]
mod clock;
#[path = "../../../envoy/demo/issuer/mod.rs"]
mod issuer;

/// The running issuer `corp`.
pub(crate) struct DemoIssuer {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl DemoIssuer {
    /// Starts it on a free port of the loopback.
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let service = issuer::router(&format!("http://{address}")).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    ended = async { axum::serve(listener, service).await } => ended.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            _stop: stop,
        }
    }

    /// Its exact `iss`.
    pub(crate) fn iss(&self) -> String {
        format!("http://{}/corp", self.address)
    }
}

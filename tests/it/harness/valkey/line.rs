//! A line to a server that can fail in all the ways in which networks do, without root: a TCP proxy that forwards, and on
//! command does not. It can end TLS, too, in front of a server that was compiled without.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::harness::Pair;

/// What becomes of what is sent over a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineMode {
    /// It arrives.
    Forward,
    /// It arrives that much later.
    Delay(Duration),
    /// It waits until the mode is another one. Connections are taken.
    Stall,
    /// What the client says is lost, and so is the rest of such a connection.
    SwallowRequests,
    /// What the server says is lost, and so is the rest of such a connection. The server does what it was told.
    SwallowAnswers,
    /// New connections are reset at once. Those that are there stay.
    Refuse,
}

/// A line. Dropping it ends it and every connection over it.
pub(crate) struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    server: Mutex<SocketAddr>,
    mode: watch::Sender<LineMode>,
    cuts: watch::Sender<u64>,
    accepted: AtomicUsize,
    tls: Option<TlsAcceptor>,
}

impl Line {
    /// A line to `server`, from a port of its own.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self::start(server, None)
    }

    /// The same with TLS on the client's side. With `client_ca` (PEM) a client must show a certificate.
    pub(crate) fn tls(server: SocketAddr, pair: &Pair, client_ca: Option<&str>) -> Self {
        Self::start(server, Some(acceptor(pair, client_ca)))
    }

    fn start(server: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("line")
            .enable_all()
            .build()
            .unwrap();
        // What binds must stand in the runtime that serves it.
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        bound.set_nonblocking(true).unwrap();
        let address = bound.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            mode: watch::Sender::new(LineMode::Forward),
            cuts: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
            tls,
        });
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(bound).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                serving.accepted.fetch_add(1, Ordering::Relaxed);
                // Whoever goes away in the middle does so.
                tokio::spawn(connection(client, Arc::clone(&serving)));
            }
        });
        Self {
            address,
            shared,
            runtime: Some(runtime),
        }
    }

    /// Where the line begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub(crate) fn set(&self, mode: LineMode) {
        self.shared.mode.send_replace(mode);
    }

    /// Resets every connection that is there.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Leads new connections to another server.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.shared.server.lock().unwrap() = server;
    }

    /// How many connections there have been, refused ones too.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is forbidden where a test is asynchronous itself.
            runtime.shutdown_background();
        }
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut cuts = shared.cuts.subscribe();
    let mode = shared.mode.subscribe();
    // The same socket once more: for the moment when it is to be reset.
    let client = client.into_std()?;
    let handle = TcpStream::from_std(client.try_clone()?)?;
    let client = TcpStream::from_std(client)?;
    if *mode.borrow() == LineMode::Refuse {
        return handle.set_zero_linger();
    }
    client.set_nodelay(true)?;
    let carried = async {
        let address = *shared.server.lock().unwrap();
        match &shared.tls {
            Some(tls) => carry(tls.accept(client).await?, address, mode).await,
            None => carry(client, address, mode).await,
        }
    };
    tokio::select! {
        done = carried => done,
        _ = cuts.changed() => handle.set_zero_linger(),
    }
}

async fn carry(
    client: impl AsyncRead + AsyncWrite,
    server: SocketAddr,
    mode: watch::Receiver<LineMode>,
) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    // A side that closes ends the whole: nobody here half-closes.
    tokio::select! {
        done = pump(from_client, to_server, LineMode::SwallowRequests, mode.clone()) => done,
        done = pump(from_server, to_client, LineMode::SwallowAnswers, mode) => done,
    }
}

/// Carries one direction, which is lost from the moment on when the mode is `swallow`.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    swallow: LineMode,
    mut mode: watch::Receiver<LineMode>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    let mut lost = false;
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        let is_over = mode.wait_for(|mode| *mode != LineMode::Stall).await;
        let mode = is_over.map(|mode| *mode).map_err(io::Error::other)?;
        lost |= mode == swallow;
        if let LineMode::Delay(time) = mode {
            tokio::time::sleep(time).await;
        }
        if !lost {
            to.write_all(&buffer[..count]).await?;
            to.flush().await?;
        }
    }
}

fn acceptor(pair: &Pair, client_ca: Option<&str>) -> TlsAcceptor {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client_ca {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            for root in CertificateDer::pem_slice_iter(authority.as_bytes()) {
                roots.add(root.unwrap()).unwrap();
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let chain = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = builder.with_single_cert(vec![chain], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

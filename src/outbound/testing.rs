//! A real HTTP server on loopback for tests: it says what it is told to say and counts who asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One answer, sent as it stands, after which the connection is closed.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Without it the body ends where the connection ends.
    pub(crate) length: Option<usize>,
    /// Waits this long before every byte of the body.
    pub(crate) drip: Option<Duration>,
    /// Waits this long before the answer.
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status: 200,
            headers: Vec::new(),
            length: Some(body.len()),
            body,
            drip: None,
            delay: Duration::ZERO,
        }
    }

    /// An answer that says that it is JSON.
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self {
            headers,
            ..Self::ok(body)
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::ok("")
        }
    }
}

/// What a client sent.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Everything before the body, as it came.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The server; dropping it closes its port.
#[derive(Debug)]
pub(crate) struct TestServer {
    address: SocketAddr,
    hits: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl TestServer {
    /// Starts a server that answers a request for a path with what `answer` makes of the path.
    pub(crate) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |asked| answer(&asked.path)).await
    }

    /// Starts a server that answers with what `answer` makes of all that was sent.
    pub(crate) async fn answering(
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(AtomicUsize::new(0));
        let (answer, counter) = (Arc::new(answer), Arc::clone(&hits));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, counter) = (Arc::clone(&answer), Arc::clone(&counter));
                tokio::spawn(serve(stream, move |asked| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    answer(asked)
                }));
            }
        });
        Self {
            address,
            hits,
            accepting,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: impl Fn(&Asked) -> Reply) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(request).unwrap();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, length)| length.parse().unwrap());
    let mut body = vec![0; lengths.next_back().unwrap_or(0)];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let asked = Asked {
        path: head.split(' ').nth(1).unwrap().to_owned(),
        head,
        body: String::from_utf8(body).unwrap(),
    };
    // The peer may have gone away; that is what some tests are about.
    drop(send(&mut stream, answer(&asked)).await);
}

async fn send(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    tokio::time::sleep(reply.delay).await;
    let mut head = vec![
        format!("HTTP/1.1 {} Because", reply.status),
        "connection: close".to_owned(),
    ];
    head.extend(
        reply
            .length
            .map(|length| format!("content-length: {length}")),
    );
    let headers = reply.headers.iter();
    head.extend(headers.map(|(name, value)| format!("{name}: {value}")));
    let head = head.join(
        "
",
    ) + "

";
    stream.write_all(head.as_bytes()).await?;
    match reply.drip {
        None => stream.write_all(&reply.body).await?,
        Some(pause) => {
            for byte in reply.body {
                tokio::time::sleep(pause).await;
                stream.write_u8(byte).await?;
            }
        }
    }
    stream.shutdown().await
}

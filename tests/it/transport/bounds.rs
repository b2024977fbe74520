//! How much anybody can make the port do: the same over plain TCP and over TLS.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use prost::bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{EDGE, Port};
use crate::harness::{Ask, Authority, Client, SOON, Server, Setup};

/// HTTP/2 (RFC 9113, section 6 and 7).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A port with few checks at once, and a way to open connections that have begun to speak HTTP/2.
enum Target {
    Plain(Box<Server>),
    Secure(Box<Port>),
}

impl Target {
    /// One without and one with TLS.
    fn both() -> [Self; 2] {
        let setup = || Setup::new().replacing("concurrency: 1024", "concurrency: 4");
        [
            Self::Plain(Box::new(setup().start())),
            Self::Secure(Box::new(Port::with(
                setup(),
                &format!("[{{ id: '{EDGE}' }}]"),
            ))),
        ]
    }

    fn port(&self) -> &Port {
        match self {
            Self::Plain(_) => panic!("no TLS"),
            Self::Secure(port) => port,
        }
    }

    fn server(&self) -> &Server {
        match self {
            Self::Plain(server) => server,
            Self::Secure(port) => &port.server,
        }
    }

    async fn client(&self) -> Client {
        match self {
            Self::Plain(server) => server.client().await,
            Self::Secure(port) => port.envoy(EDGE).await,
        }
    }

    async fn raw(&self) -> Box<dyn Stream> {
        let mut stream: Box<dyn Stream> = match self {
            Self::Plain(server) => Box::new(TcpStream::connect(server.grpc).await.unwrap()),
            Self::Secure(port) => {
                let pair = port.clients.client(&[EDGE], &[]);
                Box::new(port.dialer(Some(&pair)).dial().await.unwrap())
            }
        };
        stream.write_all(PREFACE).await.unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        stream
    }

    /// Somebody else is answered all the same.
    async fn serves(&self) {
        let health = Ask::new("GET", "api.example.com", "/healthz");
        let outcome = self.client().await.check(&health).await.outcome();
        assert_eq!(outcome, "allow");
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    bytes.put_uint(u64::try_from(payload.len()).unwrap(), 3);
    bytes.put_u8(kind);
    bytes.put_u8(flags);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
    bytes.to_vec()
}

/// `POST` to the checks, in HPACK without a table (RFC 7541, section 6.2.2).
fn request() -> Vec<u8> {
    let path = b"/envoy.service.auth.v3.Authorization/Check";
    let mut block = vec![0x83, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path);
    block.extend(literal("te", "trailers"));
    block.extend(literal("content-type", "application/grpc"));
    block
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0x00, u8::try_from(name.len()).unwrap()];
    bytes.extend(name.as_bytes());
    bytes.push(u8::try_from(value.len()).unwrap());
    bytes.extend(value.as_bytes());
    bytes
}

/// What the server said: kind, stream and payload of each frame, until one is `wanted` or the connection ends.
async fn read_until(
    stream: &mut (impl AsyncRead + Unpin),
    wanted: impl Fn(u8, u32, &[u8]) -> bool,
) -> Option<(u32, Vec<u8>)> {
    let read = async {
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut payload).await.ok()?;
            if wanted(head[3], id, &payload) {
                return Some((id, payload));
            }
        }
    };
    timeout(SOON, read).await.expect("a frame in time")
}

fn code(payload: &[u8]) -> u32 {
    let last = payload.len().min(8);
    u32::from_be_bytes(payload[last - 4..last].try_into().unwrap())
}

#[tokio::test]
async fn a_header_list_has_a_bound() {
    for target in Target::both() {
        let mut stream = target.raw().await;
        // 16 KiB and more, in frames of a legal size: 200 headers of 120 bytes and the 32 that each counts (section 6.5.2).
        let mut bytes = frame(HEADERS, END_STREAM, 1, &request());
        for number in 0..200 {
            let name = format!("x-{number:03}");
            let last = if number == 199 { END_HEADERS } else { 0 };
            bytes.extend(frame(
                CONTINUATION,
                last,
                1,
                &literal(&name, &"v".repeat(115)),
            ));
        }
        stream.write_all(&bytes).await.unwrap();
        let refused = read_until(&mut stream, |kind, id, _| {
            (kind == HEADERS && id == 1) || kind == RST_STREAM || kind == GOAWAY
        });
        let refused = refused.await;
        // 431, which HPACK has not in its table, or the end of the stream or connection: nothing was decided.
        assert!(
            refused.is_none_or(|(_, payload)| !payload.contains(&0x88)),
            "answered"
        );
        assert_eq!(target.server().count("countersign_checks_shed_total"), 0);
        assert_eq!(target.server().records(), [] as [serde_json::Value; 0]);
        target.serves().await;
    }
}

#[tokio::test]
async fn streams_have_a_bound() {
    for target in Target::both() {
        let mut stream = target.raw().await;
        // Four checks and the spare ones that shed load; each stream stays open, because its message never comes.
        let mut bytes = Vec::new();
        for number in 0..80 {
            bytes.extend(frame(HEADERS, END_HEADERS, 2 * number + 1, &request()));
        }
        stream.write_all(&bytes).await.unwrap();
        let refused = read_until(&mut stream, |kind, _, payload| {
            kind == RST_STREAM && code(payload) == REFUSED_STREAM
        });
        let (id, _) = refused.await.expect("a refused stream");
        assert_eq!(id, 2 * 68 + 1);
        target.serves().await;
    }
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    for target in Target::both() {
        let mut stream = target.raw().await;
        let mut bytes = Vec::new();
        for number in 0..2000 {
            let id = 2 * number + 1;
            bytes.extend(frame(HEADERS, END_HEADERS, id, &request()));
            bytes.extend(frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
        }
        // The server may hang up before it has read all of it.
        let _sent = stream.write_all(&bytes).await;
        let ended = read_until(&mut stream, |kind, _, _| kind == GOAWAY).await;
        if let Some((_, payload)) = ended {
            assert_eq!(code(&payload), ENHANCE_YOUR_CALM);
        }
        target.serves().await;
    }
}

#[tokio::test]
async fn a_message_has_a_bound() {
    for target in Target::both() {
        let client = target.client().await;
        let large = Ask::payments("/v1/payments").header("x-large", "x".repeat(1024 * 1024));
        let refused = client.send(large.request()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::OutOfRange, "{refused:?}");
        // The connection goes on.
        let health = Ask::new("GET", "api.example.com", "/healthz");
        assert_eq!(client.check(&health).await.outcome(), "allow");
    }
}

/// Whether the server ends this connection within the time that a client has to introduce itself.
async fn is_cut(stream: &mut (impl AsyncRead + Unpin)) -> Duration {
    let began = Instant::now();
    let mut bytes = Vec::new();
    let ended = timeout(SOON, stream.read_to_end(&mut bytes)).await;
    assert!(ended.is_ok(), "still open after {SOON:?}");
    began.elapsed()
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_or_the_preface_is_cut_off() {
    let [plain, secure] = Target::both();
    let connect = |address: SocketAddr| async move { TcpStream::connect(address).await.unwrap() };
    let mut silent = connect(plain.server().grpc).await;
    let mut half = connect(plain.server().grpc).await;
    half.write_all(&PREFACE[..20]).await.unwrap();
    let mut no_hello = connect(secure.server().grpc).await;
    let port = secure.port();
    let pair = port.clients.client(&[EDGE], &[]);
    let mut no_preface = port.dialer(Some(&pair)).dial().await.unwrap();
    // Nobody waits for them.
    plain.serves().await;
    secure.serves().await;
    let cut = tokio::join!(
        is_cut(&mut silent),
        is_cut(&mut half),
        is_cut(&mut no_hello),
        is_cut(&mut no_preface)
    );
    for after in [cut.0, cut.1, cut.2, cut.3] {
        assert!(after > Duration::from_secs(1), "{after:?}");
    }
    assert_eq!(port.handshakes("timed_out"), 1);
}

#[tokio::test]
async fn a_thousand_idle_connections_do_not_keep_an_envoy_out() {
    for target in Target::both() {
        let before = target.client().await;
        let health = Ask::new("GET", "api.example.com", "/healthz");
        let address = target.server().grpc;
        let mut idle = JoinSet::new();
        for _ in 0..1000 {
            // Held for as long as the server lets it, and then once more.
            idle.spawn(async move {
                loop {
                    if let Ok(mut stream) = TcpStream::connect(address).await {
                        let _cut = stream.read_to_end(&mut Vec::new()).await;
                    }
                }
            });
        }
        // Who was there is answered at once, and who comes waits for no more than the idle ones' fair time.
        assert_eq!(before.check(&health).await.outcome(), "allow");
        let late = timeout(Duration::from_secs(6), target.serves()).await;
        assert!(late.is_ok(), "kept out");
        idle.abort_all();
        assert_eq!(before.check(&health).await.outcome(), "allow");
    }
}

#[tokio::test]
async fn a_stranger_takes_no_place_of_an_envoys() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let mut strangers = Vec::new();
    let other = Authority::new("clients").client(&[EDGE], &[]);
    for _ in 0..300 {
        // However it ends: the server has closed it.
        strangers.push(port.dialer(Some(&other)).dial().await);
    }
    let edge = port.envoy(EDGE).await;
    assert_eq!(edge.check(&port.list()).await.outcome(), "allow");
    assert_eq!(port.handshakes("failed"), 300);
}

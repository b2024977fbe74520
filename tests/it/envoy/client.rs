//! HTTP/1.1 as bytes, because a polite client could not send what has to be refused.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than Envoy takes for anything here.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How much of a request an assertion shows.
const SHOWN: usize = 300;

/// A request, as it will be on the wire. Nothing in it is escaped, checked or put in order.
#[derive(Clone)]
pub(crate) struct Request {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// A request with this request line and this `host`.
    pub(crate) fn new(method: &str, host: &str, target: impl AsRef<[u8]>) -> Self {
        let mut head = method.as_bytes().to_vec();
        head.push(b' ');
        head.extend_from_slice(target.as_ref());
        head.extend_from_slice(format!(" HTTP/1.1\r\nhost: {host}\r\n").as_bytes());
        Self {
            head,
            body: Vec::new(),
        }
    }

    pub(crate) fn get(host: &str, target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", host, target)
    }

    pub(crate) fn post(host: &str, target: impl AsRef<[u8]>) -> Self {
        Self::new("POST", host, target)
    }

    /// Adds a header line; the same name twice makes two lines.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets the body, with its length.
    pub(crate) fn body(self, body: &[u8]) -> Self {
        let mut request = self.header("content-length", body.len().to_string());
        request.body = body.to_vec();
        request
    }

    /// Sets the body in chunks of this size, without a length.
    pub(crate) fn chunked(self, body: &[u8], size: usize) -> Self {
        let mut request = self.header("transfer-encoding", "chunked");
        for chunk in body.chunks(size).chain([&[][..]]) {
            let length = format!("{:x}\r\n", chunk.len());
            request.body.extend_from_slice(length.as_bytes());
            request.body.extend_from_slice(chunk);
            request.body.extend_from_slice(b"\r\n");
        }
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head.get(..SHOWN).unwrap_or(&self.head);
        write!(f, "`{}`", head.escape_ascii())
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The header's one value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "`{name}` twice");
        value
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `reason` of a problem document, or the empty text.
    pub(crate) fn reason(&self) -> String {
        let problem = self.json();
        problem["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the upstream answered, and not Envoy.
    pub(crate) fn is_from_upstream(&self) -> bool {
        self.header("x-upstream").is_some()
    }

    /// The values of a header that reached the upstream, in every case of its letters but only in this spelling.
    pub(crate) fn upstream(&self, name: &str) -> Vec<String> {
        let seen = self.json();
        let headers = seen["headers"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let same = |header: &&Value| header[0].as_str().unwrap().eq_ignore_ascii_case(name);
        let values = headers.iter().filter(same).map(|header| &header[1]);
        values
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    }

    /// The id that Envoy gave the request.
    pub(crate) fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap()
    }
}

/// A connection that is kept open between requests.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one request and reads its answer to the end.
    pub(crate) fn send(&mut self, request: &Request) -> std::io::Result<Answer> {
        let bytes = [&request.head[..], b"\r\n", &request.body].concat();
        // Envoy may answer and close before it has read everything.
        let written = self.0.get_mut().write_all(&bytes);
        match self.read() {
            Ok(answer) => Ok(answer),
            Err(error) => written.and(Err(error)),
        }
    }

    fn read(&mut self) -> std::io::Result<Answer> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("answered `{line}`")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
        let body = if find("transfer-encoding").is_some() {
            self.chunks()?
        } else {
            let length = find("content-length").map_or(0, |(_, length)| length.parse().unwrap());
            self.exactly(length)?
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).map_err(std::io::Error::other)?;
            body.extend(self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        if self.0.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn send(address: SocketAddr, request: &Request) -> Answer {
    let answer = Connection::open(address).and_then(|mut connection| connection.send(request));
    answer.unwrap_or_else(|error| panic!("{address} did not answer {request:?}: {error}"))
}

//! Requests over a plain socket: the operator edge, and whatever else speaks HTTP/1.1 here.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a peer may stay silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
    raw: String,
}

impl Reply {
    /// The headers of this name, as they were sent.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let pairs = self.raw.lines().filter_map(|line| line.split_once(": "));
        let values = pairs.filter(|(it, _)| it.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value).collect()
    }

    /// The first of them.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Gets `path`; the connection is closed after it.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<Reply> {
    send(address, &format!("GET {path}"), "")
}

/// Sends a request without a body, such as `POST /path`, with headers that each end their line.
pub(crate) fn send(address: SocketAddr, line: &str, headers: &str) -> io::Result<Reply> {
    send_body(address, line, headers, "")
}

/// The same with a body of JSON, if it is not empty.
pub(crate) fn send_body(
    address: SocketAddr,
    line: &str,
    headers: &str,
    body: &str,
) -> io::Result<Reply> {
    send_as(address, line, headers, ("application/json", body))
}

/// The same with a body of any type.
pub(crate) fn send_as(
    address: SocketAddr,
    line: &str,
    headers: &str,
    (kind, body): (&str, &str),
) -> io::Result<Reply> {
    let length = body.len();
    let content = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: {kind}\r\ncontent-length: {length}\r\n")
    };
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}{content}\r\n{body}"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "no whole answer");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Reply {
        status: status.ok_or_else(cut)?,
        head: head.to_ascii_lowercase(),
        raw: head.to_owned(),
        body: body.to_owned(),
    })
}

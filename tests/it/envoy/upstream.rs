//! An upstream that tells exactly what reached it: request target and header lines as bytes, each kept apart.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

/// The upstream, listening until the tests end.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&targets);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                // A connection that breaks is Envoy's to tell of.
                thread::spawn(move || drop(serve(stream, &seen)));
            }
        });
        Self { address, targets }
    }

    /// How many requests with this target have arrived.
    pub(crate) fn requests_to(&self, target: &str) -> usize {
        let targets = self.targets.lock().unwrap();
        targets.iter().filter(|seen| *seen == target).count()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut stream = BufReader::new(stream);
    loop {
        let first = line(&mut stream)?;
        if first.is_empty() {
            return Ok(());
        }
        let mut headers = Vec::new();
        loop {
            let line = line(&mut stream)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let body = body(&mut stream, &headers)?;
        let mut parts = first.split(' ').map(str::to_owned);
        let (method, target) = (parts.next(), parts.next().unwrap_or_default());
        seen.lock().unwrap().push(target.clone());
        let told = json!({
            "method": method,
            "target": target,
            "headers": headers,
            "body": body.len(),
            "sum": body.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
        })
        .to_string();
        let head = "HTTP/1.1 200 OK\r\nx-upstream: yes\r\ncontent-type: application/json\r\n";
        let answer = format!("{head}content-length: {}\r\n\r\n{told}", told.len());
        answers.write_all(answer.as_bytes())?;
    }
}

fn body(stream: &mut BufReader<TcpStream>, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
    let mut body = Vec::new();
    if find("transfer-encoding").is_some() {
        loop {
            let size = usize::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
            stream.by_ref().take(size as u64).read_to_end(&mut body)?;
            line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some((_, length)) = find("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        stream.by_ref().take(length).read_to_end(&mut body)?;
    }
    Ok(body)
}

/// One line, every byte as the character of that number, so that nothing is lost.
fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes)?;
    let text: String = bytes.iter().copied().map(char::from).collect();
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

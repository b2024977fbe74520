//! The least client that speaks RESP: one connection, one command, one answer.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Login;

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Nil,
    Number(i64),
    Text(String),
    Error(String),
    List(Vec<Answer>),
}

impl Answer {
    /// The text of a simple or bulk string; everything else fails the test.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }
}

/// Sends one command over a connection of its own.
pub(crate) fn ask(
    address: SocketAddr,
    login: Option<&Login>,
    command: &[&str],
) -> io::Result<Answer> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    if let Some(Login { user, password }) = login {
        send(&mut stream, &["AUTH", user, password])?;
        if let Answer::Error(error) = read(&mut stream)? {
            return Err(io::Error::other(error));
        }
    }
    send(&mut stream, command)?;
    read(&mut stream)
}

fn send(stream: &mut BufReader<TcpStream>, command: &[&str]) -> io::Result<()> {
    let mut text = format!("*{}\r\n", command.len());
    for word in command {
        write!(text, "${}\r\n{word}\r\n", word.len()).map_err(io::Error::other)?;
    }
    stream.get_mut().write_all(text.as_bytes())
}

fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let number = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "+" => Ok(Answer::Text(rest.to_owned())),
        "-" => Ok(Answer::Error(rest.to_owned())),
        ":" => Ok(Answer::Number(number()?)),
        "$" => match usize::try_from(number()?) {
            Err(_negative) => Ok(Answer::Nil),
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Ok(Answer::Text(String::from_utf8_lossy(&bytes).into_owned()))
            }
        },
        "*" => match usize::try_from(number()?) {
            Err(_negative) => Ok(Answer::Nil),
            Ok(count) => (0..count)
                .map(|_| read(stream))
                .collect::<io::Result<_>>()
                .map(Answer::List),
        },
        other => Err(io::Error::other(format!("`{other}` begins no answer"))),
    }
}

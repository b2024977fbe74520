//! Server-sent events, as they arrive (WHATWG HTML, section 9.2.6).

/// Takes an event stream in pieces and gives the data of its messages.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
    /// The event has a type of its own: it is no message.
    named: bool,
    after_return: bool,
}

impl Events {
    /// Reads on; returns the data of every message that ends in `piece`. How much is kept is for the caller to bound, who knows
    /// how much has arrived.
    pub(super) fn read(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        for byte in piece {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => messages.extend(self.end_line()),
                byte => self.line.push(*byte),
            }
        }
        messages
    }

    /// An empty line ends an event; one that the stream breaks off in is lost.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if line.is_empty() {
            let named = std::mem::take(&mut self.named);
            return self.data.take().filter(|data| !named && !data.is_empty());
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let field = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"event" => self.named = !matches!(value, b"" | b"message"),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\nid: 1\r\ndata:\r\n\r\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n\
                          event: other\ndata: no\n\ndata:x\r\rdata: lost";

    #[test]
    fn messages_are_the_same_however_the_stream_is_cut() {
        let expected = [b"{\"a\":\n1}".to_vec(), b"x".to_vec()];
        assert_eq!(Events::default().read(STREAM.as_bytes()), expected);
        for size in 1..9 {
            let mut events = Events::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let found: Vec<_> = pieces.flat_map(|piece| events.read(piece)).collect();
            assert_eq!(found, expected, "pieces of {size}");
        }
    }
}

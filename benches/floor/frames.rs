//! As much of HTTP/2 (RFC 9113, RFC 7541) as one connection of one client needs that sends the same head again and again.
//!
//! A client of a library costs about as much as the server that is measured. This one costs next to nothing: heads are
//! encoded once, as Envoy's are after the first, from the dynamic table, and bodies before anything is measured.

/// What a client says first (RFC 9113, section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes in front of a frame's payload.
pub(crate) const HEAD: usize = 9;
/// The largest payload that may be sent to a peer that allows no more.
pub(crate) const LARGEST: usize = 16_384;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// The settings that are used here.
pub(crate) const TABLE_SIZE: u16 = 1;
pub(crate) const ENABLE_PUSH: u16 = 2;
pub(crate) const MAX_STREAMS: u16 = 3;

/// The first entry of the dynamic table.
const DYNAMIC: usize = 62;

/// A frame that has come whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame, and what is behind it; none if it has not come whole.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        let (payload, rest) = rest.split_at_checked(length)?;
        let frame = Self {
            kind,
            flags,
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
            payload,
        };
        Some((frame, rest))
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The settings in it, by number.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        let (entries, _incomplete) = self.payload.as_chunks::<6>();
        entries.iter().map(|[i0, i1, v0, v1, v2, v3]| {
            let value = u32::from_be_bytes([*v0, *v1, *v2, *v3]);
            (u16::from_be_bytes([*i0, *i1]), value)
        })
    }

    /// The number that the payload starts with.
    pub(crate) fn number(&self) -> u32 {
        let first = self.payload.first_chunk::<4>();
        first.map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }
}

/// Appends a frame.
pub(crate) fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let [_, l0, l1, l2] = length.to_be_bytes();
    out.extend_from_slice(&[l0, l1, l2, kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A request's head: as it is sent the first time, and ever after.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads {
    first: Vec<u8>,
    later: Vec<u8>,
    is_sent: bool,
}

impl Heads {
    /// Each of these enters the dynamic table with the first head. Together they have to fit into 4 KiB.
    pub(crate) fn new(headers: &[(&str, &str)]) -> Self {
        let mut heads = Self::default();
        for (place, (name, value)) in headers.iter().enumerate() {
            // A literal with incremental indexing and a new name.
            heads.first.push(0x40);
            for text in [name, value] {
                number(&mut heads.first, 0, 7, text.len());
                heads.first.extend_from_slice(text.as_bytes());
            }
            // The last that came in is the first of the table.
            number(
                &mut heads.later,
                0x80,
                7,
                DYNAMIC + headers.len() - 1 - place,
            );
        }
        heads
    }

    /// The head of the next request.
    pub(crate) const fn next(&mut self) -> &[u8] {
        if self.is_sent {
            return self.later.as_slice();
        }
        self.is_sent = true;
        self.first.as_slice()
    }
}

/// An integer in the lower `bits` of an octet and, if it does not fit, in more (RFC 7541, section 5.1).
fn number(out: &mut Vec<u8>, pattern: u8, bits: u32, value: usize) {
    let most = (1_usize << bits) - 1;
    let low = |value: usize| value.to_le_bytes().first().copied().unwrap_or_default();
    if value < most {
        out.push(pattern | low(value));
        return;
    }
    out.push(pattern | low(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        out.push(0x80 | low(rest & 0x7f));
        rest >>= 7;
    }
    out.push(low(rest));
}

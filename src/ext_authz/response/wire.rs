//! Protocol buffers as they are written: field after field, straight into the bytes of a message.

use prost::Message;

/// A field that holds a whole number.
const VARINT: u8 = 0;
/// A field that holds bytes, a text or a message.
const DELIMITED: u8 = 2;
/// A field that holds eight bytes.
const EIGHT_BYTES: u8 = 1;
/// Bits of a number that one byte holds, and the mark that another one follows.
const BITS: u32 = 7;
const MORE: u8 = 0x80;

/// The bytes of a message while its fields are written. The numbers of fields are below 16.
#[derive(Debug)]
pub(super) struct Wire<'a>(&'a mut Vec<u8>);

impl<'a> Wire<'a> {
    /// Appends to `bytes`.
    pub(super) const fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// A text, also an empty one.
    #[inline]
    pub(super) fn text(&mut self, field: u8, text: &str) {
        self.tag(field, DELIMITED);
        self.varint(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A text that is made of several.
    pub(super) fn pieces(&mut self, field: u8, pieces: &[&str]) {
        self.tag(field, DELIMITED);
        self.varint(pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            self.0.extend_from_slice(piece.as_bytes());
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, field: u8, number: u8) {
        self.tag(field, VARINT);
        self.varint(number.into());
    }

    /// A number with a fraction.
    pub(super) fn double(&mut self, field: u8, number: f64) {
        self.tag(field, EIGHT_BYTES);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// The fields of a message that is there already.
    pub(super) fn fields(&mut self, message: &impl Message) {
        message.encode_raw(self.0);
    }

    /// A message, of what `fields` writes.
    pub(super) fn message<R>(&mut self, field: u8, fields: impl FnOnce(&mut Self) -> R) -> R {
        self.tag(field, DELIMITED);
        let start = self.0.len();
        // Most messages are short, so that their length fits in here.
        self.0.push(0);
        let result = fields(self);
        let length = self.0.len() - start - 1;
        match (self.0.get_mut(start), u8::try_from(length)) {
            (Some(place), Ok(short)) if short < MORE => *place = short,
            (_, _) => self.lengthen(start, length),
        }
        result
    }

    /// Puts a length that takes more than the one byte at `start` in front of what follows it.
    fn lengthen(&mut self, start: usize, length: usize) {
        let (end, mut length) = (self.0.len(), length);
        let more = usize::try_from(length.ilog2() / BITS).unwrap_or_default();
        self.0.resize(end + more, 0);
        self.0.copy_within(start + 1..end, start + 1 + more);
        let places = self.0.iter_mut().skip(start);
        for (at, place) in places.take(more + 1).enumerate() {
            *place = low_bits(length) | if at < more { MORE } else { 0 };
            length >>= BITS;
        }
    }

    #[inline]
    fn tag(&mut self, field: u8, kind: u8) {
        self.0.push(field << 3 | kind);
    }

    #[inline]
    fn varint(&mut self, mut number: usize) {
        while number >= usize::from(MORE) {
            self.0.push(low_bits(number) | MORE);
            number >>= BITS;
        }
        self.0.push(low_bits(number));
    }
}

const fn low_bits(number: usize) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low & !MORE
}

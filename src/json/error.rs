//! Why a document is refused.

/// Why a document is refused. Nothing of the document is part of it.
///
/// An `offset` counts bytes from the start of the document to the byte that cannot stand there, or to the last byte if
/// the document ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Bytes that are not UTF-8, in a string or anywhere else.
    #[error("not UTF-8")]
    NotUtf8,
    /// A byte order mark, of UTF-8 or of UTF-16.
    #[error("starts with a byte order mark")]
    ByteOrderMark,
    /// Not JSON (RFC 8259).
    #[error("not JSON at byte {offset}")]
    Malformed {
        /// Where.
        offset: usize,
    },
    /// Something after the document that is no white space.
    #[error("something follows the JSON document at byte {offset}")]
    Trailing {
        /// Where.
        offset: usize,
    },
    /// An object has two members with one name, however each is spelt.
    #[error("an object has two members with one name")]
    Duplicate,
    /// An escape that is half of a surrogate pair: no Unicode character.
    #[error("a string has half of a surrogate pair")]
    LoneSurrogate,
    /// More objects and arrays in each other than [`Limits::depth`](super::Limits::depth).
    #[error("nested too deep")]
    TooDeep,
    /// More values and names than [`Limits::nodes`](super::Limits::nodes).
    #[error("too many values")]
    TooManyNodes,
    /// A string or a name longer than [`Limits::text`](super::Limits::text).
    #[error("a string is too long")]
    TextTooLong,
    /// A number that is too large for a double: readers make infinity, null or an error of it.
    #[error("a number is out of range")]
    NumberOutOfRange,
}

//! How much of a document is read.

/// The bounds of one document. They hold while it is read: no more of it is kept than they allow.
///
/// The size of the whole is the caller's to bound. The default is meant for bodies of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most objects and arrays that may be nested, the outermost included. Above 127 there is no use: nothing is
    /// read that is deeper.
    pub depth: usize,
    /// The most values and names of members, all together.
    pub nodes: usize,
    /// The most bytes of one string or of one member's name, as UTF-8 without its escapes.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            nodes: 100_000,
            text: 1024 * 1024,
        }
    }
}

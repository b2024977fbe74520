//! What is asked on a connection, and what a yes looks like.

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Checks over gRPC: a yes is a `CheckResponse` with the code 0.
    Check,
    /// Plain requests: a yes is the status 200.
    Plain,
}

impl Speech {
    /// Whether this head of an answer is a yes. `:status: 200` is the eighth entry of the static table (RFC 7541, appendix A).
    pub(crate) fn is_yes_in_head(self, block: &[u8]) -> bool {
        self == Self::Plain && block.first() == Some(&0x88)
    }

    /// Whether this body is: a message behind five bytes, which begins with a status whose code is 0, left out or written.
    pub(crate) fn is_yes_in_body(self, body: &[u8]) -> bool {
        let message = body.get(5..).unwrap_or_default();
        let is_ok = message.starts_with(&[0x0a, 0]) || message.starts_with(&[0x0a, 2, 0x08, 0]);
        self == Self::Check && is_ok
    }
}

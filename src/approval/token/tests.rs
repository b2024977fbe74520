//! Tokens, good and bad.

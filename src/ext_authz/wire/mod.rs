//! Protocol Buffers where they stand: a `CheckRequest` is read in the bytes that came, without a copy and without a
//! message in between.
//!
//! What is read here is what prost would read ([`check`] has the test that says so): a message that comes twice is
//! merged, the last of two scalars counts, unknown fields are skipped. Texts that nothing reads are not looked at.

mod check;
mod codec;
mod fields;

pub(super) use check::{Check, Header, Http, Source};
pub(super) use codec::Bare;
pub(super) use fields::Malformed;

//! The Envoy edge: `CheckRequest` in, `CheckResponse` out.

mod request;

pub use request::access_request;

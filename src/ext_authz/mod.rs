//! The Envoy edge: `CheckRequest` in, `CheckResponse` out.

mod percent;
mod request;
mod response;

pub use request::{access_request, request_id};
pub use response::check_response;

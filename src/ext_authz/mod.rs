//! The Envoy edge: `CheckRequest` in, `CheckResponse` out.

//! The order of things: one request, from route to verdict.

//! What goes wrong with keys and tokens, tried with real keys and a real server.

mod jwk;
mod jws;
mod refresh;

//! The operator edge through the real program, and what is recorded.

mod keys;
mod operators;
mod records;
mod tls;

//! The operator edge through the real program, and what is recorded.

mod conditions;
mod keys;
mod operators;
mod records;
mod tls;
mod verbs;

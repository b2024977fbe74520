//! The page where a person approves.

mod demo_sign_in;
mod person;
mod protections;
mod stage;

pub(crate) use stage::{cookie, post};

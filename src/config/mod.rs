//! What the user wrote: read, checked, assembled and watched.

pub mod problem;
pub mod yaml;

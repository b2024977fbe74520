//! The reader's promises, one file each.

mod agreement;
mod bounds;
mod canonical;
mod fold;
mod looking;
mod numbers;
mod refusals;

use super::{Json, JsonError, Limits};

/// Within the default bounds.
fn read(text: &str) -> Result<Json<'_>, JsonError> {
    super::read(text.as_bytes(), &Limits::default())
}

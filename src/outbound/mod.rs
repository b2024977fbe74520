//! HTTP calls that countersign makes, each with a time and a size limit.
//!
//! A call goes to a URL that the operator configured (or that a configured issuer names, under the same rules). No redirect is followed, no proxy is taken from the environment, no cookie is kept. This module
//! knows nothing about what it carries; it never logs, and its errors name neither URL nor content.

mod client;
mod error;
mod form;
mod message;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod url;

pub use client::{HttpClient, Limits};
pub use error::{OutboundError, describe};
pub use form::Form;
pub use message::{Answer, Headers, Method};
pub use url::{HttpUrl, UrlError};

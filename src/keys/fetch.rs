//! From a location to the bytes of a key set.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::json::{self, JsonError};
use super::source::Location;
use super::table::TableError;
use crate::outbound::{HttpClient, HttpUrl, Limits, OutboundError, UrlError};

/// Why there are no keys. The messages contain neither the URL nor anything of a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Http(#[from] OutboundError),
    #[error("cannot read the file")]
    File(#[source] io::Error),
    #[error("the file was not read within {limit:?}")]
    FileTimeout { limit: Duration },
    #[error("the file is larger than {limit} bytes")]
    FileTooLarge { limit: usize },
    #[error("the OpenID configuration cannot be read")]
    Configuration(#[source] JsonError),
    #[error("the OpenID configuration's `issuer` is not the configured one, byte for byte")]
    Issuer,
    #[error("the OpenID configuration has no `jwks_uri`")]
    NoJwksUri,
    #[error("the OpenID configuration's `jwks_uri` is refused")]
    JwksUri(#[source] UrlError),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What changes when a file is replaced or written, also when a link in its path is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// Fetches the document, each request or read within the limits.
pub(super) async fn fetch(
    client: &HttpClient,
    location: &Location,
    limits: Limits,
) -> Result<Vec<u8>, FetchError> {
    match location {
        Location::Url(url) => Ok(client.get(url, limits).await?),
        Location::File(path) => read_file(path, limits).await,
        Location::Discovery {
            issuer,
            configuration,
            insecure,
        } => {
            let document = client.get(configuration, limits).await?;
            // What was fetched over TLS does not lead to what is not, loopback included.
            let must_be_https = configuration.is_https() && !insecure;
            let url = read_jwks_uri(&document, issuer, *insecure, must_be_https)?;
            Ok(client.get(&url, limits).await?)
        }
    }
}

/// OpenID Connect Discovery section 4.3: the document is believed only if it names the issuer that it was asked from.
fn read_jwks_uri(
    document: &[u8],
    issuer: &str,
    insecure: bool,
    must_be_https: bool,
) -> Result<HttpUrl, FetchError> {
    let configuration = json::read_object(document).map_err(FetchError::Configuration)?;
    let member = |name| configuration.get(name).and_then(Value::as_str);
    if member("issuer") != Some(issuer) {
        return Err(FetchError::Issuer);
    }
    let url = member("jwks_uri").ok_or(FetchError::NoJwksUri)?;
    let url = HttpUrl::parse(url, insecure).map_err(FetchError::JwksUri)?;
    if must_be_https && !url.is_https() {
        return Err(FetchError::JwksUri(UrlError::PlainHttp));
    }
    Ok(url)
}

async fn read_file(path: &Path, limits: Limits) -> Result<Vec<u8>, FetchError> {
    let Limits { timeout, max_bytes } = limits;
    // One byte more than allowed tells a file of exactly the limit from a larger one.
    let most = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let read = async {
        let mut bytes = Vec::new();
        let file = File::open(path).await?;
        file.take(most).read_to_end(&mut bytes).await?;
        Ok(bytes)
    };
    match tokio::time::timeout(timeout, read).await {
        Ok(Ok(bytes)) if bytes.len() > max_bytes => {
            Err(FetchError::FileTooLarge { limit: max_bytes })
        }
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(FetchError::File(error)),
        Err(_) => Err(FetchError::FileTimeout { limit: timeout }),
    }
}

/// The stamp of a file source's file; none for other sources and for a file that is not there.
pub(super) async fn stamp(location: &Location) -> Option<Stamp> {
    let Location::File(path) = location else {
        return None;
    };
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

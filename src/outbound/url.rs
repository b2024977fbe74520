//! A URL that may be called.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// A URL that may be called: `https`, or `http` on a loopback host or where the configuration says `insecure: true`.
/// It has neither credentials nor a fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

/// Why a text is not an [`HttpUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The text is not an absolute URL with a host.
    #[error("not an absolute URL such as `https://issuer.example.com/jwks.json`")]
    Malformed,
    /// The scheme is neither `https` nor `http`.
    #[error("the URL's scheme is not `https`")]
    Scheme,
    /// The scheme is `http`, the host is not loopback, and nobody allowed it.
    #[error(
        "plain `http` is allowed on loopback only; use `https`, or set `insecure: true` to accept the risk"
    )]
    PlainHttp,
    /// The URL has a user name or a password.
    #[error("the URL contains credentials; remove them")]
    Credentials,
    /// The URL has a fragment.
    #[error("the URL has a fragment; remove `#` and what follows it")]
    Fragment,
}

impl HttpUrl {
    /// Checks a URL. `insecure` allows plain `http` on any host.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, UrlError> {
        let Ok(url) = Url::parse(text) else {
            return Err(UrlError::Malformed);
        };
        match url.scheme() {
            "https" => {}
            "http" if insecure || is_loopback(&url) => {}
            "http" => return Err(UrlError::PlainHttp),
            _ => return Err(UrlError::Scheme),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        Ok(Self(url))
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the URL has a query.
    pub fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    /// The host in lower case, without its port; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// All of it, the query too, which may hold a secret: for telling one from another, and for nobody to see.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The path, percent-encoded as it is sent.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The whole URL with these names and values behind its query, for a browser that is sent there.
    pub fn asking<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }

    pub(super) fn get(&self) -> Url {
        self.0.clone()
    }
}

/// Prints scheme, host and path; the query is left out, for it may hold a secret.
impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({self})")
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

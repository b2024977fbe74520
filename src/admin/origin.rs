//! The listener's own name: what a browser may say that it is talking to.

use std::sync::Arc;

/// The URL of the admin listener, as operators write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The URL as written.
    pub(super) text: Arc<str>,
    /// Scheme, host and port, as browsers write them in `origin` (RFC 6454, section 6.2).
    pub(super) as_sent: String,
    /// The host alone, in lower case; IPv6 in brackets.
    pub(super) host: String,
}

impl Origin {
    /// Reads `https://host[:port][/path]`; `http` as well, for loopback and for what stands in front of the listener.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (scheme, default) = match scheme {
            "https" => ("https", ":443"),
            "http" => ("http", ":80"),
            _ => return None,
        };
        let authority = rest.split('/').next()?.to_ascii_lowercase();
        if rest.contains(['?', '#', '@', ' ']) {
            return None;
        }
        let host = host_of(&authority)?;
        let authority = authority.strip_suffix(default).unwrap_or(&authority);
        Some(Self {
            text: Arc::from(text),
            as_sent: format!("{scheme}://{authority}"),
            host: host.to_owned(),
        })
    }
}

impl Origin {
    /// Whether browsers reach it over `https`.
    pub(super) fn is_https(&self) -> bool {
        self.as_sent.starts_with("https:")
    }

    /// Whether something stands behind the host.
    pub(super) fn has_path(&self) -> bool {
        let (_, rest) = self.text.split_once("://").unwrap_or_default();
        let path = rest.split_once('/').map(|(_, path)| path);
        path.is_some_and(|path| !path.is_empty())
    }
}

/// The host of `host[:port]`, in the form in which it stands there; none if that is no authority.
pub(super) fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(at) => authority.split_at_checked(at + 1)?,
        None => authority
            .find(':')
            .map_or(Some((authority, "")), |at| authority.split_at_checked(at))?,
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let sound = port.is_empty() || (port.starts_with(':') && !digits.is_empty());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    let sound = sound && digits.bytes().all(|byte| byte.is_ascii_digit());
    (sound && !host.is_empty() && host.chars().all(plain)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_write() {
        let of = |text: &str| Origin::parse(text).map(|it| (it.as_sent, it.host));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(
            of("https://Ops.Example.com:443/admin"),
            pair("https://ops.example.com", "ops.example.com")
        );
        assert_eq!(of("http://[::1]:9193"), pair("http://[::1]:9193", "[::1]"));
        for wrong in [
            "ops.example.com",
            "ftp://a",
            "https://",
            "https://u@a",
            "https://a:b",
            "https://a?b",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_host_is_read_without_its_port() {
        assert_eq!(host_of("localhost:9193"), Some("localhost"));
        assert_eq!(host_of("[::1]:9193"), Some("[::1]"));
        assert_eq!(host_of("127.0.0.1"), Some("127.0.0.1"));
        for wrong in ["", ":1", "a:", "a:1:2", "a b", "[::1]x"] {
            assert_eq!(host_of(wrong), None, "{wrong}");
        }
    }
}

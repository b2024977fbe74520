//! Where a server's route will be: its names, its place, and whose credentials it takes.

use crate::model::name::{NameError, ProviderName, RouteId};
use crate::outbound::{HttpUrl, UrlError};

/// Names that say nothing about a server.
const EMPTY_WORDS: [&str; 7] = ["mcp", "sse", "www", "api", "http", "tools", "localhost"];

/// The route that is proposed, without its actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub route: RouteId,
    /// The server's name, which starts the ids of its actions.
    pub server: String,
    /// The host that callers use.
    pub host: String,
    /// The path that callers use.
    pub path: String,
    /// Both as a URL.
    pub url: String,
    /// Whose credentials it takes.
    pub providers: Vec<ProviderName>,
}

/// What was said about the route; all of it may be left out where it can be taken from somewhere else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The route's id.
    pub route: Option<&'a str>,
    /// The server's name.
    pub server: Option<&'a str>,
    /// Where callers reach it.
    pub url: Option<&'a str>,
    /// The host that callers use, instead of `url`.
    pub host: Option<&'a str>,
    /// The path beside `host`.
    pub path: Option<&'a str>,
    /// Whose credentials it takes.
    pub providers: &'a [String],
    /// The file or the URL that the tools came from.
    pub source: &'a str,
}

/// Why there is no such route.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A name that policies do not take.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nobody knows where callers reach it.
    #[error(
        "it is not known where callers reach the server: pass `--url`, for example `--url https://mcp.example.com/crm`"
    )]
    Nowhere,
    /// A URL that is none.
    #[error("the URL that callers use: {0}")]
    Url(UrlError),
    /// A URL that no route can have.
    #[error(
        "`{0}` is no place for a route: it is a host and a plain path, without query, percent signs and `{{}}`"
    )]
    Place(String),
}

impl Target {
    /// Completes what is wanted with what the source of the tools says.
    pub fn complete(wanted: &Wanted<'_>) -> Result<Self, TargetError> {
        let url = match (wanted.host, wanted.url) {
            (Some(host), _) => {
                let path = wanted.path.unwrap_or_default();
                format!("https://{host}/{}", path.trim_start_matches('/'))
            }
            (None, Some(url)) => url.to_owned(),
            (None, None) => reachable(wanted.source).ok_or(TargetError::Nowhere)?,
        };
        let place = HttpUrl::parse(&url, true).map_err(TargetError::Url)?;
        let path = match place.path().trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        let plain = |c: char| c.is_ascii_graphic() && !"{}%?#;\\*\"".contains(c);
        if place.has_query() || path.contains("//") || !path.chars().all(plain) {
            return Err(TargetError::Place(place.to_string()));
        }
        let server = match (wanted.server, wanted.route) {
            (Some(server), _) => server.to_owned(),
            (None, Some(route)) => route.to_owned(),
            (None, None) => called(wanted.source),
        };
        // It starts the ids of actions, so it is a name like theirs.
        let server = RouteId::new(&server)?;
        let providers = wanted.providers.iter().map(|name| ProviderName::new(name));
        Ok(Self {
            route: RouteId::new(wanted.route.unwrap_or(server.as_str()))?,
            server: server.as_str().to_owned(),
            host: place.host().to_owned(),
            path: path.to_owned(),
            url: place.to_string().trim_end_matches('/').to_owned(),
            providers: providers.collect::<Result<_, _>>()?,
        })
    }
}

/// The address that was asked, if it can be the one that callers use: on loopback it is this machine's alone.
fn reachable(source: &str) -> Option<String> {
    let url = HttpUrl::parse(source, false).ok()?;
    (source.contains("://") && !url.is_loopback()).then(|| url.to_string())
}

/// What the server may be called: the first word in its address, or in the file's name, that says something.
fn called(source: &str) -> String {
    let words: Vec<&str> = if let Some((_, rest)) = source.split_once("://") {
        let (host, path) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
        let path = path.split('?').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        path.rsplit('/').chain(host.split('.')).collect()
    } else {
        let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
        vec![name.split('.').next().unwrap_or_default()]
    };
    let telling = |word: &&str| {
        let word = word.to_ascii_lowercase();
        word.contains(|c: char| c.is_ascii_alphabetic()) && !EMPTY_WORDS.contains(&word.as_str())
    };
    let mut telling = words.into_iter().filter(telling);
    let named = telling.find(|word| word.len() <= 64 && RouteId::new(word).is_ok());
    named.unwrap_or("server").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(source: &str, wanted: Wanted<'_>) -> Result<Target, String> {
        Target::complete(&Wanted { source, ..wanted }).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_says_where_the_server_is_and_what_it_is_called() {
        for (source, server, host, path, url) in [
            (
                "https://mcp.example.com/crm",
                "crm",
                "mcp.example.com",
                "/crm",
                "https://mcp.example.com/crm",
            ),
            (
                "https://Weather.example.com:8443/mcp/",
                "weather",
                "weather.example.com",
                "/mcp",
                "https://weather.example.com:8443/mcp",
            ),
            (
                "https://example.com",
                "example",
                "example.com",
                "/",
                "https://example.com",
            ),
        ] {
            let found = target(source, Wanted::default()).unwrap();
            let found = (found.server, found.host, found.path, found.url);
            let expected = (server, host, path, url);
            assert_eq!(
                found,
                (server.into(), host.into(), path.into(), url.into()),
                "{expected:?}"
            );
        }
    }

    #[test]
    fn a_file_and_a_loopback_address_do_not_say_where_callers_go() {
        for source in [
            "tools.json",
            "http://127.0.0.1:8000/mcp",
            "https://localhost/crm",
        ] {
            let error = target(source, Wanted::default()).unwrap_err();
            assert!(error.contains("--url"), "{source}: {error}");
        }
        for (path, url) in [
            (Some("/crm"), "https://mcp.example.com/crm"),
            (Some("crm"), "https://mcp.example.com/crm"),
            (None, "https://mcp.example.com"),
        ] {
            let wanted = Wanted {
                host: Some("mcp.example.com"),
                path,
                ..Wanted::default()
            };
            let found = target("dir/crm.tools.json", wanted).unwrap();
            let Target { server, host, .. } = &found;
            assert_eq!((server.as_str(), host.as_str()), ("crm", "mcp.example.com"));
            assert_eq!(found.url, url);
        }
    }

    #[test]
    fn a_url_is_written_as_policies_take_it() {
        for (said, url) in [
            ("HTTPS://A.example.com:443/X/", "https://a.example.com/X"),
            (
                "https://b\u{fc}cher.example/x",
                "https://xn--bcher-kva.example/x",
            ),
            ("http://A.example.com:8080", "http://a.example.com:8080"),
        ] {
            let wanted = Wanted {
                url: Some(said),
                ..Wanted::default()
            };
            assert_eq!(target("x.json", wanted).unwrap().url, url);
        }
    }

    #[test]
    fn what_no_route_takes_is_refused_with_what_to_write() {
        let wanted = |url| Wanted {
            url: Some(url),
            ..Wanted::default()
        };
        for (url, said) in [
            ("mcp.example.com/crm", "not an absolute URL"),
            ("https://u:p@mcp.example.com/", "credentials"),
            ("https://mcp.example.com/#x", "fragment"),
            ("https://mcp.example.com/a%20b", "no place for a route"),
            ("https://mcp.example.com/?tenant=1", "no place for a route"),
            ("https://mcp.example.com/{x}", "no place for a route"),
        ] {
            let error = target("x.json", wanted(url)).unwrap_err();
            assert!(error.contains(said), "{url}: {error}");
        }
        let named = Wanted {
            server: Some("a b"),
            ..wanted("https://x.example.com")
        };
        assert!(target("x.json", named).unwrap_err().contains("is not a"));
    }
}

//! Whether a proof's `htu` names the URL of a request (RFC 9449, section 4.3, check 9).

/// The parts of an absolute URL of `http` or `https` that are compared; query and fragment are not.
struct Target<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
    path: &'a str,
}

/// Whether `htu` is the request's URL: scheme and host of the route's external `url` in any case, its port or the
/// scheme's own, and the path exactly as it was received. What the request says about its host plays no part.
pub(super) fn names(htu: &str, url: &str, raw_path: &str) -> bool {
    let (Some(claimed), Some(external)) = (split(htu), split(url)) else {
        return false;
    };
    claimed.scheme.eq_ignore_ascii_case(external.scheme)
        && claimed.host.eq_ignore_ascii_case(external.host)
        && claimed.port == external.port
        && claimed.path == raw_path
}

fn split(url: &str) -> Option<Target<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let default = match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => 443,
        _ if scheme.eq_ignore_ascii_case("http") => 80,
        _ => return None,
    };
    let hierarchy = rest.split(['?', '#']).next()?;
    let (authority, path) = match hierarchy.find('/') {
        Some(at) => hierarchy.split_at_checked(at)?,
        // RFC 3986, section 6.2.3: an empty path is `/`.
        None => (hierarchy, "/"),
    };
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let port = match port {
        "" => default,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    (!host.is_empty() && !host.contains(['@', '\\'])).then_some(Target {
        scheme,
        host,
        port,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    const URL: &str = "https://api.example.com/crm";

    #[test]
    fn the_same_url_in_every_allowed_spelling() {
        for htu in [
            "https://api.example.com/v1/a",
            "HTTPS://API.example.COM/v1/a",
            "https://api.example.com:443/v1/a",
            "https://api.example.com:/v1/a",
            "https://api.example.com/v1/a?x=1",
            "https://api.example.com/v1/a#x",
            "https://api.example.com/v1/a?x=/#/y?",
        ] {
            assert!(names(htu, URL, "/v1/a"), "{htu}");
        }
        assert!(names("https://api.example.com", URL, "/"));
        assert!(names("https://api.example.com?x", URL, "/"));
        assert!(names("http://[::1]:8080/a", "http://[::1]:8080", "/a"));
        assert!(names("http://[::1]/a", "http://[::1]:80/", "/a"));
    }

    #[test]
    fn another_url_in_every_part() {
        for htu in [
            "",
            "/v1/a",
            "//api.example.com/v1/a",
            "api.example.com/v1/a",
            "http://api.example.com/v1/a",
            "http://api.example.com:443/v1/a",
            "ftp://api.example.com/v1/a",
            "https:/api.example.com/v1/a",
            "https:///v1/a",
            "https://api.example.com:8443/v1/a",
            "https://api.example.com:+443/v1/a",
            "https://api.example.com:x/v1/a",
            "https://api.example.com:99999/v1/a",
            "https://api.example.com./v1/a",
            "https://api.example.com.evil.test/v1/a",
            "https://api.example.com@evil.test/v1/a",
            "https://evil.test@api.example.com/v1/a",
            "https://api.example.com\\/v1/a",
            "https://api.example.com/v1/A",
            "https://api.example.com/v1/a/",
            "https://api.example.com/v1//a",
            "https://api.example.com/v1/./a",
            "https://api.example.com/v1/%61",
            "https://api.example.com/v1",
            "https://api.example.com/crm/v1/a",
            "https://api.example.com/v1/a%3Fx",
            "https://api.example.com ",
            " https://api.example.com/v1/a",
            "https://api.example.com?/v1/a",
            "https://api.example.com#/v1/a",
        ] {
            assert!(!names(htu, URL, "/v1/a"), "{htu}");
        }
    }
}

//! Cookies (RFC 6265): what a browser brings along, and what it is told to keep.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// How cookies are named and sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    /// Whether browsers reach the page over `https` alone.
    pub(super) secure: bool,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// Whose sign-in has begun.
    SignIn,
}

impl Cookies {
    /// A name with this prefix is only ever set by the very host, over `https` and for all its paths (RFC 6265bis, section 4.1.3.2).
    const PREFIX: &str = "__Host-";

    fn name(self, cookie: Cookie) -> String {
        let prefix = if self.secure { Self::PREFIX } else { "" };
        let name = match cookie {
            Cookie::Session => "countersign-session",
            Cookie::SignIn => "countersign-sign-in",
        };
        format!("{prefix}{name}")
    }

    /// The value of a cookie, if there is exactly one of its name.
    pub(super) fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
        let name = self.name(cookie);
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(it, _)| *it == name).map(|(_, value)| value);
        // Of two, one was put there by somebody else.
        values.next().filter(|_| values.next().is_none())
    }

    /// The header that makes a browser keep a cookie; none for a value that no cookie has.
    pub(super) fn keep(self, cookie: Cookie, value: &str, time: Duration) -> Option<HeaderValue> {
        let (name, secure) = (self.name(cookie), if self.secure { "; Secure" } else { "" });
        let time = time.as_secs();
        // Lax: whoever comes from a link in a message is still signed in. Nothing is changed by such a request.
        let text =
            format!("{name}={value}; Path=/; Max-Age={time}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// The header that makes a browser forget a cookie.
    pub(super) fn forget(self, cookie: Cookie) -> Option<HeaderValue> {
        self.keep(cookie, "", Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Cookies = Cookies { secure: false };

    fn headers(lines: &[&'static str]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_static(line)));
        lines.collect()
    }

    #[test]
    fn a_cookie_is_read_unless_there_are_two() {
        let one = headers(&["a=b; countersign-session=x1; c"]);
        assert_eq!(PLAIN.read(&one, Cookie::Session), Some("x1"));
        assert_eq!(PLAIN.read(&one, Cookie::SignIn), None);
        let secure = Cookies { secure: true };
        assert_eq!(secure.read(&one, Cookie::Session), None);
        for two in [
            &["countersign-session=x1; countersign-session=x2"][..],
            &["countersign-session=x1", "countersign-session=x1"],
        ] {
            assert_eq!(PLAIN.read(&headers(two), Cookie::Session), None);
        }
    }

    #[test]
    fn what_is_kept_is_kept_from_scripts_and_from_other_sites() {
        let kept = Cookies { secure: true }.keep(Cookie::Session, "x1", Duration::from_mins(1));
        let expected =
            "__Host-countersign-session=x1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(kept.unwrap(), expected);
        assert_eq!(PLAIN.keep(Cookie::SignIn, "a\nb", Duration::ZERO), None);
        let forgotten = PLAIN.forget(Cookie::SignIn).unwrap();
        assert_eq!(
            forgotten,
            "countersign-sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }
}

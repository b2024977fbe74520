//! The host: one spelling for every way to write the same authority (RFC 3986, section 3.2).

use std::net::Ipv6Addr;

use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// Longest host name (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;
/// Longest label of a host name (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// The canonical host of an authority: lower case, without port and final dot; IPv6 in brackets and in its shortest
/// form. Host names are letters, digits, `-`, `_` and `.`: international names arrive in Punycode.
pub(super) fn host(authority: &str) -> Result<String, Denial> {
    literal(authority)
        .or_else(|| name(authority))
        .ok_or_else(|| Denial::new(Reason::HostMalformed))
}

fn literal(authority: &str) -> Option<String> {
    let (address, port) = authority.strip_prefix('[')?.split_once(']')?;
    let address: Ipv6Addr = address.parse().ok()?;
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    fits.then(|| format!("[{address}]"))
}

fn name(authority: &str) -> Option<String> {
    let name = match authority.split_once(':') {
        Some((name, port)) => Some(name).filter(|_| is_port(port)),
        None => Some(authority),
    }?;
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = name.len() <= MAX_HOST && name.split('.').all(is_label);
    fits.then(|| name.to_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !label.is_empty() && label.len() <= MAX_LABEL && label.bytes().all(allowed)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_spelling() {
        for (authority, canonical) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com:8080", "example.com"),
            ("example.com.", "example.com"),
            ("example.com.:443", "example.com"),
            ("localhost:0", "localhost"),
            ("my_service", "my_service"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("[::1]:80", "[::1]"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
        ] {
            assert_eq!(host(authority).as_deref(), Ok(canonical), "{authority}");
        }
    }

    #[test]
    fn what_is_no_host_is_denied() {
        let long = "a.".repeat(127);
        for authority in [
            "",
            ".",
            ".example.com",
            "example..com",
            "example.com..",
            "a@b",
            "user:pw@example.com",
            "example.com:",
            "example.com:65536",
            "example.com:+80",
            "example.com:80:80",
            "example.com:http",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1].",
            "[fe80::1%25eth0]",
            "[127.0.0.1]",
            "exa mple.com",
            "example.com/x",
            "bücher.example",
            "a%2eb",
            "a,b",
            &"a".repeat(64),
            &format!("{long}com"),
        ] {
            assert_eq!(
                host(authority).map_err(|denial| denial.reason),
                Err(Reason::HostMalformed),
                "{authority}"
            );
        }
    }
}

//! Where the metadata of a protected resource is found (RFC 9728, section 3.1).

/// What every such path begins with.
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The URL of the metadata of the resource at `url`, which is an origin and a path.
pub fn metadata_url(url: &str) -> String {
    let (origin, path) = split(url);
    format!("{origin}{WELL_KNOWN}{path}")
}

/// The path of that URL.
pub fn metadata_path(url: &str) -> String {
    let (_, path) = split(url);
    format!("{WELL_KNOWN}{path}")
}

/// Origin and path; a slash that stands alone behind the host is no path.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |slash| host + slash);
    match url.split_at_checked(path) {
        Some((origin, "/")) => (origin, ""),
        Some(parts) => parts,
        None => (url, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_stands_between_host_and_path() {
        for (url, expected) in [
            ("https://a.test", ""),
            ("https://a.test/", ""),
            ("https://a.test:8443/crm", "/crm"),
            ("https://a.test/crm/", "/crm/"),
            ("http://[::1]:80/a/b", "/a/b"),
        ] {
            assert_eq!(metadata_path(url), format!("{WELL_KNOWN}{expected}"));
        }
        assert_eq!(
            metadata_url("https://a.test:8443/crm"),
            "https://a.test:8443/.well-known/oauth-protected-resource/crm"
        );
        assert_eq!(
            metadata_url("https://a.test/"),
            "https://a.test/.well-known/oauth-protected-resource"
        );
    }
}

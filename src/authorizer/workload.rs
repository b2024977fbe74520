//! The workload that calls: the SPIFFE ID in the peer certificate that Envoy verified.

/// Longest SPIFFE ID (SPIFFE-ID specification, section 2.3).
const MAX_ID: usize = 2048;

/// `principal` as a SPIFFE ID, if it is a well-formed one with a path (SPIFFE-ID, section 2): anything else, a DNS
/// name or a subject for example, is no workload.
pub(super) fn workload(principal: Option<&str>) -> Option<&str> {
    let id = principal?;
    let (domain, path) = id.strip_prefix("spiffe://")?.split_once('/')?;
    let domain_ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    let path_ok = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let segment =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(path_ok);
    let well_formed = id.len() <= MAX_ID
        && (1..=255).contains(&domain.len())
        && domain.bytes().all(domain_ok)
        && path.split('/').all(segment);
    well_formed.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_spiffe_ids_are_workloads() {
        let good = "spiffe://example.org/ci/deployer";
        assert_eq!(workload(Some(good)), Some(good));
        for bad in [
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://Example.org/ci",
            "spiffe://example.org/ci/*",
            "spiffe://example.org/ci/../x",
            "spiffe://example.org/ci\0x",
            "spiffe:///ci",
            "https://example.org/ci",
            "example.org",
            "",
        ] {
            assert_eq!(workload(Some(bad)), None, "{bad:?}");
        }
        assert_eq!(workload(None), None);
    }
}

//! The downstream side of the connection, as Envoy verified it.

use crate::model::reason::Reason;
use crate::model::request::Peer;
use crate::model::verdict::Denial;

use crate::ext_authz::percent::{Unit, units};
use crate::ext_authz::wire::Source;

/// Longest certificate in bytes, URL-encoded PEM.
const MAX_CERTIFICATE: usize = 64 * 1024;
/// Longest principal in bytes; a SPIFFE ID has at most 2048 (SPIFFE-ID, section 2.3).
const MAX_PRINCIPAL: usize = 2048;

/// Reads the peer.
pub(super) fn peer(source: Option<&Source<'_>>) -> Result<Peer, Denial> {
    let Some(source) = source else {
        return Ok(Peer::default());
    };
    if source.principal.len() > MAX_PRINCIPAL {
        return Err(Denial::new(Reason::RequestMalformed).because("the principal is too long"));
    }
    Ok(Peer {
        ip: source.address.parse().ok(),
        principal: non_empty(source.principal),
        certificate: certificate_of(source.certificate)?,
    })
}

/// Absent stays absent: protobuf writes an absent text as an empty one.
pub(super) fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn certificate_of(encoded: &str) -> Result<Option<String>, Denial> {
    if encoded.is_empty() {
        return Ok(None);
    }
    let bytes = (encoded.len() <= MAX_CERTIFICATE).then(|| decode(encoded));
    bytes
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Some)
        .ok_or_else(|| {
            Denial::new(Reason::RequestMalformed).because("the peer certificate cannot be decoded")
        })
}

/// Envoy encodes `+`, so a raw one is itself and never a space.
fn decode(encoded: &str) -> Option<Vec<u8>> {
    units(encoded)
        .map(|unit| match unit {
            Ok(Unit::Raw(byte) | Unit::Encoded(byte)) => Some(byte),
            Err(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn source<'a>(address: &'a str, principal: &'a str, certificate: &'a str) -> Source<'a> {
        Source {
            address,
            principal,
            certificate,
        }
    }

    #[test]
    fn absent_stays_absent() {
        for nothing in [None, Some(&source("not an address", "", ""))] {
            let peer = peer(nothing).unwrap();
            assert!(peer.ip.is_none() && peer.principal.is_none() && peer.certificate.is_none());
        }
    }

    #[test]
    fn a_verified_peer_is_read_whole() {
        let pem = "-----BEGIN%20CERTIFICATE-----%0AMII%2B+%3D%0A-----END%20CERTIFICATE-----%0A";
        let peer = peer(Some(&source("2001:db8::1", "spiffe://example.org/a", pem))).unwrap();
        assert_eq!(peer.ip, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(peer.principal.as_deref(), Some("spiffe://example.org/a"));
        assert_eq!(
            peer.certificate.as_deref(),
            Some("-----BEGIN CERTIFICATE-----\nMII++=\n-----END CERTIFICATE-----\n")
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_malformed() {
        let long = "a".repeat(MAX_CERTIFICATE + 1);
        for certificate in ["%", "%zz", "%ff", &long] {
            let denial = peer(Some(&source("", "", certificate))).unwrap_err();
            assert_eq!(denial.reason, Reason::RequestMalformed);
        }
        let principal = "a".repeat(MAX_PRINCIPAL + 1);
        assert!(peer(Some(&source("", &principal, ""))).is_err());
    }
}

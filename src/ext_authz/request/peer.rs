//! The downstream side of the connection, as Envoy verified it.

use envoy_types::pb::envoy::config::core::v3::address::Address;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::Peer as PeerContext;

use crate::model::reason::Reason;
use crate::model::request::Peer;
use crate::model::verdict::Denial;

use crate::ext_authz::percent::{Unit, units};

/// Longest certificate in bytes, URL-encoded PEM.
const MAX_CERTIFICATE: usize = 64 * 1024;
/// Longest principal in bytes; a SPIFFE ID has at most 2048 (SPIFFE-ID, section 2.3).
const MAX_PRINCIPAL: usize = 2048;

/// Reads the peer. `service` and `labels` are left out: a client can influence the first, and neither is an identity.
pub(super) fn peer(context: Option<&PeerContext>) -> Result<Peer, Denial> {
    let Some(context) = context else {
        return Ok(Peer {
            ip: None,
            principal: None,
            certificate: None,
        });
    };
    let PeerContext {
        address,
        service: _,
        labels: _,
        principal,
        certificate,
    } = context;
    let socket = match address.as_ref().and_then(|field| field.address.as_ref()) {
        Some(Address::SocketAddress(socket)) => Some(socket),
        Some(Address::Pipe(_) | Address::EnvoyInternalAddress(_)) | None => None,
    };
    if principal.len() > MAX_PRINCIPAL {
        return Err(Denial::new(Reason::RequestMalformed).because("the principal is too long"));
    }
    Ok(Peer {
        ip: socket.and_then(|socket| socket.address.parse().ok()),
        principal: non_empty(principal),
        certificate: certificate_of(certificate)?,
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
    use std::collections::HashMap;

    use envoy_types::pb::envoy::config::core::v3 as core;

    use super::*;

    fn context(address: &str, principal: &str, certificate: &str) -> PeerContext {
        let socket = core::SocketAddress {
            address: address.into(),
            ..Default::default()
        };
        PeerContext {
            address: Some(core::Address {
                address: Some(Address::SocketAddress(socket)),
            }),
            service: "claimed-by-the-client".into(),
            labels: HashMap::new(),
            principal: principal.into(),
            certificate: certificate.into(),
        }
    }

    #[test]
    fn absent_stays_absent() {
        for nothing in [None, Some(&context("not an address", "", ""))] {
            let peer = peer(nothing).unwrap();
            assert!(peer.ip.is_none() && peer.principal.is_none() && peer.certificate.is_none());
        }
    }

    #[test]
    fn a_verified_peer_is_read_whole() {
        let pem = "-----BEGIN%20CERTIFICATE-----%0AMII%2B+%3D%0A-----END%20CERTIFICATE-----%0A";
        let peer = peer(Some(&context("2001:db8::1", "spiffe://example.org/a", pem))).unwrap();
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
            let denial = peer(Some(&context("", "", certificate))).unwrap_err();
            assert_eq!(denial.reason, Reason::RequestMalformed);
        }
        let principal = "a".repeat(MAX_PRINCIPAL + 1);
        assert!(peer(Some(&context("", &principal, ""))).is_err());
    }
}

//! What is read is what prost reads, and what prost reads is read.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::address::Address as Kind;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, Pipe, SocketAddress,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{
    HttpRequest, Peer, Request, TlsSession,
};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use envoy_types::pb::google::protobuf::value::Kind as ValueKind;
use envoy_types::pb::google::protobuf::{Struct, Timestamp, Value};
use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Compares what was read with what prost made of the same bytes.
fn same(read: &Check<'_>, prost: &CheckRequest) {
    let none = AttributeContext::default();
    let context = prost.attributes.as_ref().unwrap_or(&none);
    let request = context.request.as_ref();
    let http = request.and_then(|request| request.http.as_ref());
    assert_eq!(read.http.is_some(), http.is_some());
    if let (Some(read), Some(http)) = (&read.http, http) {
        same_http(read, http);
    }
    assert_eq!(read.source.is_some(), context.source.is_some());
    if let (Some(read), Some(peer)) = (&read.source, &context.source) {
        let address = peer.address.as_ref().and_then(|it| it.address.as_ref());
        let socket = match address {
            Some(Kind::SocketAddress(socket)) => socket.address.as_str(),
            _ => "",
        };
        let expected = Source {
            address: socket,
            principal: &peer.principal,
            certificate: &peer.certificate,
        };
        assert_eq!(*read, expected);
    }
    let sni = context
        .tls_session
        .as_ref()
        .map_or("", |it| it.sni.as_str());
    assert_eq!(read.sni, sni);
    assert_eq!(map(&read.context_extensions), context.context_extensions);
    assert_eq!(read.metadata, context.metadata_context);
    assert_eq!(read.route_metadata, context.route_metadata_context);
}

fn same_http(read: &Http<'_>, http: &HttpRequest) {
    let texts = |http: &HttpRequest| {
        let HttpRequest {
            id,
            method,
            path,
            host,
            scheme,
            query,
            fragment,
            protocol,
            body,
            ..
        } = http.clone();
        [
            id, method, path, host, scheme, query, fragment, protocol, body,
        ]
    };
    let read_texts = [
        read.id,
        read.method,
        read.path,
        read.host,
        read.scheme,
        read.query,
        read.fragment,
        read.protocol,
        read.body,
    ];
    assert_eq!(read_texts.map(str::to_owned), texts(http));
    assert_eq!((read.size, read.raw_body), (http.size, &*http.raw_body));
    assert_eq!(map(&read.headers), http.headers);
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    let raw: Vec<Header<'_>> = raw
        .map(|it| Header {
            key: &it.key,
            value: &it.value,
            raw_value: &it.raw_value,
        })
        .collect();
    assert_eq!(read.header_map, raw);
}

fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,4}", "\\PC{0,3}"]
}

fn entries() -> impl Strategy<Value = HashMap<String, String>> {
    hash_map(texts(), texts(), 0..4)
}

prop_compose! {
    fn http()(
        fields in [texts(), texts(), texts(), texts(), texts(), texts(), texts(), texts(), texts()],
        size in prop_oneof![Just(-1), Just(0), any::<i64>()],
        raw_body in vec(any::<u8>(), 0..200),
        headers in entries(),
        raw in option::of(vec((texts(), texts(), vec(any::<u8>(), 0..4)), 0..4)),
    ) -> HttpRequest {
        let [id, method, path, host, scheme, query, fragment, protocol, body] = fields;
        let value = |(key, value, raw_value)| HeaderValue { key, value, raw_value };
        let header_map = raw.map(|raw| HeaderMap { headers: raw.into_iter().map(value).collect() });
        HttpRequest { id, method, headers, header_map, path, host, scheme, query, fragment, size, protocol, body, raw_body }
    }
}

fn address() -> impl Strategy<Value = Address> {
    let socket = texts().prop_map(|address| {
        let port_specifier = Some(PortSpecifier::PortValue(443));
        Kind::SocketAddress(SocketAddress {
            address,
            port_specifier,
            ..SocketAddress::default()
        })
    });
    let pipe = texts().prop_map(|path| Kind::Pipe(Pipe { path, mode: 7 }));
    let kind = option::of(prop_oneof![socket, pipe]);
    kind.prop_map(|address| Address { address })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    hash_map(texts(), texts(), 0..3).prop_map(|fields| {
        let text = |text| Value {
            kind: Some(ValueKind::StringValue(text)),
        };
        let fields = fields.into_iter().map(|(name, value)| (name, text(value)));
        let space = Struct {
            fields: fields.collect(),
        };
        Metadata {
            filter_metadata: HashMap::from([("space".to_owned(), space)]),
            ..Metadata::default()
        }
    })
}

prop_compose! {
    fn check()(
        http in option::of(http()),
        source in option::of((option::of(address()), texts(), texts(), texts(), entries())),
        destination in option::of(texts()),
        sni in option::of(texts()),
        context_extensions in entries(),
        metadata_context in option::of(metadata()),
        route_metadata_context in option::of(metadata()),
    ) -> CheckRequest {
        let time = Some(Timestamp { seconds: 7, nanos: 9 });
        let source = source.map(|(address, service, principal, certificate, labels)| Peer {
            address, service, labels, principal, certificate,
        });
        let destination = destination.map(|principal| Peer { principal, ..Peer::default() });
        CheckRequest {
            attributes: Some(AttributeContext {
                source,
                destination,
                request: http.map(|http| Request { time, http: Some(http) }),
                context_extensions,
                metadata_context,
                route_metadata_context,
                tls_session: sni.map(|sni| TlsSession { sni }),
            }),
        }
    }
}

proptest! {
    /// One message, and two of them one behind the other, which protobuf reads as one that has the fields of both.
    #[test]
    fn messages_are_read_as_prost_reads_them(one in check(), other in check()) {
        let (one, other) = (one.encode_to_vec(), other.encode_to_vec());
        for bytes in [[one.as_slice(), &other].concat(), one] {
            let prost = CheckRequest::decode(bytes.as_slice()).unwrap();
            same(&Check::read(&bytes).unwrap(), &prost);
        }
    }

    #[test]
    fn what_prost_takes_is_taken_and_means_the_same(
        check in check(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = check.encode_to_vec();
        bytes.push(0);
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(prost) = CheckRequest::decode(bytes.as_slice()) {
            // A group is skipped by prost; nobody sends one.
            if let Ok(read) = Check::read(&bytes) {
                same(&read, &prost);
            } else {
                prop_assert!(has_group(&bytes), "{bytes:?}");
            }
        }
    }
}

/// Whether any byte could open a group.
fn has_group(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte & 7 == 3)
}

#[test]
fn a_message_that_is_cut_anywhere_never_panics() {
    let mut http = HttpRequest {
        size: -1,
        path: "/a".into(),
        ..HttpRequest::default()
    };
    http.headers.insert("a".into(), "b".into());
    let request = Some(Request {
        time: None,
        http: Some(http),
    });
    let attributes = Some(AttributeContext {
        request,
        ..AttributeContext::default()
    });
    let bytes = CheckRequest { attributes }.encode_to_vec();
    for length in 1..bytes.len() {
        assert_eq!(Check::read(&bytes[..length]), Err(Malformed), "{length}");
    }
    assert!(Check::read(&bytes).is_ok());
    assert_eq!(Check::read(&[]), Ok(Check::default()));
}

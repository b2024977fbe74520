//! A `CheckRequest` as Envoy builds it, in each of the shapes that Envoy has.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::address;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, Metadata, SocketAddress,
};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{
    HttpRequest, Peer, Request, TlsSession,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value as ProtoValue};
use serde_json::Value;

/// One question. Headers go as `header_map` and the body as `raw_body` unless a test says otherwise, which is what the
/// recommended configuration of Envoy sends.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: String,
    host: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    merged: bool,
    body: Vec<u8>,
    text_body: bool,
    size: Option<i64>,
    protocol: String,
    measured: bool,
    source: Peer,
    sni: String,
    context: BTreeMap<String, String>,
    metadata: BTreeMap<String, Value>,
}

impl Ask {
    /// A request without anything but its line.
    pub(crate) fn new(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            merged: false,
            body: Vec::new(),
            text_body: false,
            size: None,
            protocol: "HTTP/2".to_owned(),
            measured: true,
            source: Peer::default(),
            sni: String::new(),
            context: BTreeMap::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// `GET` on the sample policy's payments.
    pub(crate) fn payments(path: &str) -> Self {
        Self::new("GET", "payments.example.com", path)
    }

    /// Adds a header; a name may be added twice.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sends only the headers whose lower-case names are `listed`, that of a body's length among them.
    pub(crate) fn keeping(mut self, listed: impl Fn(&str) -> bool) -> Self {
        self.headers
            .retain(|(name, _)| listed(&name.to_ascii_lowercase()));
        self.measured &= listed("content-length");
        self
    }

    /// Adds a bearer token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sends headers as `headers`: names once, values joined with a comma, bytes that are no UTF-8 replaced.
    pub(crate) fn merged(mut self) -> Self {
        self.merged = true;
        self
    }

    /// Sends a body, with its length unless a test gives another or [leaves it out](Self::unmeasured).
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Sends the body without `content-length`, as of a request in chunks.
    pub(crate) fn unmeasured(mut self) -> Self {
        self.measured = false;
        self
    }

    /// Sets `size`, which otherwise is the body's length, or -1 without a body.
    pub(crate) fn size(mut self, size: i64) -> Self {
        self.size = Some(size);
        self
    }

    /// Sets the version of HTTP, which otherwise is `HTTP/2`.
    pub(crate) fn protocol(mut self, protocol: &str) -> Self {
        protocol.clone_into(&mut self.protocol);
        self
    }

    /// Sends the body as `body`, the text form.
    pub(crate) fn text_body(mut self) -> Self {
        self.text_body = true;
        self
    }

    /// Sets `source.principal`, as Envoy verified it.
    pub(crate) fn principal(mut self, principal: &str) -> Self {
        principal.clone_into(&mut self.source.principal);
        self
    }

    /// Sets the address of the caller, as Envoy saw it.
    pub(crate) fn address(mut self, ip: &str) -> Self {
        let socket = SocketAddress {
            address: ip.to_owned(),
            port_specifier: Some(PortSpecifier::PortValue(40000)),
            ..SocketAddress::default()
        };
        self.source.address = Some(Address {
            address: Some(address::Address::SocketAddress(socket)),
        });
        self
    }

    /// Sets `source.certificate`: the PEM of the peer's certificate, URL-encoded.
    pub(crate) fn certificate(mut self, certificate: &str) -> Self {
        certificate.clone_into(&mut self.source.certificate);
        self
    }

    /// Sets the TLS server name.
    pub(crate) fn sni(mut self, name: &str) -> Self {
        name.clone_into(&mut self.sni);
        self
    }

    /// Sets one of `context_extensions`.
    pub(crate) fn context(mut self, name: &str, value: &str) -> Self {
        self.context.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a namespace of `metadata_context`.
    pub(crate) fn metadata(mut self, namespace: &str, value: Value) -> Self {
        self.metadata.insert(namespace.to_owned(), value);
        self
    }

    /// The question on the wire.
    pub(crate) fn request(&self) -> CheckRequest {
        let size = self.size.unwrap_or_else(|| match self.body.len() {
            0 => -1,
            length => i64::try_from(length).unwrap(),
        });
        let mut http = HttpRequest {
            id: "7".to_owned(),
            method: self.method.clone(),
            host: self.host.clone(),
            path: self.path.clone(),
            scheme: "https".to_owned(),
            protocol: self.protocol.clone(),
            size,
            ..HttpRequest::default()
        };
        if self.text_body {
            http.body = String::from_utf8_lossy(&self.body).into_owned();
        } else {
            http.raw_body.clone_from(&self.body);
        }
        self.put_headers(&mut http);
        let attributes = AttributeContext {
            source: Some(self.source.clone()),
            request: Some(Request {
                time: None,
                http: Some(http),
            }),
            context_extensions: self.context.clone().into_iter().collect(),
            metadata_context: Some(self.metadata_context()),
            tls_session: Some(TlsSession {
                sni: self.sni.clone(),
            }),
            ..AttributeContext::default()
        };
        CheckRequest {
            attributes: Some(attributes),
        }
    }

    /// Pseudo headers first, then the headers in the order in which they were added.
    fn put_headers(&self, http: &mut HttpRequest) {
        const LENGTH: &str = "content-length";
        let pseudo = [
            (":method", &self.method),
            (":authority", &self.host),
            (":path", &self.path),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
        let given = self.headers.iter().any(|(name, _)| name == LENGTH);
        let length = (self.measured && !given && !self.body.is_empty())
            .then(|| (LENGTH.to_owned(), self.body.len().to_string().into_bytes()));
        let all = pseudo
            .into_iter()
            .chain(length)
            .chain(self.headers.iter().cloned());
        if self.merged {
            for (name, value) in all {
                let value: String = value
                    .utf8_chunks()
                    .flat_map(|chunk| [chunk.valid().to_owned(), "!".repeat(chunk.invalid().len())])
                    .collect();
                let joined = http
                    .headers
                    .remove(&name)
                    .map_or_else(|| value.clone(), |first| format!("{first},{value}"));
                http.headers.insert(name, joined);
            }
        } else {
            let headers = all.map(|(key, raw_value)| HeaderValue {
                key,
                raw_value,
                ..HeaderValue::default()
            });
            http.header_map = Some(HeaderMap {
                headers: headers.collect(),
            });
        }
    }

    fn metadata_context(&self) -> Metadata {
        let entries = self
            .metadata
            .iter()
            .map(|(name, value)| match to_proto(value).kind {
                Some(Kind::StructValue(members)) => (name.clone(), members),
                other => panic!("metadata of a namespace is an object: {other:?}"),
            });
        Metadata {
            filter_metadata: entries.collect(),
            ..Metadata::default()
        }
    }
}

fn to_proto(value: &Value) -> ProtoValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap()),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(to_proto).collect(),
        }),
        Value::Object(members) => {
            let fields = members
                .iter()
                .map(|(name, value)| (name.clone(), to_proto(value)));
            Kind::StructValue(Struct {
                fields: fields.collect(),
            })
        }
    };
    ProtoValue { kind: Some(kind) }
}

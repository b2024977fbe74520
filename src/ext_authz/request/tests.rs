use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{
    HttpRequest, Request, TlsSession,
};
use proptest::prelude::*;

use super::*;

/// A request as Envoy sends it, with no headers and no body.
pub(in crate::ext_authz) fn http(method: &str, host: &str, path: &str) -> HttpRequest {
    HttpRequest {
        method: method.into(),
        host: host.into(),
        path: path.into(),
        size: -1,
        ..Default::default()
    }
}

/// A check of that request.
pub(in crate::ext_authz) fn check(http: HttpRequest) -> CheckRequest {
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(http),
                ..Default::default()
            }),
            ..Default::default()
        }),
    }
}

/// A request as it is read from its bytes, which live as long as the tests.
pub(in crate::ext_authz) fn view(http: &HttpRequest) -> Http<'static> {
    let message = check(http.clone()).encode_to_vec().leak();
    Check::read(message).unwrap().http.unwrap()
}

fn id_of(http: HttpRequest) -> Option<String> {
    request_id(&Check::read(&check(http).encode_to_vec()).unwrap())
}

fn read(http: HttpRequest) -> Result<AccessRequest, Reason> {
    access_request(&check(http), Timestamp::from_seconds(1)).map_err(|denial| denial.reason)
}

#[test]
fn a_plain_request_is_read_whole() {
    let mut http = http("GET", "API.example.com:443", "/v1/a%20b?limit=5&q=x+y");
    http.headers = HashMap::from([
        ("x-request-id".into(), "r-1".into()),
        ("accept".into(), "*/*".into()),
    ]);
    http.scheme = "https".into();
    http.protocol = "HTTP/2".into();
    let mut check = check(http);
    let context = check.attributes.as_mut().unwrap();
    context.tls_session = Some(TlsSession {
        sni: "API.example.com".into(),
    });
    context.context_extensions = HashMap::from([("route".into(), "api".into())]);
    let request = access_request(&check, Timestamp::from_seconds(7)).unwrap();
    assert_eq!(
        format!("{request:?}"),
        "AccessRequest(GET api.example.com/v1/a b)"
    );
    assert_eq!(request.now, Timestamp::from_seconds(7));
    assert_eq!(request.id.as_deref(), Some("r-1"));
    assert_eq!(request.query.get("q"), Some("x y"));
    assert_eq!(request.headers.get("accept"), Some("*/*"));
    assert_eq!(request.scheme.as_deref(), Some("https"));
    assert_eq!(request.sni.as_deref(), Some("api.example.com"));
    assert_eq!(request.context_extensions["route"], "api");
}

#[test]
fn absent_stays_absent() {
    let request =
        access_request(&check(http("GET", "a", "/")), Timestamp::from_seconds(1)).unwrap();
    assert!(request.id.is_none() && request.scheme.is_none() && request.protocol.is_none());
    assert!(request.sni.is_none() && request.source.ip.is_none());
    assert!(request.metadata.is_empty() && request.context_extensions.is_empty());
    assert!(matches!(request.body, crate::model::request::Body::Absent));
}

#[test]
fn a_check_without_http_has_its_reason() {
    let now = Timestamp::from_seconds(1);
    let reason = |check: &CheckRequest| access_request(check, now).unwrap_err().reason;
    assert_eq!(reason(&CheckRequest { attributes: None }), Reason::NoHttp);
    let mut check = check(http("GET", "a", "/"));
    check.attributes.as_mut().unwrap().request = None;
    assert_eq!(reason(&check), Reason::NoHttp);
}

#[test]
fn fields_that_contradict_each_other_are_malformed() {
    let edits: [fn(&mut HttpRequest); 6] = [
        |http| http.query = "a=1".into(),
        |http| http.fragment = "a".into(),
        |http| http.method = String::new(),
        |http| http.method = "GET /".into(),
        |http| http.method = "G\u{c9}T".into(),
        |http| http.method = "A".repeat(MAX_METHOD + 1),
    ];
    for edit in edits {
        let mut http = http("GET", "a", "/");
        edit(&mut http);
        assert_eq!(read(http).unwrap_err(), Reason::RequestMalformed);
    }
}

#[test]
fn methods_are_kept_as_sent() {
    assert_eq!(read(http("get", "a", "/")).unwrap().method, "get");
    assert_eq!(
        read(http("OPTIONS", "a", "*")).unwrap_err(),
        Reason::PathMalformed
    );
}

#[test]
fn a_host_header_that_names_another_host_is_denied() {
    let with = |host: &str| {
        let mut http = http("GET", "example.com", "/");
        http.headers = HashMap::from([("host".into(), host.into())]);
        read(http).map(|request| request.host)
    };
    assert_eq!(with("EXAMPLE.com:80").as_deref(), Ok("example.com"));
    assert_eq!(with("other.example"), Err(Reason::HostMalformed));
    assert_eq!(with(""), Err(Reason::HostMalformed));
}

#[test]
fn the_request_id_comes_from_either_shape_or_from_envoy() {
    let mut request = http("GET", "a", "/");
    request.id = "1234".into();
    assert_eq!(id_of(request.clone()).as_deref(), Some("1234"));
    request.headers = HashMap::from([("x-request-id".into(), "a b".into())]);
    assert_eq!(id_of(request.clone()).as_deref(), Some("1234"));
    request.header_map = Some(HeaderMap {
        headers: vec![HeaderValue {
            key: "x-request-id".into(),
            value: String::new(),
            raw_value: b"r-1".to_vec(),
        }],
    });
    assert_eq!(id_of(request).as_deref(), Some("r-1"));
}

/// Texts that are likely to find an edge of the parsers.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[/%.2eEfF5cC;#?\\\\a+&= ]{0,24}",
        "/[/%.2eEfF5cC;#?\\\\a+&= ]{0,24}",
        "[\\[\\]:.@0-9a-f%]{0,16}",
        any::<String>(),
        proptest::collection::vec(any::<u8>(), 0..64)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #[test]
    fn no_input_panics(path in hostile(), host in hostile(), method in hostile(), header in hostile()) {
        let mut http = http(&method, &host, &path);
        http.headers = HashMap::from([(header.clone(), header)]);
        let _outcome = read(http);
    }

    #[test]
    fn an_accepted_path_is_canonical(path in "/[/%.2eEfF5cC;?a+ ]{0,12}") {
        if let Ok(request) = read(http("GET", "example.com", &path)) {
            let path = request.path;
            prop_assert!(path.starts_with('/'));
            prop_assert!(!path.contains("//") && !path.contains(['\\', ';', '#', '?']));
            prop_assert!(!path.split('/').any(|segment| segment == "." || segment == ".."));
        }
    }

    #[test]
    fn an_accepted_host_is_read_as_itself(host in hostile()) {
        if let Ok(request) = read(http("GET", &host, "/")) {
            let again = read(http("GET", &request.host, "/")).map(|it| it.host);
            prop_assert_eq!(again, Ok(request.host));
        }
    }
}

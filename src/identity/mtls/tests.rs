//! Peers, forwarded elements and hops; certificates are real, and the hostile ones are named by their defect.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};
use serde_json::{Value as Json, json};

use super::hops::Hops;
use super::{Mtls, MtlsSpec, xfcc};
use crate::certificate::Certificate;
use crate::identity::mtls::Caller;
use crate::identity::testing::NOW;
use crate::identity::{CheckedProviders, DpopSettings, DpopSpec, Providers, Resources};
use crate::keys::base64url;
use crate::model::glob::Glob;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};

const CALLER: &str = "spiffe://example.org/ci/runner";
const HOP: &str = "spiffe://example.org/envoy/edge";
const HEADER: &str = "x-forwarded-client-cert";

/// A certificate and the names that it goes by.
struct Shown {
    pem: String,
    hash: String,
    thumbprint: String,
}

fn made(uris: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let mut params = CertificateParams::default();
    params.subject_alt_names = uris
        .iter()
        .map(|text| SanType::URI((*text).try_into().unwrap()))
        .collect();
    change(&mut params);
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let thumbprint = Certificate::from_pem(&made.pem())
        .unwrap()
        .thumbprint()
        .to_owned();
    let bytes = base64url::decode(&thumbprint).unwrap();
    Shown {
        pem: made.pem(),
        hash: bytes
            .iter()
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}")),
        thumbprint,
    }
}

fn workload(id: &str) -> Shown {
    made(&[id], |_params| ())
}

static RUNNER: LazyLock<Shown> = LazyLock::new(|| workload(CALLER));
static EDGE: LazyLock<Shown> = LazyLock::new(|| workload(HOP));

/// What Envoy writes about this certificate.
fn element(shown: &Shown, id: &str) -> String {
    format!(
        "By=spiffe://example.org/us;Hash={};Subject=\"CN=x\";URI={id}",
        shown.hash
    )
}

fn encoded(pem: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    pem.bytes().map(byte).collect()
}

fn request(principal: Option<&str>, pem: Option<&str>, header: Option<&str>) -> AccessRequest {
    AccessRequest {
        now: NOW,
        id: None,
        method: "GET".into(),
        host: "api.example.com".into(),
        path: "/".into(),
        raw_path: "/".into(),
        query: Query::default(),
        headers: Headers::new(header.map(|value| (HEADER.to_owned(), value.to_owned()))),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer {
            ip: None,
            principal: principal.map(str::to_owned),
            certificate: pem.map(str::to_owned),
        },
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}

/// Who calls, as these hops tell; every workload of `example.org` could be a caller.
fn ask(hops: &Hops, request: &AccessRequest) -> Result<Option<String>, Reason> {
    let known = |id: &crate::model::spiffe::SpiffeId| id.trust_domain() == "example.org";
    let caller = hops.caller(request, known);
    let name = |caller: Caller| caller.id.map(|id| id.to_string());
    caller.map(name).map_err(|denial| denial.reason)
}

fn direct(principal: Option<&str>, pem: Option<&str>) -> Result<Option<String>, Reason> {
    ask(
        &Hops::default(),
        &request(principal, pem, Some("URI=spiffe://example.org/lie")),
    )
}

fn hops(trusted: usize, names: &[&str]) -> Hops {
    Hops::new(
        trusted,
        names.iter().map(|name| Glob::identifier(name)).collect(),
    )
}

/// One hop, which is [`EDGE`]; Envoy appends its own element about it.
fn through_edge(before: &str) -> Result<Option<String>, Reason> {
    let header = format!("{before},{}", element(&EDGE, HOP));
    let request = request(Some(HOP), Some(&EDGE.pem), Some(&header));
    ask(&hops(1, &["spiffe://example.org/envoy/*"]), &request)
}

/// What every road to [`RUNNER`] leads to.
static FOUND: LazyLock<Result<Option<String>, Reason>> =
    LazyLock::new(|| Ok(Some(CALLER.to_owned())));

#[test]
fn principal_and_certificate_name_one_workload() {
    let pem = Some(RUNNER.pem.as_str());
    assert_eq!(direct(Some(CALLER), pem), *FOUND);
    assert_eq!(direct(Some(CALLER), None), *FOUND);
    assert_eq!(direct(None, pem), *FOUND);
    assert_eq!(direct(None, None), Ok(None));
    for other in [
        "spiffe://example.org/ci/other",
        "runner.example.org",
        "CN=runner",
    ] {
        assert_eq!(
            direct(Some(other), pem),
            Err(Reason::WorkloadAmbiguous),
            "{other}"
        );
    }
    let nameless = made(&[], |_params| ());
    assert_eq!(
        direct(Some(CALLER), Some(&nameless.pem)),
        Err(Reason::WorkloadAmbiguous)
    );
}

#[test]
fn other_names_are_no_workload() {
    for name in [
        "runner.example.org",
        "CN=runner,O=ci",
        "https://example.org/ci/runner",
    ] {
        assert_eq!(direct(Some(name), None), Ok(None), "{name}");
    }
    let web = workload("https://example.org/ci/runner");
    assert_eq!(
        direct(Some("https://example.org/ci/runner"), Some(&web.pem)),
        Ok(None)
    );
}

#[test]
fn what_begins_like_a_spiffe_id_and_is_none_is_refused() {
    for bad in [
        "spiffe://example.org",
        "spiffe://example.org/",
        "SPIFFE://example.org/ci/runner",
        "spiffe://example.org/ci/*",
        "spiffe://example.org/ci/runner\0.evil",
        "spiffe://example.org/ci/../runner",
        "spiffe://example.org:443/ci",
        "spiffe:x",
    ] {
        assert_eq!(
            direct(Some(bad), None),
            Err(Reason::CertificateInvalid),
            "{bad:?}"
        );
    }
}

#[test]
fn a_certificate_that_is_no_x509_svid_is_refused() {
    let two = made(&[CALLER, "spiffe://example.org/ci/other"], |_params| ());
    let mixed = made(&["https://example.org/", CALLER], |_params| ());
    let authority = made(&[CALLER], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let wildcard = workload("spiffe://example.org/ci/*");
    for (what, shown) in [
        ("two", &two),
        ("mixed", &mixed),
        ("authority", &authority),
        ("wildcard", &wildcard),
    ] {
        assert_eq!(
            direct(None, Some(&shown.pem)),
            Err(Reason::CertificateInvalid),
            "{what}"
        );
    }
    for text in [
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            direct(Some(CALLER), Some(text)),
            Err(Reason::CertificateInvalid),
            "{text}"
        );
    }
}

#[test]
fn a_certificate_is_valid_now() {
    let expired = made(&[CALLER], |params| {
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
    });
    assert_eq!(
        direct(Some(CALLER), Some(&expired.pem)),
        Err(Reason::CertificateInvalid)
    );
    let early = made(&[CALLER], |params| {
        params.not_before = rcgen::date_time_ymd(2099, 1, 1);
    });
    assert_eq!(
        direct(Some(CALLER), Some(&early.pem)),
        Err(Reason::CertificateInvalid)
    );
    let of_hop = format!(
        "Hash={};URI={CALLER};Cert=\"{}\"",
        expired.hash,
        encoded(&expired.pem)
    );
    assert_eq!(through_edge(&of_hop), Err(Reason::CertificateInvalid));
}

#[test]
fn a_hop_tells_who_calls() {
    assert_eq!(through_edge(&element(&RUNNER, CALLER)), *FOUND);
    let whole = format!(
        "{};Cert=\"{}\"",
        element(&RUNNER, CALLER),
        encoded(&RUNNER.pem)
    );
    assert_eq!(through_edge(&whole), *FOUND);
    let certificate = format!("Hash={};Cert=\"{}\"", RUNNER.hash, encoded(&RUNNER.pem));
    assert_eq!(through_edge(&certificate), *FOUND);
    assert_eq!(
        through_edge(&format!(
            "Hash={};URI=;DNS=a.example;DNS=b.example",
            RUNNER.hash
        )),
        Ok(None)
    );
    let header = format!("{},{}", element(&RUNNER, CALLER), element(&EDGE, HOP));
    let request = request(Some(HOP), Some(&EDGE.pem), Some(&header));
    let hops = hops(1, &["spiffe://example.org/envoy/*"]);
    let caller = hops.caller(&request, |_| true).unwrap();
    assert_eq!(
        caller.thumbprint.as_deref(),
        Some(RUNNER.thumbprint.as_str())
    );
}

#[test]
fn nothing_stands_further_left() {
    for lie in [
        "URI=spiffe://example.org/lie",
        "Hash=zz;URI=x,Hash=;URI=y",
        &element(&EDGE, HOP),
        &element(&RUNNER, CALLER),
    ] {
        let header = format!("{lie},{}", element(&RUNNER, CALLER));
        let refused = through_edge(&header);
        assert_eq!(refused, Err(Reason::WorkloadAmbiguous), "{lie}");
    }
    // A name with commas in it, as Envoy writes it.
    let name = format!("{HOP},{}", element(&RUNNER, CALLER));
    let refused = through_edge(&element(&EDGE, &name));
    assert_eq!(refused, Err(Reason::WorkloadAmbiguous));
}

#[test]
fn a_hop_itself_never_calls() {
    let listed = hops(2, &["spiffe://example.org/envoy/*"]);
    let own = element(&EDGE, HOP);
    let of =
        |hops: &Hops, header: Option<&str>| ask(hops, &request(Some(HOP), Some(&EDGE.pem), header));
    assert_eq!(of(&listed, None), Ok(None));
    assert_eq!(of(&listed, Some(&own)), Ok(None));
    assert_eq!(of(&listed, Some(&format!("{own},{own}"))), Ok(None));
    assert_eq!(
        of(&listed, Some(&format!("{own},{own},{own}"))),
        Err(Reason::WorkloadAmbiguous)
    );
    let inner = format!("{},{own},{own}", element(&RUNNER, CALLER));
    assert_eq!(of(&listed, Some(&inner)), *FOUND);
    // Who goes round the outer hop speaks for itself, and for nobody else.
    let web = "spiffe://example.org/web";
    let stranger = element(&workload(web), web);
    let around = format!("{stranger},{own}");
    assert_eq!(of(&listed, Some(&around)), Ok(Some(web.to_owned())));
    let lying = format!("{},{around}", element(&RUNNER, CALLER));
    assert_eq!(of(&listed, Some(&lying)), Err(Reason::WorkloadAmbiguous));
}

#[test]
fn whoever_is_no_hop_speaks_for_itself_alone() {
    let listed = hops(1, &["spiffe://example.org/envoy/*"]);
    let own = element(&RUNNER, CALLER);
    for header in [
        None,
        Some(own.clone()),
        Some(format!("{},{own}", element(&EDGE, HOP))),
        Some("\"".into()),
    ] {
        let request = request(Some(CALLER), Some(&RUNNER.pem), header.as_deref());
        assert_eq!(ask(&listed, &request), *FOUND, "{header:?}");
    }
    // Nor is one believed that has shown nothing.
    assert_eq!(ask(&listed, &request(None, None, Some(&own))), Ok(None));
}

#[test]
fn without_names_the_peer_is_a_hop_and_no_other_workload() {
    let any = hops(1, &[]);
    let own = element(&EDGE, HOP);
    let by_workload = |header: &str| ask(&any, &request(Some(HOP), Some(&EDGE.pem), Some(header)));
    let other = format!("{},{own}", element(&RUNNER, CALLER));
    assert_eq!(by_workload(&other), Err(Reason::WorkloadAmbiguous));
    assert_eq!(by_workload(&own), Err(Reason::WorkloadAmbiguous));
    let same = format!("{own},{own}");
    assert_eq!(by_workload(&same), Ok(Some(HOP.to_owned())));

    let proxy = made(&[], |params| {
        params.subject_alt_names = vec![SanType::DnsName("lb.example.org".try_into().unwrap())];
    });
    let own = format!("By=;Hash={};DNS=lb.example.org", proxy.hash);
    let header = format!("{},{own}", element(&RUNNER, CALLER));
    let request = |header: &str| request(Some("lb.example.org"), Some(&proxy.pem), Some(header));
    assert_eq!(ask(&any, &request(&header)), *FOUND);
    assert_eq!(ask(&any, &request(&own)), Err(Reason::WorkloadAmbiguous));
    assert_eq!(
        ask(
            &any,
            &self::request(None, None, Some(&element(&RUNNER, CALLER)))
        ),
        *FOUND
    );
    assert_eq!(
        ask(&hops(2, &[]), &request(&header)),
        Err(Reason::WorkloadAmbiguous)
    );
}

fn providers(mesh: Option<Json>) -> Providers {
    let base = Path::new("/");
    let specs = mesh.map(|spec| {
        let spec = serde_json::from_value(json!({ "mtls": spec })).unwrap();
        ("mesh".to_owned(), spec)
    });
    let dpop = DpopSettings::compile(DpopSpec::default(), base).unwrap();
    let checked = CheckedProviders::compile(specs, base).unwrap();
    checked.with(dpop, &Resources::default())
}

/// What a token may be bound to (RFC 8705, section 3.1).
#[test]
fn the_certificate_of_a_caller_is_the_one_that_envoy_or_a_hop_of_ours_verified() {
    let edge_only = json!({ "trust_domains": ["example.org"] });
    let behind =
        json!({ "trust_domains": "example.org", "trusted_hops": 1, "hops": [HOP.to_owned()] });
    let both = format!("{},{}", element(&RUNNER, CALLER), element(&EDGE, HOP));
    let by_edge = request(Some(HOP), Some(&EDGE.pem), Some(&both));
    let by_runner = request(Some(CALLER), Some(&RUNNER.pem), Some(&both));
    let forged = request(None, None, Some(&element(&RUNNER, CALLER)));
    let named = request(Some(CALLER), None, None);
    let (edge, runner) = (
        Some(EDGE.thumbprint.as_str()),
        Some(RUNNER.thumbprint.as_str()),
    );
    for (mesh, request, expected) in [
        (None, &by_edge, edge),
        (None, &by_runner, runner),
        (None, &forged, None),
        (None, &named, None),
        (Some(&edge_only), &by_edge, edge),
        (Some(&edge_only), &forged, None),
        (Some(&behind), &by_edge, runner),
        // A hop's own certificate is nobody's proof: all that come through it would have it.
        (
            Some(&behind),
            &self::request(Some(HOP), Some(&EDGE.pem), None),
            None,
        ),
        (Some(&behind), &by_runner, runner),
        (Some(&behind), &forged, None),
    ] {
        let found = providers(mesh.cloned()).caller_thumbprint(request).unwrap();
        assert_eq!(found.as_deref(), expected, "{mesh:?} {request:?}");
    }
    // A certificate of another trust domain is no workload's, and as good as any to bind a token to.
    let foreign = workload("spiffe://other.test/web");
    let request = request(None, Some(&foreign.pem), None);
    let providers = providers(Some(edge_only));
    assert_eq!(providers.workload(&request), Ok(None));
    let found = providers.caller_thumbprint(&request).unwrap();
    assert_eq!(found.as_deref(), Some(foreign.thumbprint.as_str()));
}

/// The last element is Envoy's own about its peer. If it is not, Envoy does not append, and nothing says who added what.
#[test]
fn an_envoy_that_does_not_append_is_found_out() {
    let listed = hops(1, &["spiffe://example.org/envoy/*"]);
    let forwarded = element(&RUNNER, CALLER);
    for header in [
        forwarded.clone(),
        format!("{},{forwarded}", element(&EDGE, HOP)),
        format!("{forwarded},{}", element(&EDGE, CALLER)),
        format!("{forwarded},{}", element(&RUNNER, HOP)),
    ] {
        let request = request(Some(HOP), Some(&EDGE.pem), Some(&header));
        assert_eq!(
            ask(&listed, &request),
            Err(Reason::WorkloadAmbiguous),
            "{header}"
        );
    }
    // Without the certificate, the URI alone has to do; without both there is nothing to compare.
    let header = format!("{forwarded},{}", element(&EDGE, HOP));
    assert_eq!(
        ask(&listed, &request(Some(HOP), None, Some(&header))),
        *FOUND
    );
    let header = format!("{forwarded},Hash={}", EDGE.hash);
    assert_eq!(
        ask(&listed, &request(Some(HOP), None, Some(&header))),
        Err(Reason::WorkloadAmbiguous)
    );
    assert_eq!(
        ask(&listed, &request(Some(HOP), Some(&EDGE.pem), Some(&header))),
        *FOUND
    );
}

/// Everything that is not exactly what Envoy writes, by what is wrong with it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn hostile_elements_are_refused() {
    let good = element(&RUNNER, CALLER);
    let hash = &RUNNER.hash;
    let malformed = [
        ("empty", String::new()),
        ("no-value", "URI".into()),
        ("no-key", format!("=x;{good}")),
        ("key-with-a-space", format!("U RI=x;{good}")),
        ("long-key", format!("{}=x;{good}", "k".repeat(33))),
        ("empty-field", format!("{good};")),
        ("empty-element", format!("{good},")),
        ("open-quote", format!("Subject=\"a,{good}")),
        ("open-quote-with-escape", format!("Subject=\"a\\\",{good}")),
        ("quote-injection", format!("Subject=\"a\";x=\",{good}")),
        ("text-behind-a-quote", format!("Subject=\"a\"b,{good}")),
        ("quote-inside-a-value", format!("Subject=a\"b\",{good}")),
        ("backslash-outside-quotes", format!("Subject=a\\,{good}")),
        ("space-in-a-value", format!("Subject=CN=a b,{good}")),
        ("not-ascii", format!("Subject=é,{good}")),
        ("two-hashes", format!("{good};Hash={hash}")),
        ("two-hashes-in-another-case", format!("{good};HASH={hash}")),
        ("two-subjects", format!("{good};Subject=\"x\"")),
        ("two-certificates", format!("{good};Cert=\"\";cert=\"\"")),
        ("two-chains", format!("{good};Chain=\"\";Chain=\"\"")),
        ("no-hash", format!("URI={CALLER}")),
        (
            "a-dns-name-with-a-uri-in-it",
            format!("Hash={hash};URI=;DNS=a;URI={CALLER}"),
        ),
        ("two-empty-uris", format!("Hash={hash};URI=;DNS=a;URI=")),
        ("short-hash", format!("Hash=abcd;URI={CALLER}")),
        ("long-hash", format!("Hash={hash}00;URI={CALLER}")),
        (
            "odd-hash",
            format!("Hash={}x;URI={CALLER}", hash.replacen(|_| true, "", 1)),
        ),
        ("certificate-not-encoded", format!("{good};Cert=\"%zz\"")),
        ("certificate-not-utf8", format!("{good};Cert=\"%ff\"")),
        (
            "too-many-elements",
            format!("{}{good}", "URI=x,".repeat(32)),
        ),
        ("too-many-fields", format!("{}{good}", "DNS=x;".repeat(128))),
        (
            "too-long",
            format!("Subject={};{good}", "a".repeat(64 * 1024)),
        ),
    ];
    for (defect, header) in malformed {
        assert_eq!(
            through_edge(&header),
            Err(Reason::XfccMalformed),
            "{defect}"
        );
    }
    let invalid = [
        ("two-uris", format!("{good};URI=spiffe://example.org/b")),
        ("two-uris-of-one-workload", format!("{good};uri={CALLER}")),
        (
            "a-web-uri-as-well",
            format!("{good};URI=https://example.org/"),
        ),
        (
            "wildcard",
            format!("Hash={hash};URI=spiffe://example.org/ci/*"),
        ),
        (
            "upper-case-scheme",
            format!("Hash={hash};URI=SPIFFE://example.org/ci"),
        ),
        ("no-path", format!("Hash={hash};URI=spiffe://example.org")),
        ("certificate-is-none", format!("{good};Cert=\"x\"")),
    ];
    for (defect, header) in invalid {
        assert_eq!(
            through_edge(&header),
            Err(Reason::CertificateInvalid),
            "{defect}"
        );
    }
    let other = workload("spiffe://example.org/ci/other");
    let ambiguous = [
        (
            "certificate-of-another-hash",
            format!("{good};Cert=\"{}\"", encoded(&other.pem)),
        ),
        (
            "certificate-of-another-uri",
            format!(
                "Hash={};URI={CALLER};Cert=\"{}\"",
                other.hash,
                encoded(&other.pem)
            ),
        ),
    ];
    for (defect, header) in ambiguous {
        assert_eq!(
            through_edge(&header),
            Err(Reason::WorkloadAmbiguous),
            "{defect}"
        );
    }
}

#[test]
fn values_are_read_as_envoy_writes_them() {
    let header = r#"By=http://frontend.lyft.com;Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Subject="/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test \"Client\", inc; x=1";URI=http://testclient.lyft.com, By=;Hash=ab;URI=;DNS=lyft.com;DNS=www.lyft.com;Issuer="CN=\\""#;
    let elements = xfcc::read(header).unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[0].uris, ["http://testclient.lyft.com"]);
    assert_eq!(elements[1].hash.as_deref(), Some("ab"));
    assert!(elements[1].uris.is_empty());
}

fn compile(spec: Json) -> Result<Mtls, Vec<String>> {
    let spec: MtlsSpec = serde_json::from_value(spec).unwrap();
    Mtls::compile(spec).map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
}

#[test]
fn mistakes_are_found_at_load() {
    for (spec, expected) in [
        (
            json!({}),
            "trust_domains: no trust domain is named, so nobody is known",
        ),
        (
            json!({ "trust_domains": ["a.org", "*.org"] }),
            "trust_domains[1]: `*.org` is not a trust domain",
        ),
        (
            json!({ "trust_domains": "spiffe://a.org" }),
            "trust_domains: `spiffe://a.org` is not a trust domain",
        ),
        (
            json!({ "trust_domains": ["a.org", "a.org"] }),
            "trust_domains[1]: `a.org` stands here twice",
        ),
        (
            json!({ "trust_domains": "a.org", "trusted_hops": 9 }),
            "trusted_hops: `9` is too many: at most `8`",
        ),
        (
            json!({ "trust_domains": "a.org", "hops": "spiffe://a.org/e" }),
            "hops: `hops` without `trusted_hops` say nothing",
        ),
        (
            json!({ "trust_domains": "a.org", "trusted_hops": 1, "hops": ["spiffe://a*/e"] }),
            "hops[0]: `spiffe://a*/e` is not a SPIFFE ID with a trust domain and a path",
        ),
        (
            json!({ "trust_domains": "a.org", "trusted_hops": 1, "hops": ["lb.a.org"] }),
            "hops[0]: `lb.a.org` is not a SPIFFE ID with a trust domain and a path",
        ),
    ] {
        assert_eq!(compile(spec.clone()).unwrap_err(), [expected], "{spec}");
    }
    assert!(compile(json!({ "trust_domains": "a.org", "trusted_hops": 1, "hops": "spiffe://a.org/e/*", "kind": "agent" })).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_header_panics(header in "([A-Za-z]{0,4}[=;,\"\\\\ %é]{0,3}){0,12}") {
        drop(xfcc::read(&header));
        drop(through_edge(&header));
    }

    /// Whatever the client writes, it never becomes somebody else: the hop's element counts, or nothing does.
    #[test]
    fn no_client_moves_the_hops_element(text in "([A-Za-z]{1,4}[=;,\"\\\\]{0,3}){0,8}") {
        let outcome = through_edge(&format!("{text},{}", element(&RUNNER, CALLER)));
        prop_assert!(outcome == *FOUND || outcome.is_err(), "{outcome:?}");
    }

    #[test]
    fn what_is_written_in_quotes_is_read_back(uri in "[ -~]{1,40}") {
        let quoted = uri.replace('\\', r"\\").replace('"', "\\\"");
        let elements = xfcc::read(&format!("URI=\"{quoted}\";By=x")).unwrap();
        prop_assert_eq!(&elements[0].uris, &[uri]);
    }
}

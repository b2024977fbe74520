//! Requests that two readers could read differently, through an Envoy that neither normalises nor refuses anything: each is
//! denied with a reason of its own, or decided and forwarded like its canonical form (DESIGN section 6, promises 3 and 4).

use std::sync::LazyLock;

use super::client::{Answer, Request};
use super::process::Change;
use super::stage::{Stage, setup};

const ECHO: &str = "echo.example.com";

/// What the shipped configuration does for the sake of honest clients, undone.
fn lenient() -> Vec<Change> {
    [
        ("normalize_path: true", "normalize_path: false"),
        ("merge_slashes: true", "merge_slashes: false"),
        (
            "path_with_escaped_slashes_action: REJECT_REQUEST",
            "path_with_escaped_slashes_action: KEEP_UNCHANGED",
        ),
        ("strip_any_host_port: true", "strip_any_host_port: false"),
        (
            "strip_trailing_host_dot: true",
            "strip_trailing_host_dot: false",
        ),
        (
            "headers_with_underscores_action: REJECT_REQUEST",
            "headers_with_underscores_action: ALLOW",
        ),
        ("max_request_headers_kb: 32", "max_request_headers_kb: 256"),
        ("max_headers_count: 100", "max_headers_count: 1000"),
        ("use_remote_address: true", "use_remote_address: false"),
        ("            - x-http-method-override\n", ""),
    ]
    .map(|(from, to)| (from, to.to_owned()))
    .to_vec()
}

/// Headers and bodies as bytes.
static RAW: LazyLock<Stage> = LazyLock::new(|| Stage::start(&lenient(), setup()));

/// Headers joined and bodies as text, which is how Envoy asks unless it is told otherwise.
static TEXT: LazyLock<Stage> = LazyLock::new(|| {
    let changes = [
        (
            "encode_raw_headers: true",
            "encode_raw_headers: false".to_owned(),
        ),
        ("pack_as_bytes: true", "pack_as_bytes: false".to_owned()),
    ];
    Stage::start(&[&lenient()[..], &changes].concat(), setup())
});

/// What must become of a request.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The upstream sees this target.
    Forwarded(&'static str),
    /// countersign denies it, for this reason.
    Denied(u16, &'static str),
    /// Envoy refuses it without a question.
    Refused(u16),
}
use Fate::{Denied, Forwarded, Refused};

/// Sends the same request through both Envoys and asserts that its fate is this one in both.
fn expect(fate: Fate, request: impl Fn(&Stage) -> Request) {
    for (shape, stage) in [("raw", &*RAW), ("text", &*TEXT)] {
        let request = request(stage);
        let answer = stage.send(&request);
        check(&answer, fate, &format!("{shape}: {request:?}"));
    }
}

fn check(answer: &Answer, fate: Fate, what: &str) {
    let reason = answer.reason();
    let decided = answer.header("x-decision-id").is_some();
    let got = (answer.status, reason.as_str());
    match fate {
        Forwarded(target) => {
            assert!(answer.is_from_upstream(), "{got:?} for {what}");
            assert_eq!(answer.json()["target"], target, "{what}");
        }
        Denied(status, expected) => {
            assert!(!answer.is_from_upstream(), "forwarded: {what}");
            assert_eq!(got, (status, expected), "{what}");
            assert!(decided, "{what}");
        }
        Refused(status) => {
            assert!(!answer.is_from_upstream(), "forwarded: {what}");
            assert_eq!(
                (answer.status, decided),
                (status, false),
                "{reason}: {what}"
            );
        }
    }
}

#[test]
fn a_path_has_one_reading() {
    for (target, fate) in [
        ("/open", Forwarded("/open")),
        ("/open?x=1?y=2", Forwarded("/open?x=1?y=2")),
        ("/open?", Forwarded("/open?")),
        ("/open/caf%C3%A9", Forwarded("/open/caf%C3%A9")),
        ("/open/a%20b", Forwarded("/open/a%20b")),
        ("/open/a+b", Forwarded("/open/a+b")),
        ("/open/..a", Forwarded("/open/..a")),
        ("//open", Denied(400, "path_empty_segment")),
        ("/open//", Denied(400, "path_empty_segment")),
        ("//echo.example.com/open", Denied(400, "path_empty_segment")),
        ("/./open", Denied(400, "path_dot_segment")),
        ("/open/.", Denied(400, "path_dot_segment")),
        ("/known/../open", Denied(400, "path_dot_segment")),
        ("/open/../known", Denied(400, "path_dot_segment")),
        ("/open/%2e%2e/known", Denied(400, "path_dot_segment")),
        ("/open/.%2E/known", Denied(400, "path_dot_segment")),
        ("/open%2fx", Denied(400, "path_encoded_slash")),
        ("/open%2Fx", Denied(400, "path_encoded_slash")),
        ("/open/..%2fknown", Denied(400, "path_encoded_slash")),
        ("/open%00", Denied(400, "path_control_character")),
        ("/open/a%0d%0ab", Denied(400, "path_control_character")),
        ("/open\\x", Denied(400, "path_backslash")),
        ("/open/..\\known", Denied(400, "path_backslash")),
        ("/open%5cx", Denied(400, "path_backslash")),
        ("/open;a=b", Denied(400, "path_parameter")),
        ("/open;/../known", Denied(400, "path_parameter")),
        ("/open%3ba=b", Denied(400, "path_parameter")),
        ("/op%65n", Denied(400, "path_encoded_unreserved")),
        ("/open%2ejson", Denied(400, "path_encoded_unreserved")),
        ("/open%252e", Denied(400, "path_double_encoding")),
        (
            "/open/%252e%252e/known",
            Denied(400, "path_double_encoding"),
        ),
        ("/open%3fx=1", Denied(400, "path_delimiter")),
        ("/open%23x", Denied(400, "path_delimiter")),
        ("/open/%ff", Denied(400, "path_not_utf8")),
        ("/open/%c0%af", Denied(400, "path_not_utf8")),
        ("/open/%", Denied(400, "path_malformed")),
        ("/open/%u002e", Denied(400, "path_malformed")),
        ("/open/", Denied(400, "path_trailing_slash")),
        ("/OPEN", Denied(403, "no_action")),
        ("/open?x=%0a", Denied(400, "query_malformed")),
        ("/open?x=%ff", Denied(400, "query_malformed")),
        ("/open?x=%zz", Denied(400, "query_malformed")),
        ("/open#x", Refused(400)),
        ("", Refused(400)),
        ("*", Refused(400)),
        ("open", Refused(400)),
    ] {
        expect(fate, |_| Request::get(ECHO, target));
    }
    expect(Refused(404), |_| Request::new("OPTIONS", ECHO, "*"));
}

#[test]
fn a_target_in_absolute_form_names_the_host() {
    // RFC 9112, section 3.2.2: the host in the target wins over the header.
    for host in [ECHO, "payments.example.com", "evil.example.com"] {
        expect(Forwarded("/open"), |_| {
            Request::get(host, "http://echo.example.com/open")
        });
        let elsewhere = Denied(401, "authentication_required");
        expect(elsewhere, |_| {
            Request::get(host, "http://payments.example.com/v1/payments")
        });
    }
    for stage in [&*RAW, &*TEXT] {
        let request = Request::get("payments.example.com", "http://echo.example.com/open");
        assert_eq!(stage.send(&request).upstream("host"), [ECHO]);
    }
    expect(Denied(400, "path_empty_segment"), |_| {
        Request::get(ECHO, "http://echo.example.com//open")
    });
}

#[test]
fn a_host_has_one_spelling() {
    for (host, fate) in [
        ("ECHO.Example.COM", Forwarded("/open")),
        ("echo.example.com:8080", Forwarded("/open")),
        ("echo.example.com.", Forwarded("/open")),
        ("echo.example.com.:80", Forwarded("/open")),
        ("[::1]", Forwarded("/open")),
        ("[::1]:80", Forwarded("/open")),
        ("[0:0:0:0:0:0:0:1]:8080", Forwarded("/open")),
        ("evil.example.com", Denied(403, "no_route")),
        ("echo.example.com.evil.com", Denied(403, "no_route")),
        ("127.0.0.1", Denied(403, "no_route")),
        ("echo.example.com..", Denied(400, "host_malformed")),
        ("echo.example.com:99999", Denied(400, "host_malformed")),
        ("evil@echo.example.com", Denied(400, "host_malformed")),
        ("echo.example.com:80:80", Denied(400, "host_malformed")),
        (
            "echo.example.com,evil.example.com",
            Denied(400, "host_malformed"),
        ),
        ("[::1", Denied(400, "host_malformed")),
        ("echo%2eexample.com", Denied(400, "host_malformed")),
        ("echo.example.com/x", Refused(400)),
        ("echo.example.com x", Refused(400)),
        ("", Denied(400, "host_malformed")),
    ] {
        expect(fate, |_| Request::get(host, "/open"));
        // The same spelling opens nothing that needs a credential.
        if let Forwarded(_) = fate {
            expect(Denied(401, "authentication_required"), |_| {
                Request::get(host, "/known")
            });
        }
    }
    // Envoy joins the two.
    expect(Denied(400, "host_malformed"), |_| {
        Request::get(ECHO, "/open").header("host", "evil.example.com")
    });
}

#[test]
fn one_request_has_one_credential() {
    let token = |stage: &Stage, id: &str| stage.person(id, ECHO).groups(&["echo"]).sign();
    let known = || Request::get(ECHO, "/known");
    expect(Forwarded("/known?tenant=acme"), |stage| {
        known().bearer(&token(stage, "alice"))
    });
    let ambiguous = Denied(400, "authorization_ambiguous");
    expect(ambiguous, |stage| {
        known()
            .bearer(&token(stage, "alice"))
            .bearer(&token(stage, "bob"))
    });
    expect(ambiguous, |stage| {
        known()
            .bearer(&token(stage, "alice"))
            .bearer(&token(stage, "alice"))
    });
    expect(ambiguous, |stage| {
        known().bearer(&format!("x, Bearer {}", token(stage, "alice")))
    });
    expect(ambiguous, |stage| {
        known().bearer(&format!("{},", token(stage, "alice")))
    });
    expect(Denied(400, "credential_ambiguous"), |stage| {
        Request::get(ECHO, "/known?access_token=x").bearer(&token(stage, "alice"))
    });
    // Envoy itself drops a second header that is empty, for the upstream too.
    expect(Forwarded("/known?tenant=acme"), |stage| {
        known()
            .bearer(&token(stage, "alice"))
            .header("Authorization", "")
    });
    // Nothing around the one credential makes it another one.
    expect(Denied(401, "token_malformed"), |stage| {
        known().bearer(&format!(" {}", token(stage, "alice")))
    });
    expect(Denied(401, "token_malformed"), |stage| {
        known().bearer(&format!("{}\u{e9}", token(stage, "alice")))
    });
    expect(Denied(401, "credential_unsupported"), |_| {
        known().header("authorization", b"\xff\xfe")
    });
    expect(Denied(401, "credential_unsupported"), |_| {
        known().header("authorization", "Basic YTpi")
    });
    expect(Denied(401, "token_too_large"), |_| {
        known().bearer(&"a".repeat(9000))
    });
    expect(Forwarded("/known?tenant=acme"), |stage| {
        known()
            .bearer(&token(stage, "alice"))
            .header("cookie", "session=x")
    });
}

#[test]
fn a_header_that_is_not_utf8_changes_nothing() {
    let strange = b"caf\xe9\xff\x80";
    expect(Forwarded("/open"), |_| {
        Request::get(ECHO, "/open").header("x-note", strange)
    });
    expect(Denied(401, "authentication_required"), |_| {
        Request::get(ECHO, "/known").header("x-note", strange)
    });
    for stage in [&*RAW, &*TEXT] {
        let answer = stage.send(&Request::get(ECHO, "/open").header("x-note", strange));
        let sent: String = strange.iter().copied().map(char::from).collect();
        assert_eq!(answer.upstream("x-note"), [sent]);
    }
}

#[test]
fn large_headers_are_decided_or_refused_but_never_skipped() {
    let with = |target: &str, bytes: usize| {
        Request::get(ECHO, target).header("x-large", "a".repeat(bytes))
    };
    expect(Forwarded("/open"), |_| with("/open", 90 * 1024));
    expect(Denied(401, "authentication_required"), |_| {
        with("/known", 90 * 1024)
    });
    expect(Denied(400, "headers_too_large"), |_| {
        with("/open", 100 * 1024)
    });
    expect(Denied(400, "headers_too_large"), |_| {
        with("/known", 200 * 1024)
    });
    let many = |target: &str, count: usize| {
        (0..count).fold(Request::get(ECHO, target), |request, n| {
            request.header(&format!("x-{n}"), "a")
        })
    };
    expect(Forwarded("/open"), |_| many("/open", 150));
    expect(Denied(400, "headers_too_large"), |_| many("/open", 250));
}

#[test]
fn headers_about_another_request_are_not_believed() {
    for (name, value) in [
        ("x-envoy-original-path", "/open"),
        ("x-envoy-original-host", "echo.example.com"),
        ("x-original-url", "/open"),
        ("x-rewrite-url", "/open"),
        ("x-forwarded-path", "/open"),
        ("x-forwarded-uri", "/open"),
        ("x-forwarded-host", "crm.example.com"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        (
            "x-forwarded-client-cert",
            "URI=spiffe://example.org/ci/runner",
        ),
        ("x-envoy-internal", "true"),
        ("x-envoy-auth-partial-body", "true"),
        ("forwarded", "host=crm.example.com"),
        ("x-user", "alice"),
        ("x_user", "alice"),
    ] {
        let with =
            |target: &'static str| move |_: &Stage| Request::get(ECHO, target).header(name, value);
        expect(Forwarded("/open"), with("/open"));
        expect(Denied(401, "authentication_required"), with("/known"));
        expect(Denied(403, "no_action"), with("/nothing"));
    }
}

#[test]
fn the_shipped_configuration_drops_what_frameworks_would_believe() {
    let lies = [
        "x-envoy-original-path",
        "x-envoy-internal",
        "x-original-url",
        "x-rewrite-url",
        "x-original-method",
        "x-forwarded-client-cert",
        "x-user",
    ];
    let with = |request: Request, name: &&str| request.header(name, "/known");
    let answer = super::stage::SHIPPED.send(&lies.iter().fold(Request::get(ECHO, "/open"), with));
    assert!(answer.is_from_upstream());
    for name in lies {
        assert_eq!(answer.upstream(name), [""; 0], "{name}");
    }
}

#[test]
fn what_frames_a_request_occurs_once() {
    let open = || Request::post(ECHO, "/open");
    expect(Denied(400, "method_override"), |_| {
        open().header("x-http-method-override", "DELETE")
    });
    expect(Denied(400, "header_repeated"), |_| {
        let post = open().header("content-type", "application/json");
        post.header("content-type", "text/plain").body(b"{}")
    });
    expect(Denied(400, "header_repeated"), |_| {
        open().header("dpop", "a").header("dpop", "b")
    });
    expect(Refused(400), |_| {
        open().header("content-length", "2").body(b"{}x")
    });
    expect(Refused(400), |_| {
        open().header("content-length", "5").chunked(b"hello", 5)
    });
}

#[test]
fn a_body_is_decided_alike_in_both_shapes() {
    for body in [&b"{}"[..], b"hello!", b"caf\xe9\xff", &[0; 1000]] {
        expect(Forwarded("/open"), |_| {
            Request::post(ECHO, "/open").body(body)
        });
        expect(Denied(401, "authentication_required"), |_| {
            Request::post(ECHO, "/known").chunked(body, 3)
        });
    }
}

//! What a request says beside its target: one credential, and nothing about another request.

use super::Fate::{Denied, Forwarded, Refused};
use super::{ECHO, RAW, TEXT, expect};
use crate::envoy::client::Request;
use crate::envoy::stage::{SHIPPED, Stage};

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
    let answer = SHIPPED.send(&lies.iter().fold(Request::get(ECHO, "/open"), with));
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

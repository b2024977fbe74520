//! Where a request goes: one reading of its path, one spelling of its host.

use super::Fate::{Denied, Forwarded, Refused};
use super::{ECHO, RAW, TEXT, expect};
use crate::envoy::client::Request;

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

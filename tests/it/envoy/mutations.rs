//! What an allow does to the request on its way: headers set, overwritten and removed, query
//! parameters capped, set and removed.

use std::sync::LazyLock;

use serde_json::json;

use super::client::{Answer, Request};
use super::stage::{SHIPPED, Stage, person, setup};
use crate::harness::run;

const ECHO: &str = "echo.example.com";
const CRM: &str = "crm.example.com";

/// Takes underscores in header names, as many other proxies do.
static UNDERSCORES: LazyLock<Stage> = LazyLock::new(|| {
    let from = "headers_with_underscores_action: REJECT_REQUEST";
    let changes = [(from, "headers_with_underscores_action: ALLOW".to_owned())];
    Stage::start(&changes, setup())
});

/// A request that is allowed, for which the upstream is told who asks.
fn known(target: &str) -> Request {
    let token = person("alice", ECHO).groups(&["echo"]).sign();
    Request::get(ECHO, target).bearer(&token)
}

/// What the upstream may take for the caller's name: the header in every spelling.
fn names(answer: &Answer) -> Vec<String> {
    assert!(
        answer.is_from_upstream(),
        "{}: {}",
        answer.status,
        answer.reason()
    );
    ["x-user", "x_user"]
        .map(|name| answer.upstream(name))
        .concat()
}

#[test]
fn the_upstream_sees_exactly_the_verified_name() {
    for lie in [
        &[][..],
        &[("x-user", "mallory")],
        &[("X-USER", "mallory")],
        &[("x-user", "mallory"), ("x-user", "mallory")],
        &[("X-User", "mallory"), ("x-user", ""), ("x-USER", "alice")],
    ] {
        let with = |request, (name, value): &(&str, &str)| Request::header(request, name, value);
        let answer = SHIPPED.send(&lie.iter().fold(known("/known"), with));
        assert_eq!(names(&answer), ["alice"], "{lie:?}");
        // Where no rule sets it, because the action is for everybody, there is none.
        let open = lie.iter().fold(Request::get(ECHO, "/open"), with);
        assert_eq!(names(&SHIPPED.send(&open)), [""; 0], "{lie:?}");
    }
}

#[test]
fn a_second_spelling_of_the_name_is_refused_by_the_shipped_configuration() {
    let answer = SHIPPED.send(&known("/known").header("x_user", "mallory"));
    assert_eq!(answer.status, 400);
    assert!(!answer.is_from_upstream());
}

#[test]
fn a_second_spelling_of_the_name_is_removed_where_underscores_are_taken() {
    let token = UNDERSCORES.person("alice", ECHO).groups(&["echo"]).sign();
    let known = Request::get(ECHO, "/known").bearer(&token);
    for name in [
        "x_user",
        "X_User",
        "x_USER",
        "x_user_class",
        "x-user_class",
        "x_user-class",
    ] {
        let answer = UNDERSCORES.send(&known.clone().header(name, "mallory").header(name, "eve"));
        assert_eq!(names(&answer), ["alice"], "{name}");
        let open = Request::get(ECHO, "/open").header(name, "mallory");
        let opened = UNDERSCORES.send(&open);
        assert_eq!(names(&opened), [""; 0], "{name}");
        for answer in [answer, opened] {
            assert!(
                !answer.json().to_string().contains("mallory"),
                "{name}: {}",
                answer.json()
            );
        }
    }
    // What no policy sets is none of our business.
    let other = Request::get(ECHO, "/open").header("x_other", "kept");
    assert_eq!(UNDERSCORES.send(&other).upstream("x_other"), ["kept"]);
}

#[test]
fn headers_are_removed_whoever_sent_them() {
    let answer = SHIPPED.send(
        &known("/known")
            .header("x-debug", "1")
            .header("X-Debug", "2"),
    );
    assert_eq!(answer.upstream("x-debug"), [""; 0]);
    // The credential stops here, because the policy says so.
    assert_eq!(answer.upstream("authorization"), [""; 0]);
    assert_eq!(answer.upstream("x-user-class"), ["person"]);
    assert_eq!(answer.header("x-decided-by"), Some("countersign"));
}

/// Envoy removes after it sets, so a name in both lists would be gone, and with it the caller's verified name.
#[test]
fn no_policy_both_sets_and_removes_a_header() {
    for (name, problem) in [("x-user", "header-conflict"), ("X-User", "invalid-header")] {
        let setup = setup();
        let rule = format!(
            "rules:\n  - {{ id: forgets, guard: \"echo.*\", constrain: {{ strip: [{name}] }} }}"
        );
        setup.edit("policies/echo.yaml", "\nrules:", &format!("\n{rule}"));
        let config = setup.path("countersign.yaml");
        let ran = run(
            setup.folder(),
            ["check".as_ref(), "--config".as_ref(), config.as_os_str()],
        );
        assert_ne!(ran.exit, 0, "{name}");
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains(problem), "{said}");
    }
}

#[test]
fn a_page_is_capped() {
    let token = person("alice", CRM)
        .groups(&["crm"])
        .scope("crm:read")
        .sign();
    let list = |query: &str| {
        let request = Request::get(CRM, format!("/v1/customers{query}")).bearer(&token);
        SHIPPED.send(&request)
    };
    for (asked, sent) in [
        ("?limit=5000", "?limit=100"),
        ("?limit=101", "?limit=100"),
        ("?limit=100", "?limit=100"),
        ("?limit=5", "?limit=5"),
        ("?limit=%35000", "?limit=100"),
    ] {
        let answer = list(asked);
        assert_eq!(
            answer.json()["target"],
            format!("/v1/customers{sent}"),
            "{asked}"
        );
    }
    for (asked, reason) in [
        ("?limit=5&limit=9", "query_repeated"),
        ("?limit=5&limit=5000", "query_repeated"),
        ("?l%69mit=5000", "query_malformed"),
        ("?%6cimit=5000&limit=5", "query_malformed"),
        ("?limit=05000", "parameter_invalid"),
        ("?limit=ten", "parameter_invalid"),
        ("?limit=", "parameter_invalid"),
        ("?limit", "parameter_invalid"),
        ("?limit=99999999999999999999", "parameter_invalid"),
        ("?limit=+5", "parameter_invalid"),
        ("?limit=5%00", "query_malformed"),
    ] {
        let answer = list(asked);
        assert!(!answer.is_from_upstream(), "{asked}: {}", answer.json());
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (400, reason),
            "{asked}"
        );
    }
}

/// Envoy writes the query anew when a parameter is capped: what else stands in it must keep its meaning.
#[test]
fn a_cap_leaves_the_rest_of_the_query_as_it_was() {
    for (asked, sent) in [
        (
            "a=b&limit=5000&c=d",
            [("a", "b"), ("c", "d"), ("limit", "100")].as_slice(),
        ),
        (
            "limit=5000&q=a%20b%2Bc",
            &[("limit", "100"), ("q", "a b+c")],
        ),
        ("limit=5000&q=a+b", &[("limit", "100"), ("q", "a b")]),
        (
            "limit=5000&q=100%2525",
            &[("limit", "100"), ("q", "100%25")],
        ),
        (
            "limit=5000&q=x%26admin%3D1",
            &[("limit", "100"), ("q", "x&admin=1")],
        ),
        ("limit=5000&q=x%23y", &[("limit", "100"), ("q", "x#y")]),
        ("limit=5000&q=caf%C3%A9", &[("limit", "100"), ("q", "café")]),
        ("Limit=1&limit=5000", &[("Limit", "1"), ("limit", "100")]),
    ] {
        let answer = SHIPPED.send(&Request::get(ECHO, format!("/page?{asked}")));
        let seen = answer.json();
        let target = format!("http://upstream{}", seen["target"].as_str().unwrap());
        let url = reqwest::Url::parse(&target).unwrap();
        let mut pairs: Vec<_> = url.query_pairs().collect();
        pairs.sort();
        let expected: Vec<_> = sent
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        assert_eq!(pairs, expected, "{asked} became {target}");
    }
}

#[test]
fn parameters_are_set_and_removed() {
    for (asked, sent) in [
        ("/known", json!("/known?tenant=acme")),
        ("/known?tenant=evil&debug=1", json!("/known?tenant=acme")),
        ("/known?debug=1&debug=2", json!("/known?tenant=acme")),
    ] {
        assert_eq!(
            SHIPPED.send(&known(asked)).json()["target"],
            sent,
            "{asked}"
        );
    }
    for asked in ["/known?ten%61nt=evil", "/known?%64ebug=1"] {
        let answer = SHIPPED.send(&known(asked));
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (400, "query_malformed"),
            "{asked}"
        );
    }
}

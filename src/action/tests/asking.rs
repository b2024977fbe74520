//! Typed parameters, and the resource that is touched.

use serde_json::json;

use super::{ask, request, route};
use crate::action::CompiledRoute;
use crate::model::reason::Reason;
use crate::model::request::{Body, Fidelity, Headers};
use crate::model::route::Asked;
use crate::model::value::Value;

#[test]
fn path_parameters_are_typed_and_numbers_have_one_spelling() {
    let route = route(&json!({
        "int": { "http": "GET /int/{x}", "params": { "x": "int" } },
        "double": { "http": "GET /double/{x}", "params": { "x": "double" } },
        "bool": { "http": "GET /bool/{x}", "params": { "x": "bool" } },
        "time": { "http": "GET /time/{x}", "params": { "x": "timestamp" } },
        "text": { "http": "GET /text/{x}" },
    }));
    let value = |path: &str| ask(&route, "GET", path).map(|asked| asked.params["x"].clone());
    for (path, expected) in [
        ("/int/7", Value::Int(7)),
        ("/int/-7", Value::Int(-7)),
        ("/int/0", Value::Int(0)),
        ("/double/0.5", Value::Double(0.5)),
        ("/double/-12", Value::Double(-12.0)),
        ("/bool/true", Value::Bool(true)),
        ("/text/007", Value::string("007")),
    ] {
        assert_eq!(value(path), Ok(expected), "{path}");
    }
    assert!(value("/time/2027-01-31T09:00:00Z").is_ok());
    for path in [
        "/int/007",
        "/int/+7",
        "/int/-0",
        "/int/1e3",
        "/int/1.0",
        "/int/ 7",
        "/int/0x7",
        "/int/٧",
        "/int/9223372036854775808",
        "/double/007",
        "/double/+7",
        "/double/-0",
        "/double/-0.0",
        "/double/.5",
        "/double/5.",
        "/double/1e3",
        "/double/NaN",
        "/double/inf",
        "/double/--1",
        "/bool/TRUE",
        "/bool/1",
        "/time/now",
    ] {
        assert_eq!(value(path), Err(Reason::ParameterInvalid), "{path}");
    }
}

#[test]
fn a_catch_all_gives_the_rest_of_the_path() {
    let route = route(&json!({ "files": { "http": "GET /files/{*path}" } }));
    let asked = ask(&route, "GET", "/files/a/b c").unwrap();
    assert_eq!(asked.params["path"], Value::string("a/b c"));
}

#[test]
fn query_parameters_are_declared_typed_and_single() {
    let route = route(&json!({
        "list": { "http": "GET /a", "query": { "limit": "int", "q": { "type": "string", "optional": true } } },
    }));
    let query = |target: &str| ask(&route, "GET", target).map(|asked| asked.query);
    let values = query("/a?limit=5&q=x&other=1&other=2").unwrap();
    assert_eq!(values["limit"], Value::Int(5));
    assert_eq!(values["q"], Value::string("x"));
    assert_eq!(values["other"], Value::string("1"));
    assert!(!query("/a?limit=5").unwrap().contains_key("q"));
    for (target, reason) in [
        ("/a", Reason::ParameterInvalid),
        ("/a?limit=", Reason::ParameterInvalid),
        ("/a?limit=ten", Reason::ParameterInvalid),
        ("/a?limit=05", Reason::ParameterInvalid),
        ("/a?limit=5&limit=5", Reason::QueryRepeated),
        ("/a?limit=5&q=x&q=y", Reason::QueryRepeated),
    ] {
        assert_eq!(query(target), Err(reason), "{target}");
    }
}

#[test]
fn the_resource_is_what_the_request_names() {
    let route = route(&json!({
        "read": { "http": "GET /secrets/{name}", "resource": { "type": "secret", "id": "params.name" } },
        "typed": { "http": "GET /typed", "query": { "id": "string" }, "resource": { "type": "x", "id": "query.id" } },
        "free": { "http": "GET /free", "resource": { "type": "x", "id": "has(query.id) ? query.id : \"none\"" } },
    }));
    let id = |target: &str| ask(&route, "GET", target).map(|asked| asked.resource.unwrap());
    let read = id("/secrets/db").unwrap();
    assert_eq!((&*read.kind, &*read.id), ("secret", "db"));
    assert_eq!(&*id("/typed?id=7").unwrap().id, "7");
    assert_eq!(&*id("/free?id=7").unwrap().id, "7");
    assert_eq!(&*id("/free").unwrap().id, "none");
    assert_eq!(&*id("/free?page=1&page=2").unwrap().id, "none");
}

#[test]
fn a_repeated_parameter_never_names_a_resource() {
    let route = route(&json!({
        "free": { "http": "GET /free", "resource": { "type": "x", "id": "has(query.id) ? query.id : \"none\"" } },
    }));
    let asked = ask(&route, "GET", "/free?id=mine&id=theirs");
    assert_eq!(
        asked.map(|asked| asked.resource),
        Err(Reason::QueryRepeated)
    );
}

/// Asks with a JSON body.
fn post(route: &CompiledRoute, target: &str, body: &str) -> Result<Asked, Reason> {
    let mut request = request("POST", "api.test", target);
    request.headers = Headers::new([("content-type", "application/json")]);
    request.body = Body::Sent {
        bytes: body.as_bytes().into(),
        fidelity: Fidelity::Exact,
    };
    let found = route.find(&request, &route.read(&request));
    found.map_err(|denial| denial.reason)
}

#[test]
fn arguments_come_from_the_body_where_they_are_declared() {
    let route = route(&json!({
        "pay": {
            "http": "POST /pay/{id}", "query": { "id": "int" }, "args": { "id": "string", "amount": { "type": "int", "at": "/a/b" } },
            "resource": { "type": "payment", "id": "params.id + string(query.id) + args.id" },
        },
        "typed": { "http": "POST /typed", "args": { "n": "int" }, "resource": { "type": "x", "id": "string(args.n)" } },
        "blind": { "http": "POST /blind" },
    }));
    let asked = post(&route, "/pay/p?id=7", r#"{"id":"a","a":{"b":5}}"#).unwrap();
    assert_eq!(asked.args["amount"], Value::Int(5));
    assert_eq!(&*asked.resource.unwrap().id, "p7a");
    let asked = post(&route, "/typed", r#"{"n":12}"#).unwrap();
    assert_eq!(&*asked.resource.unwrap().id, "12");
    let asked = post(&route, "/blind", "{").unwrap();
    assert!(asked.args.is_empty() && asked.arguments_digest.is_none());
    for (body, reason) in [
        ("{", Reason::BodyMalformed),
        ("{}", Reason::ArgumentInvalid),
        (r#"{"n":1,"m":1}"#, Reason::ArgumentUndeclared),
    ] {
        assert_eq!(post(&route, "/typed", body), Err(reason), "{body}");
    }
    assert_eq!(ask(&route, "POST", "/typed"), Err(Reason::InputIncomplete));
}

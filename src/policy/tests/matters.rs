//! What exactly is approved: what changes the key, what does not, and what cannot be approved at all.

use std::fmt::Write as _;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::super::{Matter, Mode, Ruling, Scan};
use super::{Given, compile_on, readers, request, route, token};
use crate::model::approval::ApprovalKey;
use crate::model::facts::Facts;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::name::RouteId;
use crate::model::party::{Kind, Parties, Party};
use crate::model::request::{AccessRequest, Body, Fidelity, Headers, Query};
use crate::model::route::{
    Action, Argument, Asked, McpOperation, Operation, QueryParameter, Resource, Route, Said,
};
use crate::model::value::{Type, Value};
use crate::model::verdict::{Denial, Verdict};
use crate::policy::Call;

/// One call of `docs.read`, and the rule's `bind`.
#[derive(Clone)]
struct World {
    bind: Json,
    route: Route,
    parties: Parties,
    request: AccessRequest,
    params: BTreeMap<Arc<str>, Value>,
    args: BTreeMap<Arc<str>, Value>,
    canonical: Option<String>,
    without_digest: bool,
    resource: Option<Resource>,
    target: Option<Arc<str>>,
    said: Option<Said>,
    bound: Option<Arc<str>>,
    workload: Option<&'static str>,
}

impl World {
    fn new() -> Self {
        let Given { parties, .. } = Given::human("alice", &[], "docs.read");
        Self {
            bind: json!(null),
            route: route(&["corp"]),
            parties,
            request: AccessRequest {
                method: "POST".into(),
                protocol: Some("HTTP/1.1".into()),
                ..request(vec![("b".into(), "2".into()), ("a".into(), "1".into())])
            },
            params: BTreeMap::from([(Arc::from("x"), Value::string("1"))]),
            args: BTreeMap::new(),
            canonical: None,
            without_digest: false,
            resource: None,
            target: None,
            said: None,
            bound: None,
            workload: None,
        }
    }

    /// The same action as a tool with arguments.
    fn tool() -> Self {
        let mut world = Self::new();
        world.action(|action| {
            action.operations = vec![Operation::Mcp(McpOperation::Tool(Arc::from("read")))];
            let argument = |of| Argument {
                of,
                optional: true,
                at: None,
            };
            action.args = BTreeMap::from([
                (Arc::from("segment"), argument(Type::String)),
                (Arc::from("rows"), argument(Type::Int)),
            ]);
        });
        world.args = BTreeMap::from([
            (Arc::from("segment"), Value::string("eu")),
            (Arc::from("rows"), Value::Int(10)),
        ]);
        world.canonical = Some(r#"{"rows":10,"segment":"eu"}"#.to_owned());
        world.said = Some(Said {
            method: Arc::from("tools/call"),
            rest: None,
            without_digest: false,
        });
        world
    }

    fn bind(mut self, bind: Json) -> Self {
        self.bind = bind;
        self
    }

    fn action(&mut self, edit: impl FnOnce(&mut Action)) {
        edit(Arc::make_mut(&mut self.route.actions[0]));
    }

    fn says(&self, edit: impl FnOnce(&mut Said)) -> Self {
        self.with(|world| edit(world.said.as_mut().unwrap()))
    }

    fn with(&self, edit: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        edit(&mut other);
        other
    }

    fn body(&self, bytes: &[u8], fidelity: Fidelity) -> Self {
        self.with(|world| {
            world.request.body = Body::Sent {
                bytes: Arc::from(bytes),
                fidelity,
            };
        })
    }

    fn headers(&self, headers: &[(&str, &str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.with(|world| world.request.headers = Headers::new(headers))
    }

    fn matter(&self) -> Result<Matter, Denial> {
        let mut approval = json!({ "from": { "group": "leads" } });
        if !self.bind.is_null() {
            approval["bind"] = self.bind.clone();
        }
        let guard =
            json!({ "id": "asked", "guard": "docs.read", "require": [{ "approval": approval }] });
        let anybody =
            json!({ "id": "bots", "permit": "docs.read", "to": { "kind": ["agent", "service"] } });
        let (policy, _) = compile_on(
            &self.route,
            &json!([readers(), anybody, guard]),
            &json!({}),
            None,
        )
        .unwrap();
        let asked = Asked {
            action: Arc::clone(&self.route.actions[0]),
            params: self.params.clone(),
            query: BTreeMap::new(),
            args: self.args.clone(),
            arguments_digest: None,
            canonical_arguments: self.canonical.clone(),
            arguments_without_digest: self.without_digest,
            resource: self.resource.clone(),
            target: self.target.clone(),
            said: self.said.clone(),
        };
        let facts = Facts {
            request: &self.request,
            asked: &asked,
            parties: &self.parties,
            party: None,
            workload: self.workload,
            proof: Proof::None,
            conditions: &BTreeMap::new(),
            risk: 0,
        };
        let token = TokenFacts {
            bound: self.bound.clone(),
            ..token(&[])
        };
        let call = Call {
            facts,
            token: Some(&token),
        };
        match policy.run(&call, Mode::Enforced, Scan::Indexed, None) {
            Ruling::Awaits(awaited) => Ok(awaited.matter),
            Ruling::Decided(Verdict::Deny(denial)) => Err(denial),
            Ruling::Decided(other) => panic!("{other:?}"),
        }
    }

    fn key(&self) -> ApprovalKey {
        self.matter().unwrap().key
    }

    fn refused(&self) -> &'static str {
        self.matter().unwrap_err().reason.as_str()
    }
}

#[test]
fn whoever_and_whatever_is_part_of_the_key_changes_it() {
    let bot = |id: &str| super::party(Kind::Agent, id, &[]);
    let worlds = vec![
        World::new(),
        World::new().with(|it| it.route.tenant = Some(Arc::from("acme"))),
        World::new().with(|it| {
            it.route.id = RouteId::new("other").unwrap();
            for action in &mut it.route.actions {
                Arc::make_mut(action).route = it.route.id.clone();
            }
        }),
        World::new().with(|it| it.parties = Parties::alone(super::party(Kind::Human, "bob", &[]))),
        World::new().with(|it| it.parties.actor = Some(bot("crm-bot"))),
        World::new().with(|it| it.parties.actor = Some(bot("steward-bot"))),
        World::new().with(|it| it.bound = Some(Arc::from("jkt:a"))),
        World::new().with(|it| it.bound = Some(Arc::from("jkt:b"))),
        World::new().with(|it| {
            it.resource = Some(Resource {
                kind: Arc::from("doc"),
                id: Arc::from("1"),
            });
        }),
        World::new().with(|it| {
            it.resource = Some(Resource {
                kind: Arc::from("doc"),
                id: Arc::from("2"),
            });
        }),
        World::new().with(|it| it.target = Some(Arc::from("tool"))),
        World::new().with(|it| it.request.host = "other.test".into()),
        World::tool().with(|it| it.request.host = "other.test".into()),
        World::tool().says(|said| said.method = Arc::from("prompts/get")),
        World::tool().says(|said| said.rest = Some(r#"{"task":{}}"#.into())),
        World::tool().bind(json!("args")),
        World::tool().bind(json!(["args.segment", "args.rows"])),
        World::tool()
            .bind(json!("args.segment"))
            .with(|it| drop(it.args.remove("rows"))),
        World::new().with(|it| it.params = BTreeMap::from([(Arc::from("x"), Value::string("2"))])),
        World::new().with(|it| it.params = BTreeMap::from([(Arc::from("x"), Value::Int(1))])),
        World::new().with(|it| it.request.method = "PUT".into()),
        World::new().with(|it| it.request.path = "/docs.read/1/".into()),
        World::new().with(|it| it.request.query = Query::new(vec![("a".into(), "1".into())])),
        World::new().with(|it| it.request.query = Query::new(vec![("a".into(), "12".into())])),
        World::new().with(|it| {
            it.request.query = Query::new(vec![("a".into(), "1".into()), ("a".into(), "2".into())]);
        }),
        World::new().with(|it| {
            it.request.query = Query::new(vec![("a".into(), "2".into()), ("a".into(), "1".into())]);
        }),
        World::new().body(b"{}", Fidelity::Exact),
        World::new().body(b"{ }", Fidelity::Exact),
        World::new()
            .body(b"{}", Fidelity::Exact)
            .headers(&[("content-type", "text/plain")]),
        World::new()
            .body(b"{}", Fidelity::Exact)
            .headers(&[("content-encoding", "gzip")]),
        World::tool(),
        World::tool().with(|it| it.canonical = Some(r#"{"rows":11,"segment":"eu"}"#.into())),
        World::tool().with(|it| it.canonical = None),
        World::tool().with(|it| it.canonical = Some("{}".into())),
    ];
    let keys: BTreeSet<ApprovalKey> = worlds.iter().map(World::key).collect();
    assert_eq!(keys.len(), worlds.len());
}

#[test]
fn what_changes_with_every_attempt_is_no_part_of_it() {
    let key = World::new().key();
    let same = [
        World::new().with(|it| it.request.now = crate::model::time::Timestamp::from_seconds(1)),
        World::new().with(|it| it.request.id = Some("again".into())),
        World::new().with(|it| {
            it.request.query = Query::new(vec![("a".into(), "1".into()), ("b".into(), "2".into())]);
        }),
        World::new().headers(&[("idempotency-key", "k"), ("authz-approval", "apr_x")]),
        World::new().with(|it| it.workload = Some("spiffe://example.org/x")),
        World::new().with(|it| it.parties.subject.groups = Arc::from([Arc::from("g")])),
    ];
    for (index, world) in same.iter().enumerate() {
        assert_eq!(world.key(), key, "{index}");
    }
    // A message has no body of its own: only its arguments count, however they are written.
    let message = World::tool().body(b"{\"id\":1}", Fidelity::Exact);
    assert_eq!(message.key(), World::tool().key());
}

#[test]
fn only_what_is_named_is_bound() {
    let bound = World::tool().bind(json!(["args.segment"]));
    let other = bound.with(|it| {
        it.args.insert(Arc::from("rows"), Value::Int(99));
        it.canonical = Some(r#"{"rows":99,"segment":"eu"}"#.into());
    });
    assert_eq!(bound.key(), other.key());
    let elsewhere =
        bound.with(|it| drop(it.args.insert(Arc::from("segment"), Value::string("us"))));
    assert_ne!(bound.key(), elsewhere.key());
    let left_out = bound.with(|it| drop(it.args.remove("segment")));
    assert_ne!(bound.key(), left_out.key());
    assert_eq!(
        bound.matter().unwrap().details.arguments.as_deref(),
        Some(r#"{"segment":"eu"}"#)
    );

    let of_params = World::new().bind(json!("params.x"));
    assert_eq!(
        of_params.key(),
        of_params.body(b"{}", Fidelity::Partial).key()
    );
    assert_eq!(
        of_params.key(),
        of_params
            .with(|it| it.request.query = Query::default())
            .key()
    );
    // Which of an action's methods it is matters all the same.
    assert_ne!(
        of_params.key(),
        of_params.with(|it| it.request.method = "PUT".into()).key()
    );
    assert_eq!(
        of_params.key(),
        of_params.with(|it| it.request.path = "/else".into()).key()
    );

    let mut of_query = World::new().bind(json!("query.a"));
    of_query.action(|action| {
        let text = QueryParameter {
            of: Type::String,
            optional: true,
        };
        action.query.insert(Arc::from("a"), text);
    });
    let only = of_query.with(|it| {
        it.request.query = Query::new(vec![("a".into(), "1".into()), ("c".into(), "3".into())]);
    });
    assert_eq!(of_query.key(), only.key());
    assert_ne!(
        of_query.key(),
        of_query
            .with(|it| it.request.query = Query::default())
            .key()
    );
}

#[test]
fn a_body_that_is_not_known_for_certain_cannot_be_approved() {
    let whole = World::new();
    for fidelity in [Fidelity::Partial, Fidelity::Sanitised, Fidelity::Unmeasured] {
        assert_eq!(whole.body(b"{}", fidelity).refused(), "input_incomplete");
        assert_eq!(
            whole
                .clone()
                .bind(json!("body"))
                .body(b"{}", fidelity)
                .refused(),
            "input_incomplete"
        );
    }
    assert_eq!(
        whole.headers(&[("content-length", "7")]).refused(),
        "input_incomplete"
    );
    assert_eq!(
        whole.headers(&[("transfer-encoding", "chunked")]).refused(),
        "input_incomplete"
    );
    let over = |protocol: &str, method: &str| {
        whole.with(|it| {
            (it.request.protocol, it.request.method) = (Some(protocol.into()), method.into());
        })
    };
    let unknown = |method: &str| {
        let nothing_said = whole.with(|it| {
            (it.request.protocol, it.request.method) = (None, method.into());
        });
        [over("HTTP/2", method), over("HTTP/3", method), nothing_said]
    };
    for method in ["POST", "PATCH", "DELETE", "GET", "HEAD"] {
        for world in unknown(method) {
            assert_eq!(world.refused(), "input_incomplete", "{method}");
            assert!(world.bind(json!("params")).matter().is_ok());
        }
    }
    let said = |value: &str| {
        let value = value.to_owned();
        over("HTTP/2", "DELETE").with(|it| {
            it.request.context_extensions.insert("body".into(), value);
        })
    };
    assert_eq!(said("whole").refused(), "input_incomplete");
    let said = said("sent");
    for contradicted in [("content-length", "7"), ("transfer-encoding", "chunked")] {
        assert_eq!(said.headers(&[contradicted]).refused(), "input_incomplete");
    }
    let marked = [("x-envoy-auth-partial-body", "true")];
    assert_eq!(
        over("HTTP/2", "GET").headers(&marked).refused(),
        "input_incomplete"
    );
    for known in [
        over("HTTP/1.0", "POST"),
        over("HTTP/1.1", "POST"),
        over("HTTP/2", "POST").headers(&[("content-length", "0")]),
        over("HTTP/2", "POST").headers(&[("x-envoy-auth-partial-body", "false")]),
        said,
    ] {
        assert_eq!(known.matter().unwrap().details.body, None);
    }
    assert!(
        whole
            .body(b"{}", Fidelity::Exact)
            .matter()
            .unwrap()
            .details
            .body
            .is_some()
    );
}

#[test]
fn arguments_that_readers_could_read_differently_cannot_be_approved() {
    assert_eq!(
        World::tool()
            .with(|it| (it.canonical, it.without_digest) = (None, true))
            .refused(),
        "argument_invalid"
    );
    for number in [
        "18446744073709552000",
        "1e+21",
        "-9007199254740992",
        "[{\"a\":9007199254740992}]",
    ] {
        let world = World::tool().with(|it| it.canonical = Some(format!("{{\"id\":{number}}}")));
        assert_eq!(world.refused(), "argument_invalid", "{number}");
    }
    let fine =
        World::tool().with(|it| it.canonical = Some(r#"{"id":-9007199254740991,"x":0.5}"#.into()));
    assert!(fine.matter().is_ok());
}

#[test]
fn arguments_of_a_json_body_stand_for_the_body() {
    let mut of_json = World::tool().body(b"{ \"rows\": 10 }", Fidelity::Exact);
    of_json.said = None;
    of_json.action(|action| action.operations = route(&["corp"]).actions[0].operations.clone());
    let spaced = of_json.body(b"{\"rows\":10}", Fidelity::Exact);
    assert_eq!(of_json.key(), spaced.key());
    assert_eq!(of_json.matter().unwrap().details.body, None);
    // Where the body itself is named, every byte counts.
    let (one, two) = (of_json.bind(json!("body")), spaced.bind(json!("body")));
    assert_ne!(one.key(), two.key());
}

#[test]
fn approvers_are_shown_what_is_bound() {
    let world = World::tool().with(|it| it.workload = Some("spiffe://example.org/x"));
    let details = world.matter().unwrap().details;
    assert_eq!(
        details.arguments.as_deref(),
        Some(r#"{"rows":10,"segment":"eu"}"#)
    );
    assert_eq!(details.params.as_deref(), Some(r#"{"x":"1"}"#));
    assert_eq!(details.query.as_deref(), Some(r#"{"a":"1","b":"2"}"#));
    assert_eq!(
        details.request.as_deref(),
        Some("POST api.test/docs.read/1")
    );
    assert_eq!(details.workload.as_deref(), Some("spiffe://example.org/x"));
    assert_eq!((details.risk, details.body), (None, None));
    let of_tool = world.with(|it| it.target = Some(Arc::from("read")));
    let of_tool = of_tool.says(|said| said.rest = Some(r#"{"task":{}}"#.into()));
    let shown = of_tool.matter().unwrap().details;
    assert_eq!(shown.operation.as_deref(), Some("tools/call read"));
    assert_eq!(shown.rest.as_deref(), Some(r#"{"task":{}}"#));
    let partly = of_tool
        .bind(json!("args.segment"))
        .matter()
        .unwrap()
        .details;
    assert_eq!(partly.rest, None);
    let shown = |world: World| world.matter().unwrap().details.operation;
    assert_eq!(shown(World::new()).as_deref(), Some("POST /docs.read/1"));
    assert_eq!(
        shown(World::new().bind(json!("params"))).as_deref(),
        Some("POST")
    );
}

/// The key is what two replicas, and two versions, have to agree on. This one was also made by hand, with other tools.
#[test]
fn a_key_stays_what_it_is() {
    let mut text = String::new();
    for byte in World::tool().key().0 {
        write!(text, "{byte:02x}").unwrap();
    }
    assert_eq!(
        text,
        "ab216298b44a0526ff5113cbbe6f9b60dec35060ac64a5c2b49063bbc593d9cd"
    );
}

#[test]
fn nobody_approves_for_somebody_whom_nobody_knows() {
    let nobody = World::new().with(|it| it.parties = Parties::alone(Party::anonymous()));
    assert_eq!(nobody.refused(), "authentication_required");
}

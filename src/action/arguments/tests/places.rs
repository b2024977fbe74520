//! Where arguments stand, what stands beside them, and what is missing.

use serde_json::{Value as Json, json};

use super::{declare, outcome};

/// The outcome for `extra: deny` and for `extra: allow`.
fn both(args: &Json, body: &str) -> [String; 2] {
    ["deny", "allow"].map(|extra| outcome(&json!({ "args": args, "extra": extra }), body))
}

#[test]
fn an_argument_stands_at_its_pointer() {
    let args = json!({
        "amount": { "type": "int", "at": "/payment/amount" },
        "first": { "type": "string", "at": "/items/0/id" },
        "odd": { "type": "int", "at": "/a~1b/m~0n/" },
        "top": { "type": "bool", "optional": true },
    });
    let body = r#"{"payment":{"amount":5},"items":[{"id":"x"}],"a/b":{"m~n":{"":7}}}"#;
    let seen = r#"amount=Int(5) first=String("x") odd=Int(7)"#;
    assert_eq!(both(&args, body), [seen, seen]);
    let body =
        r#"{"payment":{"amount":5},"items":{"0":{"id":"x"}},"a/b":{"m~n":{"":7}},"top":true}"#;
    let seen = r#"amount=Int(5) first=String("x") odd=Int(7) top=Bool(true)"#;
    assert_eq!(
        both(&args, body),
        [seen, seen],
        "a member may be called `0`"
    );
}

#[test]
fn the_whole_document_may_be_one_argument() {
    let args = json!({ "ids": { "type": "list<int>", "at": "" } });
    assert_eq!(both(&args, "[1,2]")[0], "ids=List([Int(1), Int(2)])");
    assert_eq!(
        both(&args, "{}")[1],
        "argument_invalid: argument `ids` is not of type `list<int>`"
    );
}

#[test]
fn what_is_not_declared_is_refused_at_every_object_on_the_way() {
    let args = json!({
        "amount": { "type": "int", "at": "/payment/amount" },
        "id": { "type": "int", "at": "/items/1/id", "optional": true },
        "meta": { "type": "map<int>", "optional": true },
        "free": { "type": "any", "optional": true },
    });
    let root = "argument_undeclared: the outermost value has a member that is not declared";
    let inner = |at: &str| {
        format!("argument_undeclared: what stands at `{at}` has a member that is not declared")
    };
    for (body, refused) in [
        (r#"{"payment":{"amount":5},"x":1}"#, root.to_owned()),
        (r#"{"x":null,"payment":{"amount":5}}"#, root.to_owned()),
        (r#"{"payment":{"amount":5,"x":{}}}"#, inner("/payment")),
        (
            r#"{"payment":{"amount":5},"items":{"x":1}}"#,
            inner("/items"),
        ),
        (
            r#"{"payment":{"amount":5},"items":{"1":{"x":1}}}"#,
            inner("/items/1"),
        ),
        (
            r#"{"payment":{"amount":5},"items":[1,{"id":2}]}"#,
            "argument_undeclared: what stands at `/items` has an item that is not declared".into(),
        ),
    ] {
        let [deny, allow] = both(&args, body);
        assert_eq!(deny, refused, "{body}");
        assert!(allow.starts_with("amount=Int(5)"), "{body}: {allow}");
    }
    let theirs = r#"{"payment":{"amount":5},"meta":{"Amount":1},"free":{"PAYMENT":{"x":1}}}"#;
    assert!(both(&args, theirs)[0].starts_with("amount=Int(5)"));
}

#[test]
fn a_name_that_differs_in_case_is_never_let_through() {
    let args = json!({
        "amount": { "type": "int", "at": "/payment/amount" },
        "kind": { "type": "string", "optional": true },
    });
    for (body, own, at) in [
        (
            r#"{"payment":{"amount":5,"Amount":6}}"#,
            "amount",
            "`/payment`",
        ),
        (
            r#"{"payment":{"AMOUNT":6,"amount":5}}"#,
            "amount",
            "`/payment`",
        ),
        (
            r#"{"payment":{"amount":5},"Payment":{"amount":6}}"#,
            "payment",
            "",
        ),
        (r#"{"payment":{"amount":5},"\u212aind":"x"}"#, "kind", ""),
        (r#"{"payment":{"amount":5},"K\u0131nd":"x"}"#, "kind", ""),
        (r#"{"Payment":{"amount":5}}"#, "payment", ""),
    ] {
        for seen in both(&args, body) {
            let ends = format!("is `{own}` but for its case");
            assert!(seen.starts_with("argument_undeclared: "), "{body}: {seen}");
            assert!(seen.ends_with(&ends) && seen.contains(at), "{body}: {seen}");
        }
    }
}

#[test]
fn what_is_on_the_way_has_to_be_there_and_to_have_members() {
    let args = json!({
        "amount": { "type": "int", "at": "/payment/amount", "optional": true },
        "id": { "type": "int", "at": "/items/0/id", "optional": true },
    });
    for body in ["{}", r#"{"payment":{}}"#, r#"{"items":[]}"#] {
        assert_eq!(
            both(&args, body),
            ["", ""],
            "nothing of it is needed: {body}"
        );
    }
    for (body, at) in [
        (r#"{"payment":null}"#, "what stands at `/payment`"),
        (
            r#"{"payment":"{\"amount\":5}"}"#,
            "what stands at `/payment`",
        ),
        (r#"{"items":[7]}"#, "what stands at `/items/0`"),
        ("7", "the outermost value"),
        ("null", "the outermost value"),
    ] {
        let refused = format!("argument_invalid: {at} is neither an object nor an array");
        assert_eq!(both(&args, body), [refused.clone(), refused], "{body}");
    }
    let refused = "argument_invalid: argument `amount` is not of type `int`";
    assert_eq!(both(&args, r#"{"payment":{"amount":null}}"#), [refused; 2]);
}

#[test]
fn what_is_missing_is_named() {
    let args = json!({
        "amount": { "type": "int", "at": "/payment/amount" },
        "id": { "type": "int", "at": "/items/1" },
    });
    for (body, name) in [
        ("{}", "id"),
        (r#"{"items":[1,2]}"#, "amount"),
        (r#"{"items":[1,2],"payment":{}}"#, "amount"),
        (r#"{"items":[1],"payment":{"amount":1}}"#, "id"),
        ("[]", "id"),
    ] {
        let seen = &both(&args, body)[1];
        assert_eq!(
            *seen,
            format!("argument_invalid: argument `{name}` is missing"),
            "{body}"
        );
    }
    let none = declare(&json!({ "args": args }))
        .unwrap()
        .places
        .typed(None);
    let cause = none.unwrap_err().cause.unwrap();
    assert_eq!(cause, "argument `id` is missing");
    let optional = json!({ "args": { "x": { "type": "int", "optional": true } } });
    let none = declare(&optional).unwrap().places.typed(None).unwrap();
    assert!(none.args.is_empty() && none.digest.is_none());
}

/// Readers without regard to case take the last of such members, and `Object.assign` in JavaScript makes a prototype of one.
#[test]
fn no_argument_has_members_that_can_be_taken_for_one_another() {
    let args = json!({
        "rows": { "type": "int", "optional": true },
        "filter": { "type": "any", "optional": true },
        "labels": { "type": "map<string>", "optional": true },
    });
    let alike = |name| {
        format!("argument_invalid: argument `{name}` has members that can be taken for one another")
    };
    for (body, refused) in [
        (r#"{"filter":{"kind":"safe","Kind":"evil"}}"#, "filter"),
        (r#"{"filter":[{"a":{"\u017fo":1,"SO":2}}]}"#, "filter"),
        (r#"{"filter":{"__proto__":{"kind":"evil"}}}"#, "filter"),
        (r#"{"labels":{"team":"a","TEAM":"b"}}"#, "labels"),
    ] {
        assert_eq!(
            both(&args, body),
            [alike(refused), alike(refused)],
            "{body}"
        );
    }
    let root = "argument_undeclared: the outermost value has a member that is not declared";
    assert_eq!(both(&args, r#"{"__proto__":{"rows":9}}"#), [root, root]);
    assert_eq!(
        both(&args, r#"{"filter":{"a":{"b":1},"b":{"a":2}}}"#)[1]
            .split('=')
            .next(),
        Some("filter")
    );
}

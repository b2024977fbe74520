//! What is decided on is what another reader of the same bytes finds at the same place.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::arguments;
use crate::model::value::Value;

/// Documents out of few names, so that many of them hit the declared places, or nearly.
fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3_i64..3).prop_map(Json::from),
        Just(json!(9_007_199_254_740_991_i64)),
        Just(json!(9_007_199_254_740_992_i64)),
        Just(json!(0.5)),
        "[a-c]{0,3}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![Just("a"), Just("A"), Just("b"), Just("0"), Just("x")];
        let members =
            prop::collection::btree_map(name.prop_map(str::to_owned), inner.clone(), 0..4);
        prop_oneof![
            members.prop_map(|members| members.into_iter().collect()),
            prop::collection::vec(inner, 0..3).prop_map(Json::from),
        ]
    })
}

/// What `serde_json` makes of a value is what was decided on.
fn same(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(value), Json::Bool(json)) => value == json,
        (Value::Int(value), Json::Number(json)) => json.as_i64() == Some(*value),
        (Value::Double(value), Json::Number(json)) => json.as_f64() == Some(*value),
        (Value::String(value), Json::String(json)) => **value == **json,
        (Value::List(values), Json::Array(items)) => {
            values.len() == items.len() && values.iter().zip(items).all(|(a, b)| same(a, b))
        }
        (Value::Map(values), Json::Object(members)) => {
            values.len() == members.len()
                && members.iter().all(|(name, json)| {
                    values
                        .get(name.as_str())
                        .is_some_and(|value| same(value, json))
                })
        }
        _ => false,
    }
}

/// How many values there are that are no members and no items of another.
fn leaves(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.iter().map(leaves).sum(),
        Json::Object(members) => members.values().map(leaves).sum(),
        _ => 1,
    }
}

const PLACES: [(&str, &str, &str); 4] = [
    ("whole", "any", "/a/b"),
    ("number", "int", "/a/a"),
    ("item", "double", "/b/0"),
    ("text", "string", "/x"),
];

fn action(extra: &str) -> Json {
    let args = PLACES.map(|(name, of, at)| {
        (
            name.to_owned(),
            json!({ "type": of, "at": at, "optional": true }),
        )
    });
    json!({ "args": args.into_iter().collect::<Json>(), "extra": extra })
}

proptest! {
    #[test]
    fn what_is_accepted_is_what_stands_there(body in document()) {
        let text = body.to_string();
        let [strict, loose] = ["deny", "allow"].map(|extra| arguments(&action(extra), &text));
        if let Ok(accepted) = &loose {
            for (name, _, at) in PLACES {
                match (accepted.args.get(name), body.pointer(at)) {
                    (Some(value), Some(json)) => prop_assert!(same(value, json), "{name}: {text}"),
                    (None, None) => {}
                    (value, json) => prop_assert!(false, "{name}: {value:?} {json:?}"),
                }
            }
        }
        if let Ok(accepted) = &strict {
            let also = loose.as_ref().map(|loose| (&loose.args, loose.digest));
            prop_assert_eq!(also, Ok((&accepted.args, accepted.digest)));
            let declared = PLACES.iter().filter_map(|(_, _, at)| body.pointer(at));
            prop_assert_eq!(declared.map(leaves).sum::<usize>(), leaves(&body), "nothing else is there");
        }
    }
}

use super::*;
use crate::expression::Program;
use crate::model::schema::Object;

/// Every shape that needs no interpreter, for an attribute that is there always, seldom, or with whatever value.
const SOURCES: [&str; 13] = [
    "\"text\"",
    "7",
    "true",
    "[]",
    "[\"a\", \"b\"]",
    "claims.sub",
    "has(claims.any) ? claims.any : []",
    "has(claims.any) ? claims.any : \"\"",
    "has(claims.a.b) ? claims.a.b : \"\"",
    "has(claims.text) ? claims.text : \"none\"",
    "has(claims.texts) ? claims.texts : []",
    "has(claims.texts) ? claims.texts : [\"a\"]",
    "has(claims.yes) && claims.yes",
];

fn claims() -> Schema {
    let known = [
        ("sub", Field::always(Type::String)),
        ("text", Field::optional(Type::String)),
        ("texts", Field::optional(list(Type::String))),
        ("yes", Field::optional(Type::Bool)),
    ];
    let claims = Object {
        open: Some(Type::Dyn),
        ..Object::of(known)
    };
    Schema::new(Object::of([("claims", Field::object(claims))]))
}

/// Two of the same, if it compiles to this type: as it is, and one that leaves everything to the interpreter.
fn both(source: &str, of: &Type) -> Option<(Program, Program)> {
    let one = || {
        let expression = Expression::compile(source, &claims(), of).ok()?;
        Arc::into_inner(expression.0)
    };
    let (plain, mut interpreted) = (one()?, one()?);
    assert!(plain.plain.is_some(), "{source} is not plain");
    interpreted.plain = None;
    Some((plain, interpreted))
}

/// Values at the bounds of what the interpreter takes, and of every type.
fn values() -> Vec<Value> {
    let many = |count: usize| Value::strings(&vec!["x"; count]);
    let mut nested = Value::Int(1);
    for _ in 0..20 {
        nested = Value::List([nested].into());
    }
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Double(0.5),
        Value::string(""),
        Value::string("x".repeat(16 * 1024)),
        Value::string("x".repeat(16 * 1024 + 1)),
        Value::strings(&["a", "b"]),
        Value::List([Value::string("a"), Value::Null].into()),
        Value::List([Value::string("x".repeat(16 * 1024 + 1))].into()),
        many(1_000),
        many(1_001),
        nested,
        map(&[("a", Value::Int(1))]),
        Value::Timestamp(Timestamp::from_millis(0)),
        Value::Timestamp(Timestamp::from_millis(i64::MAX)),
    ]
}

#[test]
fn what_needs_no_interpreter_is_what_it_would_have_given() {
    let mut compared = 0;
    for source in SOURCES {
        for of in [
            Type::Dyn,
            Type::String,
            list(Type::String),
            Type::Bool,
            Type::Int,
        ] {
            let Some((plain, interpreted)) = both(source, &of) else {
                continue;
            };
            let mut samples = vec![Sample::default()];
            for value in values() {
                samples.push(
                    ["sub", "any", "a/b", "text", "texts", "yes"]
                        .into_iter()
                        .fold(Sample::default(), |sample, name| {
                            sample.with(&format!("claims/{name}"), value.clone())
                        }),
                );
            }
            for sample in samples {
                let (fast, slow) = (plain.evaluate(&sample), interpreted.evaluate(&sample));
                assert_eq!(fast, slow, "{source} as {of}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn what_is_plain_is_read_once() {
    let (plain, _) = both("has(claims.any) ? claims.any : []", &list(Type::String)).unwrap();
    for sample in [
        Sample::default(),
        Sample::default().with("claims/any", Value::Int(1)),
    ] {
        let _value = plain.evaluate(&sample);
        assert_eq!(sample.read(), ["claims/any"]);
    }
}

#[test]
fn anything_else_is_left_to_the_interpreter() {
    for source in [
        "has(claims.any) ? claims.sub : \"\"",
        "has(claims.any) ? \"\" : claims.sub",
        "has(claims.any) ? claims.any : claims.sub",
        "claims.sub + \"x\"",
        "[claims.sub]",
    ] {
        let expression = Expression::compile(source, &claims(), &Type::Dyn).unwrap();
        assert!(expression.0.plain.is_none(), "{source}");
    }
}

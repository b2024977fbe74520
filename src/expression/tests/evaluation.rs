use super::*;

/// An operand that is an error whenever it is evaluated.
const ERR: &str = "(1 / args.zero == 1)";

#[test]
fn errors_are_strict_from_left_to_right() {
    let table: &[(&str, Option<bool>)] = &[
        ("E || true", None),
        ("true || E", Some(true)),
        ("E || E", None),
        ("false || E", None),
        ("E && false", None),
        ("false && E", Some(false)),
        ("true && E", None),
        ("!E", None),
        ("!(E || true)", None),
        ("E ? true : true", None),
        ("true ? true : E", Some(true)),
        ("false ? E : true", Some(true)),
        ("true || E || E", Some(true)),
        ("(false || E) || true", None),
        ("false || true || E", Some(true)),
        ("delegated && (E || delegated)", None),
        ("E == E", None),
        ("args.tags.exists(t, E || t == \"a\")", None),
        ("args.tags.exists(t, t == \"a\" || E)", Some(true)),
        ("args.tags.all(t, E && t == \"zzz\")", None),
        ("args.tags.all(t, t == \"zzz\" && E)", Some(false)),
        ("args.nums.exists(n, 1 / (n - 1) == 1)", None),
        (
            "args.nums.exists(n, n == 1 || 1 / (n - 2) == 1)",
            Some(true),
        ),
        ("args.nums.all(n, 1 / (n - 2) == 7)", Some(false)),
        ("args.nums.all(n, n != 1 && 1 / (n - 2) == 7)", Some(false)),
        ("args.nums.exists_one(n, 1 / (n - 3) > 7 || n == 1)", None),
        ("args.nums.filter(n, 1 / (n - 2) == 1).size() == 0", None),
        ("args.nums.map(n, 1 / (n - 2)).size() == 3", None),
        ("args.nums.map(n, E, n).size() == 3", None),
    ];
    for (source, expected) in table {
        let source = source.replace('E', ERR);
        let found = evaluate(&source, &sample());
        match expected {
            Some(expected) => assert_eq!(found, Ok(*expected), "{source}"),
            None => assert_eq!(
                found,
                Err(EvaluationError::Arithmetic(
                    crate::expression::Arithmetic::DivisionByZero
                )),
                "{source}"
            ),
        }
    }
}

#[test]
fn operators_and_functions_have_their_values() {
    for source in [
        "args.rows == 10",
        "args.rows != 11",
        "args.rows <= 10",
        "args.rows < 11",
        "args.rows > -1",
        "args.rows >= 10",
        "args.rows + 1 == 11",
        "args.rows - 11 == -1",
        "args.rows * 2 == 20",
        "args.rows / 3 == 3",
        "args.rows % 3 == 1",
        "-7 / 2 == -3",
        "-7 % 3 == -1",
        "-args.rows == -10",
        "args.ratio * 2.0 == 1.0",
        "args.ratio < 1.0",
        "args.name + \"-west\" == \"eu-west\"",
        "args.name < \"us\"",
        "args.name.startsWith(\"e\")",
        "args.name.endsWith(\"u\")",
        "args.name.contains(\"eu\")",
        "args.name.matches(\"^e.$\")",
        "matches(args.name, \"u\")",
        "size(args.name) == 2",
        "\"é\".size() == 1",
        "args.tags.size() == 2",
        "size(args.counts) == 1",
        "\"a\" in args.tags",
        "!(\"c\" in args.tags)",
        "args.name in [\"eu\", \"us\"]",
        "\"x\" in args.counts",
        "args.tags == [\"a\", \"b\"]",
        "args.tags != []",
        "args.tags + [\"c\"] == [\"a\", \"b\", \"c\"]",
        "args.tags[1] == \"b\"",
        "args.counts.exists(k, k == \"x\")",
        "args.nums.exists_one(n, n > 2)",
        "args.nums.map(n, n * 2) == [2, 4, 6]",
        "args.nums.map(n, n > 1, n * 2) == [4, 6]",
        "args.nums.filter(n, n > 1) == [2, 3]",
        "args.nums.all(n, n > 0)",
        "args.nums.all(n, [3, 2, 1].exists(m, m == n))",
        "args.nums.map(n, [n]).size() == 3",
        "[].all(x, false)",
        "int(\"7\") == 7",
        "int(2.9) == 2",
        "double(2) == 2.0",
        "string(5) == \"5\"",
        "args.rows == 10 ? true : false",
        "true && true",
        "false || true",
        "!false",
        "!!true",
        "args.rows > 1 && args.rows < 20 || delegated",
        "subject.claims.env == \"prod\"",
        "subject[\"claims\"][\"env\"] == \"prod\"",
        "// a comment\nargs.rows == 10 // another",
    ] {
        holds(source, true);
        holds(&format!("!({source}\n)"), false);
    }
}

#[test]
fn times_compare_and_add() {
    for source in [
        "request.time > timestamp(\"2026-11-21T22:00:00Z\")",
        "request.time - timestamp(\"2026-11-21T22:00:00Z\") == duration(\"1s\")",
        "request.time - timestamp(\"2026-11-21T21:00:00Z\") < duration(\"1h30m\")",
        "request.time + duration(\"24h\") > request.time",
        "request.time - duration(\"1h\") < request.time",
        "duration(\"1h\") + duration(\"30m\") == duration(\"90m\")",
        "timestamp(\"2026-11-21T23:00:00+01:00\") == timestamp(\"2026-11-21T22:00:00Z\")",
        "request.time.getHours() == 22",
        "request.time.getDayOfWeek() == 6",
        "request.time.getMonth() == 10",
        "duration(\"90m\").getMinutes() == 90",
        "int(request.time) == 1795298401",
    ] {
        holds(source, true);
    }
}

#[test]
fn what_goes_out_of_range_is_an_error() {
    fails("args.big + 1 > 0", "overflow");
    fails("args.big * 2 > 0", "overflow");
    fails("-args.big - 2 > 0", "overflow");
    fails("-(-args.big - 1) > 0", "overflow");
    fails("(-args.big - 1) / -1 > 0", "overflow");
    fails("args.rows / args.zero > 0", "division by zero");
    fails("args.rows % args.zero > 0", "division by zero");
    fails("args.tags[2] == \"a\"", "index out of range");
    fails("args.tags[-1] == \"a\"", "index out of range");
    fails("int(args.name) == 1", "`int` failed");
    fails("int(1e300) == 1", "`int` failed");
}

#[test]
fn a_dyn_is_never_compared_with_another_type() {
    let read = |name: &str| format!("has(context.metadata.{name}) && context.metadata.{name}");
    for source in [
        format!("{} == 2.0", read("n")),
        format!("{} != 3.0", read("n")),
        format!("{} < 3.0", read("n")),
        format!("{} <= 2.0", read("n")),
        format!("{} > 1.0", read("n")),
        format!("{} >= 2.0", read("n")),
        format!(
            "!({} > 2.0)",
            "has(context.metadata.n) && context.metadata.n"
        ),
        format!("{} + 1.0 == 3.0", read("n")),
        format!("{} == \"text\"", read("s")),
        format!("{}.startsWith(\"t\")", read("s")),
        format!("{}.matches(\"^t\")", read("s")),
        read("yes"),
        format!("{} == [\"a\", \"b\"]", read("names")),
        "has(context.metadata.names) && \"b\" in context.metadata.names".to_owned(),
        format!("{}.exists(x, x == \"b\")", read("names")),
        format!("{}[1] == \"b\"", read("names")),
        format!("{}.exists(x, has(x.id) && x.id == \"i\")", read("items")),
        "has(context.metadata.yes) && (delegated ? context.metadata.yes : false)".to_owned(),
    ] {
        holds(&source, true);
    }
    for source in [
        format!("{} == 2", read("n")),
        format!("{} != 2", read("n")),
        format!("{} < 3", read("n")),
        format!("{} <= 3", read("n")),
        format!("{} > 1", read("n")),
        format!("{} >= 1", read("n")),
        "has(context.metadata.s) && (delegated && context.metadata.s) != delegated".to_owned(),
        "has(context.metadata.s) && (!delegated || context.metadata.s) != delegated".to_owned(),
        format!("{} + 1 == 3.0", read("n")),
        format!("{} == 2.0", read("s")),
        format!("{} < 2.0", read("s")),
        format!("{}.startsWith(\"t\")", read("n")),
        format!("{}.matches(\"t\")", read("n")),
        format!("{}.getHours() == 1", read("n")),
        read("s"),
        format!("{} && delegated", read("s")),
        format!("delegated && {}", read("s")),
        format!("delegated && !({})", read("s")),
        format!("{} == [1, 2]", read("names")),
        "has(context.metadata.mixed) && \"a\" in context.metadata.mixed".to_owned(),
        "has(context.metadata.s) && \"a\" in context.metadata.s".to_owned(),
        format!("{}.exists(x, x == \"b\")", read("s")),
        format!("{}.exists(x, x == 1.0)", read("mixed")),
        format!("{}[0] == \"t\"", read("s")),
        format!("{}.exists(x, has(x.id))", read("names")),
        format!("{}.all(x, x)", read("names")),
    ] {
        fails(&source, "wrong type");
    }
}

#[test]
fn an_attribute_of_another_type_than_declared_is_an_error() {
    let attributes = sample().with("args/rows", Value::string("secret"));
    let error = evaluate("args.rows == 10", &attributes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrong type at `args.rows`: expected an `int`"
    );
}

#[test]
fn an_absent_attribute_is_an_error_that_names_it() {
    let absent = EvaluationError::Absent {
        path: "subject.claims.level".to_owned(),
    };
    for source in [
        "subject.claims.level > 3",
        "!(subject.claims.level > 3)",
        "subject.claims.level > 3 || true",
        "args.nums.exists(n, n == subject.claims.level)",
    ] {
        assert_eq!(evaluate(source, &sample()), Err(absent.clone()), "{source}");
    }
    holds(
        "has(subject.claims.level) && subject.claims.level > 3",
        false,
    );
    assert_eq!(
        evaluate("args.rows == 10", &sample().without("args/rows")),
        Err(EvaluationError::Absent {
            path: "args.rows".to_owned()
        })
    );
}

#[test]
fn only_what_is_needed_is_read_and_only_once() {
    let attributes = sample();
    let condition = compile("delegated || args.rows == 10").unwrap();
    assert_eq!(condition.evaluate(&attributes), Ok(true));
    assert_eq!(attributes.read(), ["delegated"]);
    let attributes = sample();
    let condition =
        compile("args.nums.all(n, n < args.rows && args.rows in args.nums || args.rows == 10)")
            .unwrap();
    assert_eq!(condition.evaluate(&attributes), Ok(true));
    assert_eq!(attributes.read(), ["args/nums", "args/rows"]);
}

#[test]
fn reads_lists_every_path_once() {
    let source = "delegated || has(args.note) && args.note == args.name || \"k\" in args.counts \
                  || \"x-env\" in request.headers && args.name == request.headers[\"x-env\"]";
    let condition = compile(source).unwrap();
    let reads: Vec<String> = condition
        .reads()
        .iter()
        .map(|path| path.join("/"))
        .collect();
    assert_eq!(
        reads,
        [
            "delegated",
            "args/note",
            "args/name",
            "args/counts",
            "request/headers/x-env"
        ]
    );
}

#[test]
fn results_have_the_type_that_was_expected() {
    let value = |source: &str, of: &Type| {
        Expression::compile(source, &schema(), of)
            .unwrap()
            .evaluate(&sample())
    };
    assert_eq!(value("args.name", &Type::String), Ok(Value::string("eu")));
    assert_eq!(value("args.rows + 1", &Type::Int), Ok(Value::Int(11)));
    assert_eq!(value("args.ratio", &Type::Double), Ok(Value::Double(0.5)));
    assert_eq!(
        value("args.tags", &list(Type::String)),
        Ok(Value::strings(&["a", "b"]))
    );
    assert_eq!(
        value("[]", &list(Type::String)),
        Ok(Value::strings::<&str>(&[]))
    );
    assert_eq!(
        value("args.counts", &Type::Map(Box::new(Type::Int))),
        Ok(map(&[("x", Value::Int(1))]))
    );
    assert_eq!(
        value("timestamp(\"1970-01-01T00:00:01.5Z\")", &Type::Timestamp),
        Ok(Value::Timestamp(Timestamp::from_millis(1500)))
    );
    let dynamic = "has(context.metadata.s) ? context.metadata.s : \"\"";
    assert_eq!(value(dynamic, &Type::String), Ok(Value::string("text")));
    assert_eq!(value(dynamic, &Type::Dyn), Ok(Value::string("text")));
    assert!(matches!(
        value(dynamic, &Type::Int),
        Err(EvaluationError::WrongType { .. })
    ));
}

#[test]
fn errors_do_not_hold_values() {
    let attributes = sample()
        .with("args/name", Value::string("hunter2"))
        .with("context/metadata/s", Value::string("hunter2"));
    for source in [
        "int(args.name) == 1",
        "has(context.metadata.s) && context.metadata.s == 1",
        "has(context.metadata.s) && context.metadata.s + 1 == 1",
        "has(context.metadata.s) && context.metadata.s < 1",
        "has(context.metadata.s) && context.metadata.s[0] == 1",
        "has(context.metadata.s) && context.metadata.s",
    ] {
        let error = evaluate(source, &attributes).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{source}: {error:?}"
        );
    }
}

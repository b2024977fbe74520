use super::*;

/// A test thread has the stack of a worker.
#[test]
fn deep_and_long_sources_are_refused_without_harm() {
    for source in [
        format!("{}1{} == 1", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}true{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}{}", "[".repeat(2_000), "]".repeat(2_000)),
        "(".repeat(4_000),
        "[".repeat(4_000),
        "{".repeat(4_000),
        "a[".repeat(2_000),
        "f(".repeat(2_000),
        "true?".repeat(800),
        format!("{}true", "true?true:".repeat(400)),
        format!("1{} == 1", "+1".repeat(1_900)),
        format!("delegated{}", ".a".repeat(2_000)),
        format!("args.tags{}", "[0]".repeat(1_300)),
        format!("delegated{}", "&&delegated".repeat(350)),
        format!("1{}", "<1".repeat(2_000)),
        "args.tags.all(t,".repeat(200),
        "\"".repeat(4_000),
        "\\".repeat(4_000),
        "'''".repeat(1_300),
    ] {
        assert!(
            compile(&source).is_err(),
            "{}",
            source.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(
        compile(&format!("{}true", "!".repeat(4_000)))
            .unwrap()
            .evaluate(&sample()),
        Ok(true)
    );
    let signs = format!("-{}1 == -1", " -".repeat(2_000));
    assert_eq!(compile(&signs).unwrap().evaluate(&sample()), Ok(true));
}

#[test]
fn the_deepest_that_is_accepted_can_be_evaluated() {
    let nested = |depth: usize| {
        format!(
            "{}args.rows{} > 0",
            "(1 + ".repeat(depth),
            ")".repeat(depth)
        )
    };
    let deepest = (1..100)
        .take_while(|depth| compile(&nested(*depth)).is_ok())
        .last()
        .unwrap();
    assert!(deepest >= 12, "{deepest}");
    holds(&nested(deepest), true);
    let chain = |length: usize| format!("args.rows{} > 0", " + 1".repeat(length));
    let longest = (1..100)
        .take_while(|length| compile(&chain(*length)).is_ok())
        .last()
        .unwrap();
    assert!((15..25).contains(&longest), "{longest}");
    holds(&chain(longest), true);
    let names: Vec<String> = (0..80).map(|n| format!("args.rows == {n}")).collect();
    holds(&names.join(" || "), true);
    holds(&format!("({}) && delegated", names.join(" || ")), true);
    let dynamic = |length: usize| {
        let chain = " != context.metadata.yes".repeat(length);
        format!("has(context.metadata.yes) && [1].all(x, [1].all(y, delegated{chain}))")
    };
    let longest = (1..100)
        .take_while(|length| compile(&dynamic(*length)).is_ok())
        .last()
        .unwrap();
    assert!(evaluate(&dynamic(longest), &sample()).is_ok());
    let nots = |depth: usize| format!("{}delegated{}", "!(".repeat(depth), ")".repeat(depth));
    let deepest = (1..100)
        .take_while(|depth| compile(&nots(*depth)).is_ok())
        .last()
        .unwrap();
    assert!(compile(&nots(deepest)).unwrap().evaluate(&sample()).is_ok());
}

#[test]
fn loops_nest_two_deep() {
    holds("args.nums.all(a, [3, 2, 1].exists(b, a == b))", true);
    let errors = compile("[1].all(a, [1].all(b, [1].all(c, a == b && b == c)))").unwrap_err();
    assert!(errors[0].message.contains("2 deep"), "{errors:?}");
    holds("[1].all(a, a == 1) && [1].all(a, [1].all(b, a == b))", true);
}

#[test]
fn what_could_take_too_long_is_refused() {
    for source in [
        "args.tags.all(a, args.tags.all(b, a == b))",
        "args.tags.all(a, args.tags.all(b, a.startsWith(b) && b.endsWith(a) || a.contains(b)))",
        "args.tags.all(a, (args.tags + args.tags).all(b, a == b))",
        "args.tags.map(a, args.tags).size() == 1",
        &format!("args.tags{}.size() == 1", ".map(a, args.tags)".repeat(12)),
        &format!(
            "args.tags{}.all(a, a.all(b, b == b))",
            ".map(a, [args.tags, args.tags])".repeat(12)
        ),
    ] {
        refused(source, 0, "steps");
    }
    for source in [
        "args.tags.exists(a, a in args.tags)",
        "args.tags.exists(a, [\"x\", \"y\", \"z\"].exists(p, a.startsWith(p)))",
        "args.tags.exists(a, a.matches(\"^x\"))",
    ] {
        assert!(compile(source).is_ok(), "{source}: {:?}", compile(source));
    }
}

#[test]
fn a_value_beyond_the_bound_is_over_budget() {
    let items = |count: usize| Value::strings(&vec!["x"; count]);
    let full = sample().with("args/tags", items(1_000));
    assert_eq!(evaluate("args.tags.all(t, t == \"x\")", &full), Ok(true));
    let over = sample().with("args/tags", items(1_001));
    assert_eq!(
        evaluate("args.tags.all(t, t == \"x\")", &over),
        Err(EvaluationError::OverBudget)
    );
    assert_eq!(
        evaluate("args.tags == [] || true", &over),
        Err(EvaluationError::OverBudget)
    );
    assert_eq!(evaluate("true || args.tags == []", &over), Ok(true));

    let long = sample().with("args/name", Value::string("x".repeat(16 * 1024 + 1)));
    assert_eq!(
        evaluate("args.name != \"x\"", &long),
        Err(EvaluationError::OverBudget)
    );

    let nested = (0..40).fold(Value::Int(1), |inner, _| Value::List([inner].into()));
    let deep = sample().with("context/metadata/n", nested);
    assert_eq!(
        evaluate("has(context.metadata.n) && context.metadata.n == 1", &deep),
        Err(EvaluationError::OverBudget)
    );
}

#[test]
fn a_moment_outside_the_calendar_is_an_error() {
    for millis in [i64::MIN, i64::MAX, -62_135_596_800_001, 253_402_300_800_000] {
        let far = sample().with(
            "request/time",
            Value::Timestamp(Timestamp::from_millis(millis)),
        );
        let found = evaluate("request.time + duration(\"2000000h\") > request.time", &far);
        assert!(
            matches!(found, Err(EvaluationError::Arithmetic(_))),
            "{millis}: {found:?}"
        );
    }
    for (millis, source) in [
        (253_402_300_799_000, "request.time + duration(\"2000000h\")"),
        (-62_135_596_800_000, "request.time - duration(\"2000000h\")"),
    ] {
        let edge = sample().with(
            "request/time",
            Value::Timestamp(Timestamp::from_millis(millis)),
        );
        let found = evaluate(&format!("{source} > request.time"), &edge);
        assert!(
            matches!(found, Err(EvaluationError::Arithmetic(_))),
            "{millis}: {found:?}"
        );
    }
}

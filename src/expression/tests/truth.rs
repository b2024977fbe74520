//! What is answered without the interpreter is what the interpreter answers.

use proptest::prelude::*;

use super::*;
use crate::expression::program::Program;

/// What the interpreter says.
fn interpreted(program: &Program, sample: &Sample) -> Result<Value, EvaluationError> {
    program.interpret(sample).map(Option::unwrap)
}

/// Without the interpreter, and with it.
fn both(source: &str, sample: &Sample) -> (Option<bool>, Result<Value, EvaluationError>) {
    let condition = compile(source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
    let program = &condition.0.0;
    (program.holds(sample), interpreted(program, sample))
}

#[test]
fn comparisons_with_literals_need_no_interpreter() {
    for (source, holds) in [
        ("!delegated", false),
        (r#"args.name == "eu""#, true),
        (r#""us" == args.name"#, false),
        ("args.name != subject.claims.env", true),
        ("args.rows <= 10 && args.zero > -1", true),
        ("args.rows < 10 || 10 < args.rows", false),
        ("args.rows >= args.big", false),
        (r#"has(args.note) && args.note == "x""#, false),
        ("delegated ? args.zero == 0 : args.rows == 0", true),
    ] {
        let (plain, full) = both(source, &sample());
        assert_eq!(plain, Some(holds), "{source}");
        assert_eq!(full, Ok(Value::Bool(holds)), "{source}");
    }
}

#[test]
fn everything_else_is_left_to_it() {
    for source in [
        "args.ratio == 0.5",
        r#"args.name < "z""#,
        "args.rows + 1 == 11",
        r#"args.name.startsWith("e")"#,
        r#""a" in args.tags"#,
        "args.nums[0] == 1",
        "has(context.metadata.yes) && context.metadata.yes == true",
        r#"[1].exists(x, args.name == "eu")"#,
    ] {
        assert_eq!(both(source, &sample()).0, None, "{source}");
    }
    let many = (0..5).map(|n| format!(r#"request.headers.x{n} == "a""#));
    let known = (0..5).map(|n| format!("has(request.headers.x{n})"));
    let all: Vec<String> = known.chain(many).collect();
    assert_eq!(both(&all.join(" && "), &sample()).0, None);
}

#[test]
fn what_has_no_answer_has_the_interpreters_error() {
    let long = "x".repeat(crate::expression::limits::MAX_TEXT + 1);
    for sample in [
        sample().without("args/name"),
        sample().with("args/name", Value::Int(1)),
        sample().with("args/name", Value::string(long)),
    ] {
        let source = r#"args.name == "eu""#;
        let (plain, full) = both(source, &sample);
        assert_eq!(plain, None);
        assert_eq!(
            compile(source).unwrap().evaluate(&sample),
            full.clone().map(|_| true)
        );
        assert!(full.is_err());
    }
    // What is never asked is never missing.
    let sample = sample()
        .without("args/name")
        .with("delegated", Value::Bool(false));
    assert_eq!(
        both(r#"delegated && args.name == "eu""#, &sample).0,
        Some(false)
    );
}

fn texts() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["args.name", "subject.claims.env", r#""eu""#, r#""""#])
        .prop_map(str::to_owned)
}

fn numbers() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["args.rows", "args.zero", "args.big", "-1", "10"])
        .prop_map(str::to_owned)
}

fn conditions() -> impl Strategy<Value = String> {
    let order = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let equality = prop::sample::select(vec!["==", "!="]);
    let leaf = prop_oneof![
        Just("delegated".to_owned()),
        Just("has(args.note)".to_owned()),
        (texts(), equality, texts()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (numbers(), order, numbers()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        Just(r#"(has(args.note) && args.note != "n")"#.to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// A value that may be of the declared type or not, or none at all.
fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        (-1..11_i64).prop_map(|n| Some(Value::Int(n))),
        prop::sample::select(vec!["", "eu", "n"]).prop_map(|text| Some(Value::string(text))),
        any::<bool>().prop_map(|yes| Some(Value::Bool(yes))),
    ]
}

const READ: [&str; 7] = [
    "delegated",
    "args/note",
    "args/name",
    "subject/claims/env",
    "args/rows",
    "args/zero",
    "args/big",
];

proptest! {
    #[test]
    fn an_answer_is_the_interpreters(source in conditions(), values in prop::array::uniform7(value())) {
        let sample = READ.into_iter().zip(values).fold(Sample::default(), |sample, (path, value)| match value {
            Some(value) => sample.with(path, value),
            None => sample,
        });
        if let Ok(condition) = compile(&source) {
            let program = &condition.0.0;
            if let Some(holds) = program.holds(&sample) {
                prop_assert_eq!(interpreted(program, &sample), Ok(Value::Bool(holds)), "{}", source);
            }
        }
    }
}

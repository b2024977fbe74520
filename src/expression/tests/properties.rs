use proptest::prelude::*;

use super::*;

/// Whatever is compiled, nothing panics; whatever is evaluated twice has one answer.
fn survives(source: &str) {
    let Ok(condition) = compile(source) else {
        return;
    };
    let full = sample();
    assert_eq!(
        condition.evaluate(&full),
        condition.evaluate(&full),
        "{source}"
    );
    let empty = Sample::default();
    assert_eq!(
        condition.evaluate(&empty),
        condition.evaluate(&empty),
        "{source}"
    );
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i8>().prop_map(|n| n.to_string()),
        Just("args.rows".to_owned()),
        Just("args.zero".to_owned()),
        Just("args.big".to_owned()),
        Just("size(args.name)".to_owned()),
        Just("args.nums[1]".to_owned()),
        Just("subject.claims.level".to_owned()),
        Just("int(args.name)".to_owned()),
    ]
}

fn numbers() -> impl Strategy<Value = String> {
    number().prop_recursive(2, 8, 2, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["+", "-", "*", "/", "%"]),
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("delegated".to_owned()),
        Just("has(args.note)".to_owned()),
        Just("subject.claims.env == args.name".to_owned()),
        Just("(has(context.metadata.n) && context.metadata.n == 1.0)".to_owned()),
        Just("(has(context.metadata.s) && context.metadata.s)".to_owned()),
        (
            numbers(),
            prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]),
            numbers()
        )
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
    ]
}

fn conditions() -> impl Strategy<Value = String> {
    condition().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            inner.clone().prop_map(|a| format!("[1, 2].exists(x, {a})")),
            inner.prop_map(|a| format!("[1, 2].all(x, {a})")),
        ]
    })
}

/// The three-valued result, `None` being an error.
fn value(source: &str) -> Option<bool> {
    evaluate(source, &sample()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(source in ".{0,60}") {
        survives(&source);
    }

    #[test]
    fn no_sequence_of_words_panics(words in prop::collection::vec(prop::sample::select(vec![
        "args", ".", "rows", "tags", "name", "(", ")", "[", "]", "{", "}", ",", ":", "?", "!", "-", "+", "*", "/", "%", "&&",
        "||", "==", "<", "in", "1", "0.5", "\"a\"", "'", "\"", "\\", "has", "all", "exists", "map", "x", "matches", "true",
        "null", "1u", "b'a'", "timestamp", "duration", "\"1h\"", "context.metadata", "é", "\u{0}", "0x", "1e9", "//", "\n",
    ]), 0..24)) {
        survives(&words.concat());
        survives(&words.join(" "));
    }

    #[test]
    fn valid_expressions_never_panic(source in conditions()) {
        survives(&source);
    }

    #[test]
    fn logic_is_strict_from_left_to_right(a in conditions(), b in conditions()) {
        prop_assume!(compile(&a).is_ok() && compile(&b).is_ok());
        let (left, right) = (value(&a), value(&b));
        let and = if left == Some(true) { right } else { left };
        let or = if left == Some(false) { right } else { left };
        prop_assert_eq!(value(&format!("({a}) && ({b})")), and);
        prop_assert_eq!(value(&format!("({a}) || ({b})")), or);
        prop_assert_eq!(value(&format!("!({a})")), left.map(|value| !value));
    }
}

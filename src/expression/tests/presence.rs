use super::*;

#[test]
fn an_optional_attribute_is_read_behind_a_test() {
    for source in [
        "has(args.note) && args.note == \"x\"",
        "has(args.note) && (delegated && args.note == \"x\")",
        "(delegated && has(args.note)) && args.note == \"x\"",
        "!has(args.note) || args.note == \"x\"",
        "!(has(args.note) && delegated) || args.note == \"x\"",
        "!(!has(args.note) || !delegated) && args.note == \"x\"",
        "has(args.note) ? args.note == \"x\" : true",
        "!has(args.note) ? true : args.note == \"x\"",
        "(has(args.note) ? has(args.limit) : false) && args.note == \"x\" && args.limit > 1",
        "has(args.note) && has(args.limit) && args.note == \"x\" && args.limit > 1",
        "(has(args.note) && delegated || has(args.note)) && args.note == \"x\"",
        "has(args.note) && args.tags.exists(t, t == args.note)",
        "args.tags.exists(t, has(args.note) && t == args.note)",
        "\"x-env\" in request.headers && request.headers[\"x-env\"] == \"prod\"",
        "\"note\" in args && args.note == \"x\"",
        "has(query.limit) && int(query.limit) > 1",
        "has(subject.claims.labels.a) && subject.claims.labels.a == \"x\"",
        "has(subject.claims.labels.a) && size(subject.claims.labels) > 1",
        "has(subject.claims.labels) && \"a\" in subject.claims.labels && subject.claims.labels.a == \"x\"",
        "has(context.metadata.a.b) && context.metadata.a.b == 1",
        "has(context.metadata.items) && context.metadata.items.all(x, has(x.id) && x.id == \"a\")",
        "args.tags.all(t, t in args.counts && args.counts[t] > 1)",
        "args.name in args.counts && args.counts[args.name] > 1",
        "has(context.metadata.a) && context.metadata.a.all(x, !has(x.b) || !has(x.b.c) || x.b.c == 1)",
    ] {
        let compiled = compile(source);
        assert!(compiled.is_ok(), "{source}: {compiled:?}");
    }
}

#[test]
fn an_optional_attribute_is_not_read_where_no_test_proves_it() {
    refused(
        "args.note == \"x\"",
        0,
        "`args.note` may be absent: write `has(args.note) && …`",
    );
    refused(
        "request.headers[\"x-env\"] == \"x\"",
        0,
        "write `\"x-env\" in request.headers && …`",
    );
    for (source, offset) in [
        ("args.note == \"x\" && has(args.note)", 0),
        ("has(args.note) || args.note == \"x\"", 18),
        ("!has(args.note) && args.note == \"x\"", 19),
        ("(has(args.note) || delegated) && args.note == \"x\"", 33),
        ("!(has(args.note) && delegated) && args.note == \"x\"", 34),
        ("has(args.limit) && args.note == \"x\"", 19),
        ("(has(args.note) ? true : args.note == \"x\")", 25),
        (
            "(delegated ? has(args.note) : true) && args.note == \"x\"",
            39,
        ),
        ("has(args.note) == true && args.note == \"x\"", 26),
        (
            "args.tags.exists(t, has(args.note)) && args.note == \"x\"",
            39,
        ),
        (
            "has(subject.claims.labels) && subject.claims.labels.a == \"x\"",
            30,
        ),
        ("has(context.metadata.a) && context.metadata.a.b == 1", 27),
        (
            "\"x-env\" in request.headers && request.headers[\"x-evn\"] == \"\"",
            30,
        ),
        ("args.tags.all(t, args.counts[t] > 1)", 17),
        (
            "args.name in args.counts && args.tags.all(t, args.counts[t] > 1)",
            45,
        ),
        (
            "args.tags.all(t, t in args.counts) && args.tags.all(t, args.counts[t] > 1)",
            55,
        ),
        (
            "has(context.metadata.a) && context.metadata.a.all(x, x.id == 1)",
            53,
        ),
    ] {
        refused(source, offset, "may be absent");
    }
}

#[test]
fn has_tells_whether_the_path_is_there() {
    holds("has(args.rows)", true);
    holds("has(args.note)", false);
    holds("has(subject.claims.env)", true);
    holds("has(subject.claims.level)", false);
    holds("has(subject.claims.labels.a)", false);
    holds("has(context.metadata.s)", true);
    holds("has(context.metadata.nothing.there)", false);
    holds(
        "\"x-env\" in request.headers && request.headers[\"x-env\"] == \"prod\"",
        true,
    );
    holds(
        "\"x-other\" in request.headers && request.headers[\"x-other\"] == \"prod\"",
        false,
    );
    holds(
        "args.tags.exists(t, t in args.counts && args.counts[t] == 1)",
        false,
    );
    holds(
        "[\"y\", \"x\"].exists(t, t in args.counts && args.counts[t] == 1)",
        true,
    );
}

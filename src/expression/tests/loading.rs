use super::*;

#[test]
fn values_of_two_types_are_not_compared() {
    refused(
        "args.rows == \"10\"",
        10,
        "compares an `int` with a `string`",
    );
    refused("args.rows == \"10\"", 10, "int(…)");
    refused("args.ratio == 10", 11, "write `10.0`");
    refused("10 < args.ratio", 3, "write `10.0`");
    refused("args.rows < args.ratio", 10, "double(…)");
    refused(
        "args.rows in args.tags",
        10,
        "`in` compares an `int` with a `string`",
    );
    refused("args.rows in args.counts", 10, "`in` compares");
    refused("args.tags == args.nums", 10, "list<string>");
    refused("args.name in args.name", 13, "`in` takes a list or a map");
    refused("request.time > \"2026\"", 13, "timestamp(");
    refused("delegated < true", 10, "does not order");
    refused("args.tags < args.tags", 10, "does not order");
    refused("[1, \"a\"] == []", 0, "a list cannot hold");
    refused("(delegated ? 1 : \"a\") == 1", 1, "both must have one type");
}

#[test]
fn a_condition_is_true_or_false() {
    refused("args.rows", 0, "this must be a `bool`, and is an `int`");
    refused("args.rows && delegated", 0, "this must be true or false");
    refused("delegated || args.name", 13, "this must be true or false");
    refused("!args.rows", 1, "this must be true or false");
    refused("args.rows ? true : false", 0, "this must be true or false");
    refused("args.tags.all(t, t)", 17, "this must be true or false");
    refused("duration(\"1h\")", 0, "a duration is no result");
}

#[test]
fn what_does_not_exist_is_refused_with_what_was_meant() {
    refused("args.rwos == 1", 0, "did you mean `rows`");
    refused("delegatd", 0, "did you mean `delegated`");
    refused(
        "true || subject.claims.evn == \"x\"",
        8,
        "did you mean `env`",
    );
    refused("has(args.ntoe)", 4, "did you mean `note`");
    refused(
        "args.name.startWith(\"a\")",
        19,
        "did you mean `startsWith`",
    );
    refused("siez(args.name) == 1", 0, "did you mean `size`");
    refused("siez(args.name) == 1", 0, "there is: all, contains");
    refused("args.tags.exist(t, true)", 15, "did you mean `exists`");
    refused(
        "args.rows.x == 1",
        0,
        "`args.rows` is a int and has no members",
    );
    refused(".args.rows == 1", 1, "no attribute");
    refused("math.abs(1) == 1", 8, "there is no function `abs`");
}

#[test]
fn a_group_has_no_value() {
    refused("args == args", 0, "`args` is a group of attributes");
    refused(
        "size(request.headers) > 0",
        5,
        "by a name that is written out",
    );
    refused(
        "request.headers[args.name] == \"x\"",
        0,
        "by a name that is written out",
    );
    refused("args.name in request.headers", 0, "only a literal name");
    refused("has(subject.claims)", 4, "group of attributes");
    refused("has(args)", 4, "`has` takes a member");
    refused("has(1)", 4, "`has` takes a member");
    refused("has(args.name, args.rows)", 0, "`has` takes one attribute");
}

#[test]
fn functions_take_what_they_take() {
    refused(
        "args.name.startsWith(1)",
        0,
        "`startsWith` cannot be called on a `string` with (int)",
    );
    refused(
        "args.rows.startsWith(\"a\")",
        0,
        "`startsWith` cannot be called on an `int`",
    );
    refused(
        "startsWith(args.name, \"a\")",
        0,
        "write `value.startsWith(…)`",
    );
    refused("args.name.int() == 1", 13, "write `int(x)`");
    refused("size(args.rows) == 1", 0, "`size` does not take an `int`");
    refused("int(delegated) == 1", 0, "`int` does not take a `bool`");
    refused(
        "args.rows + \"a\" == \"a\"",
        10,
        "`+` does not take an `int` and a `string`",
    );
    refused("args.ratio + 1 == 1.0", 11, "write `1.0`");
    refused("args.ratio % 2.0 == 1.0", 11, "`%` does not take");
    refused("-args.name == \"\"", 0, "`-` does not take a `string`");
    refused("args.rows[0] == 1", 0, "cannot be indexed");
    refused(
        "args.tags[\"a\"] == \"a\"",
        0,
        "list<string> and has no members",
    );
    refused("args.tags.all(1, true)", 14, "a name for the items");
    refused("args.tags.all(t)", 0, "is written `list.all(x, …)`");
    refused(
        "args.name.all(t, true)",
        0,
        "only a list or a map has items",
    );
    refused("args.tags.all(args, true)", 14, "`args` is an attribute");
}

#[test]
fn patterns_and_times_are_literals_that_can_be_read() {
    refused(
        "args.name.matches(\"(\")",
        18,
        "this pattern cannot be used",
    );
    refused(
        "args.name.matches(args.name)",
        18,
        "takes a literal pattern",
    );
    refused(
        "args.name.matches(\"(a{1000}){1000}\")",
        18,
        "this pattern cannot be used",
    );
    refused(
        "args.rows.matches(\"a\")",
        0,
        "`matches` does not take an `int`",
    );
    refused(
        "request.time > timestamp(\"yesterday\")",
        25,
        "is not a timestamp",
    );
    refused(
        "request.time > timestamp(args.name)",
        15,
        "takes a literal text",
    );
    refused(
        "request.time - request.time > duration(\"x\")",
        39,
        "is not a duration",
    );
}

#[test]
fn what_is_not_there_is_refused() {
    refused("{\"a\": 1} == {}", 0, "maps cannot be written");
    refused("A{b: 1} == 1", 1, "maps cannot be written");
    refused("1u == 1u", 0, "unsigned");
    refused("b\"a\" == b\"a\"", 0, "bytes");
    refused("args.name == null", 13, "nothing is null");
    refused("args.?name == \"\"", 4, "cannot be parsed");
    refused("", 0, "empty");
    refused("  \n", 0, "empty");
    refused("args.rows ==", 12, "cannot be parsed");
    refused("delegated &&\n  args.rows =< 1", 25, "cannot be parsed");
    refused("\"é\" == \"é\" 1", 13, "cannot be parsed");
}

#[test]
fn every_problem_is_reported_in_order() {
    let errors =
        compile("args.a == 1 && args.rows == \"x\" || foo(1) || args.note == \"\"").unwrap_err();
    let offsets: Vec<usize> = errors.iter().map(|error| error.offset).collect();
    assert_eq!(offsets, [0, 25, 35, 45], "{errors:?}");
}

#[test]
fn offsets_are_bytes() {
    refused(
        "\"é\" == \"é\" && args.nme == \"\"",
        16,
        "did you mean `name`",
    );
}

use super::*;

fn problem(file: &str, line: u32, column: u32, width: u32) -> Problem {
    let position = Position {
        line,
        column,
        width,
    };
    Problem::error("unknown-key", Path::new(file), "unknown key `frobid`")
        .at(position)
        .on(&"rules[0].frobid")
}

fn sources(file: &str, text: &str) -> Sources {
    Sources::from([(PathBuf::from(file), text.to_owned())])
}

#[test]
fn problems_are_sorted_by_file_line_and_column() {
    let warning = Problem::warning(
        "unreachable-rule",
        Path::new("a.yaml"),
        "rule `x` never applies",
    );
    let unsorted = [
        problem("b.yaml", 1, 1, 1),
        problem("a.yaml", 10, 1, 1),
        problem("a.yaml", 2, 9, 1),
        problem("a.yaml", 2, 3, 1),
        warning,
    ];
    let problems: Problems = unsorted.into_iter().collect();
    let order: Vec<_> = problems
        .as_slice()
        .iter()
        .map(|problem| (problem.file.to_str().unwrap(), problem.line, problem.column))
        .collect();
    assert_eq!(
        order,
        [
            ("a.yaml", 0, 0),
            ("a.yaml", 2, 3),
            ("a.yaml", 2, 9),
            ("a.yaml", 10, 1),
            ("b.yaml", 1, 1)
        ]
    );
    assert_eq!(
        (
            problems.count(Severity::Error),
            problems.count(Severity::Warning),
            problems.has_errors()
        ),
        (4, 1, true)
    );
}

#[test]
fn a_problem_about_a_whole_file_has_no_line() {
    let problem = Problem::warning("no-rules", Path::new("a.yaml"), "the file has no rules")
        .help("add one")
        .help("or remove it");
    let problems: Problems = [problem].into_iter().collect();
    insta::assert_snapshot!(problems.render(&sources("a.yaml", "version: 1\n"), false), @r#"
    warning[no-rules]: the file has no rules
     --> a.yaml
      = help: add one
      = help: or remove it
    "#);
}

#[test]
fn the_gutter_is_as_wide_as_the_line_number() {
    let text = "x\n".repeat(11) + "rules:  frobid: 1\n";
    let problems: Problems = [problem("a.yaml", 12, 9, 6)].into_iter().collect();
    insta::assert_snapshot!(problems.render(&sources("a.yaml", &text), false), @r#"
    error[unknown-key]: unknown key `frobid`
      --> a.yaml:12:9
       |
    12 | rules:  frobid: 1
       |         ^^^^^^
    "#);
}

#[test]
fn colour_appears_only_when_asked_for() {
    let problems: Problems = [problem("a.yaml", 1, 1, 6)].into_iter().collect();
    let sources = sources("a.yaml", "frobid: 1");
    assert!(!problems.render(&sources, false).contains('\x1b'));
    assert!(
        problems
            .render(&sources, true)
            .starts_with("\x1b[1;31merror[unknown-key]\x1b[0m")
    );
}

#[test]
fn a_source_cannot_write_to_the_terminal() {
    let problem = Problem::error("syntax", Path::new("a.yaml"), "value `\x1b[2J`").at(Position {
        line: 1,
        column: 4,
        width: 9,
    });
    let problems: Problems = [problem].into_iter().collect();
    let shown = problems.render(&sources("a.yaml", "a: \x1b[2Jx\u{202e}\ty"), false);
    assert!(!shown.contains(['\x1b', '\u{202e}', '\t']), "{shown:?}");
}

#[test]
fn a_long_line_is_shown_around_its_mark() {
    let text = format!("{}frobid{}", "a".repeat(500), "b".repeat(500));
    let problems: Problems = [problem("a.yaml", 1, 501, 6)].into_iter().collect();
    let shown = problems.render(&sources("a.yaml", &text), false);
    let lines: Vec<&str> = shown.lines().collect();
    let mark = lines[4].find("^^^^^^").unwrap();
    assert_eq!(
        lines[3].chars().skip(mark).take(6).collect::<String>(),
        "frobid"
    );
    assert!(
        lines[3].chars().count() < 160 && lines[3].ends_with('…'),
        "{shown}"
    );
}

#[test]
fn a_problem_without_its_source_is_still_shown() {
    let problems: Problems = [problem("a.yaml", 7, 3, 1)].into_iter().collect();
    insta::assert_snapshot!(problems.render(&Sources::new(), false), @r#"
    error[unknown-key]: unknown key `frobid`
     --> a.yaml:7:3
    "#);
}

#[test]
fn the_json_form_has_one_object_a_problem() {
    let problems: Problems = [
        problem("a.yaml", 7, 3, 1),
        Problem::warning("x", Path::new("b.yaml"), "y").help("z"),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        problems.to_json(),
        json!([
            { "severity": "error", "code": "unknown-key", "message": "unknown key `frobid`", "file": "a.yaml", "line": 7, "column": 3,
              "path": "rules[0].frobid", "help": null },
            { "severity": "warning", "code": "x", "message": "y", "file": "b.yaml", "line": null, "column": null, "path": "", "help": "z" },
        ])
    );
}

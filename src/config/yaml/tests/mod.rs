use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::config::problem::{Problems, Sources, split_lines};

mod mistakes;

const FILE: &str = "config/policies/x.yaml";

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    permit: Option<String>,
    forbid: Option<String>,
    #[serde(default)]
    tier: Tier,
    when: Option<String>,
    #[serde(default, alias = "cap")]
    limit: Option<u16>,
    #[serde(default)]
    require: Vec<Requirement>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Tier {
    #[default]
    Low,
    Medium,
    Critical,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Requirement {
    Scope(String),
    StepUp {
        acr: Vec<String>,
        strict: Option<bool>,
    },
    Proof,
}

fn read(text: &str) -> Document {
    Document::read(Path::new(FILE), text).unwrap()
}

fn path<S: Into<Segment>, const N: usize>(segments: [S; N]) -> KeyPath {
    KeyPath::from(segments)
}

fn place(position: Position) -> (u32, u32, u32) {
    (position.line, position.column, position.width)
}

/// Every problem of a file of rules, read item by item.
fn problems_of<T: DeserializeOwned>(text: &str) -> Vec<Problem> {
    let document = match Document::read(Path::new(FILE), text) {
        Ok(document) => document,
        Err(problems) => return problems,
    };
    let mut problems = document.check_keys(&KeyPath::root(), &["version", "rules"]);
    match document.items(&path(["rules"])) {
        Ok(items) => problems.extend(
            items
                .iter()
                .filter_map(|item| document.decode::<T>(item).err())
                .flatten(),
        ),
        Err(found) => problems.extend(found),
    }
    problems
}

fn rendered(text: &str) -> String {
    let sources = Sources::from([(PathBuf::from(FILE), text.to_owned())]);
    problems_of::<Rule>(text)
        .into_iter()
        .collect::<Problems>()
        .render(&sources, false)
}

const ROUTES: &str = "\
routes:
  crm-tools:
    match: { host: mcp.example.com, path: /crm }
    actions:
      customers.list: { tool: list_customers }
      \"customers.export\":
        tool: 'it''s'
rules:
  - id: a
    must: args.rows <= 10
  - { id: b, must: \"a \\\"b\\\" ü\" }
  - id: c
    must: |
      args.rows
";

#[test]
fn every_value_and_every_key_has_its_place() {
    let document = read(ROUTES);
    let list = path(["routes", "crm-tools", "actions", "customers.list"]);
    assert_eq!(place(document.position(&list)), (5, 23, 1));
    assert_eq!(place(document.key_position(&list)), (5, 7, 14));
    assert_eq!(place(document.position(&list.join("tool"))), (5, 31, 14));
    assert_eq!(
        place(document.key_position(&path([
            "routes",
            "crm-tools",
            "actions",
            "customers.export"
        ]))),
        (6, 7, 18)
    );
    assert_eq!(
        place(document.position(&path(["rules"]).join(1).join("id"))),
        (11, 11, 1)
    );
    assert_eq!(
        place(document.position(&path(["rules"]).join(2))),
        (12, 5, 1)
    );
    assert_eq!(
        place(document.key_position(&path(["rules"]).join(2))),
        (12, 5, 1)
    );
}

#[test]
fn a_path_that_does_not_exist_is_placed_at_its_nearest_ancestor() {
    let document = read(ROUTES);
    let missing = path(["routes", "crm-tools", "url", "deeper"]);
    assert_eq!(place(document.position(&missing)), (2, 3, 9));
    assert_eq!(
        place(document.position(&path(["routes", "crm-tools", "match", "port"]))),
        (3, 12, 1)
    );
    assert_eq!(
        place(document.position(&path(["rules"]).join(9))),
        (8, 1, 5)
    );
    assert_eq!(place(document.position(&path(["nothing"]))), (1, 1, 1));
    assert_eq!(document.kind(&missing), None);
}

#[test]
fn a_byte_of_a_text_has_its_place() {
    let document = read(ROUTES);
    let must = |index: usize| path(["rules"]).join(index).join("must");
    assert_eq!(place(document.position_in(&must(0), 10)), (10, 21, 1));
    assert_eq!(
        place(document.position_in(&must(0), 9999)),
        (10, 25, 1),
        "the end of the text"
    );
    assert_eq!(place(document.position_in(&must(1), 2)), (11, 23, 1));
    assert_eq!(
        place(document.position_in(&must(2), 5)),
        (14, 7, 1),
        "a block has its start"
    );
    let quoted = path(["routes", "crm-tools", "actions", "customers.export", "tool"]);
    assert_eq!(
        place(document.position_in(&quoted, 3)),
        (7, 20, 1),
        "behind a quote written twice"
    );
}

#[test]
fn scalars_are_typed_as_yaml_1_2_has_it() {
    let document = read("[true, no, 12, '12', 1.5, ~, 0x10, \"true\", 18446744073709551615]");
    let value: serde_json::Value = document.decode(&KeyPath::root()).unwrap();
    assert_eq!(
        value,
        serde_json::json!([
            true,
            "no",
            12,
            "12",
            1.5,
            null,
            16,
            "true",
            18_446_744_073_709_551_615_u64
        ])
    );
}

#[test]
fn rules_decode_with_enums_aliases_and_defaults() {
    let text = "\
rules:
  - { id: a, permit: x.*, tier: critical, cap: 7 }
  - id: b
    require: [proof, { scope: crm:read }, { step_up: { acr: [phr], strict: true } }]
";
    assert_eq!(problems_of::<Rule>(text), []);
    let rule: Rule = read(text).decode(&path(["rules"]).join(1)).unwrap();
    let step_up = Requirement::StepUp {
        acr: vec!["phr".to_owned()],
        strict: Some(true),
    };
    assert_eq!(
        rule.require,
        [
            Requirement::Proof,
            Requirement::Scope("crm:read".to_owned()),
            step_up
        ]
    );
}

#[test]
fn one_bad_item_does_not_hide_the_next() {
    let problems = problems_of::<Rule>(
        "rules:\n  - { id: 1 }\n  - { id: b }\n  - { id: c, limit: 70000 }\n  - c\n",
    );
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code, problem.path.as_str(), problem.line))
        .collect();
    assert_eq!(
        found,
        [
            ("wrong-type", "rules[0].id", 2),
            ("invalid-value", "rules[2].limit", 4),
            ("wrong-type", "rules[3]", 5)
        ]
    );
}

#[test]
fn a_misspelt_key_is_not_also_a_missing_key() {
    let codes = |text| {
        problems_of::<Rule>(text)
            .iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("rules: [{ idd: a }]"), ["unknown-key"]);
    assert_eq!(
        codes("rules: [{ other: a }]"),
        ["unknown-key", "missing-key"]
    );
}

#[test]
fn keys_read_apart_are_hidden_from_the_rest() {
    #[derive(Debug, Deserialize)]
    struct Top {
        version: u32,
    }
    let document = read("version: 1\nrules: [{}]\nruels: 2\n");
    let problems = document
        .decode_without::<Top>(&KeyPath::root(), &["rules"])
        .unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].help.as_deref(),
        Some("did you mean `rules`?\nallowed here: `version`, `rules`")
    );
    let top: Top = read("version: 1\nrules: [{}]\n")
        .decode_without(&KeyPath::root(), &["rules"])
        .unwrap();
    assert_eq!(top.version, 1);
}

#[test]
fn entries_come_in_the_order_of_the_file() {
    let document = read("b: 1\na: 2\n");
    let entries = document.entries(&KeyPath::root()).unwrap();
    let keys: Vec<_> = entries
        .iter()
        .map(|entry| (entry.key, place(entry.position)))
        .collect();
    assert_eq!(keys, [("b", (1, 1, 1)), ("a", (2, 1, 1))]);
    assert_eq!(document.entries(&path(["c"])), Ok(vec![]));
    assert_eq!(
        document.entries(&path(["a"])).unwrap_err()[0].message,
        "expected a map, found the number `2`"
    );
    assert_eq!(document.decode_optional::<u8>(&path(["c"])), Ok(None));
    assert_eq!(document.decode_optional::<u8>(&path(["a"])), Ok(Some(2)));
}

#[test]
fn a_large_map_is_searched_by_its_index() {
    let text: String = (0..200)
        .rev()
        .fold(String::new(), |text, n| text + &format!("key{n}: {n}\n"));
    let document = read(&text);
    for n in 0..200 {
        assert_eq!(document.decode::<u32>(&path([format!("key{n}")])), Ok(n));
    }
    assert_eq!(document.kind(&path(["key200"])), None);
    assert_eq!(
        problems_of::<Rule>(&format!("{text}key7: 1\n"))[0]
            .help
            .as_deref(),
        Some("it was first set on line 193")
    );
}

#[test]
fn a_shared_value_is_shared_and_a_bomb_is_refused() {
    let document = read("a: &who { kind: human }\nb: *who\n");
    let who: BTreeMap<String, String> = document.decode(&path(["b"])).unwrap();
    assert_eq!(who["kind"], "human");
    assert_eq!(
        place(document.position(&path(["b", "kind"]))),
        (1, 17, 5),
        "where it is written"
    );

    let text = format!(
        "big: &a \"{}\"\nall: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(1000)
    );
    assert_eq!(
        Document::read(Path::new(FILE), &text).unwrap_err()[0].code,
        "too-many-aliases"
    );
}

#[test]
fn depth_and_count_are_bounded() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("&a [", "]")] {
        let text = format!("{}{}", open.repeat(64), close.repeat(64));
        let deepest = Document::read(Path::new(FILE), &text);
        assert!(deepest.is_ok(), "{open}: {deepest:?}");
        for depth in [65, 100_000] {
            let text = format!("{}{}", open.repeat(depth), close.repeat(depth));
            let problems = Document::read(Path::new(FILE), &text).unwrap_err();
            assert_eq!(problems[0].code, "too-deep", "{open} {depth}");
        }
    }
    for many in ["1: x\n".repeat(1000), "a: x\n".repeat(1000)] {
        let problems = Document::read(Path::new(FILE), &many).unwrap_err();
        assert_eq!(problems.len(), 100);
    }
}

/// That a problem points into the file: at a line it has, at most one column behind that line.
fn assert_inside(text: &str, problem: &Problem) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<_> = split_lines(text).collect();
    let line = lines
        .get(problem.line as usize - 1)
        .unwrap_or_else(|| panic!("no such line: {problem:?} in {text:?}"));
    assert!(
        (1..=line.chars().count() + 1).contains(&(problem.column as usize)),
        "{problem:?} in {text:?}"
    );
}

fn survives<T: DeserializeOwned + Debug>(text: &str) {
    let problems = problems_of::<T>(text);
    for problem in &problems {
        assert_inside(text, problem);
    }
    let sources = Sources::from([(PathBuf::from(FILE), text.to_owned())]);
    problems
        .into_iter()
        .collect::<Problems>()
        .render(&sources, true);
}

/// Values of every kind, as text in brackets, so that every document is valid.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("~".to_owned()),
        Just("true".to_owned()),
        Just("no".to_owned()),
        Just("critical".to_owned()),
        Just("70000".to_owned()),
        Just("-1.5".to_owned()),
        "[a-z]{1,6}",
        "\"[a-zü ]{0,6}\"",
    ];
    let key = prop_oneof![
        "[a-z]{1,6}",
        Just("id".to_owned()),
        Just("step_up".to_owned()),
        Just("require".to_owned())
    ];
    scalar.prop_recursive(4, 24, 4, move |inner| {
        let entries = proptest::collection::btree_map(key.clone(), inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 1..4)
                .prop_map(|items| format!("[\"\", {}]", items.join(", "))),
            entries.prop_map(|entries| {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[ \\t\\r\\n:\\-{}\\[\\],&*!|>'\"%@#?a1~<\u{feff}\u{0}\u{85}\u{2028}]{0,60}") {
        survives::<Rule>(&text);
        survives::<serde_json::Value>(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        survives::<Rule>(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_broken_policy_points_into_itself(cut in 0..ROUTES.len(), insert in "[ \\t\\r\\n:\\-{}\\[\\],&*!|>'\"%@#?]{0,3}") {
        let (before, after) = (ROUTES.get(..cut), ROUTES.get(cut..));
        if let (Some(before), Some(after)) = (before, after) {
            survives::<Rule>(&format!("{before}{insert}{after}"));
            survives::<Rule>(&format!("{before}{insert}"));
        }
    }

    #[test]
    fn what_does_not_fit_a_type_is_inside_the_file(items in proptest::collection::vec(value(), 1..5)) {
        let text = format!("rules:\n- {}\n", items.join("\n- "));
        prop_assert!(Document::read(Path::new(FILE), &text).is_ok(), "{}", text);
        survives::<Rule>(&text);
        survives::<Requirement>(&text);
        survives::<Vec<Requirement>>(&text);
        survives::<(String, u8)>(&text);
        survives::<serde_json::Value>(&text);
    }
}

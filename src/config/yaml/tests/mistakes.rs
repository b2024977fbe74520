//! What people read when they make the typical mistakes.

use super::rendered;

#[test]
fn an_unknown_key_names_the_nearest_and_all_of_them() {
    let text = "\
rules:
  - id: a
    frobid: secrets.read
    wehn: delegated
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[unknown-key]: unknown key `frobid`
     --> config/policies/x.yaml:3:5
      |
    3 |     frobid: secrets.read
      |     ^^^^^^
      = help: did you mean `forbid`?
      = help: allowed here: `id`, `permit`, `forbid`, `tier`, `when`, `cap`, `limit`, `require`

    error[unknown-key]: unknown key `wehn`
     --> config/policies/x.yaml:4:5
      |
    4 |     wehn: delegated
      |     ^^^^
      = help: did you mean `when`?
      = help: allowed here: `id`, `permit`, `forbid`, `tier`, `when`, `cap`, `limit`, `require`
    "#);
}

#[test]
fn a_repeated_key_names_the_first() {
    let text = "\
rules:
  - id: a
    permit: x
    id: b
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[duplicate-key]: duplicate key `id`
     --> config/policies/x.yaml:4:5
      |
    4 |     id: b
      |     ^^
      = help: it was first set on line 2
    "#);
}

#[test]
fn a_wrong_type_says_what_is_expected_and_what_was_found() {
    let text = "\
rules:
  - id: a
    require: proof
  - id: b
    limit: \"7\"
  - id: c
    require: [{ step_up: { acr: [a], strict: yes } }]
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[wrong-type]: expected a list, found the string `proof`
     --> config/policies/x.yaml:3:14
      |
    3 |     require: proof
      |              ^^^^^
      = help: write it as a list: `[…]`, or one `- …` on each line

    error[wrong-type]: expected a whole number from 0 to 65535, found the string `7`
     --> config/policies/x.yaml:5:12
      |
    5 |     limit: "7"
      |            ^^^
      = help: remove the quotes

    error[wrong-type]: expected `true` or `false`, found the string `yes`
     --> config/policies/x.yaml:7:46
      |
    7 |     require: [{ step_up: { acr: [a], strict: yes } }]
      |                                              ^^^
      = help: write `true`
    "#);
}

#[test]
fn a_missing_key_is_reported_at_its_map() {
    let text = "\
rules:
  - { permit: x }
  - id: a
    require:
      - step_up:
          strict: true
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[missing-key]: missing key `id`
     --> config/policies/x.yaml:2:5
      |
    2 |   - { permit: x }
      |     ^

    error[missing-key]: missing key `acr`
     --> config/policies/x.yaml:5:9
      |
    5 |       - step_up:
      |         ^^^^^^^
    "#);
}

#[test]
fn bad_indentation_is_shown_where_it_begins() {
    let text = "\
rules:
  - id: a
   permit: x
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[indentation]: this line does not line up with the lines above it
     --> config/policies/x.yaml:3:4
      |
    3 |    permit: x
      |    ^
      = help: keys of one map, and items of one list, begin in the same column
    "#);
}

#[test]
fn a_key_that_is_indented_too_far_is_explained() {
    let text = "\
rules:
  - id: a
      permit: x
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[indentation]: a key cannot stand here
     --> config/policies/x.yaml:3:7
      |
    3 |       permit: x
      |       ^
      = help: is the line indented deeper than the keys it belongs to, or the `: ` missing on the line above?
    "#);
}

#[test]
fn a_tab_is_named() {
    let text = "\
rules:
\t- id: a
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[tab]: a tab cannot indent YAML
     --> config/policies/x.yaml:2:1
      |
    2 |  - id: a
      | ^
      = help: use spaces
    "#);
}

#[test]
fn two_documents_are_refused() {
    let text = "\
rules: []
---
rules: []
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[several-documents]: a second document begins here
     --> config/policies/x.yaml:2:1
      |
    2 | ---
      | ^^^
      = help: put each document into a file of its own, or remove the `---`
    "#);
}

#[test]
fn an_unknown_value_names_the_nearest() {
    let text = "\
rules:
  - { id: a, tier: crtical }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[unknown-value]: unknown value `crtical`
     --> config/policies/x.yaml:2:20
      |
    2 |   - { id: a, tier: crtical }
      |                    ^^^^^^^
      = help: did you mean `critical`?
      = help: allowed here: `low`, `medium`, `critical`
    "#);
}

#[test]
fn an_unknown_variant_names_the_nearest() {
    let text = "\
rules:
  - { id: a, require: [{ setp_up: { acr: [] } }, prof] }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[unknown-value]: unknown value `setp_up`
     --> config/policies/x.yaml:2:26
      |
    2 |   - { id: a, require: [{ setp_up: { acr: [] } }, prof] }
      |                          ^^^^^^^
      = help: did you mean `step_up`?
      = help: allowed here: `scope`, `step_up`, `proof`
    "#);
}

#[test]
fn a_number_where_text_is_needed_wants_quotes() {
    let text = "\
rules:
  - id: 007
  - { id: true }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[wrong-type]: expected a string, found the number `7`
     --> config/policies/x.yaml:2:9
      |
    2 |   - id: 007
      |         ^^^
      = help: put it in quotes

    error[wrong-type]: expected a string, found `true`
     --> config/policies/x.yaml:3:11
      |
    3 |   - { id: true }
      |           ^^^^
      = help: put it in quotes
    "#);
}

#[test]
fn a_list_where_a_map_is_needed_is_named() {
    let text = "\
rules:
  - [id, a]
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[wrong-type]: expected a map, found a list
     --> config/policies/x.yaml:2:5
      |
    2 |   - [id, a]
      |     ^
    "#);
}

#[test]
fn a_map_where_a_list_is_needed_is_named() {
    let text = "\
rules:
  a: { id: a }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[wrong-type]: expected a list, found a map
     --> config/policies/x.yaml:2:3
      |
    2 |   a: { id: a }
      |   ^
      = help: write it as a list: `[…]`, or one `- …` on each line
    "#);
}

#[test]
fn an_empty_file_is_named() {
    let text = "\
# nothing yet
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[empty-file]: the file has no content
     --> config/policies/x.yaml:1:1
      |
    1 | # nothing yet
      | ^
    "#);
}

#[test]
fn an_alias_bomb_is_refused() {
    let text = "\
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[too-many-aliases]: anchors and aliases copy more than 200000 values
     --> config/policies/x.yaml:5:7
      |
    5 | e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
      |       ^
      = help: write the values out where they are used
    "#);
}

#[test]
fn a_key_without_a_value_is_not_an_absent_key() {
    let text = "\
rules:
  - id: a
    permit: x
    when:
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[wrong-type]: expected a string, found nothing
     --> config/policies/x.yaml:4:5
      |
    4 |     when:
      |     ^^^^
      = help: give it a value, or remove the key
    "#);
}

#[test]
fn keys_must_be_strings() {
    let text = "\
1: a
true: b
<<: { c: d }
? [x]
: y
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[key-not-string]: a key must be a string, and `1` is none
     --> config/policies/x.yaml:1:1
      |
    1 | 1: a
      | ^
      = help: put it in quotes: `"1"`

    error[key-not-string]: a key must be a string, and `true` is none
     --> config/policies/x.yaml:2:1
      |
    2 | true: b
      | ^^^^
      = help: put it in quotes: `"true"`

    error[merge-key]: merge keys (`<<`) are not part of YAML 1.2
     --> config/policies/x.yaml:3:1
      |
    3 | <<: { c: d }
      | ^^
      = help: write the keys out, or refer to a whole value with an alias

    error[key-not-string]: a key must be a string
     --> config/policies/x.yaml:4:3
      |
    4 | ? [x]
      |   ^
      = help: text that begins with `{` or `[` must be in quotes
    "#);
}

#[test]
fn conditions_that_yaml_reads_otherwise_want_quotes() {
    let text = "\
rules:
  - id: a
    when: !delegated
  - { id: b, permit: *.read }
  - id: c
    when: \"a\" in subject.groups
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[tag]: a value that begins with `!` is a YAML tag, and tags have no meaning here
     --> config/policies/x.yaml:3:11
      |
    3 |     when: !delegated
      |           ^
      = help: put the whole value in quotes: `"!delegated"`

    error[unknown-alias]: `*.read` is a YAML alias, and there is no anchor of that name
     --> config/policies/x.yaml:4:22
      |
    4 |   - { id: b, permit: *.read }
      |                      ^^^^^^
      = help: put the whole value in quotes

    error[needs-quotes]: this value ends at its second `"`, and more follows
     --> config/policies/x.yaml:6:11
      |
    6 |     when: "a" in subject.groups
      |           ^
      = help: put the whole value in quotes: `'"a" in subject.groups'`
    "#);
}

#[test]
fn a_colon_in_a_condition_wants_quotes() {
    let text = "\
rules:
  - id: a
    when: x ? {a: 1} : {a: 2}
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[needs-quotes]: a value that contains `: ` must be in quotes
     --> config/policies/x.yaml:3:11
      |
    3 |     when: x ? {a: 1} : {a: 2}
      |           ^
      = help: put the whole value in quotes: `"x ? {a: 1} : {a: 2}"`
    "#);
}

#[test]
fn a_comma_in_a_condition_wants_quotes() {
    let text = "\
rules:
  - { id: a, when: f(x, y) }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[unknown-key]: unknown key `y)`
     --> config/policies/x.yaml:2:25
      |
    2 |   - { id: a, when: f(x, y) }
      |                         ^^
      = help: allowed here: `id`, `permit`, `forbid`, `tier`, `when`, `cap`, `limit`, `require`
      = help: if it belongs to the value before it, put that whole value in quotes
    "#);
}

#[test]
fn a_number_that_cannot_be_held_is_refused() {
    let text = "\
rules: [99999999999999999999, .nan]
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[number-out-of-range]: the number `99999999999999999999` cannot be held
     --> config/policies/x.yaml:1:9
      |
    1 | rules: [99999999999999999999, .nan]
      |         ^^^^^^^^^^^^^^^^^^^^
      = help: put it in quotes if it is meant as text

    error[number-out-of-range]: the number `.nan` cannot be held
     --> config/policies/x.yaml:1:31
      |
    1 | rules: [99999999999999999999, .nan]
      |                               ^^^^
      = help: put it in quotes if it is meant as text
    "#);
}

#[test]
fn a_quote_that_is_not_closed_is_named() {
    let text = "\
rules:
  - id: \"a
    permit: x
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[syntax]: a quote is opened before here and not closed
     --> config/policies/x.yaml:3:5
      |
    3 |     permit: x
      |     ^
      = help: close it, or put a value that contains quotes in the other kind of quotes
    "#);
}

#[test]
fn a_bracket_that_is_not_closed_is_named() {
    let text = "\
rules:
  - { id: a, permit: x
  - { id: b }
";
    insta::assert_snapshot!(rendered(text), @r#"
    error[syntax]: this `{` is not closed
     --> config/policies/x.yaml:2:5
      |
    2 |   - { id: a, permit: x
      |     ^
      = help: is a `,` or a closing bracket missing? a value that contains `,`, `: `, brackets or quotes must be in quotes as a whole
    "#);
}

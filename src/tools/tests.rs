//! What servers list, hostile servers among them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::yaml::{Document, KeyPath};
use crate::model::name::ActionId;

fn target() -> Target {
    Target::complete(&Wanted {
        url: Some("https://mcp.example.com/crm"),
        source: "crm.json",
        ..Wanted::default()
    })
    .unwrap()
}

fn tools(listed: &Value) -> Result<Vec<Tool>, AnswerError> {
    read(json!({ "tools": listed }).to_string().as_bytes())
}

fn tool(mut definition: Value) -> Tool {
    if definition.get("inputSchema").is_none() {
        definition["inputSchema"] = json!({ "type": "object" });
    }
    tools(&json!([definition])).unwrap().remove(0)
}

/// The arguments of a schema with these properties, as a policy writes them.
fn declared(properties: &Value, required: &[&str]) -> Vec<String> {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let tool = tool(json!({ "name": "t", "inputSchema": schema }));
    let arguments = tool.arguments.declared.iter().map(|argument| {
        let optional = if argument.optional { "?" } else { "" };
        let at = argument.at.as_deref().unwrap_or_default();
        format!("{}{optional} {} {at}", argument.name, argument.type_name())
    });
    arguments.map(|text| text.trim().to_owned()).collect()
}

#[test]
fn a_list_is_read_in_every_form_that_it_is_kept_in() {
    let one = json!({ "name": "a", "inputSchema": { "type": "object" } });
    let two = json!({ "name": "b", "inputSchema": { "type": "object" } });
    let names = |document: Value| {
        let tools = read(document.to_string().as_bytes()).unwrap();
        let names: Vec<String> = tools.into_iter().map(|tool| tool.name).collect();
        names.concat()
    };
    assert_eq!(names(json!({ "tools": [one, two] })), "ab");
    let response = |result: Value| json!({ "jsonrpc": "2.0", "id": 7, "result": result });
    assert_eq!(names(response(json!({ "tools": [one, two] }))), "ab");
    let pages = json!([
        response(json!({ "tools": [one], "nextCursor": "x" })),
        response(json!({ "tools": [two], "nextCursor": null })),
    ]);
    assert_eq!(names(pages), "ab");
    assert_eq!(names(json!({ "tools": [] })), "");
}

#[test]
fn what_is_no_list_is_refused_and_says_why() {
    let tool = json!({ "name": "a", "inputSchema": {} });
    let error = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32601, "message": "no\u{202e}such" } });
    for (document, said) in [
        (json!([]).to_string(), "no answer to `tools/list`"),
        (json!([tool]).to_string(), "no answer to `tools/list`"),
        (json!({ "result": { "tools": 1 } }).to_string(), "no answer"),
        (json!({ "tools": [tool, tool] }).to_string(), "two tools of the name `a`"),
        (json!([{ "tools": [tool] }, { "tools": [tool] }]).to_string(), "two tools"),
        (json!({ "tools": [tool], "nextCursor": "x" }).to_string(), "nextCursor"),
        (json!({ "tools": [tool], "nextCursor": 1 }).to_string(), "no answer"),
        (error.to_string(), "the error -32601: no\\u{202e}such"),
        (json!({ "tools": [1] }).to_string(), "tool 1 (without a name): it is no object"),
        (json!({ "tools": [{ "name": "", "inputSchema": {} }] }).to_string(), "1 to 128 characters"),
        (json!({ "tools": [{ "name": "a" }] }).to_string(), "`inputSchema` is of the wrong type"),
        (json!({ "tools": [{ "name": "a", "inputSchema": {}, "annotations": [] }] }).to_string(), "`annotations`"),
        (
            json!({ "tools": [{ "name": "a", "inputSchema": {}, "annotations": { "readOnlyHint": "true" } }] })
                .to_string(),
            "`readOnlyHint` is of the wrong type",
        ),
        (json!({ "tools": [{ "name": "a", "inputSchema": {}, "Name": "b" }] }).to_string(), "in other letters"),
        (r#"{"tools":[{"name":"a","name":"b"}]}"#.to_owned(), "two members with one name"),
        ("event: message\ndata: {}\n".to_owned(), "event stream"),
        ("\u{feff}{}".to_owned(), "byte order mark"),
        (format!("{{\"tools\":{}{}}}", "[".repeat(80), "]".repeat(80)), "nested too deep"),
    ] {
        let error = read(document.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{document}: {error}");
    }
}

#[test]
fn more_tools_than_anybody_reviews_are_refused() {
    let many = |count: usize| -> Value {
        let tools = (0..count).map(|n| json!({ "name": format!("t{n}"), "inputSchema": {} }));
        tools.collect()
    };
    assert!(matches!(tools(&many(10_000)), Err(AnswerError::TooMany)));
    assert_eq!(tools(&many(MAX_TOOLS)).unwrap().len(), MAX_TOOLS);
    let half = many(MAX_TOOLS / 2 + 1);
    let pages = json!([{ "tools": half }, { "tools": half }]).to_string();
    assert!(matches!(read(pages.as_bytes()), Err(AnswerError::TooMany)));
}

#[test]
fn arguments_get_the_types_that_their_schema_has() {
    let properties = json!({
        "segment": { "type": "string", "enum": ["eu", "us"] },
        "rows": { "type": "integer", "minimum": 1 },
        "ratio": { "type": "number" },
        "all": { "type": "boolean" },
        "since": { "type": "string", "format": "date-time" },
        "tags": { "type": "array", "items": { "type": "string" } },
        "labels": { "type": "object", "additionalProperties": { "type": "string" } },
        "colour": { "enum": ["red", "blue"] },
    });
    let expected = [
        "segment string",
        "rows? int",
        "ratio? double",
        "all? bool",
        "since? string",
        "tags? list<string>",
        "labels? map<string>",
        "colour? string",
    ];
    assert_eq!(declared(&properties, &["segment"]), expected);
}

#[test]
fn what_has_no_type_is_any() {
    let plain = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let mut open = plain.clone();
    open["additionalProperties"] = true.into();
    for schema in [
        json!(true),
        json!({}),
        json!({ "type": ["string", "null"] }),
        json!({ "type": "null" }),
        json!({ "type": "file" }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
        json!({ "$ref": "#/$defs/Node" }),
        json!({ "enum": ["a", 1] }),
        json!({ "const": 1 }),
        json!({ "type": "array" }),
        json!({ "type": "array", "items": { "type": "object" } }),
        json!({ "type": "array", "items": { "type": "string" }, "prefixItems": [{ "type": "integer" }] }),
        json!({ "type": "array", "items": { "type": "array", "items": { "type": "string" } } }),
        json!({ "type": "object" }),
        json!({ "type": "object", "additionalProperties": true }),
        json!({ "type": "object", "additionalProperties": { "type": "object" } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#" } } }),
        json!({ "type": "object", "properties": { "a": plain, "b": {} } }),
        open,
    ] {
        assert_eq!(
            declared(&json!({ "x": schema }), &[]),
            ["x? any"],
            "{schema}"
        );
    }
}

#[test]
fn what_may_also_be_null_says_which_type_it_would_have() {
    let because = |schema: Value| {
        let schema = json!({ "type": "object", "properties": { "x": schema } });
        let argument = tool(json!({ "name": "t", "inputSchema": schema }))
            .arguments
            .declared
            .remove(0);
        assert_eq!(argument.type_name(), "any");
        argument.because.unwrap().into_owned()
    };
    for schema in [
        json!({ "type": ["null", "string"] }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
        json!({ "oneOf": [{ "type": "null" }, { "type": "string" }] }),
    ] {
        assert!(because(schema).starts_with("string or null; "));
    }
    for schema in [
        json!({ "type": ["integer", "string"] }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }),
        json!({ "anyOf": [{ "type": "object" }, { "type": "null" }] }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }, {}] }),
    ] {
        assert!(!because(schema).contains("null"));
    }
}

#[test]
fn members_of_plain_objects_are_arguments_with_a_pointer() {
    let properties = json!({
        "filter": {
            "type": "object",
            "required": ["region"],
            "properties": {
                "region": { "type": "string" },
                "a/b": { "type": "integer" },
                "by": { "type": "object", "properties": { "~name": { "type": "string" } } },
            },
        },
        "filter_region": { "type": "boolean" },
        "customer-id": { "type": "string" },
    });
    let expected = [
        "filter_region_2 string /filter/region",
        "filter_a_b? int /filter/a~1b",
        "filter_by__name? string /filter/by/~0name",
        "filter_region? bool",
        "customer_id? string /customer-id",
    ];
    assert_eq!(declared(&properties, &["filter"]), expected);
    let optional = declared(&properties, &[]);
    assert!(
        optional.iter().all(|line| line.contains('?')),
        "{optional:?}"
    );
}

#[test]
fn a_schema_that_is_larger_than_life_is_cut_and_never_walked_for_ever() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..25 {
        deep = json!({ "type": "object", "properties": { "x": deep } });
    }
    assert_eq!(declared(&json!({ "deep": deep }), &[]), ["deep? any"]);
    let looped = json!({ "type": "object", "properties": { "self": { "$ref": "#" } }, "$defs": { "a": { "$ref": "#/$defs/a" } } });
    assert_eq!(declared(&json!({ "looped": looped }), &[]), ["looped? any"]);
    let wide: serde_json::Map<String, Value> = (0..5_000)
        .map(|n| (format!("p{n}"), json!({ "type": "string" })))
        .chain([("n".repeat(300), json!({ "type": "string" }))])
        .collect();
    let schema = json!({ "type": "object", "properties": wide });
    let arguments = tool(json!({ "name": "t", "inputSchema": schema })).arguments;
    assert_eq!((arguments.declared.len(), arguments.left_out), (256, 4_745));
}

#[test]
fn a_schema_that_allows_more_says_so_and_is_not_opened() {
    for (schema, open) in [
        (
            json!({ "type": "object", "additionalProperties": true }),
            Some("additionalProperties"),
        ),
        (
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            Some("additionalProperties"),
        ),
        (json!({ "type": "object", "anyOf": [] }), Some("anyOf")),
        (json!({ "$ref": "#/$defs/a" }), Some("$ref")),
        (
            json!({ "type": "object", "additionalProperties": false }),
            None,
        ),
        (json!({ "type": "object" }), None),
    ] {
        let tool = tool(json!({ "name": "t", "inputSchema": schema }));
        assert_eq!(tool.arguments.open, open, "{schema}");
        let yaml = propose(target(), vec![tool]).to_yaml("x");
        let extra = yaml.lines().filter(|line| line.contains("extra: allow"));
        assert!(
            extra.clone().all(|line| line.trim().starts_with('#')),
            "{yaml}"
        );
        assert_eq!(extra.count() == 1, open.is_some(), "{yaml}");
    }
}

#[test]
fn the_hash_is_of_the_whole_definition_and_not_of_its_spelling() {
    let definition = |text: &str| {
        let text = format!("{{\"tools\":[{text}]}}");
        read(text.as_bytes()).unwrap().remove(0).definition
    };
    let one = definition(r#"{"name":"a","inputSchema":{"type":"object"},"description":"é","x":1}"#);
    let two = definition(
        r#"{ "x":1.0,"description":"\u00e9", "inputSchema":{"type":"object"},"name":"a"}"#,
    );
    assert_eq!(one, two);
    // SHA-256 of `{"description":"é","inputSchema":{"type":"object"},"name":"a","x":1}`, computed elsewhere.
    assert_eq!(
        one,
        "sha256:9cad9a6d445acb148ea3d26fb3e835852bdf9e653ae139122eeeee0b43961367"
    );
    for other in [
        r#"{"name":"a","inputSchema":{"type":"object"},"description":"e","x":1}"#,
        r#"{"name":"a","inputSchema":{"type":"object"},"description":"é","x":2}"#,
        r#"{"name":"a","inputSchema":{},"description":"é","x":1}"#,
        r#"{"name":"a","inputSchema":{"type":"object"},"description":"é","x":1,"annotations":{}}"#,
    ] {
        assert_ne!(definition(other), one, "{other}");
    }
    let bounded = |most: &str| {
        definition(&format!(
            r#"{{"name":"a","inputSchema":{{"maximum":{most},"a":1}}}}"#
        ))
    };
    assert_ne!(
        bounded("9223372036854775807"),
        bounded("9223372036854775806")
    );
    let turned = definition(r#"{"inputSchema":{"a":1,"maximum":9223372036854775807},"name":"a"}"#);
    assert_eq!(bounded("9223372036854775807"), turned);
}

/// The text without what no name has.
fn name_of(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[test]
fn nothing_that_a_server_says_becomes_part_of_the_policy() {
    let hostile = [
        "\"\nrules:\n  - { id: x, permit: '*' }\n#",
        "a: b # c",
        "- x",
        "*anchor &x !tag",
        "{}[],",
        "no",
        "~",
        "\u{202e}\u{2066}\u{200b}\u{feff}",
        "\r\n---\r\n...\r\n%YAML",
        "\u{85}\u{2028}\u{2029}\u{0b}\u{0c}\u{0}\u{1b}[2J",
        "a/../b",
        "mcp.initialize",
        "'\\\"",
        "🦀",
    ];
    let listed = hostile.map(|text| {
        json!({
            "name": name_of(text),
            "title": text,
            "description": text,
            "inputSchema": {
                "type": "object",
                "additionalProperties": true,
                "properties": { text: { "type": "string" }, "o": { "type": "object", "properties": { text: { "type": "integer" } } } },
            },
        })
    });
    let tools = tools(&listed.into_iter().collect()).unwrap();
    let yaml = propose(target(), tools.clone()).to_yaml("crm.json\nrules: []");

    let document = Document::read(Path::new("crm.yaml"), &yaml)
        .unwrap_or_else(|wrong| panic!("{yaml}\n{wrong:?}"));
    let root = KeyPath::root();
    let keys: Vec<&str> = document
        .entries(&root)
        .unwrap()
        .iter()
        .map(|entry| entry.key)
        .collect();
    assert_eq!(keys, ["version", "routes"], "{yaml}");
    let actions = document
        .entries(&root.join("routes").join("crm").join("actions"))
        .unwrap();
    let ids: BTreeSet<&str> = actions.iter().map(|entry| entry.key).collect();
    assert_eq!(ids.len(), hostile.len(), "{yaml}");
    assert!(
        ids.iter()
            .all(|id| ActionId::new(id).is_ok() && !id.starts_with("mcp.")),
        "{ids:?}"
    );
    for (action, text) in actions.iter().zip(hostile) {
        let name: String = document.decode(&action.path.join("tool")).unwrap();
        assert_eq!(name, name_of(text), "{yaml}");
    }
    let visible = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
    assert!(yaml.chars().all(visible), "{yaml}");
}

#[test]
fn tools_that_would_share_an_id_are_told_apart() {
    let listed =
        json!(["a b", "a_b", "a/b", "a.b"].map(|name| json!({ "name": name, "inputSchema": {} })));
    let route = propose(target(), tools(&listed).unwrap());
    let ids: Vec<&str> = route
        .actions
        .iter()
        .map(|action| action.id.as_str())
        .collect();
    assert_eq!(ids, ["crm.a_b_2", "crm.a_b", "crm.a.b_2", "crm.a.b"]);
    assert_eq!(route.to_yaml("x").matches("numbered").count(), 2);
}

//! The form of a token: parts, sizes, alphabets, and JSON that two readers read differently.

use serde_json::json;

use super::draft::Draft;
use super::draft::Place::Payments;
use super::{Row, bad, good, hold, setup};

/// The largest token.
const MOST: usize = 8 * 1024;

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let malformed = |name, draft| bad(name, "deny 401 token_malformed", draft);
    let whole = |change: fn(String) -> String| new().payload(&change(new().payload_text()));
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    vec![
        good("as large as it may be", new().size(MOST)),
        bad(
            "one byte larger",
            "deny 401 token_too_large",
            new().size(MOST + 1),
        ),
        bad("64 KiB", "deny 401 token_too_large", new().size(64 * 1024)),
        malformed(
            "encrypted, in five parts",
            new()
                .form("jwe")
                .secretly("", "rsa")
                .header("alg", json!("RSA-OAEP"))
                .header("enc", json!("A256GCM")),
        ),
        malformed("a dot at the end", new()).twisted(|token| format!("{token}.")),
        malformed("a dot at the start", new()).twisted(|token| format!(".{token}")),
        malformed("four parts", new()).twisted(|token| format!("{token}.e30")),
        malformed("two parts", new()).twisted(|token| token.rsplit_once('.').unwrap().0.to_owned()),
        malformed("one part", new()).twisted(|token| token.replace('.', "")),
        malformed("only dots", new()).twisted(|_token| "..".to_owned()),
        malformed("no header", new()).twisted(|token| token[token.find('.').unwrap()..].to_owned()),
        malformed("no payload", new()).twisted(|token| {
            let parts: Vec<&str> = token.split('.').collect();
            format!("{}..{}", parts[0], parts[2])
        }),
        malformed(
            "the other alphabet of base64",
            new().also(r#""z":"~~~???~~~""#),
        )
        .twisted(|token| token.replace('-', "+").replace('_', "/")),
        malformed("header with padding", new().also_header(r#""x":1"#))
            .twisted(|token| token.replacen('.', "=.", 1)),
        good(
            "nested as deep as it may be",
            new().also(&format!(r#""z":{}"#, nested(15))),
        ),
        malformed(
            "nested one deeper",
            new().also(&format!(r#""z":{}"#, nested(16))),
        ),
        malformed(
            "nested 200 deep",
            new().also(&format!(r#""z":{}"#, nested(200))),
        ),
        malformed(
            "nested 2000 deep and never closed",
            new().also(&format!(r#""z":{}"#, "[".repeat(2000))),
        ),
        malformed(
            "header nested 200 deep",
            new().also_header(&format!(r#""z":{}"#, nested(200))),
        ),
        malformed("sub twice", new().also(r#""sub":"mallory""#)),
        malformed(
            "sub twice, once in escapes",
            new().also(r#""s\u0075b":"mallory""#),
        ),
        malformed("sub twice, with one value", new().also(r#""sub":"alice""#)),
        malformed("exp twice", new().also(r#""exp":9999999999"#)),
        malformed(
            "a member twice, deep inside",
            new().also(r#""z":[{"a":{"b":1,"b":2}}]"#),
        ),
        malformed("alg twice", new().also_header(r#""alg":"none""#)),
        malformed("kid twice", new().also_header(r#""kid":"rsa""#)),
        malformed("crit twice", new().also_header(r#""crit":["a"],"crit":[]"#)),
        malformed("payload that is a list", whole(|text| format!("[{text}]"))),
        malformed(
            "payload that is a text",
            whole(|text| json!(text).to_string()),
        ),
        malformed("payload that is a number", new().payload("7")),
        malformed("payload that is null", new().payload("null")),
        malformed("payload that is empty", new().payload("")),
        malformed("payload that is not json", new().payload("<claims/>")),
        malformed(
            "payload with something behind it",
            whole(|text| format!("{text}x")),
        ),
        malformed(
            "payload with another payload behind it",
            whole(|text| format!("{text}{text}")),
        ),
        malformed(
            "payload with a byte order mark",
            whole(|text| format!("\u{feff}{text}")),
        ),
        malformed(
            "payload with a comment",
            whole(|text| format!("/**/{text}")),
        ),
        malformed(
            "payload with a comma too many",
            whole(|text| format!("{},}}", text.strip_suffix('}').unwrap())),
        ),
        malformed(
            "payload in single quotes",
            whole(|text| text.replace('"', "'")),
        ),
        bad(
            "payload without members",
            "deny 401 token_issuer",
            new().payload("{}"),
        ),
        good(
            "payload with white space around it",
            whole(|text| format!(" \r\n\t{text}\n")),
        ),
    ]
}

#[tokio::test]
async fn a_token_has_one_form_and_its_json_one_meaning() {
    hold(rows, setup()).await;
}

//! What the CRM can do.

use axum::http::HeaderMap;
use serde_json::{Value, json};

const CUSTOMERS: [&str; 4] = ["c-1 Ada", "c-2 Grace", "c-3 Edsger", "c-7 Test Customer"];

/// The definitions, as a client lists them.
pub(super) fn all() -> Value {
    let tool = |name, about, properties: Value, required: &[&str], hints: Value| {
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        json!({ "name": name, "description": about, "inputSchema": schema, "annotations": hints })
    };
    json!([
        tool(
            "list_customers",
            "Lists customers",
            json!({ "limit": { "type": "integer" } }),
            &[],
            json!({ "readOnlyHint": true }),
        ),
        tool(
            "export_customers",
            "Exports the customers of a segment into a file",
            json!({ "segment": { "type": "string" }, "rows": { "type": "integer" }, "note": { "type": "string" } }),
            &["segment", "rows"],
            json!({ "readOnlyHint": false, "destructiveHint": false }),
        ),
        tool(
            "delete_customers",
            "Deletes customers for ever",
            json!({ "ids": { "type": "array", "items": { "type": "string" } } }),
            &["ids"],
            json!({ "readOnlyHint": false, "destructiveHint": true }),
        ),
    ])
}

/// Who asks, as countersign told it in headers.
pub(super) struct Caller<'a> {
    user: &'a str,
    actor: &'a str,
}

impl<'a> Caller<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let header = |name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or("nobody")
        };
        Self {
            user: header("x-user"),
            actor: header("x-actor"),
        }
    }
}

/// Carries a tool out, and says so; or what is wrong.
pub(super) fn call(tool: &str, arguments: &Value, caller: &Caller<'_>) -> Result<String, String> {
    let Caller { user, actor } = caller;
    let member = |name: &str| arguments.get(name);
    let number = |name: &str| member(name).and_then(Value::as_u64);
    let done = match tool {
        "list_customers" => {
            let most = number("limit").and_then(|limit| usize::try_from(limit).ok());
            let listed: Vec<&str> = CUSTOMERS.into_iter().take(most.unwrap_or(100)).collect();
            format!("listed {}", listed.join(", "))
        }
        "export_customers" => {
            let segment = member("segment").and_then(Value::as_str);
            let rows = number("rows").ok_or("how many `rows`?")?;
            format!(
                "exported {rows} rows of {}",
                segment.ok_or("which `segment`?")?
            )
        }
        "delete_customers" => {
            let ids = member("ids").and_then(Value::as_array);
            format!("deleted {}", ids.ok_or("which `ids`?")?.len())
        }
        other => return Err(format!("there is no tool `{other}`")),
    };
    Ok(format!("{done}, for {user}, asked by {actor}"))
}

//! The demo's payment service, CRM and platform API: answers everything with 200 and what it was asked.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Builds the service.
pub(crate) fn router() -> Router {
    Router::new().fallback(echo)
}

/// Repeated headers are shown as an array, so that nothing which reached the upstream is hidden.
async fn echo(method: Method, uri: Uri, headers: HeaderMap) -> Json<Value> {
    let mut seen: BTreeMap<&str, Value> = BTreeMap::new();
    for name in headers.keys() {
        let mut values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let shown = if values.len() == 1 {
            values.pop().map_or(Value::Null, Value::String)
        } else {
            json!(values)
        };
        seen.insert(name.as_str(), shown);
    }
    Json(
        json!({ "method": method.as_str(), "path": uri.path(), "query": uri.query().unwrap_or_default(), "headers": seen }),
    )
}

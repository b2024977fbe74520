//! The document that says what can be asked of the admin listener (`OpenAPI` 3.1). It is kept by hand beside the router, and a test
//! holds the two to each other.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::HEADERS;

/// The document.
const DOCUMENT: &str = include_str!("openapi.json");

/// Answers with the document, whoever asks: it says what there is, and nothing about how it is here.
pub(super) async fn document() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::OK, HEADERS, kind, DOCUMENT).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Where programs are answered; pages for people are no part of it.
    const ROUTERS: [&str; 2] = [include_str!("answers.rs"), include_str!("approvals/mod.rs")];

    /// Paths and methods, as the routers name them.
    fn routed() -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for source in ROUTERS {
            let routes = source.split(".route(").skip(1);
            for route in routes {
                let path = route.split('"').nth(1).unwrap();
                let handlers = route.split(".route_layer(").next().unwrap();
                let handlers = handlers.split(".fallback(").next().unwrap();
                // One function makes the handlers of votes and revocations.
                let handlers = handlers.replace("change::doing(", " post(");
                for method in ["get", "post", "put", "delete"] {
                    if handlers.contains(&format!(" {method}("))
                        || handlers.contains(&format!(".{method}("))
                    {
                        found.insert((path.to_owned(), method.to_owned()));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn the_document_names_every_path_and_no_other() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(documented, routed());
        assert!(documented.len() > 20, "{documented:?}");
        let version = document["info"]["version"].as_str();
        assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    }
}

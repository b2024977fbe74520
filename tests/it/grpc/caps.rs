//! Capped query parameters: the smaller of the caller's value and the rules', whatever the caller writes.

use crate::harness::{Ask, Client, Server, Setup};

/// Two guards on one action: each caps two parameters, and they share one.
const POLICY: &str = r"
version: 1
routes:
  pages:
    match: { host: pages.example.com }
    url: https://pages.example.com
    actions: { pages.list: { http: GET /pages } }
rules:
  - { id: pages-open, permit: pages.list, to: { kind: anonymous } }
  - { id: pages-large, guard: pages.list, constrain: { query: { cap: { limit: 100, depth: 3 } } } }
  - { id: pages-small, guard: pages.list, constrain: { query: { cap: { limit: 50, span: 0 } } } }
";

fn start() -> Server {
    let setup = Setup::new();
    setup.write("policies/pages.yaml", POLICY);
    setup.start()
}

async fn set(client: &Client, query: &str) -> Result<Vec<(String, String)>, String> {
    let ask = Ask::new("GET", "pages.example.com", &format!("/pages{query}"));
    let answer = client.check(&ask).await;
    if !answer.allows() {
        return Err(answer.outcome());
    }
    let set = answer.ok().query_parameters_to_set.iter();
    Ok(set.map(|it| (it.key.clone(), it.value.clone())).collect())
}

#[tokio::test]
async fn the_smallest_value_wins() {
    let server = start();
    let client = server.client().await;
    for (query, expected) in [
        // Absent ones get the cap, and of two guards the stricter one's.
        ("", &[("depth", "3"), ("limit", "50"), ("span", "0")][..]),
        (
            "?limit=51&depth=4&span=1",
            &[("depth", "3"), ("limit", "50"), ("span", "0")],
        ),
        ("?limit=100&depth=3&span=0", &[("limit", "50")]),
        ("?limit=50&depth=3&span=0", &[]),
        ("?limit=7&depth=0&span=0", &[]),
        (
            "?limit=9223372036854775807&depth=0&span=0",
            &[("limit", "50")],
        ),
        // What is asked beside them stays as it is.
        ("?limit=7&depth=0&span=0&other=9999", &[]),
        ("?limit=%37&depth=0&span=0", &[]),
    ] {
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(set(&client, query).await, Ok(expected), "{query}");
    }
}

#[tokio::test]
async fn what_is_no_number_is_denied_and_not_guessed() {
    let server = start();
    let client = server.client().await;
    for value in [
        "",
        "all",
        "-1",
        "-0",
        "+7",
        "007",
        "1e3",
        "7.0",
        "0x7",
        "7,8",
        "9223372036854775808",
    ] {
        let query = format!("?limit={value}&depth=1&span=0");
        let outcome = set(&client, &query).await;
        assert_eq!(
            outcome,
            Err("deny 400 cap_not_numeric".to_owned()),
            "{value}"
        );
    }
    let twice = set(&client, "?limit=1&limit=9999&depth=1&span=0").await;
    assert_eq!(twice, Err("deny 400 query_repeated".to_owned()));
}

//! Compares what came with what was expected.

use serde_json::Value;

use super::Got;
use crate::scene::{Came, Expect, Proof};

pub(super) fn reason(got: &Got) -> Option<&str> {
    got.body.get("reason").and_then(Value::as_str)
}

/// Everything that is not as expected, in words.
pub(super) fn faults(expect: &Expect, got: &Got) -> Vec<String> {
    let mut faults = Vec::new();
    if got.came != expect.came {
        faults.push(format!("not {}", expect.came));
    }
    if reason(got) != expect.reason {
        faults.push(format!(
            "reason is not `{}`",
            expect.reason.unwrap_or("absent")
        ));
    }
    faults.extend(expect.proofs.iter().filter_map(|proof| fault(*proof, got)));
    faults
}

fn fault(proof: Proof, got: &Got) -> Option<String> {
    let upstream = |name: &str| {
        got.body
            .get("headers")
            .and_then(|headers| headers.get(name))
            .map(shown)
    };
    match proof {
        Proof::Answer(name, text) => {
            let values = got
                .headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap_or("(not text)"));
            let all = values.collect::<Vec<_>>().join(", ");
            (!all.contains(text)).then(|| format!("{name} is `{all}`"))
        }
        Proof::Upstream(name, value) => {
            let seen = upstream(name);
            (seen.as_deref() != Some(value)).then(|| {
                format!(
                    "upstream saw {name}: {}",
                    seen.as_deref().unwrap_or("(none)")
                )
            })
        }
        Proof::UpstreamBegins(name, start) => {
            let seen = upstream(name).unwrap_or_default();
            (!seen.starts_with(start)).then(|| format!("upstream saw {name}: {seen}"))
        }
        Proof::UpstreamLacks(name) => {
            upstream(name).map(|seen| format!("upstream saw {name}: {seen}"))
        }
        Proof::Query(query) => {
            let seen = got.body.get("query").map(shown).unwrap_or_default();
            (seen != query).then(|| format!("upstream saw ?{seen}"))
        }
        Proof::Says(text) => {
            let said = got.body.get("text").map(shown).unwrap_or_default();
            (!said.contains(text)).then(|| format!("it says `{said}`"))
        }
        Proof::Body(place, text) => {
            let seen = got.body.pointer(place).map(shown).unwrap_or_default();
            (!seen.contains(text)).then(|| format!("{place} is `{seen}`"))
        }
        Proof::Within(most) => {
            let late = got.took.is_none_or(|took| took.as_millis() > most);
            late.then(|| "too late".to_owned())
        }
    }
}

/// A string as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn summary(came: Came, reason: Option<&str>) -> String {
    reason.map_or_else(|| came.to_string(), |reason| format!("{came} {reason}"))
}

pub(super) fn expected(expect: &Expect) -> String {
    let proofs = expect.proofs.iter().map(|proof| match proof {
        Proof::Answer(_, text) | Proof::Says(text) => (*text).to_owned(),
        Proof::Body(place, text) => {
            let name = place.rsplit('/').next().unwrap_or(place);
            format!("{name}: {text}")
        }
        Proof::UpstreamBegins(name, start) => format!("upstream sees {name}: {start}"),
        Proof::Within(most) => format!("within {most} ms"),
        Proof::Upstream(name, value) => format!("upstream sees {name}: {value}"),
        Proof::UpstreamLacks(name) => format!("upstream sees no {name}"),
        Proof::Query(query) => format!("upstream sees ?{query}"),
    });
    std::iter::once(summary(expect.came, expect.reason))
        .chain(proofs)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn got(status: u16, challenge: &str, body: Value) -> Got {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("www-authenticate", challenge.parse().unwrap());
        Got {
            came: Came::Status(status),
            headers,
            body,
            took: None,
        }
    }

    const EXPECT: Expect = Expect {
        came: Came::Status(403),
        reason: Some("insufficient_scope"),
        proofs: &[Proof::Answer("www-authenticate", "scope=\"pay\"")],
    };

    #[test]
    fn an_answer_as_expected_has_no_faults() {
        let body = json!({ "reason": "insufficient_scope" });
        assert!(faults(&EXPECT, &got(403, "Bearer scope=\"pay\"", body)).is_empty());
    }

    #[test]
    fn status_reason_and_header_are_each_compared() {
        let all = faults(
            &EXPECT,
            &got(200, "Bearer", json!({ "reason": "forbidden" })),
        );
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn a_reason_where_none_is_expected_is_a_fault() {
        let expect = Expect {
            came: Came::Status(200),
            reason: None,
            proofs: &[],
        };
        assert_eq!(
            faults(
                &expect,
                &got(200, "Bearer", json!({ "reason": "forbidden" }))
            )
            .len(),
            1
        );
    }

    #[test]
    fn what_the_upstream_saw_is_compared_exactly() {
        let seen = got(
            200,
            "Bearer",
            json!({ "query": "limit=1000", "headers": { "x-user": ["alice", "mallory"], "x-key": "b-a" } }),
        );
        for proof in [
            Proof::Upstream("x-user", "alice"),
            Proof::UpstreamLacks("x-user"),
            Proof::UpstreamBegins("x-key", "a"),
            Proof::Body("/headers/x-key", "c"),
            Proof::Within(1_000),
            Proof::Query("limit=100"),
        ] {
            assert!(fault(proof, &seen).is_some());
        }
    }

    #[test]
    fn what_took_too_long_is_a_fault() {
        let mut got = got(200, "Bearer", Value::Null);
        for (millis, late) in [(999, false), (1_000, false), (1_001, true)] {
            got.took = Some(std::time::Duration::from_millis(millis));
            assert_eq!(
                fault(Proof::Within(1_000), &got).is_some(),
                late,
                "{millis}"
            );
        }
    }

    #[test]
    fn what_an_agent_is_told_is_compared_by_its_text() {
        let got = Got {
            came: Came::Result,
            headers: reqwest::header::HeaderMap::new(),
            body: json!({ "text": "deleted 1, for alice" }),
            took: None,
        };
        assert!(fault(Proof::Says("deleted 1"), &got).is_none());
        assert!(fault(Proof::Says("deleted 2"), &got).is_some());
        assert_eq!(faults(&EXPECT, &got).len(), 3);
    }
}

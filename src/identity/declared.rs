//! Claims that policies may read: declared with a type, read strictly.

use std::sync::Arc;

use super::payload::{Payload, typed};
use super::refusal;
use super::spec::{ClaimFields, ClaimSpec};
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::schema::ClaimDeclaration;
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// Longest name of a claim, in bytes.
const MAX_NAME: usize = 128;
/// Deepest place of a claim in the token.
const MAX_STEPS: usize = 8;

/// A declared claim.
#[derive(Clone, Debug)]
pub(super) struct DeclaredClaim {
    pub(super) name: Arc<str>,
    pub(super) declaration: ClaimDeclaration,
    from: Vec<Box<str>>,
}

impl DeclaredClaim {
    /// A claim of a preset; `None` if its type is not a type.
    pub(super) fn preset(name: &str, of: &str, required: bool, from: &[&str]) -> Option<Self> {
        let from = if from.is_empty() { &[name] } else { from };
        Some(Self {
            name: Arc::from(name),
            declaration: ClaimDeclaration {
                of: of.parse().ok()?,
                required,
            },
            from: from.iter().map(|step| Box::from(*step)).collect(),
        })
    }

    /// Checks what the user declared; paths of findings start at the claim.
    pub(super) fn compile(name: &str, spec: ClaimSpec) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        if name.is_empty() || name.len() > MAX_NAME {
            let message = format!("the name of a claim has 1 to {MAX_NAME} bytes");
            findings.push(Finding::error("invalid-claim", message));
        }
        let (of, required, from) = match spec {
            ClaimSpec::Type(of) => (
                of.parse().map_err(|error| unknown_type(&error)),
                false,
                None,
            ),
            ClaimSpec::Fields(ClaimFields { of, required, from }) => {
                let of = of
                    .parse()
                    .map_err(|error| unknown_type(&error).under("type"));
                (of, required, from)
            }
        };
        let from = from.map_or_else(|| Ok(vec![Box::from(name)]), |from| steps(&from));
        match (of, from) {
            (Ok(of), Ok(from)) if findings.is_empty() => Ok(Self {
                name: Arc::from(name),
                declaration: ClaimDeclaration { of, required },
                from,
            }),
            (of, from) => {
                findings.extend(of.err());
                findings.extend(from.err().map(|finding| finding.under("from")));
                Err(findings)
            }
        }
    }

    /// The claim's value in a token: absent if it is optional and not there, refused if it has another type.
    pub(super) fn read(&self, payload: Payload<'_>) -> Result<Option<Value>, Denial> {
        let ClaimDeclaration { of, required } = &self.declaration;
        match payload.at(&self.from) {
            None if *required => Err(refusal::claims(format!("claim `{}` is missing", self.name))),
            None => Ok(None),
            Some(value) => match typed(value, of) {
                Some(value) => Ok(Some(value)),
                None => Err(refusal::claims(format!(
                    "claim `{}` is not a `{of}`",
                    self.name
                ))),
            },
        }
    }
}

fn unknown_type(error: &crate::model::value::TypeError) -> Finding {
    Finding::error("unknown-type", error.to_string())
}

/// A text is cut at its dots; a list has names that may have dots of their own.
fn steps(from: &OneOrMany<String>) -> Result<Vec<Box<str>>, Finding> {
    let steps: Vec<Box<str>> = match from {
        OneOrMany::One(path) if path.contains(['/', ':']) => {
            let finding = Finding::error(
                "invalid-claim",
                format!("`{path}` looks like one name that has dots"),
            );
            return Err(finding.help(format!(
                "write it in a list, where dots do not count: [\"{path}\"]"
            )));
        }
        OneOrMany::One(path) => path.split('.').map(Box::from).collect(),
        OneOrMany::Many(names) => names.iter().map(|name| Box::from(name.as_str())).collect(),
    };
    if steps.is_empty() || steps.len() > MAX_STEPS || steps.iter().any(|step| step.is_empty()) {
        let message =
            format!("the place of a claim has 1 to {MAX_STEPS} names, none of them empty");
        return Err(Finding::error("invalid-claim", message));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::json::testing::object;
    use crate::model::reason::Reason;

    fn compile(spec: Json) -> Result<DeclaredClaim, Vec<String>> {
        let spec = serde_json::from_value(spec).unwrap();
        let findings = |findings: Vec<Finding>| findings.iter().map(ToString::to_string).collect();
        DeclaredClaim::compile("team", spec).map_err(findings)
    }

    fn read(spec: Json, token: &Json) -> Result<Option<Value>, Denial> {
        compile(spec).unwrap().read(Payload(&object(token)))
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_where_it_is_said_to_stand() {
        let token = json!({ "team": "a", "org.team": "b", "org": { "team": "c", "x.y": "d" }, "https://x.y/z": "e" });
        for (spec, expected) in [
            (json!("string"), "a"),
            (json!({ "type": "string" }), "a"),
            (json!({ "type": "string", "from": ["org.team"] }), "b"),
            (json!({ "type": "string", "from": "org.team" }), "c"),
            (json!({ "type": "string", "from": ["org", "x.y"] }), "d"),
            (json!({ "type": "string", "from": ["https://x.y/z"] }), "e"),
        ] {
            assert_eq!(
                read(spec.clone(), &token),
                Ok(Some(Value::string(expected))),
                "{spec}"
            );
        }
    }

    #[test]
    fn a_missing_claim_is_absent_only_if_it_is_optional() {
        assert_eq!(read(json!("string"), &json!({})), Ok(None));
        let denial = read(json!({ "type": "string", "required": true }), &json!({})).unwrap_err();
        assert_eq!(
            (denial.reason, denial.cause.as_deref()),
            (Reason::TokenClaims, Some("claim `team` is missing"))
        );
    }

    #[test]
    fn a_claim_of_another_type_refuses_the_token_and_its_value_is_not_told() {
        for value in [json!("s3cret"), json!(null), json!(1.5), json!(["s3cret"])] {
            let denial = read(json!("int"), &json!({ "team": value })).unwrap_err();
            assert_eq!(
                (denial.reason, denial.cause.as_deref()),
                (Reason::TokenClaims, Some("claim `team` is not a `int`"))
            );
        }
    }

    #[test]
    fn mistakes_are_reported_where_they_stand() {
        let url = "https://x.y/z";
        for (spec, expected) in [
            (json!("text"), ": `text` is not a type"),
            (json!({ "type": "text" }), "type: `text` is not a type"),
            (
                json!({ "type": "string", "from": url }),
                "from: `https://x.y/z` looks like one name",
            ),
            (
                json!({ "type": "string", "from": "a..b" }),
                "from: the place of a claim",
            ),
            (
                json!({ "type": "string", "from": [] }),
                "from: the place of a claim",
            ),
        ] {
            let findings = compile(spec).unwrap_err();
            assert!(findings[0].starts_with(expected), "{findings:?}");
        }
        let unknown = json!({ "type": "string", "requierd": true });
        assert!(serde_json::from_value::<ClaimSpec>(unknown).is_err());
    }
}

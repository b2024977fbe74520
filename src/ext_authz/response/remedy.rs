//! A remedy as every form of a refusal spells it, in JSON. The policy's planner has picked it; nothing is chosen here.

use serde::Serialize;

use crate::model::verdict::{Remedy, StepUp};

/// What the caller can add to be let in.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum RemedyDocument<'a> {
    Authenticate,
    Scope {
        scope: Vec<&'a str>,
    },
    StepUp {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        acr_values: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_age: Option<u64>,
    },
    Proof {
        proof: Vec<&'static str>,
    },
}

impl<'a> From<&'a Remedy> for RemedyDocument<'a> {
    fn from(remedy: &'a Remedy) -> Self {
        match remedy {
            Remedy::Authenticate => Self::Authenticate,
            Remedy::Scope { missing, .. } => Self::Scope {
                scope: missing.iter().map(AsRef::as_ref).collect(),
            },
            Remedy::StepUp(StepUp { acr, max_age }) => Self::StepUp {
                acr_values: acr.iter().map(AsRef::as_ref).collect(),
                max_age: *max_age,
            },
            Remedy::Proof(kinds) => Self::Proof {
                proof: kinds.iter().map(|kind| kind.as_str()).collect(),
            },
        }
    }
}

//! The tokens and proofs of fixtures, made by a library that shares no code with what verifies them.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::HOST;
use super::fixture::{Credential, Fixture, fixtures};
use crate::harness::{Issuer, now};
use crate::hostile::{Draft, Keys};
use crate::proof::{Prover, Wanted};

/// Those of all fixtures.
pub(super) static FORGED: LazyLock<Forged> = LazyLock::new(Forged::new);

/// Whose key the tokens are bound to that are bound at all.
const OWNER: &str = "web";

/// In what a token and its proofs differ from what a well-behaved caller shows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Described {
    header: Map<String, Value>,
    without_header: Vec<String>,
    claims: Map<String, Value>,
    without: Vec<String>,
    /// Claims that are dates, in seconds from now.
    dates: BTreeMap<String, i64>,
    /// What signs, whatever the header says: see `hostile/mint.py`.
    key: Option<String>,
    algorithm: Option<String>,
    form: Option<String>,
    /// It is bound to the caller's key.
    bound: Option<bool>,
    scheme: Option<String>,
    /// The claims in which each of its proofs differs from a good one; null leaves one out.
    proofs: Option<Vec<Map<String, Value>>>,
    /// Whose key makes the proofs.
    prover: Option<String>,
}

impl Described {
    /// This one with the changes of another one.
    pub(super) fn but(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.header.extend(other.header.clone());
        both.without_header.extend(other.without_header.clone());
        both.claims.extend(other.claims.clone());
        both.without.extend(other.without.clone());
        both.dates.extend(other.dates.clone());
        let or = |other: &Option<String>, own: Option<String>| other.clone().or(own);
        both.key = or(&other.key, both.key);
        both.algorithm = or(&other.algorithm, both.algorithm);
        both.form = or(&other.form, both.form);
        both.bound = other.bound.or(both.bound);
        both.scheme = or(&other.scheme, both.scheme);
        both.proofs = other.proofs.clone().or(both.proofs);
        both.prover = or(&other.prover, both.prover);
        both
    }

    /// Without a change this is the token of somebody who may call the tool.
    fn draft(&self, thumbprint: &str, now: i64) -> Draft {
        let audience = format!("https://{HOST}/desk");
        let mut draft = Draft::elsewhere(&audience, &["desk".to_owned()], now);
        if self.bound == Some(true) {
            draft = draft.claim("cnf", json!({ "jkt": thumbprint }));
        }
        for (name, value) in &self.header {
            draft = draft.header(name, value.clone());
        }
        for (name, value) in &self.claims {
            draft = draft.claim(name, value.clone());
        }
        for (name, seconds) in &self.dates {
            draft = draft.claim(name, json!(now + seconds));
        }
        let headers = self.without_header.iter();
        draft = headers.fold(draft, |draft, name| draft.no_header(name));
        let claims = self.without.iter();
        draft = claims.fold(draft, |draft, name| draft.no_claim(name));
        let algorithm = self.algorithm.as_deref().unwrap_or("ES256");
        draft = draft.secretly(algorithm, self.key.as_deref().unwrap_or("ec"));
        draft.form(self.form.as_deref().unwrap_or("jws"))
    }
}

/// What was made.
pub(super) struct Forged {
    keys: Keys,
    prover: Mutex<Prover>,
}

impl Forged {
    fn new() -> Self {
        let prover = Prover::start();
        let thumbprint = prover.thumbprint(OWNER, "ES256");
        let now = now();
        let fixtures = fixtures();
        let tokens = fixtures.iter().flat_map(Fixture::tokens);
        let tokens: Vec<Value> = tokens
            .map(|(name, described)| described.draft(&thumbprint, now).describe(&name))
            .collect();
        Self {
            keys: Keys::mint(&tokens),
            prover: Mutex::new(prover),
        }
    }

    /// The key set of an issuer that has signed these tokens as well.
    pub(super) fn keys_beside(&self, issuer: &Issuer) -> String {
        let mut set: Value = serde_json::from_str(&issuer.jwks()).unwrap();
        set["keys"]
            .as_array_mut()
            .unwrap()
            .extend(self.keys.of_corp());
        set.to_string()
    }

    /// The token with this name, and new proofs for a request to the desk.
    pub(super) fn shows(&self, name: &str, method: &str, described: &Described) -> Credential {
        let token = self.keys.token(name);
        let scheme = described.scheme.as_deref().unwrap_or("Bearer");
        let mut shown = vec![("authorization", format!("{scheme} {token}"))];
        let url = format!("https://{HOST}/desk");
        for claims in described.proofs.iter().flatten() {
            let wanted = Wanted {
                client: described.prover.as_deref().unwrap_or(OWNER),
                claims: Value::Object(claims.clone()),
                ..Wanted::of(method, &url, token)
            };
            shown.push(("dpop", self.prover.lock().unwrap().proof(&wanted)));
        }
        shown
    }
}

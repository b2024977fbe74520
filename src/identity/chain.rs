//! The `act` chain of a token (RFC 8693, section 4.1): who acts, and who acted before. `may_act` says who could be given
//! a token, not who acts with this one, and is not read.

use super::payload::is_fit;
use crate::json::Json;
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// The most entries that a provider may allow; the JSON of a token cannot nest much deeper either.
pub(super) const MAX_DEPTH: usize = 8;

/// What a chain is judged by.
pub(super) struct Link<'a, F> {
    /// The provider that verified the token: the issuer of entries that name none.
    pub(super) provider: &'a ProviderName,
    /// The subject as it was mapped, and the `sub` as it stands in the token: no entry may be either.
    pub(super) subject: &'a PartyId,
    pub(super) sub: &'a str,
    /// The most entries.
    pub(super) most: usize,
    /// The provider of the route that has exactly this `iss`.
    pub(super) issuer: F,
}

impl<F: Fn(&str) -> Option<ProviderName>> Link<'_, F> {
    /// The entries, outermost first.
    pub(super) fn read(&self, act: Option<&Json<'_>>) -> Result<Vec<PartyId>, Denial> {
        let mut chain: Vec<PartyId> = Vec::new();
        let mut next = act;
        while let Some(entry) = next {
            if chain.len() == self.most {
                let cause = format!("the chain has more than {} entries", self.most);
                return Err(Denial::new(Reason::DelegationTooDeep).because(cause));
            }
            let party = self.entry(entry)?;
            if chain.contains(&party) || self.is_subject(&party) {
                return Err(Denial::new(Reason::DelegationCycle)
                    .because("an `act` entry is the subject or another entry again"));
            }
            chain.push(party);
            next = entry.member("act");
        }
        Ok(chain)
    }

    fn entry(&self, entry: &Json<'_>) -> Result<PartyId, Denial> {
        let sub = entry
            .member("sub")
            .and_then(Json::as_str)
            .filter(|sub| is_fit(sub));
        let Some(sub) = sub else {
            return Err(malformed("an `act` entry has no `sub` that is a text"));
        };
        let issuer = match entry.member("iss") {
            None => Some(self.provider.clone()),
            Some(iss) => iss.as_str().and_then(&self.issuer),
        };
        match issuer {
            Some(issuer) => Ok(PartyId::new(issuer, sub)),
            None => Err(malformed(
                "the `iss` of an `act` entry is no provider's of the route",
            )),
        }
    }

    fn is_subject(&self, party: &PartyId) -> bool {
        party == self.subject
            || (party.issuer.as_ref() == Some(self.provider) && *party.id == *self.sub)
    }
}

fn malformed(cause: &str) -> Denial {
    Denial::new(Reason::DelegationMalformed).because(cause)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::testing::borrowed;

    fn name(text: &str) -> ProviderName {
        ProviderName::new(text).unwrap()
    }

    fn read(act: &Value, most: usize) -> Result<String, Reason> {
        let provider = name("corp");
        let link = Link {
            provider: &provider,
            subject: &PartyId::new(name("corp"), "alice"),
            sub: "u-1",
            most,
            issuer: |iss: &str| match iss {
                "https://corp.example" => Some(name("corp")),
                "https://ci.example" => Some(name("ci")),
                _ => None,
            },
        };
        let chain = link
            .read(Some(&borrowed(act)))
            .map_err(|denial| denial.reason)?;
        Ok(chain
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "))
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(null), |inner, n| match inner {
            Value::Null => json!({ "sub": n.to_string() }),
            inner => json!({ "sub": n.to_string(), "act": inner }),
        })
    }

    #[test]
    fn entries_are_read_from_the_outside_in_with_their_issuers() {
        let act = json!({ "sub": "bot", "client_id": "x", "act": {
            "sub": "bot", "iss": "https://ci.example", "act": { "sub": "gateway", "iss": "https://corp.example" } } });
        assert_eq!(read(&act, 4), Ok("corp/bot ci/bot corp/gateway".into()));
    }

    #[test]
    fn a_chain_is_as_deep_as_allowed_and_not_deeper() {
        assert!(read(&nested(4), 4).is_ok());
        assert_eq!(read(&nested(5), 4), Err(Reason::DelegationTooDeep));
        assert_eq!(read(&nested(9), MAX_DEPTH), Err(Reason::DelegationTooDeep));
        assert_eq!(read(&nested(1), 0), Err(Reason::DelegationTooDeep));
    }

    #[test]
    fn nobody_acts_twice_and_nobody_acts_for_themselves() {
        for act in [
            json!({ "sub": "bot", "act": { "sub": "bot" } }),
            json!({ "sub": "bot", "act": { "sub": "x", "act": { "sub": "bot", "iss": "https://corp.example" } } }),
            json!({ "sub": "alice" }),
            json!({ "sub": "u-1" }),
            json!({ "sub": "bot", "act": { "sub": "alice", "iss": "https://corp.example" } }),
        ] {
            assert_eq!(read(&act, 4), Err(Reason::DelegationCycle), "{act}");
        }
        assert_eq!(
            read(&json!({ "sub": "alice", "iss": "https://ci.example" }), 4),
            Ok("ci/alice".into())
        );
    }

    #[test]
    fn an_entry_is_an_object_with_a_subject_of_a_known_issuer() {
        for act in [
            json!(null),
            json!("bot"),
            json!([]),
            json!([{ "sub": "bot" }]),
            json!({}),
            json!({ "sub": null }),
            json!({ "sub": 7 }),
            json!({ "sub": "" }),
            json!({ "sub": "a\nb" }),
            json!({ "sub": "x".repeat(1025) }),
            json!({ "client_id": "bot" }),
            json!({ "sub": "bot", "iss": "https://corp.example/" }),
            json!({ "sub": "bot", "iss": "https://unknown.example" }),
            json!({ "sub": "bot", "iss": null }),
            json!({ "sub": "bot", "iss": ["https://corp.example"] }),
            json!({ "sub": "bot", "act": null }),
            json!({ "sub": "bot", "act": "x" }),
            json!({ "sub": "bot", "act": {} }),
        ] {
            assert_eq!(read(&act, 4), Err(Reason::DelegationMalformed), "{act}");
        }
    }
}

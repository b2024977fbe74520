//! Rules as they are written in policy files.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// One item of `rules`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name, unique across all files.
    pub id: String,
    /// Actions that the parties in `to` may do.
    pub permit: Option<SelectorSpec>,
    /// Actions that the parties in `to` may not do.
    pub forbid: Option<SelectorSpec>,
    /// Actions that need more than a permit.
    pub guard: Option<SelectorSpec>,
    /// Whom it covers.
    pub to: Option<ToSpec>,
    /// It covers only calls for which this holds.
    pub when: Option<String>,
    /// It does not cover calls for which this holds.
    pub unless: Option<String>,
    /// Guards: what must hold.
    pub must: Option<String>,
    /// Guards: what the caller must bring; all of it.
    pub require: Option<Vec<RequirementSpec>>,
    /// Guards: what is done to the request; few rules have any.
    pub constrain: Option<Box<ConstrainSpec>>,
    /// `enforce` (default) or `shadow`.
    pub mode: Option<String>,
}

/// One entry of `risk`: what makes a request more dangerous.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    /// The points that it adds to the score.
    pub add: u64,
    /// It adds them to calls for which this holds.
    pub when: String,
    /// Actions that it covers; every action unless said.
    pub on: Option<SelectorSpec>,
}

/// Which actions: a pattern over ids, a list of patterns, or a map.
#[derive(Clone, Debug)]
pub enum SelectorSpec {
    /// `customers.*`, or `[customers.export, customers.delete]`.
    Ids(OneOrMany<String>),
    /// `{ tier: critical }`.
    Where(Box<WhereSpec>),
}

/// `{ action: …, tier: …, route: … }`: all that are named must match.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhereSpec {
    /// Patterns over action ids.
    pub action: Option<OneOrMany<String>>,
    /// Tiers.
    pub tier: Option<OneOrMany<String>>,
    /// Route ids.
    pub route: Option<OneOrMany<String>>,
}

impl<'de> Deserialize<'de> for SelectorSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = SelectorSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "an action like `customers.export`, a list of actions, or `{ tier: critical }`",
                )
            }

            fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<SelectorSpec, E> {
                Ok(SelectorSpec::Ids(OneOrMany::One(id.to_owned())))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                seq: A,
            ) -> Result<SelectorSpec, A::Error> {
                let ids = Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))?;
                Ok(SelectorSpec::Ids(OneOrMany::Many(ids)))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<SelectorSpec, A::Error> {
                Box::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(SelectorSpec::Where)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `to: { issuer: corp, kind: human, group: crm }`: all that are named must match; a list means any of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToSpec {
    /// Provider names.
    pub issuer: Option<OneOrMany<String>>,
    /// Kinds.
    pub kind: Option<OneOrMany<String>>,
    /// Patterns over ids.
    pub id: Option<OneOrMany<String>>,
    /// Patterns over groups.
    pub group: Option<OneOrMany<String>>,
    /// Patterns or values of declared claims.
    #[serde(default)]
    pub claim: BTreeMap<String, OneOrMany<ScalarSpec>>,
}

/// A value that a claim is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarSpec {
    /// A pattern.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
}

impl<'de> Deserialize<'de> for ScalarSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl serde::de::Visitor<'_> for Scalar {
            type Value = ScalarSpec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, a whole number, `true` or `false`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ScalarSpec, E> {
                Ok(ScalarSpec::Text(text.to_owned()))
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<ScalarSpec, E> {
                Ok(ScalarSpec::Bool(value))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<ScalarSpec, E> {
                Ok(ScalarSpec::Int(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<ScalarSpec, E> {
                i64::try_from(value)
                    .map(ScalarSpec::Int)
                    .map_err(|_error| E::custom("the number is too large"))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// One item of `require`: exactly one of its keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementSpec {
    /// Scopes that the token needs.
    pub scope: Option<OneOrMany<String>>,
    /// Stronger or fresher authentication of the human subject.
    pub step_up: Option<StepUpSpec>,
    /// Patterns over the SPIFFE ID of the calling workload.
    pub workload: Option<OneOrMany<String>>,
    /// Proofs of possession, one of which the call needs: `dpop`, `mtls`.
    pub proof: Option<OneOrMany<String>>,
    /// Somebody else's consent to exactly this call.
    pub approval: Option<ApprovalSpec>,
    /// Alternatives, one of which is enough.
    pub any_of: Option<Vec<RequirementSpec>>,
}

/// `approval: { from: { issuer: corp, group: crm-leads }, ttl: 10m }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSpec {
    /// Who may approve: one of these; each of them where every item has a `quorum` of its own.
    pub from: OneOrMany<ApproverSpec>,
    /// What of the call is approved: `args`, `args.segment`, `params.id`, `query`, `body`, …; all of it unless said.
    pub bind: Option<OneOrMany<String>>,
    /// How long it is good, from the last approval on.
    #[serde(default = "ten_minutes")]
    pub ttl: HumanDuration,
    /// How long it can be decided.
    #[serde(default = "quarter_of_an_hour")]
    pub pending: HumanDuration,
    /// How often it can be used.
    #[serde(default = "once")]
    pub uses: u32,
    /// How many must approve; 1 unless said.
    pub quorum: Option<u32>,
    /// Whether approvers must say why.
    #[serde(default)]
    pub reason_required: bool,
}

const fn ten_minutes() -> HumanDuration {
    HumanDuration::from_secs(10 * 60)
}

const fn quarter_of_an_hour() -> HumanDuration {
    HumanDuration::from_secs(15 * 60)
}

const fn once() -> u32 {
    1
}

/// One item of `from`: everything that it names must fit an approver as it was verified when it voted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproverSpec {
    /// Provider names.
    pub issuer: Option<OneOrMany<String>>,
    /// Kinds; `human` unless said.
    pub kind: Option<OneOrMany<String>>,
    /// Patterns over ids.
    pub id: Option<OneOrMany<String>>,
    /// Patterns over groups.
    pub group: Option<OneOrMany<String>>,
    /// How many of these must approve, where the items of `from` are a demand each.
    pub quorum: Option<u32>,
}

/// `step_up: { acr: [phr, phrh], max_age: 5m }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepUpSpec {
    /// Acceptable classes, in order of preference.
    #[serde(default)]
    pub acr: OneOrMany<String>,
    /// Oldest acceptable authentication.
    pub max_age: Option<HumanDuration>,
}

/// What a guard does to an allowed request. Values are CEL expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstrainSpec {
    /// Request headers that are removed.
    #[serde(default)]
    pub strip: OneOrMany<String>,
    /// Request headers that are set.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is done to the query.
    #[serde(default)]
    pub query: QueryConstrainSpec,
    /// Headers that the response gets.
    #[serde(default)]
    pub response_headers: BTreeMap<String, String>,
    /// Dynamic metadata for Envoy.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// The token that the upstream gets in place of the caller's credential.
    pub token: Option<TokenDemandSpec>,
}

/// `token: { audience: crm, scope: crm:export, ttl: 30s }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenDemandSpec {
    /// Whom it is meant for.
    pub audience: String,
    /// What it allows: scopes that the action demands of the caller.
    pub scope: OneOrMany<String>,
    /// How long it is good.
    #[serde(default = "thirty_seconds")]
    pub ttl: HumanDuration,
}

const fn thirty_seconds() -> HumanDuration {
    HumanDuration::from_secs(30)
}

/// `query: { remove: [debug], set: { tenant: "'acme'" }, cap: { limit: 100 } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryConstrainSpec {
    /// Parameters that are removed.
    #[serde(default)]
    pub remove: OneOrMany<String>,
    /// Parameters that are set.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Largest values; a parameter that is absent gets the cap.
    #[serde(default)]
    pub cap: BTreeMap<String, i64>,
}

//! Descriptions of parties and circumstances, as tests and `explain` write them, turned into what the authorizer takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::authorizer::{Described, Examined};
use crate::config::{GivenSpec, PartySpec, VoterSpec};
use crate::model::approval::{Vote, Voter};
use crate::model::duration::HumanDuration;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::name::{ConditionName, ProviderName};
use crate::model::party::{Assurance, Claims, Kind, Parties, Party, PartyId};
use crate::model::schema::ClaimDeclarations;
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};
use crate::model::verdict::Verdict;

/// How long a described token is good for unless it says otherwise.
const LIFETIME: Duration = Duration::from_mins(5);

/// The claims that providers declare, to read described claims with.
pub(super) type Declared = BTreeMap<ProviderName, ClaimDeclarations>;

/// The moment of a call.
pub(super) fn moment(given: &GivenSpec, now: Timestamp) -> Result<Timestamp> {
    match &given.time {
        Some(text) => Timestamp::parse(text)
            .ok_or_else(|| anyhow!("`{text}` is no time: write `2026-01-31T09:00:00Z`")),
        None => Ok(now),
    }
}

/// Conditions that a case sets; each must be declared.
pub(super) fn conditions(
    given: &GivenSpec,
    declared: &[ConditionName],
) -> Result<BTreeMap<ConditionName, bool>> {
    let find = |name: &String| {
        let known = declared.iter().find(|condition| condition.as_str() == name);
        known
            .cloned()
            .ok_or_else(|| anyhow!("no policy declares a condition `{name}`"))
    };
    given
        .conditions
        .iter()
        .map(|(name, value)| Ok((find(name)?, *value)))
        .collect()
}

/// The parties of a call, as if a credential had been verified.
pub(super) fn parties(given: &GivenSpec, declared: &Declared, now: Timestamp) -> Result<Described> {
    let GivenSpec {
        issuer,
        subject,
        actor,
        depth,
        scope,
        lifetime,
        workload: _,
        proof,
        conditions: _,
        time: _,
        approved: _,
    } = given;
    let Some(subject) = subject
        .as_ref()
        .filter(|party| party.kind.as_deref() != Some("anonymous"))
    else {
        return Ok(Described {
            parties: Parties::alone(Party::anonymous()),
            token: None,
        });
    };
    let provider = issuer.as_ref().context("`given` names no `issuer`")?;
    let provider = provider_named(provider, declared)?;
    let subject = party(subject, &provider, declared, now).context("subject")?;
    let actor = actor
        .as_ref()
        .map(|actor| party(actor, &provider, declared, now).context("actor"))
        .transpose()?;
    let depth = depth.unwrap_or(usize::from(actor.is_some()));
    let scope = scope
        .items()
        .iter()
        .flat_map(|text| text.split(' '))
        .filter(|text| !text.is_empty());
    let token = TokenFacts {
        scope: scope.map(Arc::from).collect(),
        audience: Vec::new(),
        expires: Some(now.plus(lifetime.map_or(LIFETIME, HumanDuration::get))),
        issued: Some(now),
        id: None,
        key: None,
        bindable: true,
        proof: proof.as_deref().map_or(Ok(Proof::None), proof_named)?,
        bound: None,
        session: None,
    };
    Ok(Described {
        parties: Parties {
            subject,
            actor,
            depth,
            prior: Vec::new(),
        },
        token: Some((provider, Arc::new(token))),
    })
}

/// As if everybody had approved whose approval is all that is missing.
pub(super) fn approve(examined: &mut Examined) {
    if let Some(awaited) = examined.awaited.take() {
        examined.verdict = Verdict::Allow(awaited.grant);
    }
}

/// Votes as described; `at` is when all of them were cast.
pub(super) fn votes(
    voters: &[VoterSpec],
    given: &GivenSpec,
    declared: &Declared,
    at: Timestamp,
) -> Result<Vec<Vote>> {
    let provider = given.issuer.as_ref().context("`given` names no `issuer`")?;
    let vote = |spec: &VoterSpec| {
        let VoterSpec {
            kind,
            id,
            issuer,
            groups,
            owner,
            actor,
        } = spec;
        let issuer = provider_named(issuer.as_ref().unwrap_or(provider), declared)?;
        let id_of = |id: &str| PartyId::new(issuer.clone(), id);
        let groups = groups.items().iter();
        Ok(Vote {
            voter: Voter {
                id: id_of(id),
                kind: kind.as_deref().unwrap_or("human").parse()?,
                groups: groups.map(|group| Arc::from(group.as_str())).collect(),
                owner: owner.as_deref().map(Arc::from),
                actor: actor.as_deref().map(id_of),
                prior: Vec::new(),
                owners: Vec::new(),
                acr: None,
                auth_time: None,
            },
            approve: true,
            at,
            reason: None,
        })
    };
    voters.iter().map(vote).collect()
}

fn proof_named(name: &str) -> Result<Proof> {
    let mut known = Proof::ALL.into_iter();
    known
        .find(|proof| proof.as_str() == name)
        .ok_or_else(|| anyhow!("`{name}` is no proof: write `none`, `dpop` or `mtls`"))
}

fn provider_named(name: &str, declared: &Declared) -> Result<ProviderName> {
    let known = declared.keys().find(|provider| provider.as_str() == name);
    known
        .cloned()
        .ok_or_else(|| anyhow!("there is no provider `{name}`"))
}

fn party(
    spec: &PartySpec,
    provider: &ProviderName,
    declared: &Declared,
    now: Timestamp,
) -> Result<Party> {
    let PartySpec {
        kind,
        id,
        issuer,
        groups,
        owner,
        claims,
        acr,
        amr,
        authenticated,
    } = spec;
    let issuer = issuer.as_ref().map_or_else(
        || Ok(provider.clone()),
        |name| provider_named(name, declared),
    )?;
    let kind: Kind = kind.as_deref().unwrap_or("human").parse()?;
    let id = id.as_ref().context("a party has an `id`")?;
    let texts = |items: &[String]| {
        items
            .iter()
            .map(|text| Arc::from(text.as_str()))
            .collect::<Vec<Arc<str>>>()
    };
    let typed = typed_claims(claims, declared.get(&issuer))?;
    Ok(Party {
        kind,
        id: PartyId::new(issuer, id.as_str()),
        owner: owner.as_deref().map(Arc::from),
        groups: texts(groups.items()).into(),
        claims: Arc::new(typed),
        assurance: Assurance {
            acr: acr.as_deref().map(Arc::from),
            amr: texts(amr.items()),
            auth_time: authenticated.map(|ago| now.minus(ago.get())),
        },
    })
}

fn typed_claims(
    claims: &serde_json::Map<String, serde_json::Value>,
    declared: Option<&ClaimDeclarations>,
) -> Result<Claims> {
    let mut typed = Claims::new();
    for (name, json) in claims {
        let declaration = declared.and_then(|claims| claims.get(name.as_str()));
        let declaration =
            declaration.ok_or_else(|| anyhow!("the provider declares no claim `{name}`"))?;
        let value = value_of(json, &declaration.of)
            .ok_or_else(|| anyhow!("claim `{name}` is a {}", declaration.of))?;
        typed.insert(Arc::from(name.as_str()), value);
    }
    Ok(typed)
}

fn value_of(json: &serde_json::Value, of: &Type) -> Option<Value> {
    match of {
        Type::Bool => json.as_bool().map(Value::Bool),
        Type::Int => json.as_i64().map(Value::Int),
        Type::Double => json.as_f64().map(Value::Double),
        Type::String => json.as_str().map(Value::string),
        Type::Timestamp => match json {
            serde_json::Value::String(text) => Timestamp::parse(text).map(Value::Timestamp),
            other => other
                .as_i64()
                .map(Timestamp::from_seconds)
                .map(Value::Timestamp),
        },
        Type::List(item) => {
            let items: Option<Vec<Value>> = json
                .as_array()?
                .iter()
                .map(|json| value_of(json, item))
                .collect();
            Some(Value::List(items?.into()))
        }
        Type::Map(item) => {
            let entries = json
                .as_object()?
                .iter()
                .map(|(key, json)| Some((Arc::from(key.as_str()), value_of(json, item)?)));
            Some(Value::Map(Arc::new(
                entries.collect::<Option<BTreeMap<_, _>>>()?,
            )))
        }
        Type::Duration | Type::Dyn => None,
    }
}

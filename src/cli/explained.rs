//! What `countersign explain` found out, for people and for programs.

use serde_json::{Value, json};

use super::cached;
use super::shown::{arguments, describe_risk, said, weighed};
use crate::authorizer::Examined;
use crate::model::identity::Proof;
use crate::model::lifecycle::{Level, Raised};
use crate::model::party::{Parties, Party};
use crate::model::request::AccessRequest;
use crate::model::verdict::{Constraints, Denial, Remedy, TokenDemand, Verdict};
use crate::policy::{Caching, Trace};

/// An examined request with its trace.
pub(super) struct Explained {
    pub(super) request: Option<AccessRequest>,
    /// Whether a server would look such a ruling up; what is explained is always evaluated.
    pub(super) caching: Option<Caching>,
    pub(super) examined: Examined,
    pub(super) version: String,
}

impl Explained {
    fn warnings(&self) -> impl Iterator<Item = &Raised> {
        let raised = self.examined.lifecycle.iter();
        raised.filter(|raised| raised.level == Level::Warn)
    }

    pub(super) fn to_json(&self) -> Value {
        let Examined {
            verdict,
            route,
            rpc,
            asked,
            risk,
            parties,
            credential,
            trace,
            ..
        } = &self.examined;
        let rules = trace.iter().flat_map(|trace| &trace.0).map(|entry| {
            json!({
                "rule": entry.rule.as_str(),
                "effect": entry.effect.as_str(),
                "party": entry.party,
                "outcome": entry.outcome.to_string(),
            })
        });
        json!({
            "verdict": verdict.as_str(),
            "reason": verdict.reason(),
            "rule": verdict.rule().map(ToString::to_string),
            "cause": cause(verdict),
            "remedy": remedy(verdict),
            "constraints": constraints(verdict),
            "request": self.request.as_ref().map(|request| json!({
                "method": request.method, "host": request.host, "path": request.path,
            })),
            "route": route.as_ref().map(|route| route.id.to_string()),
            "action": asked.as_ref().map(|asked| json!({
                "id": asked.action.id.as_str(),
                "tier": asked.action.tier.as_str(),
                "params": asked.params.keys().collect::<Vec<_>>(),
                "args": arguments(asked),
            })),
            "message": rpc.as_ref().map(|rpc| json!({ "method": rpc.method, "name": rpc.name })),
            "risk": risk.as_ref().map(weighed),
            "subject": parties.as_ref().map(|parties| party(&parties.subject)),
            "actor": parties.as_ref().and_then(|parties| parties.actor.as_ref()).map(party),
            "warnings": self.warnings().map(|raised| json!({
                "check": raised.check.as_str(),
                "risk": raised.check.risk(),
                "identity": raised.id.to_string(),
            })).collect::<Vec<_>>(),
            "provider": credential.as_ref().map(|(provider, _)| provider.to_string()),
            "proof": credential.as_ref().map(|(_, token)| token.proof.as_str()),
            "rulings": self.caching.as_ref().map(cached::as_json),
            "policy_version": self.version,
            "rules": rules.collect::<Vec<_>>(),
        })
    }

    /// Who asks, how they have shown it, and what is to be said about them.
    fn who(&self) -> Vec<(&'static str, String)> {
        let Examined {
            parties,
            credential,
            ..
        } = &self.examined;
        let mut lines = Vec::new();
        if let Some(Parties { subject, actor, .. }) = parties {
            lines.push(("subject", describe_party(subject)));
            lines.extend(actor.as_ref().map(|actor| ("actor", describe_party(actor))));
        }
        let proof = credential.as_ref().map(|(_, token)| token.proof);
        let proof = proof.filter(|proof| *proof != Proof::None);
        lines.extend(proof.map(|proof| ("proof", proof.as_str().to_owned())));
        lines.extend(self.warnings().map(|raised| {
            let Raised { check, id, .. } = raised;
            ("warning", format!("{check} ({}): {id}", check.risk()))
        }));
        lines
    }

    pub(super) fn to_text(&self) -> String {
        let Examined {
            verdict,
            route,
            rpc,
            asked,
            risk,
            trace,
            ..
        } = &self.examined;
        let mut lines = Vec::new();
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                lines.push(format!("{name:<12}{value}"));
            }
        };
        line(
            "request",
            self.request
                .as_ref()
                .map(|r| format!("{} {}{}", r.method, r.host, r.path)),
        );
        line("route", route.as_ref().map(|route| route.id.to_string()));
        line(
            "action",
            asked
                .as_ref()
                .map(|asked| format!("{} (tier {})", asked.action.id, asked.action.tier.as_str())),
        );
        for (name, text) in said(rpc.as_ref(), asked.as_ref()) {
            line(name, Some(text));
        }
        for (name, text) in self.who() {
            line(name, Some(text));
        }
        line(
            "verdict",
            Some(format!("{} ({})", verdict.as_str(), verdict.reason())),
        );
        line("decided by", verdict.rule().map(ToString::to_string));
        line("cause", cause(verdict));
        line("remedy", remedy(verdict).map(|remedy| remedy.to_string()));
        line(
            "constrain",
            constraints(verdict).map(|constraints| constraints.to_string()),
        );
        for text in risk.iter().flat_map(describe_risk) {
            line("risk", Some(text));
        }
        line("rulings", self.caching.as_ref().map(cached::in_words));
        line("policy", Some(self.version.clone()));
        lines.extend(considered(trace.as_ref()));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A line for each rule that was looked at.
fn considered(trace: Option<&Trace>) -> Vec<String> {
    let rules = trace.into_iter().flat_map(|trace| &trace.0);
    let ids = rules.clone().map(|entry| entry.rule.as_str().len());
    let width = ids.max().unwrap_or(0);
    let lines = rules.map(|entry| {
        let (effect, party) = (entry.effect.as_str(), entry.party.unwrap_or(""));
        format!(
            "  {effect:<7} {:<width$} {party:<8} {}",
            entry.rule.as_str(),
            entry.outcome
        )
    });
    lines.collect()
}

fn describe_party(party: &Party) -> String {
    let groups = if party.groups.is_empty() {
        String::new()
    } else {
        format!(", groups {}", party.groups.join(" "))
    };
    format!("{} ({}{groups})", party.id, party.kind)
}

fn party(party: &Party) -> Value {
    json!({
        "issuer": party.id.issuer.as_ref().map(ToString::to_string),
        "id": &*party.id.id,
        "kind": party.kind.as_str(),
        "groups": party.groups,
        "owner": party.owner,
    })
}

fn cause(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Allow(_) | Verdict::Pending(_) => None,
        Verdict::Deny(Denial { cause, .. }) => cause.clone(),
        Verdict::Fault(fault) => Some(fault.cause.clone()),
    }
}

/// In the shape that the client's problem document has.
fn remedy(verdict: &Verdict) -> Option<Value> {
    let Verdict::Deny(Denial {
        remedy: Some(remedy),
        ..
    }) = verdict
    else {
        return None;
    };
    Some(match remedy {
        Remedy::Authenticate => json!({ "kind": "authenticate" }),
        Remedy::Scope { missing, .. } => json!({ "kind": "scope", "scope": missing }),
        Remedy::StepUp(demand) => {
            json!({ "kind": "step_up", "acr_values": demand.acr, "max_age": demand.max_age })
        }
        Remedy::Proof(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            json!({ "kind": "proof", "proof": kinds })
        }
    })
}

fn constraints(verdict: &Verdict) -> Option<Value> {
    let Verdict::Allow(grant) = verdict else {
        return None;
    };
    let Constraints {
        headers,
        strip,
        query,
        strip_query,
        response_headers,
        metadata,
        token,
    } = &grant.constraints;
    let mut shown = serde_json::Map::new();
    let mut put = |name: &str, empty: bool, value: Value| {
        if !empty {
            shown.insert(name.to_owned(), value);
        }
    };
    put("headers", headers.is_empty(), json!(headers));
    put("strip", strip.is_empty(), json!(strip));
    put("query", query.is_empty(), json!(query));
    put("strip_query", strip_query.is_empty(), json!(strip_query));
    put(
        "response_headers",
        response_headers.is_empty(),
        json!(response_headers),
    );
    put(
        "metadata",
        metadata.is_empty(),
        json!(metadata.keys().collect::<Vec<_>>()),
    );
    if let Some(TokenDemand {
        audience,
        scope,
        ttl,
    }) = token
    {
        let ttl = ttl.as_secs_f64();
        let demand = json!({ "audience": audience, "scope": scope, "ttl_s": ttl });
        shown.insert("token".to_owned(), demand);
    }
    (!shown.is_empty()).then_some(Value::Object(shown))
}

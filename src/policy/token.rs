//! `constrain.token`: a token in place of the caller's credential, and never good for more than that credential. Its
//! scopes are among those that the action demands, so whoever comes this far has them; its audience is another one than
//! the route's; and it ends no later.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::spec::{ConstrainSpec, TokenDemandSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::identity::TokenFacts;
use crate::model::name::RuleId;
use crate::model::reason::FaultCode;
use crate::model::route::{Action, Route};
use crate::model::verdict::{Fault, TokenDemand};

/// The shortest and the longest `ttl`.
const TTL: [HumanDuration; 2] = [HumanDuration::from_secs(1), HumanDuration::from_secs(300)];
/// Most bytes of an audience.
const MAX_AUDIENCE: usize = 256;

/// What a demand is checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// The action that the rule covers.
    pub(super) action: &'a Action,
    /// The route of the action.
    pub(super) route: Option<&'a Route>,
    /// The request header of minted tokens; none if none are minted.
    pub(super) header: Option<&'a str>,
}

/// Checks a demand; every mistake is reported.
pub(super) fn compile(
    spec: &TokenDemandSpec,
    site: &Site<'_>,
) -> Result<TokenDemand, Vec<Finding>> {
    let TokenDemandSpec {
        audience,
        scope,
        ttl,
    } = spec;
    let mut findings = Vec::new();
    if site.header.is_none() {
        let finding = Finding::error("no-token-section", "there is no key to mint tokens with");
        findings.push(finding.help(
            "add `token: { issuer: https://authz.example.com, keys: [tokens/key.pem] }` to the server's configuration",
        ));
    }
    findings.extend(bad_audience(audience, site.route).map(|it| it.under("audience")));
    findings.extend(bad_scopes(spec, site.action));
    let [shortest, longest] = TTL;
    if *ttl < shortest || *ttl > longest {
        let message = format!("`ttl` is between `{shortest}` and `{longest}`");
        findings.push(Finding::error("out-of-range", message).under("ttl"));
    }
    if findings.is_empty() {
        Ok(TokenDemand {
            audience: Arc::from(audience.as_str()),
            scope: scope
                .items()
                .iter()
                .map(|it| Arc::from(it.as_str()))
                .collect(),
            ttl: ttl.get(),
        })
    } else {
        Err(findings)
    }
}

fn bad_audience(audience: &str, route: Option<&Route>) -> Option<Finding> {
    let visible = audience.bytes().all(|b| b.is_ascii_graphic());
    if !(1..=MAX_AUDIENCE).contains(&audience.len()) || !visible {
        let message = format!("an audience has 1 to {MAX_AUDIENCE} visible characters");
        return Some(Finding::error("token-audience", message));
    }
    // A token that came back here would be taken for a caller's, were it not for its type.
    let bare = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let own = route.is_some_and(|it| {
        [&it.audience, &it.url]
            .map(|own| bare(own))
            .contains(&bare(audience))
    });
    own.then(|| {
        let message = format!("`{audience}` is the audience of the route itself");
        Finding::error("token-audience", message)
            .help("name the service that the request is forwarded to, for example `audience: crm`")
    })
}

fn bad_scopes(spec: &TokenDemandSpec, action: &Action) -> Vec<Finding> {
    let scopes = spec.scope.items();
    if scopes.is_empty() {
        let finding = Finding::error("token-scope", "the token would allow nothing");
        let help = "name scopes that the action demands, for example `scope: crm:export`";
        return vec![finding.help(help).under("scope")];
    }
    let foreign = scopes.iter().enumerate().filter(|(_, scope)| {
        let mut demanded = action.scope.iter();
        !demanded.any(|known| **known == ***scope)
    });
    let finding = |(index, scope): (usize, &String)| {
        let message = format!("the action does not demand `{scope}` of the caller's token");
        let help = if action.scope.is_empty() {
            format!(
                "add `scope: {scope}` to the action: a token never allows more than the caller's own"
            )
        } else {
            let known: Vec<String> = action.scope.iter().map(|it| format!("`{it}`")).collect();
            format!(
                "the action demands {}: name some of these, or add `{scope}` to them",
                known.join(", ")
            )
        };
        let finding = Finding::error("token-scope", message).help(help);
        spec.scope.place(index, finding).under("scope")
    };
    foreign.map(finding).collect()
}

/// Headers that a rule sets or removes although they hold minted tokens, in any spelling.
pub(super) fn bad_headers(spec: &ConstrainSpec, site: &Site<'_>) -> Vec<Finding> {
    let Some(header) = site.header else {
        return Vec::new();
    };
    let dashed = |name: &str| name.replace('_', "-");
    let is_own = |name: &str| dashed(name) == dashed(header);
    let finding = |name: &str| {
        let message =
            format!("`{name}` is the header of minted tokens: no rule sets or removes it");
        Finding::error("token-header", message).help(
            "a client's own is removed always; demand a token with `token:`, or name another header with `token.header`",
        )
    };
    let set = spec.headers.keys().filter(|name| is_own(name));
    let set = set.map(|name| finding(name).under(name.as_str()).under("headers"));
    let removed = spec.strip.items().iter().enumerate();
    let removed = removed.filter(|(_, name)| is_own(name));
    let removed =
        removed.map(|(index, name)| spec.strip.place(index, finding(name)).under("strip"));
    set.chain(removed).collect()
}

/// What two guards demand together: the audience of both, scopes that both name, the shorter life.
pub(super) fn stricter(
    known: Option<TokenDemand>,
    demand: &TokenDemand,
    rule: &RuleId,
) -> Result<TokenDemand, Fault> {
    let Some(known) = known else {
        return Ok(demand.clone());
    };
    let conflict = |cause: &str| Fault {
        code: FaultCode::ConstraintConflict,
        cause: cause.to_owned(),
        rule: Some(rule.clone()),
    };
    if known.audience != demand.audience {
        return Err(conflict("guards demand tokens for different audiences"));
    }
    let scope: BTreeSet<Arc<str>> = known.scope.intersection(&demand.scope).cloned().collect();
    if scope.is_empty() {
        return Err(conflict("guards demand tokens without a scope in common"));
    }
    Ok(TokenDemand {
        audience: known.audience,
        scope,
        ttl: known.ttl.min(demand.ttl),
    })
}

/// Once more what loading made sure of: a token is for a caller with a credential that has every scope of it.
pub(super) fn is_within(demand: &TokenDemand, token: Option<&TokenFacts>) -> bool {
    token.is_some_and(|token| {
        let mut scope = demand.scope.iter();
        !demand.scope.is_empty() && scope.all(|scope| token.scope.contains(scope))
    })
}

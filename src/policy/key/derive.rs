//! From the rules of an action to its key. Every field of a rule is looked at here: one that is added is an error of the compiler.

use super::{Caching, Key, Member, Obstacle, Read, Who, Why};
use crate::model::route::Action;
use crate::model::verdict::StepUp;
use crate::policy::bound::Bound;
use crate::policy::constrain::Constrain;
use crate::policy::matcher::To;
use crate::policy::requirement::Requirement;

/// With so few rules, and nothing computed in any of them, looking up is not faster.
const FEW: usize = 16;

/// Headers that are another one in every request: nonces and proofs, keys of retries, and what names the request itself.
const ONCE_ONLY: &[&str] = &[
    "dpop",
    "idempotency-key",
    "x-request-id",
    "traceparent",
    "tracestate",
    "date",
    "signature",
    "signature-input",
];

impl Caching {
    /// Whether rulings of `action` with these rules can be remembered. `number` is for its key, if it gets one.
    pub(in crate::policy) fn of(rules: &[Bound], action: &Action, number: u32) -> Self {
        let mut key = Key {
            number,
            ..Key::default()
        };
        key.scopes.extend(action.scope.iter().cloned());
        for bound in rules {
            if let Err(why) = key.read_by(bound) {
                let rule = bound.rule.id.clone();
                return Self::Never(Obstacle { rule, why });
            }
        }
        if rules.len() <= FEW && !rules.iter().any(Bound::computes) {
            return Self::Needless;
        }
        Self::By(key)
    }
}

impl Key {
    fn read_by(&mut self, bound: &Bound) -> Result<(), Why> {
        if bound.has_computed_key() {
            return Err(Why::ComputedKey);
        }
        if let Some(to) = &bound.rule.to {
            self.matched(to);
        }
        for requirement in &bound.rule.require {
            self.required(requirement)?;
        }
        if let Some(constrain) = &bound.constrain {
            self.constrained(constrain);
        }
        // Conditions, and the values of constraints.
        bound.reads().try_for_each(|path| self.path(path))
    }

    /// What `to` compares, of every party.
    fn matched(&mut self, to: &To) {
        let To {
            issuers,
            // The kind is read always.
            kinds: _,
            ids,
            groups,
            claims,
        } = to;
        for who in [Who::Subject, Who::Acting] {
            let members = [
                (issuers.is_some(), Member::Issuer),
                (ids.is_some(), Member::Id),
                (groups.is_some(), Member::Groups),
            ];
            let read = members.into_iter().filter(|(read, _)| *read);
            self.reads
                .extend(read.map(|(_, member)| Read::Party(who, member)));
            let names = claims.iter().map(|(name, _)| name);
            let claims = names.map(|name| attribute(&[who.root(), "claims", name]));
            self.reads.extend(claims);
        }
    }

    fn required(&mut self, requirement: &Requirement) -> Result<(), Why> {
        match requirement {
            Requirement::Scope(scopes) => self.scopes.extend(scopes.iter().cloned()),
            Requirement::StepUp(StepUp { acr, max_age }) => {
                if max_age.is_some() {
                    return Err(Why::Time);
                }
                if !acr.is_empty() {
                    let acr = attribute(&["subject", "assurance", "acr"]);
                    self.reads.insert(acr);
                }
            }
            Requirement::Workload(_) => {
                self.reads.insert(attribute(&["workload", "id"]));
            }
            Requirement::Proof(_) => {
                self.reads.extend([attribute(&["proof"]), Read::Bindable]);
            }
            Requirement::Approval(_) => return Err(Why::Approval),
            Requirement::AnyOf(items) => {
                for item in items {
                    self.required(item)?;
                }
            }
        }
        Ok(())
    }

    /// What constraints read beside the values that they compute.
    fn constrained(&mut self, constrain: &Constrain) {
        let capped = constrain.capped().cloned();
        self.reads.extend(capped.map(Read::AsSent));
        let token = constrain.token.iter();
        self.scopes
            .extend(token.flat_map(|demand| demand.scope.iter().cloned()));
    }

    fn path(&mut self, path: &[Box<str>]) -> Result<(), Why> {
        let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let shown = || names.join(".").into_boxed_str();
        match names.as_slice() {
            // Always part of it, or the same for every call of an action.
            ["delegated"] | ["subject" | "actor" | "party", "kind"] | ["action", _] => {}
            ["subject", rest @ ..] => return self.of_party(Who::Subject, rest),
            ["actor", rest @ ..] => return self.of_party(Who::Acting, rest),
            // A permit or forbid is evaluated for each party.
            ["party", rest @ ..] => {
                self.of_party(Who::Subject, rest)?;
                return self.of_party(Who::Acting, rest);
            }
            ["request", "time" | "hour"] => return Err(Why::Time),
            ["request", "headers", name] if ONCE_ONLY.contains(name) => {
                return Err(Why::OnceOnly(shown()));
            }
            ["chain", "depth"]
            | ["workload", "id"]
            | ["proof"]
            | ["conditions", _]
            | ["risk", "score"]
            | ["params" | "query" | "args", _, ..]
            | ["resource", "type" | "id"]
            | ["request", "method" | "host" | "path"]
            | ["request", "headers", _]
            | ["request", "source", "ip" | "principal"]
            | ["context", "extensions", _]
            | ["context", "metadata" | "route_metadata", _, ..] => {
                self.reads.insert(attribute(&names));
            }
            _ => return Err(Why::Unknown(shown())),
        }
        Ok(())
    }

    fn of_party(&mut self, who: Who, rest: &[&str]) -> Result<(), Why> {
        let read = match rest {
            ["issuer"] => Read::Party(who, Member::Issuer),
            ["id"] => Read::Party(who, Member::Id),
            ["groups"] => Read::Party(who, Member::Groups),
            ["owner"] | ["claims", _, ..] | ["assurance", "acr" | "amr" | "auth_time"] => {
                let path: Vec<&str> = [who.root()].iter().chain(rest).copied().collect();
                attribute(&path)
            }
            _ => return Err(Why::Unknown(rest.join(".").into_boxed_str())),
        };
        self.reads.insert(read);
        Ok(())
    }
}

fn attribute(path: &[&str]) -> Read {
    Read::Attribute(path.iter().map(|name| Box::from(*name)).collect())
}

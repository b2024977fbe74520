//! Constraints: what guards do to an allowed request, compiled, checked, and merged to the stricter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::language::Language;
use super::names::{bad_header, bad_parameters, header_names};
use super::spec::{ConstrainSpec, QueryConstrainSpec};
use super::token::{self, Site};
use crate::expression::Expression;
use crate::model::facts::Facts;
use crate::model::finding::Finding;
use crate::model::identity::TokenFacts;
use crate::model::name::RuleId;
use crate::model::reason::{FaultCode, Reason};
use crate::model::value::{Type, Value, whole_number};
use crate::model::verdict::{
    Constraints, Denial, Fault, MAX_METADATA_BYTES, MAX_METADATA_DEPTH, TokenDemand, Verdict,
};

/// Longest value that is set, in bytes.
const MAX_VALUE: usize = 8192;

type Computed = Vec<(Arc<str>, Expression)>;

/// The constraints of one guard on one action.
#[derive(Debug, Default)]
pub(super) struct Constrain {
    pub(super) strip: Vec<Arc<str>>,
    pub(super) headers: Computed,
    remove: Vec<Arc<str>>,
    set: Computed,
    caps: Vec<(Arc<str>, i64)>,
    response_headers: Computed,
    metadata: Computed,
    pub(super) token: Option<TokenDemand>,
}

impl Constrain {
    /// Compiles the constraints for the action of `site`, which has this language.
    pub(super) fn compile(
        spec: &ConstrainSpec,
        language: &Language,
        site: &Site<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let ConstrainSpec {
            strip,
            headers,
            query,
            response_headers,
            metadata,
            token,
        } = spec;
        let QueryConstrainSpec { remove, set, cap } = query;
        let mut findings = token::bad_headers(spec, site);
        let token = token.as_ref().map(|demand| token::compile(demand, site));
        let token = token.transpose().unwrap_or_else(|wrong| {
            findings.extend(wrong.into_iter().map(|finding| finding.under("token")));
            None
        });
        let compiled = Self {
            token,
            strip: header_names(strip, &mut findings),
            headers: computed(headers, language, &Type::String, "headers", &mut findings),
            remove: remove
                .items()
                .iter()
                .map(|name| Arc::from(name.as_str()))
                .collect(),
            set: computed(set, language, &Type::String, "set", &mut findings),
            caps: cap
                .iter()
                .map(|(name, cap)| (Arc::from(name.as_str()), *cap))
                .collect(),
            response_headers: computed(
                response_headers,
                language,
                &Type::String,
                "response_headers",
                &mut findings,
            ),
            metadata: computed(metadata, language, &Type::Dyn, "metadata", &mut findings),
        };
        for (key, names) in [("headers", headers), ("response_headers", response_headers)] {
            findings.extend(
                names
                    .keys()
                    .filter_map(|name| Some(bad_header(name)?.under(name.as_str()).under(key))),
            );
        }
        compiled.check_twice(&mut findings);
        findings.extend(bad_parameters(query).into_iter().map(|f| f.under("query")));
        for (name, _) in cap.iter().filter(|(_, cap)| **cap < 0) {
            let finding = Finding::error("invalid-cap", "a cap is not negative");
            findings.push(finding.under(name.as_str()).under("cap").under("query"));
        }
        if findings.is_empty() {
            Ok(compiled)
        } else {
            Err(findings)
        }
    }

    /// One name, one fate: a header or parameter is not both set and removed by the same guard.
    fn check_twice(&self, findings: &mut Vec<Finding>) {
        let twice = |name: &Arc<str>| {
            Finding::error("set-and-removed", format!("`{name}` is set and removed"))
        };
        for (name, _) in self.set.iter().filter(|(name, _)| self.is_capped(name)) {
            let finding = Finding::error("set-and-capped", format!("`{name}` is set and capped"));
            findings.push(finding.under(name.as_ref()).under("set").under("query"));
        }
        for (name, _) in self
            .headers
            .iter()
            .filter(|(name, _)| self.strip.contains(name))
        {
            findings.push(twice(name).under(name.as_ref()).under("headers"));
        }
        for (name, _) in self
            .set
            .iter()
            .filter(|(name, _)| self.remove.contains(name))
        {
            findings.push(twice(name).under(name.as_ref()).under("set").under("query"));
        }
        for (name, _) in self
            .caps
            .iter()
            .filter(|(name, _)| self.remove.contains(name))
        {
            findings.push(twice(name).under(name.as_ref()).under("cap").under("query"));
        }
    }

    fn is_capped(&self, name: &Arc<str>) -> bool {
        self.caps.iter().any(|(capped, _)| capped == name)
    }

    /// What the guard does to which name, `(kind, name, what)`; two guards that do the same to a name agree on `what`.
    pub(super) fn fates(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let lists = [
            ("header", &self.headers),
            ("query parameter", &self.set),
            ("response header", &self.response_headers),
            ("metadata", &self.metadata),
        ];
        let computed = lists.into_iter().flat_map(|(kind, list)| {
            list.iter()
                .map(move |(name, expression)| (kind, name.as_ref(), expression.source()))
        });
        let removed = self.strip.iter();
        let capped = self.caps.iter();
        let audience = self.token.iter().map(|token| &*token.audience);
        computed
            .chain(audience.map(|audience| ("token", "audience", audience)))
            .chain(removed.map(|name| ("header", name.as_ref(), "(removed)")))
            .chain(capped.map(|(name, _)| ("query parameter", name.as_ref(), "(capped)")))
    }

    /// Expressions whose attributes the guard reads.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let all = [
            &self.headers,
            &self.set,
            &self.response_headers,
            &self.metadata,
        ];
        all.into_iter().flatten().map(|(_, expression)| expression)
    }

    /// Query parameters that the guard reads or writes.
    pub(super) fn query_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.capped().chain(self.set.iter().map(|(name, _)| name))
    }

    /// Query parameters that the guard compares with a cap, as they were sent.
    pub(super) fn capped(&self) -> impl Iterator<Item = &Arc<str>> {
        self.caps.iter().map(|(name, _)| name)
    }
}

fn computed(
    specs: &BTreeMap<String, String>,
    language: &Language,
    of: &Type,
    key: &'static str,
    findings: &mut Vec<Finding>,
) -> Computed {
    let mut compiled = Vec::new();
    for (name, source) in specs {
        match language.value(source, of) {
            Ok(expression) => compiled.push((Arc::from(name.as_str()), expression)),
            Err(errors) => findings.extend(errors.into_iter().map(|error| {
                let finding = error.into_finding().under(name.as_str()).under(key);
                if key == "set" {
                    finding.under("query")
                } else {
                    finding
                }
            })),
        }
    }
    compiled
}

/// The merge of every guard that applies.
#[derive(Debug, Default)]
pub(super) struct Merge {
    headers: BTreeMap<Arc<str>, String>,
    strip: BTreeSet<Arc<str>>,
    query: BTreeMap<Arc<str>, String>,
    strip_query: BTreeSet<Arc<str>>,
    caps: BTreeMap<Arc<str>, i64>,
    response_headers: BTreeMap<Arc<str>, String>,
    metadata: BTreeMap<Arc<str>, Value>,
    token: Option<TokenDemand>,
}

impl Merge {
    /// Adds one guard's constraints. A value that cannot be computed, or that contradicts another guard's, is a
    /// fault: the request is not let through unconstrained.
    pub(super) fn add(
        &mut self,
        rule: &RuleId,
        constrain: &Constrain,
        facts: &Facts<'_>,
    ) -> Result<(), Fault> {
        self.strip.extend(constrain.strip.iter().cloned());
        self.strip_query.extend(constrain.remove.iter().cloned());
        if let Some(demand) = &constrain.token {
            self.token = Some(token::stricter(self.token.take(), demand, rule)?);
        }
        for (name, cap) in &constrain.caps {
            self.caps
                .entry(Arc::clone(name))
                .and_modify(|known| *known = (*known).min(*cap))
                .or_insert(*cap);
        }
        put_all(
            &mut self.headers,
            &constrain.headers,
            facts,
            header_value,
            rule,
        )?;
        put_all(&mut self.query, &constrain.set, facts, text_value, rule)?;
        put_all(
            &mut self.response_headers,
            &constrain.response_headers,
            facts,
            header_value,
            rule,
        )?;
        put_all(&mut self.metadata, &constrain.metadata, facts, Ok, rule)
    }

    /// The merged constraints for a request with this credential. Removal wins over setting; a header whose value is empty
    /// is removed.
    #[expect(
        clippy::result_large_err,
        reason = "the error is the verdict that is returned next"
    )]
    pub(super) fn finish(
        mut self,
        facts: &Facts<'_>,
        credential: Option<&TokenFacts>,
    ) -> Result<Constraints, Verdict> {
        let fault = |cause| Verdict::Fault(Fault::new(FaultCode::ConstraintFailed, cause));
        let mut demanded = self.token.iter();
        if !demanded.all(|demand| token::is_within(demand, credential)) {
            return Err(fault("the token would allow more than the credential does"));
        }
        weigh(&self.metadata).ok_or_else(|| fault("`metadata` is too large"))?;
        for (name, cap) in std::mem::take(&mut self.caps) {
            if self.query.contains_key(&name) {
                let cause =
                    format!("query parameter `{name}` is set by one guard and capped by another");
                return Err(Verdict::Fault(Fault::new(
                    FaultCode::ConstraintConflict,
                    cause,
                )));
            }
            if !self.strip_query.contains(&name)
                && let Some(value) =
                    capped(facts.request.query.get(&name), cap).map_err(Verdict::Deny)?
            {
                self.query.insert(name, value);
            }
        }
        let empty = self
            .headers
            .iter()
            .filter(|(_, value)| value.is_empty())
            .map(|(name, _)| Arc::clone(name));
        self.strip.extend(empty.collect::<Vec<_>>());
        self.headers.retain(|name, _| !self.strip.contains(name));
        self.query
            .retain(|name, _| !self.strip_query.contains(name));
        self.response_headers.retain(|_, value| !value.is_empty());
        let Self {
            headers,
            strip,
            query,
            strip_query,
            caps: _,
            response_headers,
            metadata,
            token,
        } = self;
        Ok(Constraints {
            headers,
            strip,
            query,
            strip_query,
            response_headers,
            metadata,
            token,
        })
    }
}

/// Whether the metadata is within its bounds: later filters may rely on it, so it is never cut.
fn weigh(metadata: &BTreeMap<Arc<str>, Value>) -> Option<()> {
    let mut budget = MAX_METADATA_BYTES;
    metadata.iter().try_for_each(|(name, value)| {
        budget = budget.checked_sub(name.len())?;
        value.weigh(MAX_METADATA_DEPTH, &mut budget)
    })
}

fn put_all<T: PartialEq>(
    map: &mut BTreeMap<Arc<str>, T>,
    computed: &Computed,
    facts: &Facts<'_>,
    convert: fn(Value) -> Result<T, &'static str>,
    rule: &RuleId,
) -> Result<(), Fault> {
    let fault = |code, cause: String| Fault {
        code,
        cause,
        rule: Some(rule.clone()),
    };
    for (name, expression) in computed {
        let value = expression
            .evaluate(facts)
            .map_err(|error| fault(FaultCode::ConstraintFailed, format!("`{name}`: {error}")))?;
        let value = convert(value)
            .map_err(|why| fault(FaultCode::ConstraintFailed, format!("`{name}`: {why}")))?;
        match map.get(name) {
            Some(known) if *known != value => {
                let cause = format!("`{name}` is set to different values by different guards");
                return Err(fault(FaultCode::ConstraintConflict, cause));
            }
            Some(_) => {}
            None => {
                map.insert(Arc::clone(name), value);
            }
        }
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every conversion takes the value that was computed"
)]
fn text_value(value: Value) -> Result<String, &'static str> {
    match value.as_str() {
        Some(text) if text.len() > MAX_VALUE => Err("the value is too long"),
        Some(text) => Ok(text.to_owned()),
        None => Err("the value is not a string"),
    }
}

/// Only visible ASCII and inner spaces, so that a value can never end its header (CVE-2023-27493).
fn header_value(value: Value) -> Result<String, &'static str> {
    let text = text_value(value)?;
    let visible = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if visible && text.trim() == text {
        Ok(text)
    } else {
        Err("the value is not visible ASCII")
    }
}

/// The value that replaces the caller's, if it has to be replaced.
fn capped(given: Option<&str>, cap: i64) -> Result<Option<String>, Denial> {
    let Some(text) = given else {
        return Ok(Some(cap.to_string()));
    };
    match whole_number(text).filter(|number| *number >= 0) {
        Some(number) if number <= cap => Ok(None),
        Some(_) => Ok(Some(cap.to_string())),
        None => Err(Denial::new(Reason::CapNotNumeric)),
    }
}

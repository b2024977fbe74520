//! One action of a catalogue: from what the user wrote to what is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arguments::{Declarations, compile_arguments};
use super::catalogue::Entry;
use super::mcp::{check_keys, compile_messages};
use super::operation::{method_of, parameters_of, parse_grpc, parse_http, pattern_of};
use super::routes::is_below;
use super::spec::{ActionSpec, ParameterSpec, ResourceSpec};
use crate::expression::Expression;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::name::{ActionId, RouteId};
use crate::model::route::{Action, Operation, QueryParameter, RouteMatch, Tier, TierError};
use crate::model::schema;
use crate::model::value::Type;

/// Checks an action and reports everything that is wrong with it; paths of findings start at the action.
pub(super) fn compile_action(
    route: &RouteId,
    name: &str,
    spec: &ActionSpec,
    matches: Option<&RouteMatch>,
    is_mcp: bool,
) -> Result<Entry, Vec<Finding>> {
    let ActionSpec {
        http,
        grpc,
        tool: _,
        prompt: _,
        uri,
        tier,
        scope,
        params,
        query,
        args,
        extra,
        definition,
        resource,
    } = spec;
    let mut findings = Vec::new();
    let id = ActionId::new(name)
        .map_err(|error| findings.push(Finding::error("invalid-name", error.to_string())));
    check_keys(name, spec, is_mcp, &mut findings);
    let operations = if is_mcp {
        compile_messages(spec, &mut findings)
    } else if findings.is_empty() || http.is_some() || grpc.is_some() {
        compile_operations(http.as_ref(), grpc.as_ref(), matches, &mut findings)
    } else {
        Vec::new()
    };
    let tier = compile_tier(tier.as_deref(), &mut findings);
    let params = compile_params(&operations, params, &mut findings);
    let query = compile_query(query, &mut findings);
    let scope = compile_scope(scope, &mut findings);
    let Declarations {
        args,
        extra,
        places,
    } = compile_arguments(args, extra.as_deref(), &operations, &mut findings);
    let kind = resource.as_ref().map(|resource| resource.kind.as_str());
    if kind == Some("") {
        let finding = Finding::error("invalid-resource", "a resource has a type");
        findings.push(finding.under("type").under("resource"));
    }
    let (Ok(id), Some(tier), true) = (id, tier, findings.is_empty()) else {
        return Err(findings);
    };
    let kind = kind.or(uri.as_ref().map(|_| "mcp_resource"));
    let action = Action {
        id,
        route: route.clone(),
        tier,
        scope,
        operations,
        params,
        query,
        args,
        extra,
        definition: definition.as_deref().map(Arc::from),
        builtin: false,
        resource: kind.map(Arc::from),
    };
    let resource_id = resource
        .as_ref()
        .map(|spec| compile_resource(spec, &action))
        .transpose()?;
    Ok(Entry {
        action: Arc::new(action),
        resource_id,
        places,
    })
}

fn compile_tier(tier: Option<&str>, findings: &mut Vec<Finding>) -> Option<Tier> {
    let tier = tier.unwrap_or("low").parse::<Tier>();
    let refused = |error: TierError| {
        findings.push(Finding::error("invalid-tier", error.to_string()).under("tier"));
    };
    tier.map_err(refused).ok()
}

fn compile_operations(
    http: Option<&OneOrMany<String>>,
    grpc: Option<&OneOrMany<String>>,
    matches: Option<&RouteMatch>,
    findings: &mut Vec<Finding>,
) -> Vec<Operation> {
    type Parse = fn(&str) -> Result<Operation, String>;
    let mut operations: Vec<Operation> = Vec::new();
    let sources: [(&str, Option<&OneOrMany<String>>, Parse); 2] =
        [("http", http, parse_http), ("grpc", grpc, parse_grpc)];
    for (key, list, parse) in sources {
        let Some(list) = list else { continue };
        for (index, text) in list.items().iter().enumerate() {
            let place = |finding: Finding| list.place(index, finding).under(key);
            match parse(text) {
                Ok(operation) if is_reachable(&operation, matches) => operations.push(operation),
                Ok(operation) => findings.push(place(unreachable_operation(&operation, matches))),
                Err(message) => findings.push(place(Finding::error("invalid-operation", message))),
            }
        }
    }
    if operations.is_empty() && findings.is_empty() {
        let finding = Finding::error("no-operation", "the action stands for no request");
        findings.push(
            finding.help("write `http: \"GET /v1/customers\"` or `grpc: package.Service/Method`"),
        );
    }
    operations
}

fn is_reachable(operation: &Operation, matches: Option<&RouteMatch>) -> bool {
    match matches {
        Some(RouteMatch::Host { prefix, .. }) => is_below(&pattern_of(operation), prefix),
        Some(RouteMatch::Extension) | None => true,
    }
}

fn unreachable_operation(operation: &Operation, matches: Option<&RouteMatch>) -> Finding {
    let prefix = match matches {
        Some(RouteMatch::Host { prefix, .. }) => prefix.as_str(),
        _ => "/",
    };
    let method = method_of(operation).unwrap_or("*");
    Finding::error(
        "unreachable-action",
        format!("`{operation}` is not below the route's path `{prefix}`"),
    )
    .help(format!(
        "paths are absolute: write `{method} {prefix}{}`",
        pattern_of(operation)
    ))
}

/// Every operation of an action has the same parameters, so that rules can rely on them.
fn compile_params(
    operations: &[Operation],
    declared: &BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<Arc<str>, Type> {
    let mut sets = operations.iter().map(parameters_of);
    let names = sets.next().unwrap_or_default();
    if sets.any(|other| other != names) {
        findings.push(Finding::error(
            "different-parameters",
            "the operations of one action have different parameters",
        ));
    }
    let mut params: BTreeMap<Arc<str>, Type> =
        names.into_iter().map(|name| (name, Type::String)).collect();
    for (name, of) in declared {
        match (params.get_mut(name.as_str()), parse_scalar(of)) {
            (Some(slot), Ok(of)) => *slot = of,
            (None, _) => findings.push(
                Finding::error(
                    "unknown-parameter",
                    format!("no pattern has a parameter `{name}`"),
                )
                .under(name.as_str())
                .under("params"),
            ),
            (_, Err(finding)) => findings.push(finding.under(name.as_str()).under("params")),
        }
    }
    params
}

fn compile_query(
    declared: &BTreeMap<String, ParameterSpec>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<Arc<str>, QueryParameter> {
    let mut query = BTreeMap::new();
    for (name, ParameterSpec { of, optional, at }) in declared {
        if at.is_some() {
            let finding = Finding::error("misplaced-key", "`at` is for `args`");
            let finding = finding.help("a query parameter has one place: remove `at`");
            findings.push(finding.under("at").under(name.as_str()).under("query"));
        }
        match parse_scalar(of) {
            Ok(of) => {
                query.insert(
                    Arc::from(name.as_str()),
                    QueryParameter {
                        of,
                        optional: *optional,
                    },
                );
            }
            Err(finding) => findings.push(finding.under(name.as_str()).under("query")),
        }
    }
    query
}

fn parse_scalar(text: &str) -> Result<Type, Finding> {
    match text.parse::<Type>() {
        Ok(of @ (Type::Bool | Type::Int | Type::Double | Type::String | Type::Timestamp)) => Ok(of),
        Ok(_) => Err(Finding::error(
            "invalid-type",
            format!("`{text}` is not a type that a parameter can have"),
        )),
        Err(error) => Err(Finding::error("invalid-type", error.to_string())),
    }
}

fn compile_scope(spec: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Arc<str>> {
    let mut scope: Vec<Arc<str>> = Vec::new();
    for text in spec.items() {
        for token in text.split(' ') {
            // RFC 6749, section 3.3: %x21 / %x23-5B / %x5D-7E.
            let valid = !token.is_empty()
                && token
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
            if valid {
                scope.push(Arc::from(token));
            } else {
                findings.push(
                    Finding::error("invalid-scope", format!("`{text}` is no scope")).under("scope"),
                );
            }
        }
    }
    scope.sort();
    scope.dedup();
    scope
}

fn compile_resource(spec: &ResourceSpec, action: &Action) -> Result<Expression, Vec<Finding>> {
    let ResourceSpec { kind: _, id } = spec;
    Expression::compile(id, &schema::of_resource(action), &Type::String).map_err(|errors| {
        let place = |finding: Finding| finding.under("id").under("resource");
        errors
            .into_iter()
            .map(|error| place(error.into_finding()))
            .collect()
    })
}

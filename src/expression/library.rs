//! The functions that expressions are evaluated with: the standard library, and the strict ones that a checked
//! expression calls instead of standard operators when the type of an operand is known only at run time.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::{CelBool, CelList, CelMap, CelString, DYN_TYPE, Kind, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Context, Env, ExecutionError, Value};
use regex::{Regex, RegexBuilder};

use super::limits::{MAX_PATTERN, MAX_PATTERN_NESTING};

pub(super) const EQUALS: &str = "@eq";
pub(super) const LESS: &str = "@lt";
pub(super) const LESS_EQUALS: &str = "@le";
pub(super) const GREATER: &str = "@gt";
pub(super) const GREATER_EQUALS: &str = "@ge";
pub(super) const IN: &str = "@contains";
pub(super) const BOOL: &str = "@bool";
pub(super) const MATCHES: &str = "@matches";

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

const PATTERN: Type = Type::new_unspecified_type("pattern");
static PATTERN_TYPE: Type = PATTERN;

/// Made once: it holds some two hundred overloads. Should one of ours not be accepted, expressions that use it would
/// fail, never pass.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let two = || vec![DYN_TYPE, DYN_TYPE];
    let declared = [
        env.add_overload(EQUALS, EQUALS, two(), equals),
        env.add_overload(LESS, LESS, two(), |args| {
            order(LESS, &args, Ordering::is_lt)
        }),
        env.add_overload(LESS_EQUALS, LESS_EQUALS, two(), |args| {
            order(LESS_EQUALS, &args, Ordering::is_le)
        }),
        env.add_overload(GREATER, GREATER, two(), |args| {
            order(GREATER, &args, Ordering::is_gt)
        }),
        env.add_overload(GREATER_EQUALS, GREATER_EQUALS, two(), |args| {
            order(GREATER_EQUALS, &args, Ordering::is_ge)
        }),
        env.add_overload(IN, IN, two(), contains),
        env.add_overload(BOOL, BOOL, vec![DYN_TYPE], truth),
        env.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, PATTERN], matches),
    ];
    debug_assert!(declared.iter().all(Result::is_ok));
    Arc::new(env)
});

/// The shared environment.
pub(super) fn env() -> Arc<Env> {
    Arc::clone(&ENV)
}

/// The operator behind one of our functions, as it is written, and what it takes.
pub(super) fn written(function: &str) -> Option<(&'static str, &'static str)> {
    let one_type = "values of one type";
    Some(match function {
        EQUALS => ("==", one_type),
        LESS => ("<", one_type),
        LESS_EQUALS => ("<=", one_type),
        GREATER => (">", one_type),
        GREATER_EQUALS => (">=", one_type),
        IN => ("in", "a list of values of that type, or a map"),
        BOOL => ("&&", "true or false"),
        MATCHES => ("matches", "a `string`"),
        _ => return None,
    })
}

/// The value of `timestamp("…")` or `duration("…")`.
pub(super) fn constant_time(function: &str, text: &str) -> Option<Box<dyn Val>> {
    let text = LiteralValue::String(text.to_owned().into());
    let call = IdedExpr {
        id: 0,
        expr: Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args: vec![IdedExpr {
                id: 0,
                expr: Expr::Literal(text),
            }],
        }),
    };
    let context = Context::with_env(env());
    Value::resolve_val(&call, &context)
        .ok()
        .map(CowVal::into_owned)
}

/// A pattern that was compiled at load. Matching takes time linear in the text, whatever the pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn compile(pattern: &str) -> Result<Self, regex::Error> {
        RegexBuilder::new(pattern)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN)
            .nest_limit(MAX_PATTERN_NESTING)
            .build()
            .map(Self)
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

fn wrong(function: &str) -> ExecutionError {
    ExecutionError::function_error(function, "")
}

fn answer<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

fn two<'a, 'b, 'v>(
    function: &str,
    args: &'a Args<'b, 'v>,
) -> Result<(&'a (dyn Val + 'v), &'a (dyn Val + 'v)), ExecutionError> {
    match args.as_slice() {
        [a, b] => Ok((a.as_ref(), b.as_ref())),
        _ => Err(wrong(function)),
    }
}

fn equals<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let (a, b) = two(EQUALS, &args)?;
    same(a, b).map(answer).ok_or_else(|| wrong(EQUALS))
}

/// Whether two values are equal; `None` if they, or two of their items, have different types.
fn same(a: &dyn Val, b: &dyn Val) -> Option<bool> {
    if a.get_type().kind() != b.get_type().kind() {
        return None;
    }
    if let (Some(a), Some(b)) = (
        a.downcast_ref::<CelList<'_>>(),
        b.downcast_ref::<CelList<'_>>(),
    ) {
        let pairs = a.inner().iter().zip(b.inner());
        return all(
            a.inner().len() == b.inner().len(),
            pairs.map(|(a, b)| same(a.as_ref(), b.as_ref())),
        );
    }
    if let (Some(a), Some(b)) = (
        a.downcast_ref::<CelMap<'_>>(),
        b.downcast_ref::<CelMap<'_>>(),
    ) {
        let pairs = a.inner().iter().map(|(key, a)| match b.inner().get(key) {
            Some(b) => same(a.as_ref(), b.as_ref()),
            None => Some(false),
        });
        return all(a.inner().len() == b.inner().len(), pairs);
    }
    Some(a.equals(b))
}

/// Whether all parts are equal; an incomparable pair counts even after a difference, so that order does not matter.
fn all(same_size: bool, parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    parts.fold(Some(same_size), |so_far, part| Some(so_far? & part?))
}

fn order<'b, 'v>(
    function: &str,
    args: &Args<'b, 'v>,
    holds: fn(Ordering) -> bool,
) -> Answer<'b, 'v> {
    let (a, b) = two(function, args)?;
    let kind = a.get_type().kind();
    let ordered = matches!(
        kind,
        Kind::Int | Kind::Double | Kind::String | Kind::Timestamp | Kind::Duration
    );
    if !ordered || kind != b.get_type().kind() {
        return Err(wrong(function));
    }
    let comparer = a.as_comparer().ok_or_else(|| wrong(function))?;
    comparer.compare(b).map(|ordering| answer(holds(ordering)))
}

fn contains<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let (item, container) = two(IN, &args)?;
    if let Some(list) = container.downcast_ref::<CelList<'_>>() {
        let mut found = false;
        for entry in list.inner() {
            found |= same(item, entry.as_ref()).ok_or_else(|| wrong(IN))?;
        }
        return Ok(answer(found));
    }
    let map = container
        .downcast_ref::<CelMap<'_>>()
        .and_then(Val::as_container);
    match (map, item.downcast_ref::<CelString<'_>>()) {
        (Some(map), Some(key)) => map.contains(key).map(answer),
        _ => Err(wrong(IN)),
    }
}

fn truth<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    args.into_iter()
        .next()
        .filter(|value| value.downcast_ref::<CelBool>().is_some())
        .ok_or_else(|| wrong(BOOL))
}

fn matches<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let (text, pattern) = two(MATCHES, &args)?;
    match (
        text.downcast_ref::<CelString<'_>>(),
        pattern.downcast_ref::<Pattern>(),
    ) {
        (Some(text), Some(pattern)) => Ok(answer(pattern.0.is_match(text.inner()))),
        _ => Err(wrong(MATCHES)),
    }
}

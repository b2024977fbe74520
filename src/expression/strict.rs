//! Functions that refuse values of two types. The interpreter's own operators call values of two types unequal, and
//! order whole numbers among fractions.

use std::cmp::Ordering;

use cel::ExecutionError;
use cel::common::types::{CelBool, CelList, CelMap, CelString, Kind};
use cel::common::value::{CowVal, Val};

use super::library::{BOOL, EQUALS, IN};

/// The arguments of a function of the interpreter.
pub(super) type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
/// What it answers.
pub(super) type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

pub(super) fn wrong(function: &str) -> ExecutionError {
    ExecutionError::function_error(function, "")
}

pub(super) fn answer<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

pub(super) fn two<'a, 'b, 'v>(
    function: &str,
    args: &'a Args<'b, 'v>,
) -> Result<(&'a (dyn Val + 'v), &'a (dyn Val + 'v)), ExecutionError> {
    match args.as_slice() {
        [a, b] => Ok((a.as_ref(), b.as_ref())),
        _ => Err(wrong(function)),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands functions their arguments"
)]
pub(super) fn equals<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
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
fn all(same_size: bool, mut parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    parts.try_fold(same_size, |so_far, part| Some(so_far & part?))
}

pub(super) fn order<'b, 'v>(
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

#[expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands functions their arguments"
)]
pub(super) fn contains<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
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

pub(super) fn truth<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    args.into_iter()
        .next()
        .filter(|value| value.downcast_ref::<CelBool>().is_some())
        .ok_or_else(|| wrong(BOOL))
}

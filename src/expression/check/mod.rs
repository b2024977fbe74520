//! The load-time walk: every node gets a type, every attribute is resolved, presence is proven, cost is bounded, and
//! the tree is rewritten into one that the interpreter evaluates strictly. Nothing is evaluated here but literals.
//!
//! The rewriting: an attribute path becomes one variable; `a && b` becomes `a ? b : false` and `a || b` becomes
//! `a ? true : b`, so that an error on the left is an error of the whole; comparisons that touch a `dyn` go to functions
//! that refuse values of two types; macros become loops without the error absorption of standard CEL.

mod build;
mod call;
mod constants;
mod functions;
mod index;
mod logic;
mod loops;
mod operator;
mod path;
mod presence;
mod written;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::error::ExpressionError;
use super::limits::{MAX_COST, UNKNOWN_SIZE};
use super::parse::Parsed;
use super::place::{Known, Place, Proofs};
use super::program::Draft;
use super::typing::{Relation, article, join, relate};
use crate::model::schema::Schema;
use crate::model::value::Type;

/// A checked and rewritten expression.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) root: IdedExpr,
    /// Its type; `dyn` is checked against the expected type when it is evaluated.
    pub(super) of: Type,
    /// What it reads.
    pub(super) draft: Draft,
}

/// Checks `parsed`, whose value must be an `expected`; every problem is reported, in the order of the source.
pub(super) fn check(
    parsed: &Parsed,
    schema: &Schema,
    expected: &Type,
) -> Result<Checked, Vec<ExpressionError>> {
    let mut checker = Checker {
        parsed,
        schema,
        draft: Draft::default(),
        errors: Vec::new(),
        variables: Vec::new(),
        loops: 0,
    };
    let root = checker.node(&parsed.root, &Known::default());
    let result = root.and_then(|root| checker.result(root, expected));
    let Checker {
        draft, mut errors, ..
    } = checker;
    match result {
        Some((root, of)) if errors.is_empty() => Ok(Checked { root, of, draft }),
        _ => {
            errors.sort_by_key(|error| error.offset);
            errors.dedup();
            Err(errors)
        }
    }
}

/// A checked node.
#[derive(Clone, Debug)]
struct Typed {
    expr: IdedExpr,
    of: Type,
    /// Estimated steps to evaluate it.
    cost: u64,
    /// Most values that it can hold, itself included.
    size: u64,
    /// Where it is read from, if it is only read.
    place: Option<Place>,
    proofs: Proofs,
}

/// A loop variable.
#[derive(Debug)]
struct Variable {
    written: String,
    name: String,
    of: Type,
    size: u64,
}

#[derive(Debug)]
struct Checker<'a> {
    parsed: &'a Parsed,
    schema: &'a Schema,
    draft: Draft,
    errors: Vec<ExpressionError>,
    variables: Vec<Variable>,
    /// Loops so far, for names that are theirs alone.
    loops: usize,
}

impl Checker<'_> {
    /// Checks one node where `known` is present. `None`: it has problems, which are reported.
    fn node(&mut self, expr: &IdedExpr, known: &Known) -> Option<Typed> {
        match &expr.expr {
            Expr::Literal(value) => self.literal(expr, value),
            Expr::Ident(_) | Expr::Select(_) => self.path(expr, known),
            Expr::Call(call) if call.func_name == operators::INDEX => self.path(expr, known),
            Expr::Call(call) => self.call(expr, call, known),
            Expr::List(list) => self.list(expr, &list.elements, known),
            Expr::Map(_) | Expr::Struct(_) => self.refuse(expr, "maps cannot be written here"),
            Expr::Comprehension(_) | Expr::Unspecified => self.refuse(expr, "this cannot be read"),
        }
    }

    fn refuse<T>(&mut self, expr: &IdedExpr, message: impl Into<String>) -> Option<T> {
        self.report(ExpressionError::new(self.parsed.start(expr), message))
    }

    fn report<T>(&mut self, error: ExpressionError) -> Option<T> {
        self.errors.push(error);
        None
    }

    fn literal(&mut self, expr: &IdedExpr, value: &LiteralValue) -> Option<Typed> {
        let of = match value {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::String(_) => Type::String,
            LiteralValue::UInt(_) => {
                return self.refuse(expr, "there are no unsigned numbers: write it without `u`");
            }
            LiteralValue::Bytes(_) => {
                return self.refuse(expr, "there are no bytes: write it without `b`");
            }
            LiteralValue::Null => {
                return self.refuse(expr, "nothing is null: test presence with `has(…)`");
            }
        };
        let mut typed = Typed::scalar(build::node(Expr::Literal(value.clone())), of, 0);
        if let LiteralValue::Boolean(value) = value {
            typed.proofs = Proofs::literal(*value.inner());
        }
        Some(typed)
    }

    fn list(&mut self, expr: &IdedExpr, elements: &[IdedExpr], known: &Known) -> Option<Typed> {
        let checked: Vec<Option<Typed>> =
            elements.iter().map(|item| self.node(item, known)).collect();
        let checked: Vec<Typed> = checked.into_iter().collect::<Option<_>>()?;
        let mut item = checked.first().map_or(Type::Dyn, |first| first.of.clone());
        for element in &checked {
            let Some(joined) = join(&item, &element.of) else {
                let (a, b) = (article(&item), article(&element.of));
                return self.refuse(expr, format!("a list cannot hold {a} and {b}"));
            };
            item = joined;
        }
        let cost = checked
            .iter()
            .map(|element| element.cost + element.size)
            .sum();
        let size = checked.iter().map(|element| element.size).sum::<u64>() + 1;
        let items = checked.into_iter().map(|element| element.expr).collect();
        Some(Typed {
            size,
            ..Typed::scalar(build::list(items), Type::List(Box::new(item)), cost)
        })
    }

    /// The checked root, if it has the type that is expected and a cost that can be afforded.
    fn result(&mut self, root: Typed, expected: &Type) -> Option<(IdedExpr, Type)> {
        if root.of == Type::Duration {
            let message = "a duration is no result: compare it with another";
            return self.report(ExpressionError::new(0, message));
        }
        if relate(&root.of, expected) == Relation::Different {
            let message = format!(
                "this must be {}, and is {}",
                article(expected),
                article(&root.of)
            );
            return self.report(ExpressionError::new(0, message));
        }
        let cost = root.cost.saturating_add(self.draft.cost());
        if cost > MAX_COST {
            let message = format!("this may take more than {MAX_COST} steps");
            let help =
                format!("a list of the request counts as {UNKNOWN_SIZE} items: nest fewer loops");
            return self.report(ExpressionError::new(0, message).help(help));
        }
        Some((root.expr, root.of))
    }
}

impl Typed {
    /// A value that is not only read, proves nothing, and holds one value.
    fn scalar(expr: IdedExpr, of: Type, cost: u64) -> Self {
        Self {
            expr,
            of,
            cost: cost.saturating_add(1),
            size: 1,
            place: None,
            proofs: Proofs::nothing(),
        }
    }
}

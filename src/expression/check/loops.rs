//! `all`, `exists`, `exists_one`, `filter` and `map`, as loops that end with the first error.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, operators};

use super::{Checker, Typed, Variable, build};
use crate::expression::limits::{MAX_COST, MAX_LOOPS};
use crate::expression::place::Known;
use crate::expression::typing::{article, size_of};
use crate::model::value::Type;

/// A loop whose range is checked and whose variable is in scope.
struct Loop {
    range: Typed,
    item: Type,
    variable: String,
    result: String,
}

/// What happens in a loop.
struct Steps {
    start: IdedExpr,
    proceed: IdedExpr,
    step: IdedExpr,
    end: IdedExpr,
}

impl Loop {
    fn result(&self) -> IdedExpr {
        build::variable(&self.result)
    }

    fn append(&self, item: IdedExpr) -> IdedExpr {
        build::call(operators::ADD, vec![self.result(), build::list(vec![item])])
    }

    /// The loop as a value of type `of`, `body` being the cost of one turn.
    fn finish(self, steps: Steps, of: Type, body: u64, size: u64) -> Typed {
        let turn = body.saturating_add(4);
        let steps_taken = self.range.size.saturating_mul(turn);
        // What is over the bound stays just over it, so that no sum of costs overflows.
        let cost = steps_taken.min(MAX_COST).saturating_add(self.range.cost);
        let node = ComprehensionExpr {
            iter_range: self.range.expr,
            iter_var: self.variable,
            iter_var2: None,
            accu_var: self.result,
            accu_init: steps.start,
            loop_cond: steps.proceed,
            loop_step: steps.step,
            result: steps.end,
        };
        Typed {
            size,
            ..Typed::scalar(build::node(Expr::Comprehension(Box::new(node))), of, cost)
        }
    }
}

impl Checker<'_> {
    pub(super) fn macro_call(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        range: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let [written, bodies @ ..] = args else {
            return self.misused(expr, name);
        };
        let (guard, body) = match (name, bodies) {
            (_, [body]) => (None, body),
            ("map", [guard, body]) => (Some(guard), body),
            _ => return self.misused(expr, name),
        };
        let Expr::Ident(variable) = &written.expr else {
            return self.refuse(
                written,
                format!("the first part of `{name}` is a name for the items"),
            );
        };
        let range = self.node(range, known);
        let turn = self.enter(expr, written, variable, range?)?;
        let typed = self.turns(name, turn, guard, body, known);
        self.variables.pop();
        typed
    }

    fn misused(&mut self, expr: &IdedExpr, name: &str) -> Option<Typed> {
        self.refuse(expr, format!("`{name}` is written `list.{name}(x, …)`"))
    }

    /// Brings the variable into scope.
    fn enter(
        &mut self,
        expr: &IdedExpr,
        at: &IdedExpr,
        written: &str,
        range: Typed,
    ) -> Option<Loop> {
        let item = match &range.of {
            Type::List(item) => item.as_ref().clone(),
            Type::Map(_) => Type::String,
            Type::Dyn => Type::Dyn,
            other => {
                return self.refuse(
                    expr,
                    format!(
                        "only a list or a map has items, and this is {}",
                        article(other)
                    ),
                );
            }
        };
        if self.variables.len() >= MAX_LOOPS {
            return self.refuse(
                expr,
                format!("loops may stand in one another {MAX_LOOPS} deep"),
            );
        }
        if self.schema.resolve(&[written]).is_ok() || written.starts_with('.') {
            return self.refuse(
                at,
                format!("`{written}` is an attribute: give the items another name"),
            );
        }
        self.loops += 1;
        let variable = format!("@v{}", self.loops);
        self.variables.push(Variable {
            written: written.to_owned(),
            name: variable.clone(),
            of: item.clone(),
            size: size_of(&item).min(range.size),
        });
        let result = format!("@r{}", self.loops);
        Some(Loop {
            range,
            item,
            variable,
            result,
        })
    }

    fn turns(
        &mut self,
        name: &str,
        turn: Loop,
        guard: Option<&IdedExpr>,
        body: &IdedExpr,
        known: &Known,
    ) -> Option<Typed> {
        match name {
            "map" => self.mapped(turn, guard, body, known),
            "filter" => {
                let body = self.truth(body, known)?;
                let item = build::variable(&turn.variable);
                let step = build::conditional(body.expr, turn.append(item), turn.result());
                let (of, size) = (Type::List(Box::new(turn.item.clone())), turn.range.size);
                let steps = collected(&turn, step);
                Some(turn.finish(steps, of, body.cost, size))
            }
            "exists_one" => {
                let body = self.truth(body, known)?;
                let more = build::call(operators::ADD, vec![turn.result(), build::number(1)]);
                let steps = Steps {
                    start: build::number(0),
                    proceed: build::truth(true),
                    step: build::conditional(body.expr, more, turn.result()),
                    end: build::call(operators::EQUALS, vec![turn.result(), build::number(1)]),
                };
                Some(turn.finish(steps, Type::Bool, body.cost, 1))
            }
            _ => {
                let all = name == "all";
                let body = self.truth(body, known)?;
                // The loop ends as soon as the result is known; an error in a turn is an error of the loop.
                let proceed = if all {
                    turn.result()
                } else {
                    build::not(turn.result())
                };
                let steps = Steps {
                    start: build::truth(all),
                    proceed,
                    step: body.expr,
                    end: turn.result(),
                };
                Some(turn.finish(steps, Type::Bool, body.cost, 1))
            }
        }
    }

    fn mapped(
        &mut self,
        turn: Loop,
        guard: Option<&IdedExpr>,
        body: &IdedExpr,
        known: &Known,
    ) -> Option<Typed> {
        let guard = match guard {
            Some(guard) => Some(self.truth(guard, known)?),
            None => None,
        };
        let known = guard
            .as_ref()
            .map_or_else(|| known.clone(), |guard| known.and(&guard.proofs.yes));
        let body = self.node(body, &known)?;
        let cost = body.cost + body.size + guard.as_ref().map_or(0, |guard| guard.cost);
        let size = turn.range.size.saturating_mul(body.size).min(MAX_COST);
        let appended = turn.append(body.expr);
        let step = match guard {
            Some(guard) => build::conditional(guard.expr, appended, turn.result()),
            None => appended,
        };
        let steps = collected(&turn, step);
        Some(turn.finish(steps, Type::List(Box::new(body.of)), cost, size))
    }
}

/// A loop that collects: the form that the interpreter recognises and appends to in place.
fn collected(turn: &Loop, step: IdedExpr) -> Steps {
    Steps {
        start: build::list(Vec::new()),
        proceed: build::truth(true),
        step,
        end: turn.result(),
    }
}

//! Source to syntax tree, with every bound on it checked.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, SourceInfo};
use cel::{Env, ParseError, ParseErrors};

use super::error::ExpressionError;
use super::limits::{MAX_DEPTH, MAX_NESTING, MAX_NODES, MAX_SOURCE, PARSER_STACK};

/// A parsed expression and where its nodes stand.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) root: IdedExpr,
    positions: SourceInfo,
}

/// Parses `source` without expanding macros: `has(a.b)` and `x.all(…)` stay calls.
///
/// The parser is recursive descent with large frames, so it runs on a thread of its own with a stack that fits the
/// nesting that it accepts. Should it ever panic, the thread ends and the source is refused.
pub(super) fn parse(source: &str) -> Result<Parsed, Vec<ExpressionError>> {
    if source.len() > MAX_SOURCE {
        let message = format!("the expression is longer than {MAX_SOURCE} bytes");
        return Err(vec![ExpressionError::new(MAX_SOURCE, message)]);
    }
    if source.trim().is_empty() {
        return Err(vec![ExpressionError::new(0, "the expression is empty")]);
    }
    let text = source.to_owned();
    let thread = std::thread::Builder::new()
        .name("expression-parser".into())
        .stack_size(PARSER_STACK);
    let parsing = thread.spawn(move || parse_here(&text)).map_err(|error| {
        let message = format!("cannot start the parser: {error}");
        vec![ExpressionError::new(0, message)]
    })?;
    parsing.join().unwrap_or_else(|_| {
        Err(vec![ExpressionError::new(
            0,
            "the expression cannot be parsed",
        )])
    })
}

fn parse_here(source: &str) -> Result<Parsed, Vec<ExpressionError>> {
    let env = Env::default().with_optional_support(false);
    let (root, positions) = env
        .parser()
        .max_recursion_depth(MAX_NESTING)
        .parse_with_source_info(source)
        .map_err(|errors| translate(source, &errors))?;
    let mut nodes = 0;
    if !fits(&root, 0, &mut nodes) {
        let message = format!(
            "the expression is too large: at most {MAX_NODES} parts, nested at most {MAX_DEPTH} deep"
        );
        return Err(vec![ExpressionError::new(0, message)]);
    }
    Ok(Parsed { root, positions })
}

/// Syntax errors in the order of the source. One mistake often makes the parser report several; the first of each
/// position is kept.
fn translate(source: &str, errors: &ParseErrors) -> Vec<ExpressionError> {
    let mut found: Vec<ExpressionError> = errors
        .errors
        .iter()
        .map(|error| {
            let message = error.msg.trim_start_matches("Syntax error: ");
            ExpressionError::new(
                position(source, error),
                format!("cannot be parsed: {message}"),
            )
        })
        .collect();
    found.sort_by_key(|error| error.offset);
    found.dedup_by_key(|error| error.offset);
    found
}

/// The parser counts lines from 1 and columns in characters from 1.
fn position(source: &str, error: &ParseError) -> usize {
    let (line, column) = error.pos;
    let count = |at: isize| usize::try_from(at.saturating_sub(1)).unwrap_or(0);
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(count(line)).map(str::len).sum();
    let rest = lines.next().unwrap_or_default();
    let within: usize = rest.chars().take(count(column)).map(char::len_utf8).sum();
    (before + within).min(source.len())
}

fn fits(expr: &IdedExpr, depth: usize, nodes: &mut usize) -> bool {
    *nodes += 1;
    depth < MAX_DEPTH
        && *nodes <= MAX_NODES
        && children(expr)
            .into_iter()
            .all(|child| fits(child, depth + 1, nodes))
}

fn children(expr: &IdedExpr) -> Vec<&IdedExpr> {
    match &expr.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| values(&entry.expr))
            .collect(),
        Expr::Struct(structure) => {
            let entries = structure.entries.iter();
            entries.flat_map(|entry| values(&entry.expr)).collect()
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Comprehension(_) => {
            Vec::new()
        }
    }
}

fn values(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

impl Parsed {
    /// Where `expr` starts: the position of its leftmost part.
    pub(super) fn start(&self, expr: &IdedExpr) -> usize {
        let mut first = expr;
        loop {
            first = match &first.expr {
                Expr::Select(select) => &select.operand,
                Expr::Call(call) => match (&call.target, call.args.first()) {
                    (Some(target), _) => target,
                    (None, Some(left)) if is_infix(&call.func_name) => left,
                    // The position of a call is its bracket; its name stands before.
                    (None, _) if is_word(&call.func_name) => {
                        return self.at(first).saturating_sub(call.func_name.len());
                    }
                    (None, _) => return self.at(first),
                },
                _ => return self.at(first),
            };
        }
    }

    /// Where the operator of `expr` stands, or where it starts if it has none.
    pub(super) fn at(&self, expr: &IdedExpr) -> usize {
        self.positions
            .offset_for(expr.id)
            .and_then(|(start, _)| usize::try_from(start).ok())
            .unwrap_or(0)
    }
}

fn is_infix(name: &str) -> bool {
    name.starts_with('_') || name == cel::common::ast::operators::IN
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
}

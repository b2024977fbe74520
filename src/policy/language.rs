//! Expressions compiled against one schema, each text once: a large policy says the same of many callers.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::expression::{Condition, Expression, ExpressionError};
use crate::model::schema::Schema;
use crate::model::value::Type;

/// What expressions on an action can say. Equal texts are one expression, whatever rule they stand in.
#[derive(Debug)]
pub(super) struct Language {
    schema: Schema,
    conditions: RefCell<HashMap<Box<str>, Condition>>,
    values: RefCell<HashMap<(Box<str>, Type), Expression>>,
}

impl Language {
    /// The one of this schema; nothing is said in it yet.
    pub(super) fn new(schema: Schema) -> Self {
        Self {
            schema,
            conditions: RefCell::default(),
            values: RefCell::default(),
        }
    }

    /// What its expressions may read.
    pub(super) const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// See [`Condition::compile`].
    pub(super) fn condition(&self, source: &str) -> Result<Condition, Vec<ExpressionError>> {
        let known = self.conditions.borrow().get(source).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let compiled = Condition::compile(source, &self.schema)?;
        let shared = compiled.clone();
        self.conditions
            .borrow_mut()
            .insert(Box::from(source), shared);
        Ok(compiled)
    }

    /// See [`Expression::compile`].
    pub(super) fn value(
        &self,
        source: &str,
        of: &Type,
    ) -> Result<Expression, Vec<ExpressionError>> {
        let key = (Box::from(source), of.clone());
        let known = self.values.borrow().get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let compiled = Expression::compile(source, &self.schema, of)?;
        self.values.borrow_mut().insert(key, compiled.clone());
        Ok(compiled)
    }
}

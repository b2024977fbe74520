//! What scripts answer: a word, and values behind it.

use std::sync::Arc;

use redis::{FromRedisValue, Value};

use super::super::StoreError;
use super::super::record::read_approval;
use crate::model::approval::{Approval, Spending, Status};
use crate::model::decision::DecisionId;
use crate::model::time::Timestamp;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    word: String,
    rest: Vec<Value>,
}

impl Reply {
    pub(super) fn read(value: Value) -> Result<Self, StoreError> {
        let values: Vec<Value> = Vec::from_redis_value(value).map_err(strange)?;
        let mut values = values.into_iter();
        let word = values.next().ok_or_else(|| strange(()))?;
        Ok(Self {
            word: String::from_redis_value(word).map_err(strange)?,
            rest: values.collect(),
        })
    }

    /// What was done.
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// The value at `index` behind the word.
    pub(super) fn value<T: FromRedisValue>(&self, index: usize) -> Result<T, StoreError> {
        let value = self.rest.get(index).cloned().ok_or_else(|| strange(()))?;
        T::from_redis_value(value).map_err(strange)
    }

    /// The approval behind the word.
    pub(super) fn approval(self) -> Result<Arc<Approval>, StoreError> {
        let parts: Parts =
            FromRedisValue::from_redis_value(Value::Array(self.rest)).map_err(strange)?;
        approval(parts)
    }

    /// The error for a word that this script does not say.
    pub(super) fn unknown(self) -> StoreError {
        strange(self)
    }
}

/// The record of an approval as it was written last, and what has become of it since: version, status and uses.
pub(super) type Parts = (String, u64, String, String);

/// Puts the parts together.
pub(super) fn approval(
    (record, version, status, spent): Parts,
) -> Result<Arc<Approval>, StoreError> {
    let approval = read_approval(&record)?;
    Ok(Arc::new(Approval {
        version,
        status: Status::parse(&status).ok_or_else(|| strange(()))?,
        spent: spent.lines().map(spending).collect::<Result<_, _>>()?,
        ..approval
    }))
}

/// The uses as scripts write them: a line each, decision and time.
pub(super) fn spent(approval: &Approval) -> String {
    let line = |Spending { decision, at }: &Spending| format!("{decision} {}\n", at.millis());
    approval.spent.iter().map(line).collect()
}

fn spending(line: &str) -> Result<Spending, StoreError> {
    let (decision, at) = line.split_once(' ').ok_or_else(|| strange(()))?;
    Ok(Spending {
        decision: DecisionId::new(decision),
        at: Timestamp::from_millis(at.parse().map_err(strange)?),
    })
}

/// The error for an answer that makes no sense. It says nothing of it.
pub(super) fn strange<E>(_its_words: E) -> StoreError {
    StoreError::Failed("it answers what no script of ours says".into())
}

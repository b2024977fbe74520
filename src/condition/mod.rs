//! Conditions: what somebody says is true at the moment, for the rules that ask for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::model::condition::ConditionSetting;
use crate::model::name::ConditionName;

/// The settings that this replica knows. Cheap to clone; every clone is the same memory.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    settings: Arc<ArcSwap<BTreeMap<ConditionName, Arc<ConditionSetting>>>>,
}

impl Conditions {
    /// Takes a setting over, if it is newer than what is known.
    pub fn apply(&self, setting: &Arc<ConditionSetting>) {
        self.settings.rcu(|known| {
            let mut next = BTreeMap::clone(known);
            let older = |known: &Arc<ConditionSetting>| !setting.replaces(known);
            if !next.get(&setting.name).is_some_and(older) {
                next.insert(setting.name.clone(), Arc::clone(setting));
            }
            next
        });
    }

    /// All that is known.
    pub fn entries(&self) -> Vec<Arc<ConditionSetting>> {
        self.settings.load().values().cloned().collect()
    }
}

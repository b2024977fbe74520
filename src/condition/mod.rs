//! Conditions: what somebody says is true at the moment, for the rules that ask for it.
//!
//! A value that somebody has set, and that has not expired, counts; else what the file of conditions says; else false. A request
//! reads them once, so that every rule sees the same. A name that no policy declares is never in what a request reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::model::condition::ConditionSetting;
use crate::model::name::ConditionName;
use crate::model::time::Timestamp;

/// The values of all declared conditions.
pub type Values = BTreeMap<ConditionName, bool>;

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

    /// What is true at `now`, where `declared` has every declared condition as the file sets it. Nothing is copied unless
    /// somebody has set one to something else.
    pub fn over<'a>(&self, declared: &'a Values, now: Timestamp) -> Cow<'a, Values> {
        let settings = self.settings.load();
        let mut values = Cow::Borrowed(declared);
        for (name, setting) in settings.iter() {
            let (known, said) = (declared.get(name), setting.value(now));
            if let (Some(known), Some(said)) = (known, said)
                && *known != said
            {
                values.to_mut().insert(name.clone(), said);
            }
        }
        values
    }

    /// What is known of one of them, whether or not it still counts.
    pub fn get(&self, name: &ConditionName) -> Option<Arc<ConditionSetting>> {
        self.settings.load().get(name).cloned()
    }

    /// All that is known.
    pub fn entries(&self) -> Vec<Arc<ConditionSetting>> {
        self.settings.load().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn name(text: &str) -> ConditionName {
        ConditionName::new(text).unwrap()
    }

    fn set(of: &str, value: bool, version: u64, expires: Option<u64>) -> Arc<ConditionSetting> {
        Arc::new(ConditionSetting {
            name: name(of),
            value,
            by: Arc::from("corp/alice"),
            reason: Arc::from("INC-1"),
            at: NOW,
            expires: expires.map(|seconds| NOW.plus(Duration::from_secs(seconds))),
            version,
        })
    }

    fn file() -> Values {
        BTreeMap::from([(name("incident"), false), (name("frozen"), true)])
    }

    /// `incident` and `frozen` at a moment, and whether anything was copied.
    fn seen(conditions: &Conditions, seconds: u64) -> (bool, bool, bool) {
        let file = file();
        let values = conditions.over(&file, NOW.plus(Duration::from_secs(seconds)));
        let of = |of: &str| values[&name(of)];
        (
            of("incident"),
            of("frozen"),
            matches!(values, Cow::Owned(_)),
        )
    }

    #[test]
    fn without_a_setting_the_file_counts_and_nothing_is_copied() {
        let conditions = Conditions::default();
        assert_eq!(seen(&conditions, 0), (false, true, false));
        conditions.apply(&set("incident", false, 1, None));
        conditions.apply(&set("frozen", true, 1, None));
        assert_eq!(seen(&conditions, 0), (false, true, false));
    }

    #[test]
    fn a_setting_counts_until_it_expires() {
        let conditions = Conditions::default();
        conditions.apply(&set("incident", true, 1, Some(60)));
        conditions.apply(&set("frozen", false, 1, None));
        assert_eq!(seen(&conditions, 59), (true, false, true));
        assert_eq!(seen(&conditions, 60), (false, false, true));
        // Taken back: one that has expired already.
        conditions.apply(&set("frozen", false, 2, Some(0)));
        assert_eq!(seen(&conditions, 60), (false, true, false));
    }

    #[test]
    fn the_newer_setting_counts_in_whatever_order_they_come() {
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 3]] {
            let conditions = Conditions::default();
            for version in order {
                conditions.apply(&set("incident", version == 3, version, None));
            }
            assert!(seen(&conditions, 0).0, "{order:?}");
            assert_eq!(conditions.get(&name("incident")).unwrap().version, 3);
        }
    }

    #[test]
    fn what_no_policy_declares_is_in_nobodys_eyes() {
        let conditions = Conditions::default();
        conditions.apply(&set("other", true, 1, None));
        let file = file();
        let values = conditions.over(&file, NOW);
        assert!(matches!(values, Cow::Borrowed(_)));
        assert_eq!(conditions.entries().len(), 1);
    }
}

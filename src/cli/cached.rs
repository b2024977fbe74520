//! What `check` and `explain` say of rulings: whether those of an action can be looked up, and by what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::Bundle;
use crate::policy::{Caching, Key};

/// Why an action needs no key.
const NEEDLESS: &str = "nothing is computed";

/// A line for all actions of a route of which the same can be said; none for those of which nothing is computed.
pub(super) fn lines(bundle: &Bundle) -> String {
    let mut alike: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for (route, action, caching) in bundle.policy.cachings() {
        if *caching != Caching::Needless {
            let said = (route.as_str(), in_words(caching));
            alike.entry(said).or_default().push(action.as_str());
        }
    }
    let lines = alike.into_iter().map(|((route, said), actions)| {
        let actions = actions.join(", ");
        format!("  rulings of {actions} on {route}: {said}\n")
    });
    lines.collect()
}

/// Every action, with its key or with why it has none.
pub(super) fn all(bundle: &Bundle) -> Value {
    let actions = bundle.policy.cachings();
    let shown = actions.map(|(route, action, caching)| {
        let (key, why) = shown(caching);
        json!({
            "route": route.as_str(), "action": action.as_str(),
            "cacheable": key.is_some(), "key": key, "why": why,
        })
    });
    Value::Array(shown.collect())
}

/// What is said of one action.
pub(super) fn as_json(caching: &Caching) -> Value {
    let (key, why) = shown(caching);
    json!({ "cacheable": key.is_some(), "key": key, "why": why })
}

/// The same in words; what is part of every key is left out.
pub(super) fn in_words(caching: &Caching) -> String {
    match shown(caching) {
        (_, Some(why)) => format!("evaluated, for {why}"),
        (key, None) => {
            let key = key.unwrap_or_default();
            let own = key.iter().skip(Key::ALWAYS.len());
            let own: Vec<&str> = own.map(String::as_str).collect();
            format!("looked up where that is faster, by {}", own.join(", "))
        }
    }
}

/// Everything that is part of the key, or why there is none.
fn shown(caching: &Caching) -> (Option<Vec<String>>, Option<String>) {
    match caching {
        Caching::By(key) => {
            let always = Key::ALWAYS.map(ToOwned::to_owned);
            let whole = always.into_iter().chain(key.attributes());
            (Some(whole.collect()), None)
        }
        Caching::Needless => (None, Some(NEEDLESS.to_owned())),
        Caching::Never(obstacle) => (None, Some(obstacle.to_string())),
    }
}

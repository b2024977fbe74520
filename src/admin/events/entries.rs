//! The entries that an event makes. Each is a function of the event alone, but for its words: in whatever order events come, and
//! however often, what is revoked in the end is the same.

use std::sync::Arc;
use std::time::Duration;

use super::effect::{Effect, Scope};
use super::set::{CLOCKS_APART, SecurityEvent};
use crate::model::name::ProviderName;
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;

/// How long a block that was lifted is remembered where nothing is blocked: the event of the block may come later.
const LIFTED_FOR: Duration = Duration::from_hours(30 * 24);
/// Of two that happened at the same moment, the block counts.
const LATER: Duration = Duration::from_millis(1);

/// Who says so, of whom, and when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) provider: &'a ProviderName,
    pub(super) by: &'a Arc<str>,
    pub(super) now: Timestamp,
}

/// One entry's target and times, before it has words.
struct Times {
    target: Option<Target>,
    not_before: Option<Timestamp>,
    blocked: Option<Timestamp>,
    lifted: Option<Timestamp>,
}

impl SecurityEvent {
    /// What is to be merged in; nothing if the event means nothing here. `over` says when nothing that a target names, and was
    /// issued until a moment, can be valid any more.
    pub(super) fn entries(
        &self,
        said: Said<'_>,
        over: impl Fn(&Target, Timestamp) -> Option<Timestamp>,
    ) -> Vec<Revocation> {
        let Said { provider, by, now } = said;
        let all = self.times(provider).into_iter();
        let entry = |times: Times| {
            let Times {
                target,
                not_before,
                blocked,
                lifted,
            } = times;
            let target = target?;
            let token = matches!(target, Target::Token(..)).then_some(self.at);
            let until = not_before.or(token).and_then(|cut| over(&target, cut));
            let forgotten = lifted.map(|_| now.plus(LIFTED_FOR));
            Some(Revocation {
                expires: until.or(forgotten),
                target,
                not_before,
                blocked,
                lifted,
                reason: Arc::from(self.called),
                by: Arc::clone(by),
                at: now,
            })
        };
        all.filter_map(entry).collect()
    }

    fn times(&self, provider: &ProviderName) -> Vec<Times> {
        let users = |kinds: &'static [&'static str]| {
            let all = self.subject.users.iter();
            all.flat_map(move |id| kinds.iter().map(move |kind| (*kind, id.as_str())))
        };
        let cut = Some(self.at.plus(CLOCKS_APART));
        match self.effect {
            Effect::Cut(scope) => self.cut(scope, provider, cut),
            Effect::Block => users(&["subject", "actor"])
                .map(|(kind, id)| Times {
                    blocked: Some(self.at.plus(LATER)),
                    ..Times::none(kind, provider, id)
                })
                .collect(),
            Effect::Lift => users(&["subject", "actor"])
                .map(|(kind, id)| Times {
                    lifted: Some(self.at),
                    ..Times::none(kind, provider, id)
                })
                .collect(),
            Effect::Verify | Effect::Ignore => Vec::new(),
        }
    }

    fn cut(&self, scope: Scope, provider: &ProviderName, cut: Option<Timestamp>) -> Vec<Times> {
        let subject = &self.subject;
        let smaller = !subject.tokens.is_empty() || !subject.sessions.is_empty();
        let whole = match scope {
            Scope::Named => !smaller,
            Scope::User => !subject.users.is_empty(),
        };
        let cut_of = |kind: &str, id: &String| Times {
            not_before: cut,
            ..Times::none(kind, provider, id)
        };
        if whole {
            let users = subject.users.iter();
            return users.map(|id| cut_of("subject", id)).collect();
        }
        let sessions = subject.sessions.iter().map(|id| cut_of("session", id));
        // A token that is named is over, whenever it was issued.
        let tokens = subject.tokens.iter().map(|id| Times {
            blocked: Some(self.at.plus(LATER)),
            ..Times::none("token", provider, id)
        });
        sessions.chain(tokens).collect()
    }
}

impl Times {
    fn none(kind: &str, provider: &ProviderName, id: &str) -> Self {
        Self {
            // What cannot be one was refused with the subject.
            target: Target::parse(kind, Some(provider.as_str()), id).ok(),
            not_before: None,
            blocked: None,
            lifted: None,
        }
    }
}

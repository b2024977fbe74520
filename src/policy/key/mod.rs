//! What a ruling of an action depends on, worked out while compiling: so that whoever remembers rulings knows what each is about.
//!
//! A ruling of enforced rules is a function of the policy and of what those rules read. [`Key`] is all that they can read, shadow
//! rules, requirements and values of constraints among it; two calls of one action with the same key have the same ruling. Where that
//! cannot be said, an [`Obstacle`] is, and nothing of the action is ever remembered: an attribute that nobody here has heard of is one.
//!
//! Signals of risk are no part of it. They are weighed before, at every call, and what they add up to is an attribute.

mod derive;
mod encode;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::compile::Policy;
use crate::model::name::{ActionId, RouteId, RuleId};
use crate::model::route::Action;

pub use encode::{Digest, Epochs};

/// Whether rulings of an action can be remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// They can, by this key; whether it is worth it shows at run time.
    By(Key),
    /// They need not be: nothing is computed, so evaluating is as fast as looking up.
    #[default]
    Needless,
    /// They cannot be.
    Never(Obstacle),
}

/// Everything that the ruling about a call depends on, beside policy and action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// Which of the policy's actions it is.
    number: u32,
    reads: BTreeSet<Read>,
    /// Scopes that something asks for: of those that a token has, these count and no others.
    scopes: BTreeSet<Arc<str>>,
}

/// One thing that is read. Whether there is a credential, whether somebody acts for somebody else, and the kinds of the parties are
/// read always.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    /// A member that every party has.
    Party(Who, Member),
    /// An attribute as conditions see it.
    Attribute(Box<[Box<str>]>),
    /// A query parameter as it was sent, which a cap compares.
    AsSent(Arc<str>),
    /// Whether the credential can be bound to a key of its caller's.
    Bindable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Subject,
    /// Whoever acts: the subject itself, where nobody acts for it.
    Acting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Issuer,
    Id,
    Groups,
}

/// Why nothing is remembered about an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The first rule, by id, that is in the way.
    pub rule: RuleId,
    /// What it does.
    pub why: Why,
}

/// What keeps a ruling from being remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It depends on when it is asked for.
    Time,
    /// A list or map is read by a computed key, so that what is read shows only when it is.
    ComputedKey,
    /// It waits for an approval, which is looked up and used anew each time.
    Approval,
    /// It reads what is another value in every request.
    OnceOnly(Box<str>),
    /// It reads an attribute of which nothing is known here.
    Unknown(Box<str>),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, why } = self;
        match why {
            Why::Time => write!(f, "`{rule}` depends on the time"),
            Why::ComputedKey => write!(f, "`{rule}` reads a list or map by a computed key"),
            Why::Approval => write!(f, "`{rule}` asks for an approval"),
            Why::OnceOnly(path) => {
                write!(f, "`{rule}` reads `{path}`, which no two requests share")
            }
            Why::Unknown(path) => write!(f, "`{rule}` reads `{path}`"),
        }
    }
}

impl Key {
    /// Which of the policy's actions it is of; the keys of one policy are numbered from zero.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The attributes that make it, as policies write them, beside those of [`Key::ALWAYS`].
    pub fn attributes(&self) -> Vec<String> {
        let reads = self.reads.iter().map(ToString::to_string);
        let scopes = self.scopes.iter();
        reads
            .chain(scopes.map(|scope| format!("scope {scope}")))
            .collect()
    }

    /// The same without one of its attributes: what a test has to notice.
    #[cfg(test)]
    pub(crate) fn without(&self, attribute: &str) -> Self {
        let mut less = self.clone();
        less.reads.retain(|read| read.to_string() != attribute);
        less.scopes
            .retain(|scope| format!("scope {scope}") != attribute);
        less
    }

    /// What is part of every key.
    pub const ALWAYS: [&str; 4] = ["credential", "delegated", "subject.kind", "actor.kind"];
}

impl Who {
    /// What conditions call it.
    const fn root(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Acting => "actor",
        }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Party(who, member) => {
                let member = match member {
                    Member::Issuer => "issuer",
                    Member::Id => "id",
                    Member::Groups => "groups",
                };
                write!(f, "{}.{member}", who.root())
            }
            Self::Attribute(path) => f.write_str(&path.join(".")),
            Self::AsSent(name) => write!(f, "query.{name} as sent"),
            Self::Bindable => f.write_str("credential.bindable"),
        }
    }
}

impl Policy {
    /// Whether rulings of this action can be remembered; none if it is no part of the policy.
    pub fn caching(&self, action: &Action) -> Option<&Caching> {
        self.rules_of(action).map(|rules| &rules.caching)
    }

    /// The same of every action, in the order of their names.
    pub fn cachings(&self) -> impl Iterator<Item = (&RouteId, &ActionId, &Caching)> {
        let routes = self.actions.iter();
        let actions = routes.flat_map(|(route, actions)| {
            let actions = actions.iter();
            actions.map(move |(action, rules)| (route, action, &rules.caching))
        });
        let mut all: Vec<_> = actions.collect();
        all.sort_by_key(|(route, action, _)| (*route, *action));
        all.into_iter()
    }

    /// How many actions have a key.
    pub const fn keys(&self) -> u32 {
        self.keys
    }
}

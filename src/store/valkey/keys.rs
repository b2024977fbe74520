//! The names of all keys. The prefix stands in braces, so that a cluster keeps all of them in one slot: scripts need them together.

use aws_lc_rs::digest::{SHA256, digest};

use super::hex;
use crate::model::approval::Requester;

/// Names keys.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// A key of which there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Single {
    /// Generation and when it began, server, the moment since when that server answers, and the number of changes.
    Meta,
    /// The stream of changes.
    Changes,
    /// Ids of all approvals, by the time when they were opened.
    Approvals,
    /// The same ids, by the time until which they are live, or since which they are over.
    Ends,
    /// Revocations, by target.
    Revocations,
    /// Targets of revocations, by the time when they expire.
    Endings,
    /// Settings of conditions, by name.
    Conditions,
    /// How far replicas have come, by name.
    Replicas,
    /// What was used up, by the time until which it is remembered.
    Replay,
    /// Secrets that countersign made, by name.
    Secrets,
    /// API keys, by id.
    ApiKeys,
    /// When API keys were last used, by id.
    ApiKeysUsed,
    /// How often API keys were changed.
    ApiKeysVersion,
    /// Identities that were seen, by issuer and id.
    Seen,
    /// People among them, by the time when they were seen last.
    SeenPeople,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: format!("{{{prefix}}}:"),
        }
    }

    /// A key of which there is one.
    pub(super) fn of(&self, single: Single) -> String {
        let name = match single {
            Single::Meta => "meta",
            Single::Changes => "changes",
            Single::Approvals => "approvals",
            Single::Ends => "ends",
            Single::Revocations => "revocations",
            Single::Endings => "endings",
            Single::Conditions => "conditions",
            Single::Replicas => "replicas",
            Single::Replay => "replay",
            Single::Secrets => "secrets",
            Single::ApiKeys => "api-keys",
            Single::ApiKeysUsed => "api-keys:used",
            Single::ApiKeysVersion => "api-keys:version",
            Single::Seen => "seen",
            Single::SeenPeople => "seen:people",
        };
        format!("{}{name}", self.prefix)
    }

    /// What the keys of approvals begin with; their ids follow.
    pub(super) fn approvals(&self) -> String {
        format!("{}approval:", self.prefix)
    }

    /// One approval.
    pub(super) fn approval(&self, id: &str) -> String {
        format!("{}approval:{id}", self.prefix)
    }

    /// What the pointers begin with, from what an approval is found by to the last one of that kind.
    pub(super) fn pointers(&self) -> String {
        format!("{}by:", self.prefix)
    }

    /// The ids of the approvals that a requester waits for, by the time until which it does.
    pub(super) fn waiting(&self, requester: &Requester) -> String {
        let actor = requester.actor.as_ref();
        let actor = actor.map_or_else(String::new, |actor| actor.id.to_string());
        // The name of a provider has no space.
        let both = format!("{} {actor}", requester.subject.id);
        let digest = hex(digest(&SHA256, both.as_bytes()).as_ref());
        format!("{}waiting:{digest}", self.prefix)
    }

    /// The ids of an identity's API keys.
    pub(super) fn api_keys_of(&self, provider: &str, identity: &str) -> String {
        // The name of a provider has no slash.
        format!("{}api-keys:of:{provider}/{identity}", self.prefix)
    }
}

//! Whom one can be at the demo's issuer: a few people of the sample policies.

/// Ways to sign in that resist phishing, by their `acr` (OpenID Connect EAP ACR Values 1.0).
pub(super) const STRONG: [&str; 2] = ["phr", "phrh"];

/// Somebody to be.
pub(super) struct Person {
    pub(super) sub: &'static str,
    pub(super) groups: &'static [&'static str],
    /// What a person reads about them.
    pub(super) about: &'static str,
}

/// Everybody that there is.
pub(super) const PEOPLE: [Person; 5] = [
    Person {
        sub: "ana",
        groups: &["crm-leads"],
        about: "leads the CRM team",
    },
    Person {
        sub: "ben",
        groups: &["crm-leads"],
        about: "leads the CRM team, too",
    },
    Person {
        sub: "rae",
        groups: &["release"],
        about: "releases to production",
    },
    Person {
        sub: "sol",
        groups: &["secret-owners"],
        about: "owns the secrets",
    },
    Person {
        sub: "alice",
        groups: &["crm"],
        about: "works with the CRM, and approves nothing",
    },
];

/// The person of this name.
pub(super) fn find(sub: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.sub == sub)
}

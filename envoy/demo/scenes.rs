//! The scenes that `cargo demo play` sends through Envoy, as data.

use Door::{Plain, Runner, VaultBot};
use Proof::{Answer, Query, Upstream, UpstreamLacks};
use tokens::{
    ALICE, BOT_ALONE, BOT_FOR_ALICE, BOT_FOR_BOB, DEPLOYER, EXPIRED, EXPORT, FOR_CRM, FORGED,
    MIGRATION, PAYER, PROBE, READER, RELEASER, RELEASER_KEY, RELEASER_STALE, SHIPPER, STRANGER,
    SYNC,
};

/// The issuer, and what to ask it for.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    /// A caller without a credential.
    Absent,
    Corp(&'static str),
    Ci(&'static str),
}

/// One request, and what must come of it.
pub(crate) struct Scene {
    /// The scene of the mission that this belongs to.
    pub(crate) id: &'static str,
    pub(crate) who: &'static str,
    pub(crate) what: &'static str,
    pub(crate) door: Door,
    pub(crate) token: Token,
    pub(crate) shown: Shown,
    /// Method, host and target, as `GET host/target`.
    pub(crate) request: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) expect: Expect,
}

/// How the token is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Bearer,
    /// Bound to a key, with a DPoP proof for this request; the first one learns a nonce.
    Proven,
    /// The same, and then once more, word for word.
    Replayed,
}

/// Which of Envoy's listeners is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Plain,
    /// Mutual TLS, as the workload `spiffe://example.org/ci/runner`.
    Runner,
    /// Mutual TLS, as the workload `spiffe://example.org/vault-bot`.
    VaultBot,
}

/// The status, the reason in the problem document, and more.
pub(crate) struct Expect {
    pub(crate) status: u16,
    pub(crate) reason: Option<&'static str>,
    pub(crate) proofs: &'static [Proof],
}

/// Something that must be true of the answer.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// The answer has this header, with this text in it.
    Answer(&'static str, &'static str),
    /// The upstream saw this header with exactly this value.
    Upstream(&'static str, &'static str),
    /// The upstream saw no such header.
    UpstreamLacks(&'static str),
    /// The upstream saw exactly this query.
    Query(&'static str),
}

/// Tokens, as queries to the issuer. Each names its audience, because a token for one route is
/// worth nothing on another.
#[rustfmt::skip]
mod tokens {
    use super::Token;

    pub(super) const READER: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com");
    pub(super) const PAYER: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read+payments:write&aud=https://payments.example.com");
    pub(super) const EXPIRED: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com&bad=expired");
    pub(super) const FORGED: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com&bad=forged");
    pub(super) const FOR_CRM: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://crm.example.com");
    pub(super) const RELEASER: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com");
    pub(super) const RELEASER_KEY: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com&acr=phr");
    pub(super) const RELEASER_STALE: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com&acr=phr&auth_age=3600");
    pub(super) const DEPLOYER: Token = Token::Ci("sub=deployer&client_id=deployer&environment=staging&aud=https://api.example.com");
    pub(super) const SYNC: Token = Token::Ci("sub=legacy-sync&client_id=legacy-sync&environment=production&aud=https://api.example.com");
    pub(super) const EXPORT: Token = Token::Ci("sub=nightly-export&client_id=nightly-export&environment=production&aud=https://api.example.com");
    pub(super) const MIGRATION: Token = Token::Ci("sub=migration&client_id=migration&environment=production&aud=https://api.example.com");
    pub(super) const PROBE: Token = Token::Ci("sub=staging-probe&client_id=staging-probe&environment=staging&aud=https://api.example.com");
    pub(super) const SHIPPER: Token = Token::Ci("sub=log-shipper&client_id=log-shipper&environment=production&aud=https://api.example.com");
    pub(super) const STRANGER: Token = Token::Ci("sub=stranger&client_id=stranger&environment=production&aud=https://api.example.com");
    pub(super) const ALICE: Token = Token::Corp("sub=alice&groups=crm&scope=crm:read&aud=https://crm.example.com");
    pub(super) const BOT_FOR_ALICE: Token = Token::Corp("sub=alice&act=crm-bot&groups=crm&scope=crm:read&aud=https://crm.example.com");
    pub(super) const BOT_FOR_BOB: Token = Token::Corp("sub=bob&act=crm-bot&groups=payments&scope=crm:read&aud=https://crm.example.com");
    pub(super) const BOT_ALONE: Token = Token::Corp("sub=crm-bot&client_id=crm-bot&scope=crm:read&aud=https://crm.example.com");
}

/// Every scene, in the order in which it is told.
#[rustfmt::skip]
pub(crate) const SCENES: &[Scene] = &[
    // S1: token validity, identity and scopes before a payment service.
    plain("S1", "alice", "lists payments", READER, "GET payments.example.com/v1/payments", allowed(&[Upstream("x-user", "alice")])),
    plain("S1", "alice", "pays", PAYER, "POST payments.example.com/v1/payments", allowed(&[])),
    plain("S1", "alice", "pays, with scope to read", READER, "POST payments.example.com/v1/payments", denied(403, "insufficient_scope", &[Answer("www-authenticate", "scope=\"payments:write\"")])),
    plain("S1", "alice", "lists, token expired", EXPIRED, "GET payments.example.com/v1/payments", denied(401, "token_expired", &[Answer("www-authenticate", "invalid_token")])),
    plain("S1", "alice", "lists, token for the CRM", FOR_CRM, "GET payments.example.com/v1/payments", denied(401, "token_audience", &[Answer("www-authenticate", "invalid_token")])),
    plain("S1", "mallory", "lists, token forged", FORGED, "GET payments.example.com/v1/payments", denied(401, "token_signature", &[Answer("www-authenticate", "invalid_token")])),
    sending(&[("x-user", "mallory")],
        plain("S1", "alice", "says x-user: mallory", READER, "GET payments.example.com/v1/payments", allowed(&[Upstream("x-user", "alice")]))),
    plain("S1", "alice", "refunds", PAYER, "POST payments.example.com/v1/payments/7/refunds", denied(401, "proof_required", &[Answer("www-authenticate", "DPoP realm")])),
    shown(Shown::Proven,
        plain("S1", "alice", "… and proves her key", PAYER, "POST payments.example.com/v1/payments/7/refunds", allowed(&[Upstream("x-user", "alice")]))),
    shown(Shown::Replayed,
        plain("S1", "mallory", "… sends that again", PAYER, "POST payments.example.com/v1/payments/7/refunds", denied(401, "dpop_replayed", &[Answer("www-authenticate", "invalid_dpop_proof")]))),
    // S4: step-up before a release.
    plain("S4", "rita", "approves a release", RELEASER, "POST api.example.com/v1/releases/42/approve", denied(401, "insufficient_user_authentication", &[Answer("www-authenticate", "acr_values=\"phr phrh\"")])),
    plain("S4", "rita", "… with a key, an hour ago", RELEASER_STALE, "POST api.example.com/v1/releases/42/approve", denied(401, "insufficient_user_authentication", &[Answer("www-authenticate", "max_age")])),
    plain("S4", "rita", "… with a key, just now", RELEASER_KEY, "POST api.example.com/v1/releases/42/approve", allowed(&[])),
    // S5: access follows the identity's life. What is only a warning is in the record and in `countersign identities`.
    plain("S5", "legacy-sync", "health; secret overdue: a warning", SYNC, "GET api.example.com/healthz", allowed(&[])),
    plain("S5", "stranger", "health; unregistered: a warning", STRANGER, "GET api.example.com/healthz", allowed(&[])),
    plain("S5", "nightly-export", "health, off-boarded", EXPORT, "GET api.example.com/healthz", denied(403, "identity_offboarded", &[])),
    plain("S5", "migration", "health, expired", MIGRATION, "GET api.example.com/healthz", denied(403, "identity_expired", &[])),
    plain("S5", "staging-probe", "health of production", PROBE, "GET api.example.com/healthz", denied(403, "environment_mismatch", &[])),
    plain("S5", "log-shipper, elsewhere", "health", SHIPPER, "GET api.example.com/healthz", denied(403, "identity_workload", &[])),
    // S7: deploys only from the approved workload, and only where its claim says.
    mesh(Runner, "S7", "deployer, from ci", "deploys to staging", DEPLOYER, "POST api.example.com/v1/staging/deployments", allowed(&[])),
    mesh(Runner, "S7", "deployer, from ci", "deploys to production", DEPLOYER, "POST api.example.com/v1/production/deployments", denied(403, "guard_unmet", &[])),
    plain("S7", "deployer, elsewhere", "deploys to staging", DEPLOYER, "POST api.example.com/v1/staging/deployments", denied(403, "workload_required", &[])),
    // S8: may rotate, may not read. Its certificate is all that it has.
    mesh(VaultBot, "S8", "vault-bot", "rotates a secret", Token::Absent, "POST api.example.com/v1/secrets/db/rotate", allowed(&[])),
    mesh(VaultBot, "S8", "vault-bot", "reads the secret", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "forbidden", &[])),
    // S9: an agent gets less than its own entitlement.
    plain("S9", "alice", "lists 5000 customers", ALICE, "GET crm.example.com/v1/customers?limit=5000", allowed(&[Query("limit=100")])),
    plain("S9", "crm-bot for alice", "lists customers", BOT_FOR_ALICE, "GET crm.example.com/v1/customers", allowed(&[Upstream("x-user", "alice")])),
    plain("S9", "crm-bot for bob", "lists customers", BOT_FOR_BOB, "GET crm.example.com/v1/customers", denied(403, "not_permitted", &[])),
    plain("S9", "crm-bot alone", "lists customers", BOT_ALONE, "GET crm.example.com/v1/customers", denied(403, "not_permitted", &[])),
    // Nobody.
    sending(&[("x-user", "mallory")],
        plain("-", "anonymous", "health, as x-user: mallory", Token::Absent, "GET api.example.com/healthz", allowed(&[UpstreamLacks("x-user")]))),
    plain("-", "anonymous", "lists payments", Token::Absent, "GET payments.example.com/v1/payments", denied(401, "authentication_required", &[Answer("www-authenticate", "Bearer")])),
    plain("-", "anonymous", "calls an unknown host", Token::Absent, "GET unknown.example.com/", denied(403, "no_route", &[])),
];

const fn allowed(proofs: &'static [Proof]) -> Expect {
    Expect {
        status: 200,
        reason: None,
        proofs,
    }
}

const fn denied(status: u16, reason: &'static str, proofs: &'static [Proof]) -> Expect {
    Expect {
        status,
        reason: Some(reason),
        proofs,
    }
}

const fn plain(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    request: &'static str,
    expect: Expect,
) -> Scene {
    Scene {
        id,
        who,
        what,
        door: Plain,
        token,
        shown: Shown::Bearer,
        request,
        headers: &[],
        expect,
    }
}

const fn mesh(
    door: Door,
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    request: &'static str,
    expect: Expect,
) -> Scene {
    Scene {
        door,
        ..plain(id, who, what, token, request, expect)
    }
}

const fn sending(headers: &'static [(&'static str, &'static str)], scene: Scene) -> Scene {
    Scene { headers, ..scene }
}

const fn shown(shown: Shown, scene: Scene) -> Scene {
    Scene { shown, ..scene }
}

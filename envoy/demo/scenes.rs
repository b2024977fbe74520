//! The scenes that `cargo demo play` sends through Envoy, as data.

use crate::scene::Door::{Runner, VaultBot};
use crate::scene::Proof::{
    Answer, Body, Query, Says, Upstream, UpstreamBegins, UpstreamLacks, Within,
};
use crate::scene::Step::{Accept, Call, Connect, Decline, List};
use crate::scene::{
    Scene, Shown, Token, agent, allowed, asking, asks, denied, desk, in_session, leaves, mesh,
    plain, refused, returns, says, sending, shown, soon,
};
use tokens::{
    AGENT_ALONE, AGENT_FOR_ALICE, AGENT_FOR_BOB, ALICE, ALICE_APPROVES, ALICE_TOOLS, ANA,
    BOT_ALONE, BOT_FOR_ALICE, BOT_FOR_BOB, DEPLOYER, EXPIRED, EXPORT, FOR_CRM, FORGED, MIGRATION,
    PAYER, PROBE, RAE, RAE_SIGNED_IN, READER, RELEASER, RELEASER_AGENT, RELEASER_KEY,
    RELEASER_STALE, RITA_APPROVES, SHIPPER, SOL, STEWARD, STEWARD_ASKED, STRANGER, SYNC,
};

/// What approvers and operators ask for.
const APPROVE: (&str, &str) = ("POST /approvals/{id}/approve", "{}");
const APPROVE_WITH_REASON: (&str, &str) = (
    "POST /approvals/{id}/approve",
    r#"{"reason":"needed for INC-2041"}"#,
);
const TAKE_BACK: (&str, &str) = ("POST /approvals/{id}/revoke", "{}");
const INCIDENT: (&str, &str) = (
    "PUT /conditions/incident",
    r#"{"value":true,"reason":"INC-2041","expires":"1h"}"#,
);
const SHORT_INCIDENT: (&str, &str) = (
    "PUT /conditions/incident",
    r#"{"value":true,"reason":"INC-2042","expires":"3s"}"#,
);
const NO_INCIDENT: (&str, &str) = (
    "DELETE /conditions/incident",
    r#"{"reason":"INC-2041 is over"}"#,
);
/// Where people look at what waits for them.
const PAGE: &str = "http://127.0.0.1:9193/approvals/apr_";

/// Tokens, as queries to the issuer. Each names its audience, because a token for one route is
/// worth nothing on another.
#[rustfmt::skip]
mod tokens {
    use crate::scene::Token;

    pub(super) const READER: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com");
    pub(super) const PAYER: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read+payments:write&aud=https://payments.example.com");
    pub(super) const EXPIRED: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com&bad=expired");
    pub(super) const FORGED: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://payments.example.com&bad=forged");
    pub(super) const FOR_CRM: Token = Token::Corp("sub=alice&groups=payments&scope=payments:read&aud=https://crm.example.com");
    pub(super) const RELEASER: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com");
    pub(super) const RELEASER_KEY: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com&acr=phr");
    pub(super) const RELEASER_STALE: Token = Token::Corp("sub=rita&groups=release&aud=https://api.example.com&acr=phr&auth_age=3600");
    pub(super) const RELEASER_AGENT: Token = Token::Corp("sub=rita&act=release-bot&groups=release&aud=https://api.example.com&acr=phr");
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
    pub(super) const ALICE_TOOLS: Token = Token::Corp("sub=alice&groups=crm&scope=crm:read+crm:export&aud=https://mcp.example.com/crm");
    pub(super) const AGENT_FOR_ALICE: Token = Token::Corp("sub=alice&act=crm-bot&groups=crm&scope=crm:read+crm:export+crm:write&aud=https://mcp.example.com/crm");
    pub(super) const AGENT_FOR_BOB: Token = Token::Corp("sub=bob&act=crm-bot&groups=payments&scope=crm:read&aud=https://mcp.example.com/crm");
    pub(super) const AGENT_ALONE: Token = Token::Corp("sub=crm-bot&client_id=crm-bot&scope=crm:read&aud=https://mcp.example.com/crm");
    pub(super) const STEWARD: Token = Token::Corp("sub=alice&act=steward-bot&groups=crm&scope=crm:read+crm:write&aud=https://mcp.example.com/crm");
    pub(super) const STEWARD_ASKED: Token = Token::Corp("sub=alice&act=steward-bot,crm-bot&groups=crm&scope=crm:read+crm:write&aud=https://mcp.example.com/crm");
    pub(super) const ANA: Token = Token::Corp("sub=ana&groups=crm-leads&acr=phr&aud=http://127.0.0.1:9193");
    pub(super) const RAE: Token = Token::Corp("sub=rae&groups=release&acr=phr&aud=http://127.0.0.1:9193");
    pub(super) const RAE_SIGNED_IN: Token = Token::Corp("sub=rae&groups=release&aud=http://127.0.0.1:9193");
    pub(super) const SOL: Token = Token::Corp("sub=sol&groups=secret-owners&acr=phr&aud=http://127.0.0.1:9193");
    pub(super) const ALICE_APPROVES: Token = Token::Corp("sub=alice&groups=crm-leads&acr=phr&aud=http://127.0.0.1:9193");
    pub(super) const RITA_APPROVES: Token = Token::Corp("sub=rita&groups=release&acr=phr&aud=http://127.0.0.1:9193");
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
    // S2: an agent does what destroys only while the risk is within the threshold. Night adds less than that, so the hour decides nothing.
    agent("S2", "steward-bot for alice", "deletes one customer", STEWARD, Call("delete_customers", r#"{"ids":["c-7"]}"#), says(&[Says("deleted 1, for alice, asked by steward-bot")])),
    agent("S2", "steward-bot for alice", "… eleven at once: risky", STEWARD, Call("delete_customers", r#"{"ids":["a","b","c","d","e","f","g","h","i","j","k"]}"#), refused(40301, "guard_unmet")),
    agent("S2", "steward-bot for alice", "… the next one", STEWARD, Call("delete_customers", r#"{"ids":["c-7"]}"#), says(&[Says("deleted 1")])),
    agent("S2", "… asked by crm-bot", "deletes one: a deep chain is risky", STEWARD_ASKED, Call("delete_customers", r#"{"ids":["c-7"]}"#), refused(40301, "guard_unmet")),
    agent("S2", "… asked by crm-bot", "lists customers, not critical", STEWARD_ASKED, Call("list_customers", "{}"), says(&[Says("c-1")])),
    // S4: step-up before a release.
    plain("S4", "rita", "approves a release", RELEASER, "POST api.example.com/v1/releases/42/approve", denied(401, "insufficient_user_authentication", &[Answer("www-authenticate", "acr_values=\"phr phrh\"")])),
    plain("S4", "rita", "… with a key, an hour ago", RELEASER_STALE, "POST api.example.com/v1/releases/42/approve", denied(401, "insufficient_user_authentication", &[Answer("www-authenticate", "max_age")])),
    plain("S4", "rita", "… with a key, just now", RELEASER_KEY, "POST api.example.com/v1/releases/42/approve", allowed(&[])),
    plain("S4", "release-bot for rita", "… approves it: somebody else has to", RELEASER_AGENT, "POST api.example.com/v1/releases/42/approve", denied(403, "approval_required", &[Answer("content-type", "application/problem+json"), Body("/approval/url", PAGE)])),
    desk("S4", "rita", "… what is asked in her name", RITA_APPROVES, APPROVE, denied(403, "own_approval", &[])),
    desk("S4", "rae", "… lets it, signed in", RAE_SIGNED_IN, APPROVE, denied(401, "insufficient_user_authentication", &[Answer("www-authenticate", "acr_values=\"phr phrh\"")])),
    desk("S4", "rae", "… lets it, with a key", RAE, APPROVE, allowed(&[Body("/status", "approved")])),
    plain("S4", "release-bot for rita", "… approves it", RELEASER_AGENT, "POST api.example.com/v1/releases/42/approve", allowed(&[UpstreamBegins("idempotency-key", "apr_")])),
    plain("S4", "release-bot for rita", "… and that was once", RELEASER_AGENT, "POST api.example.com/v1/releases/42/approve", denied(403, "approval_required", &[])),
    // S5: access follows the identity's life. What is only a warning is in the record and in `countersign identities`.
    plain("S5", "legacy-sync", "health; secret overdue: a warning", SYNC, "GET api.example.com/healthz", allowed(&[])),
    plain("S5", "stranger", "health; unregistered: a warning", STRANGER, "GET api.example.com/healthz", allowed(&[])),
    plain("S5", "nightly-export", "health, off-boarded", EXPORT, "GET api.example.com/healthz", denied(403, "identity_offboarded", &[])),
    plain("S5", "migration", "health, expired", MIGRATION, "GET api.example.com/healthz", denied(403, "identity_expired", &[])),
    plain("S5", "staging-probe", "health of production", PROBE, "GET api.example.com/healthz", denied(403, "environment_mismatch", &[])),
    plain("S5", "log-shipper, elsewhere", "health", SHIPPER, "GET api.example.com/healthz", denied(403, "identity_workload", &[])),
    leaves("S5", "legacy-sync", "… calls on while its owner leaves", SYNC, ("bob@example.com", "GET api.example.com/healthz"), denied(403, "identity_revoked", &[Within(1_000)])),
    plain("S5", "legacy-sync", "… tries again", SYNC, "GET api.example.com/healthz", denied(403, "identity_revoked", &[])),
    returns("S5", "an operator", "lifts that", allowed(&[])),
    plain("S5", "legacy-sync", "… is back", SYNC, "GET api.example.com/healthz", allowed(&[])),
    // S6: an agent lists freely. To export or delete it has to wait for an approval, whatever the scope of its token.
    in_session(agent("S6", "crm-bot for alice", "opens a session", AGENT_FOR_ALICE, Connect, says(&[Says("2025-11-25")]))),
    in_session(agent("S6", "crm-bot for alice", "asks which tools there are", AGENT_FOR_ALICE, List, says(&[Says("delete_customers")]))),
    in_session(agent("S6", "crm-bot for alice", "lists customers", AGENT_FOR_ALICE, Call("list_customers", r#"{"limit":2}"#), says(&[Says("c-2 Grace, for alice, asked by crm-bot")]))),
    in_session(agent("S6", "crm-bot for alice", "exports 10 of them", AGENT_FOR_ALICE, Call("export_customers", r#"{"segment":"eu","rows":10}"#), refused(-32042, "approval_required"))),
    in_session(agent("S6", "crm-bot for alice", "deletes one", AGENT_FOR_ALICE, Call("delete_customers", r#"{"ids":["c-7"]}"#), refused(-32042, "approval_required"))),
    in_session(agent("S6", "crm-bot for alice", "lists again, in the same session", AGENT_FOR_ALICE, Call("list_customers", r#"{"limit":1}"#), says(&[Says("c-1 Ada")]))),
    asking(agent("S6", "crm-bot, of 2026-07-28", "exports 10: alice is sent there", AGENT_FOR_ALICE, Call("export_customers", r#"{"segment":"eu","rows":10}"#), asks())),
    desk("S6", "alice", "approves what she asks for", ALICE_APPROVES, APPROVE, denied(403, "own_approval", &[])),
    desk("S6", "sol", "approves it, who is nobody's lead", SOL, APPROVE, denied(403, "not_an_approver", &[])),
    desk("S6", "ana", "approves it", ANA, APPROVE, allowed(&[Body("/status", "approved")])),
    agent("S6", "crm-bot, no page", "… 11 rows: another export", AGENT_FOR_ALICE, Call("export_customers", r#"{"segment":"eu","rows":11}"#), says(&[Says("waits for the approval")])),
    asking(agent("S6", "crm-bot, of 2026-07-28", "… the SDK makes its call again", AGENT_FOR_ALICE, Accept, says(&[Says("exported 10 rows of eu, for alice, asked by crm-bot")]))),
    asking(agent("S6", "crm-bot, of 2026-07-28", "… and the same once more: it waits", AGENT_FOR_ALICE, Call("export_customers", r#"{"segment":"eu","rows":10}"#), asks())),
    asking(agent("S6", "crm-bot, of 2026-07-28", "… alice goes nowhere", AGENT_FOR_ALICE, Decline, says(&[Says("waits for the approval")]))),
    agent("S6", "alice", "exports 10 herself", ALICE_TOOLS, Call("export_customers", r#"{"segment":"eu","rows":10}"#), says(&[Says("exported 10 rows")])),
    agent("S6", "alice", "… 50000 rows", ALICE_TOOLS, Call("export_customers", r#"{"segment":"eu","rows":50000}"#), refused(40301, "guard_unmet")),
    agent("S6", "alice", "… an argument nobody declared", ALICE_TOOLS, Call("export_customers", r#"{"segment":"eu","rows":10,"all":true}"#), refused(-32602, "argument_undeclared")),
    // S7: deploys only from the approved workload, and only where its claim says.
    mesh(Runner, "S7", "deployer, from ci", "deploys to staging", DEPLOYER, "POST api.example.com/v1/staging/deployments", allowed(&[])),
    mesh(Runner, "S7", "deployer, from ci", "deploys to production", DEPLOYER, "POST api.example.com/v1/production/deployments", denied(403, "guard_unmet", &[])),
    plain("S7", "deployer, elsewhere", "deploys to staging", DEPLOYER, "POST api.example.com/v1/staging/deployments", denied(403, "workload_required", &[])),
    // S8: may rotate, may not read but in an incident. Its certificate is all that it has. S3: and then only from its own runtime, with
    // an approval that is good now.
    mesh(VaultBot, "S8", "vault-bot", "rotates a secret", Token::Absent, "POST api.example.com/v1/secrets/db/rotate", allowed(&[])),
    mesh(VaultBot, "S8", "vault-bot", "reads the secret", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "forbidden", &[])),
    desk("S8", "an operator", "opens an incident, for an hour", Token::Operator, INCIDENT, allowed(&[Body("/result", "true")])),
    soon(mesh(VaultBot, "S3", "vault-bot", "reads it: not without an approval", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "approval_required", &[Body("/approval/status_url", PAGE)]))),
    desk("S3", "sol", "approves, and does not say why", SOL, APPROVE, denied(400, "reason_required", &[])),
    desk("S3", "sol", "… and says why", SOL, APPROVE_WITH_REASON, allowed(&[Body("/status", "approved")])),
    mesh(VaultBot, "S3", "vault-bot", "reads it", Token::Absent, "GET api.example.com/v1/secrets/db", allowed(&[UpstreamBegins("idempotency-key", "apr_")])),
    mesh(Runner, "S3", "a runner of ci", "reads it", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "workload_required", &[])),
    mesh(VaultBot, "S3", "vault-bot", "reads it again: good for five", Token::Absent, "GET api.example.com/v1/secrets/db", allowed(&[])),
    desk("S3", "sol", "takes it back", SOL, TAKE_BACK, allowed(&[Body("/status", "revoked")])),
    mesh(VaultBot, "S3", "vault-bot", "reads it: no current approval", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "approval_required", &[])),
    desk("S8", "an operator", "ends the incident", Token::Operator, NO_INCIDENT, allowed(&[Body("/result", "cleared")])),
    soon(mesh(VaultBot, "S8", "vault-bot", "reads the secret", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "forbidden", &[]))),
    desk("S8", "an operator", "opens one for three seconds", Token::Operator, SHORT_INCIDENT, allowed(&[Body("/result", "true")])),
    soon(mesh(VaultBot, "S8", "vault-bot", "may ask to read the secret", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "approval_required", &[]))),
    soon(mesh(VaultBot, "S8", "vault-bot", "… until they are over", Token::Absent, "GET api.example.com/v1/secrets/db", denied(403, "forbidden", &[]))),
    // S9: an agent gets less than its own entitlement.
    plain("S9", "alice", "lists 5000 customers", ALICE, "GET crm.example.com/v1/customers?limit=5000", allowed(&[Query("limit=100")])),
    plain("S9", "crm-bot for alice", "lists customers", BOT_FOR_ALICE, "GET crm.example.com/v1/customers", allowed(&[Upstream("x-user", "alice")])),
    plain("S9", "crm-bot for bob", "lists customers", BOT_FOR_BOB, "GET crm.example.com/v1/customers", denied(403, "not_permitted", &[])),
    plain("S9", "crm-bot alone", "lists customers", BOT_ALONE, "GET crm.example.com/v1/customers", denied(403, "not_permitted", &[])),
    agent("S9", "crm-bot for bob", "connects to the tools", AGENT_FOR_BOB, Connect, refused(40301, "not_permitted")),
    agent("S9", "crm-bot alone", "connects to the tools", AGENT_ALONE, Connect, refused(40301, "not_permitted")),
    // Nobody.
    sending(&[("x-user", "mallory")],
        plain("-", "anonymous", "health, as x-user: mallory", Token::Absent, "GET api.example.com/healthz", allowed(&[UpstreamLacks("x-user")]))),
    plain("-", "anonymous", "lists payments", Token::Absent, "GET payments.example.com/v1/payments", denied(401, "authentication_required", &[Answer("www-authenticate", "Bearer")])),
    agent("-", "anonymous", "connects to the tools", Token::Absent, Connect, refused(40101, "authentication_required")),
    plain("-", "anonymous", "calls an unknown host", Token::Absent, "GET unknown.example.com/", denied(403, "no_route", &[])),
];

//! countersign, an Envoy external-authorization server: Envoy asks about every request at the moment it is made, and the
//! answer is allow, deny, or allow constrained.
//!
//! This page is the map. README.md is for those who run it, and each folder's `mod.rs` says what that folder guarantees
//! and what it must not do.
//!
//! # From above
//!
//! A call passes only when every party to it has signed for it: the actor, and whoever it acts for. What is decided is one
//! action (this endpoint or tool, with these arguments) in one request, from one immutable [`Snapshot`](authorizer::Snapshot) of
//! routes, rules, registry and providers. Everything that is slow or can fail happens elsewhere: keys are fetched in the
//! background, and so is what is known about opaque tokens; files are read and compiled by a reload, records are written
//! by a task of their own. So a decision is a function of the request, the snapshot and one reading of the clock; `serve`,
//! `test`, `explain` and the benches run the very same one.
//!
//! # Code map
//!
//! Folders are concepts, and stand on floors. Imports point down only; folders on one floor never import each other.
//!
//! | floor | folder | what it is | owns |
//! | --- | --- | --- | --- |
//! | 9 | [`cli`] | the verbs, one file each; the only one that prints | `clap` |
//! | 8 | [`app`] | wiring: build, run, reload, shut down; every task ends with it | |
//! | 8 | [`doctor`] | what Envoy's configuration lets pass undecided, or decided about something else | |
//! | 8 | [`tools`] | the tools that an MCP server lists: proposed as a route, or compared with one | |
//! | 7 | [`config`] | what the user wrote: reads, assembles every folder's `spec`, reports all mistakes at once | `serde_yaml` |
//! | 6 | [`ext_authz`] | the Envoy edge: `CheckRequest` in, `CheckResponse` out | `tonic`, `envoy_types` |
//! | 6 | [`admin`] | the operator edge: metrics and health on one listener, status and changes on another | `axum` |
//! | 5 | [`authorizer`] | the order of things; reads as the security argument | |
//! | 4 | [`identity`] | who asks: a credential, verified into facts | |
//! | 4 | [`registry`] | the inventory of non-human identities | |
//! | 4 | [`approval`] | what somebody must approve, who did, and that it is used once | |
//! | 4 | [`revocation`] | what is not good any more | |
//! | 4 | [`condition`] | what somebody says is true at the moment | |
//! | 4 | [`cache`] | what rules have said before, looked up where that is faster than asking them | |
//! | 4 | [`audit`] | one redacted record for every decision | |
//! | 4 | [`token`] | the tokens that allowed requests carry inward, minted and published | |
//! | 3 | [`action`] | which route, which action, which parameters; pure | |
//! | 3 | [`policy`] | rules, compiled to an index and evaluated; pure | |
//! | 2 | [`expression`] | conditions: typed at load, bounded, three-valued; pure | `cel` |
//! | 2 | [`keys`] | key sets in memory, the signatures that are verified with them, and keys to sign with | `jsonwebtoken` |
//! | 2 | [`store`] | durable state: what outlives the process, one operation a thing to know | `rusqlite` |
//! | 2 | [`tls`] | the server's side of TLS, with certificates that are read again when they change | `tokio_rustls` |
//! | 1 | [`certificate`] | X.509 certificates, read and never validated: names, thumbprint, SPIFFE ID | `x509_parser` |
//! | 1 | [`json`] | JSON from strangers, read strictly; its canonical form; pure | `ryu_js` |
//! | 1 | [`outbound`] | the HTTP calls that countersign makes | `reqwest` |
//! | 1 | [`secret`] | secrets that the configuration names and never holds | |
//! | 1 | [`telemetry`] | metrics and logs | `prometheus` |
//! | 0 | [`model`] | the words: plain data with checked constructors | |
//!
//! In a folder, `spec.rs` is its slice of the configuration as the user wrote it (serde, unknown keys refused), and the
//! type without `Spec` is the same thing checked, with private fields: there is no other way to get one.
//!
//! # One request's walk
//!
//! 1. `ext_authz::service` takes the check, counts it, reads the clock, and answers 503 itself if there are too many of
//!    them or the time is up.
//! 2. [`ext_authz::access_request`] makes one canonical [`AccessRequest`](model::request::AccessRequest) of it. What two
//!    readers could read differently is denied here.
//! 3. [`Authorizer::decide`](authorizer::Authorizer::decide) loads the snapshot, once, and reserves the record's slot.
//! 4. [`Snapshot::examine`](authorizer::Snapshot::examine) goes from route to verdict: the route ([`action`]), where
//!    a request for its metadata (RFC 9728) ends; what the message says where MCP is spoken, so that an answer can name it;
//!    the credential, by a provider that the route accepts ([`identity`], with keys from [`keys`]); what the [`registry`]
//!    adds or forbids, joined into parties; the action and its typed parameters and arguments; the score of its risk, and the
//!    rules ([`policy`]), in which forbids come first, then what must hold, then permits, then what the caller could still add.
//! 5. The authorizer mints the token that replaces the credential, where a rule demands one ([`token`]), removes every
//!    header that the policy could have set and did not, writes the record ([`audit`]) and
//!    moves the metrics ([`telemetry`]). Rules in shadow mode are asked after the answer.
//! 6. [`ext_authz::check_response`] renders the verdict, in one exhaustive match: the only place with status codes and
//!    header names.
//!
//! # What does not happen
//!
//! - Nothing but [`Verdict::Allow`](model::verdict::Verdict::Allow) is answered with code 0, and no verdict has a default.
//! - An error never widens access: a permit whose condition fails does not match, a forbid whose condition fails does, and
//!   what cannot be decided is a [`Fault`](model::verdict::Fault), which is answered as an explicit denial with 503.
//! - A credential that is present and not valid is never treated as anonymous.
//! - The order of rules, of files and of parties never matters. An index and a scan of all rules agree.
//! - A request never sees two snapshots. It waits for the issuer of an opaque token that is not known yet, and for the store
//!   to use up a proof, no longer than its own deadline, and for nobody else.
//! - A bad reload changes nothing but a metric, a log line and a status.
//! - Nothing is fetched because of what a token says. No redirect is followed.
//! - No token, header, query or claim stands in a log, a record, a metric, an error or a debug print; no label of a metric
//!   comes from a request. What the client is told and what the log is told are two fields.
//! - No decision is without a record, but the one that says so: a full queue is a fault of its own.
//! - Nothing from the network is without a bound, and the bound stands beside it.
//! - No input panics; what panics all the same is a fault. `unsafe` is forbidden, and so are `unwrap`, indexing and slicing
//!   outside tests.
//! - The library does not print, exit, read the environment or install globals; [`cli`] does.

pub mod action;
pub mod admin;
pub mod app;
pub mod approval;
pub mod audit;
pub mod authorizer;
pub mod cache;
pub mod certificate;
pub mod cli;
pub mod condition;
pub mod config;
pub mod doctor;
pub mod expression;
pub mod ext_authz;
pub mod identity;
pub mod json;
pub mod keys;
pub mod model;
pub mod outbound;
pub mod policy;
pub mod registry;
pub mod revocation;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod tools;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::identity::Refusal;
use crate::identity::api_key::table::MAX_AGE;
use crate::identity::api_key::{ApiKeyProvider, ApiKeySpec, ApiKeys, Issued, NewKey, verify};
use crate::model::identity::Identity;
use crate::model::name::ProviderName;
use crate::model::party::Kind;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::time::Timestamp;
use crate::store::StoredKeys;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn provider(name: &str, pepper: &str) -> ApiKeyProvider {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pepper"), pepper).unwrap();
    let spec: ApiKeySpec = serde_json::from_str(r#"{"pepper":{"file":"pepper"}}"#).unwrap();
    ApiKeyProvider::compile(ProviderName::new(name).unwrap(), spec, folder.path()).unwrap()
}

fn partners() -> ApiKeyProvider {
    provider("partners", "0123456789abcdef0123456789abcdef")
}

fn issued(provider: &ApiKeyProvider) -> Issued {
    let new = NewKey {
        identity: "billing-sync".to_owned(),
        owner: "team@example.com".to_owned(),
        kind: Kind::Service,
        groups: vec!["billing".to_owned()],
        scope: vec!["a".to_owned()],
        networks: Vec::new(),
        lifetime: HOUR,
    };
    provider.issue(new, NOW).unwrap()
}

fn request(now: Timestamp) -> AccessRequest {
    AccessRequest {
        now,
        id: None,
        method: "GET".into(),
        host: "a.test".into(),
        path: "/".into(),
        raw_path: "/".into(),
        query: Query::default(),
        headers: Headers::default(),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}

/// A table that was like the store at `at`.
fn table(issued: &[&Issued], at: Instant) -> ApiKeys {
    let keys = ApiKeys::default();
    let stored = StoredKeys {
        keys: issued.iter().map(|issued| issued.record.clone()).collect(),
        unreadable: Vec::new(),
    };
    assert!(keys.replace(stored).is_empty());
    keys.confirm(at);
    keys
}

fn ask(
    key: &str,
    provider: &ApiKeyProvider,
    keys: &ApiKeys,
    now: Timestamp,
    at: Instant,
) -> Result<Identity, Refusal> {
    verify(key, std::iter::once((provider, keys)), &request(now), at)
}

fn reason(outcome: Result<Identity, Refusal>) -> Reason {
    match outcome {
        Err(Refusal::Deny(denial)) => denial.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_becomes_the_identity_that_it_was_issued_for() {
    let (provider, at) = (partners(), Instant::now());
    let issued = issued(&provider);
    let keys = table(&[&issued], at);
    let identity = ask(&issued.key, &provider, &keys, NOW, at).unwrap();
    assert_eq!(identity.subject.to_string(), "partners/billing-sync");
    assert_eq!((identity.kind, identity.client), (Kind::Service, None));
    assert_eq!(&*identity.groups[0], "billing");
    assert_eq!(&*identity.token.scope[0], "a");
    assert_eq!(identity.token.expires, Some(NOW.plus(HOUR)));
    assert_eq!(identity.token.key.as_deref(), Some(&*issued.record.id));
    assert!(!format!("{issued:?}").contains(&issued.key));
    assert_eq!(keys.take_used(), [(issued.record.id, NOW)]);
}

#[test]
fn a_key_ends_at_its_last_moment_and_a_revocation_comes_first() {
    let (provider, at) = (partners(), Instant::now());
    let mut issued = issued(&provider);
    let keys = table(&[&issued], at);
    let late = |millis| NOW.plus(HOUR).plus(Duration::from_millis(millis));
    let before = late(0).minus(Duration::from_millis(1));
    assert!(ask(&issued.key, &provider, &keys, before, at).is_ok());
    let expired = ask(&issued.key, &provider, &keys, late(0), at);
    assert_eq!(reason(expired), Reason::ApiKeyExpired);
    issued.record.revoked = Some(NOW);
    let keys = table(&[&issued], at);
    let revoked = ask(&issued.key, &provider, &keys, late(0), at);
    assert_eq!(reason(revoked), Reason::ApiKeyRevoked);
    assert_eq!((keys.live(NOW), keys.take_used().len()), (0, 0));
}

#[test]
fn what_is_not_proven_is_unknown_whatever_else_is_wrong_with_it() {
    let (provider, at) = (partners(), Instant::now());
    let mut issued = issued(&provider);
    issued.record.revoked = Some(NOW);
    let keys = table(&[&issued], at);
    let id = &issued.record.id;
    let forged = crate::identity::api_key::text::new_key("cs", id).unwrap();
    assert_eq!(
        reason(ask(&forged, &provider, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
    let stranger = crate::identity::api_key::text::new_key("cs", "0123456789abcdef").unwrap();
    assert_eq!(
        reason(ask(&stranger, &provider, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
    // The same pepper and the same place, but another provider.
    let other = self::provider("others", "0123456789abcdef0123456789abcdef");
    assert_eq!(
        reason(ask(&issued.key, &other, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
    let salted = self::provider("partners", "another pepper, which is long enough");
    assert_eq!(
        reason(ask(&issued.key, &salted, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
}

#[test]
fn a_table_that_is_not_there_or_too_old_decides_nothing() {
    let (provider, at) = (partners(), Instant::now());
    let issued = issued(&provider);
    let fault = |keys: &ApiKeys, at: Instant| match ask(&issued.key, &provider, keys, NOW, at) {
        Err(Refusal::Fault(fault)) => fault.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(&ApiKeys::default(), at), FaultCode::KeysUnavailable);
    let keys = table(&[&issued], at);
    assert!(ask(&issued.key, &provider, &keys, NOW, at + MAX_AGE).is_ok());
    let late = at + MAX_AGE + Duration::from_millis(1);
    assert_eq!(fault(&keys, late), FaultCode::KeysUnavailable);
    keys.confirm(late);
    assert!(ask(&issued.key, &provider, &keys, NOW, late).is_ok());
}

#[test]
fn a_record_that_cannot_have_been_issued_is_no_key() {
    let (provider, at) = (partners(), Instant::now());
    let issued = issued(&provider);
    let keys = ApiKeys::default();
    keys.confirm(at);
    let stored = |record| StoredKeys {
        keys: vec![record],
        unreadable: Vec::new(),
    };
    let mut human = issued.record.clone();
    human.kind = "human".to_owned();
    assert_eq!(keys.replace(stored(human)), [issued.record.id.as_str()]);
    assert_eq!(
        reason(ask(&issued.key, &provider, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
    let mut anywhere = issued.record.clone();
    anywhere.networks = vec!["everywhere".to_owned()];
    assert_eq!(keys.replace(stored(anywhere)), [issued.record.id.as_str()]);
    assert_eq!(
        reason(ask(&issued.key, &provider, &keys, NOW, at)),
        Reason::ApiKeyUnknown
    );
}

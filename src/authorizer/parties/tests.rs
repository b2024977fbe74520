use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::everybody;
use crate::authorizer::life::Life;
use crate::model::identity::{Identity, TokenFacts, UnregisteredClient};
use crate::model::name::ProviderName;
use crate::model::party::{Assurance, Claims, Kind, Parties, PartyId};
use crate::model::reason::Reason;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::model::verdict::Denial;
use crate::registry::{Lifecycle, Registry, RegistrySpec};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The parties, if everybody may act: in the order in which a request goes through both.
fn join(identity: &Identity, registry: &Registry, now: Timestamp) -> Result<Parties, Denial> {
    let life = Life {
        registry,
        lifecycle: &Lifecycle::default(),
        environment: None,
        now,
    };
    life.of_identities(everybody(identity), &mut Vec::new())?;
    super::join(identity, registry)
}

fn id(text: &str) -> PartyId {
    let (issuer, id) = text.split_once('/').unwrap();
    PartyId::new(ProviderName::new(issuer).unwrap(), id)
}

fn registry() -> Registry {
    let spec = json!({ "version": 1, "identities": [
        { "issuer": "corp", "id": "bot", "kind": "agent", "owner": "alice", "groups": ["bots"] },
        { "issuer": "corp", "id": "robot", "kind": "service", "owner": "alice", "groups": ["robots"] },
        { "issuer": "corp", "id": "resting", "kind": "agent", "owner": "bob", "status": "suspended" },
        { "issuer": "corp", "id": "gone", "kind": "agent", "owner": "bob", "status": "offboarded" },
        { "issuer": "corp", "id": "old", "kind": "service", "owner": "bob", "expires": "2026-01-01" },
        { "issuer": "ci", "id": "gone-there", "kind": "service", "owner": "bob", "status": "offboarded" },
    ] });
    let spec: RegistrySpec = serde_json::from_value(spec).unwrap();
    let providers: BTreeSet<ProviderName> = ["corp", "ci"]
        .map(|name| ProviderName::new(name).unwrap())
        .into();
    Registry::compile(spec, &providers).unwrap()
}

/// A token of corp about alice, who is a member of crm and has a claim.
fn alice() -> Identity {
    Identity {
        provider: ProviderName::new("corp").unwrap(),
        subject: id("corp/alice"),
        kind: Kind::Human,
        groups: Arc::from([Arc::from("crm")]),
        owner: None,
        claims: Arc::new(Claims::from([(Arc::from("level"), Value::Int(3))])),
        assurance: Assurance {
            acr: Some(Arc::from("phr")),
            amr: Vec::new(),
            auth_time: Some(NOW),
        },
        client: None,
        unregistered_client: UnregisteredClient::Deny,
        chain: Vec::new(),
        token: Arc::new(TokenFacts {
            scope: Vec::new(),
            audience: Vec::new(),
            expires: Some(NOW),
            issued: None,
            id: None,
            key: None,
            bindable: true,
            proof: crate::model::identity::Proof::None,
            bound: None,
            session: None,
        }),
    }
}

/// The same, about somebody else.
fn about(subject: &str, kind: Kind) -> Identity {
    Identity {
        subject: id(subject),
        kind,
        ..alice()
    }
}

fn acted_by(chain: &[&str], unregistered_client: UnregisteredClient) -> Identity {
    Identity {
        chain: chain.iter().map(|entry| id(entry)).collect(),
        unregistered_client,
        ..alice()
    }
}

fn held_by(client: &str, unregistered_client: UnregisteredClient) -> Identity {
    Identity {
        client: Some(Arc::from(client)),
        unregistered_client,
        ..alice()
    }
}

/// The actor as `issuer/id kind groups`, if there is one.
fn actor(identity: &Identity) -> Result<Option<String>, Reason> {
    let parties = join(identity, &registry(), NOW).map_err(|denial| denial.reason)?;
    Ok(parties.actor.map(|actor| {
        assert!(
            actor.claims.is_empty() && actor.assurance == Assurance::default(),
            "claims and assurance are the subject's"
        );
        format!("{} {} {}", actor.id, actor.kind, actor.groups.join(" "))
    }))
}

#[test]
fn an_unregistered_subject_is_what_its_provider_says() {
    let parties = join(&alice(), &registry(), NOW).unwrap();
    let subject = &parties.subject;
    assert_eq!(
        (subject.kind, &subject.id),
        (Kind::Human, &id("corp/alice"))
    );
    assert_eq!(*subject.groups, [Arc::from("crm")]);
    assert_eq!(subject.claims["level"], Value::Int(3));
    assert_eq!(subject.assurance.acr.as_deref(), Some("phr"));
    assert_eq!(
        (parties.actor.is_none(), parties.depth, &subject.owner),
        (true, 0, &None)
    );
}

#[test]
fn a_registered_subject_is_what_the_registry_says() {
    let parties = join(&about("corp/bot", Kind::Agent), &registry(), NOW).unwrap();
    let subject = parties.subject;
    assert_eq!(
        (subject.kind, subject.owner.as_deref()),
        (Kind::Agent, Some("alice"))
    );
    assert_eq!(
        *subject.groups,
        [Arc::from("bots")],
        "the token's groups do not count"
    );
    assert_eq!(
        subject.claims["level"],
        Value::Int(3),
        "its claims are its own"
    );
}

#[test]
fn a_subject_of_another_kind_or_standing_than_registered_is_refused() {
    for (subject, kind, reason) in [
        ("corp/bot", Kind::Human, Reason::KindMismatch),
        ("corp/bot", Kind::Service, Reason::KindMismatch),
        ("corp/resting", Kind::Agent, Reason::IdentitySuspended),
        ("corp/gone", Kind::Agent, Reason::IdentityOffboarded),
        ("corp/old", Kind::Service, Reason::IdentityExpired),
    ] {
        let refused = join(&about(subject, kind), &registry(), NOW).unwrap_err();
        assert_eq!(refused.reason, reason, "{subject}");
        assert_eq!(refused.remedy, None);
    }
}

#[test]
fn an_identity_is_its_issuer_and_its_id() {
    let parties = join(&about("ci/bot", Kind::Human), &registry(), NOW).unwrap();
    assert_eq!(
        parties.subject.kind,
        Kind::Human,
        "the registry knows corp/bot only"
    );
}

#[test]
fn the_outermost_act_is_the_actor() {
    let delegated = acted_by(
        &["corp/bot", "corp/x", "ci/robot"],
        UnregisteredClient::Deny,
    );
    assert_eq!(actor(&delegated), Ok(Some("corp/bot agent bots".into())));
    let parties = join(&delegated, &registry(), NOW).unwrap();
    assert_eq!(
        (parties.depth, parties.subject.id),
        (3, id("corp/alice")),
        "inner entries count and grant nothing"
    );
}

#[test]
fn an_unregistered_act_is_what_the_provider_says() {
    for (rule, expected) in [
        (UnregisteredClient::Deny, Err(Reason::ActorUnregistered)),
        // The credential says that somebody else acts, so the subject does not act alone.
        (UnregisteredClient::Subject, Err(Reason::ActorUnregistered)),
        (
            UnregisteredClient::Service,
            Ok(Some("corp/x service ".into())),
        ),
        (UnregisteredClient::Agent, Ok(Some("corp/x agent ".into()))),
    ] {
        assert_eq!(actor(&acted_by(&["corp/x"], rule)), expected, "{rule:?}");
    }
}

#[test]
fn every_entry_of_a_chain_may_deny() {
    for (entry, reason) in [
        ("corp/resting", Reason::IdentitySuspended),
        ("corp/gone", Reason::IdentityOffboarded),
        ("corp/old", Reason::IdentityExpired),
        ("ci/gone-there", Reason::IdentityOffboarded),
    ] {
        for chain in [
            vec![entry],
            vec!["corp/bot", entry],
            vec!["corp/bot", "corp/robot", entry],
        ] {
            assert_eq!(
                actor(&acted_by(&chain, UnregisteredClient::Agent)),
                Err(reason),
                "{chain:?}"
            );
        }
    }
}

#[test]
fn a_registered_client_is_the_actor() {
    for rule in [
        UnregisteredClient::Deny,
        UnregisteredClient::Subject,
        UnregisteredClient::Agent,
    ] {
        let held = held_by("robot", rule);
        assert_eq!(
            actor(&held),
            Ok(Some("corp/robot service robots".into())),
            "{rule:?}"
        );
        assert_eq!(
            join(&held, &registry(), NOW).unwrap().depth,
            0,
            "no `act` entry"
        );
    }
    for (client, reason) in [
        ("resting", Reason::IdentitySuspended),
        ("gone", Reason::IdentityOffboarded),
        ("old", Reason::IdentityExpired),
    ] {
        assert_eq!(
            actor(&held_by(client, UnregisteredClient::Subject)),
            Err(reason),
            "{client}"
        );
    }
}

#[test]
fn an_unregistered_client_is_what_the_provider_says() {
    for (rule, expected) in [
        (UnregisteredClient::Deny, Err(Reason::ActorUnregistered)),
        (UnregisteredClient::Subject, Ok(None)),
        (
            UnregisteredClient::Service,
            Ok(Some("corp/web service ".into())),
        ),
        (
            UnregisteredClient::Agent,
            Ok(Some("corp/web agent ".into())),
        ),
    ] {
        assert_eq!(actor(&held_by("web", rule)), expected, "{rule:?}");
    }
}

#[test]
fn a_client_that_is_the_subject_is_no_second_party() {
    let own = Identity {
        client: Some(Arc::from("robot")),
        ..about("corp/robot", Kind::Service)
    };
    assert_eq!(actor(&own), Ok(None));
}

#[test]
fn a_client_never_takes_the_place_of_act() {
    let both = Identity {
        chain: vec![id("corp/bot")],
        ..held_by("robot", UnregisteredClient::Deny)
    };
    assert_eq!(actor(&both), Ok(Some("corp/bot agent bots".into())));
    let unknown = Identity {
        chain: vec![id("corp/bot")],
        ..held_by("web", UnregisteredClient::Deny)
    };
    assert_eq!(
        actor(&unknown),
        Ok(Some("corp/bot agent bots".into())),
        "it is no party, so it need not be known"
    );
}

#[test]
fn a_client_without_standing_is_refused_behind_an_act_too() {
    for (client, reason) in [
        ("resting", Reason::IdentitySuspended),
        ("gone", Reason::IdentityOffboarded),
        ("old", Reason::IdentityExpired),
    ] {
        let both = Identity {
            chain: vec![id("corp/bot")],
            ..held_by(client, UnregisteredClient::Subject)
        };
        assert_eq!(actor(&both), Err(reason), "{client}");
    }
}

#[test]
fn the_owner_is_the_registrys_or_else_the_credentials() {
    let owned = |subject: &str, kind| {
        let identity = Identity {
            owner: Some(Arc::from("carol")),
            ..about(subject, kind)
        };
        join(&identity, &registry(), NOW).unwrap().subject.owner
    };
    assert_eq!(owned("corp/new", Kind::Service).as_deref(), Some("carol"));
    assert_eq!(owned("corp/robot", Kind::Service).as_deref(), Some("alice"));
}

//! One checked provider of opaque tokens, and what it makes of an answer about one.

use std::path::Path;

use super::answer::Members;
use super::source::IntrospectionSource;
use super::spec::{AudienceSpec, IntrospectionSpec};
use crate::identity::check;
use crate::identity::claims::{self, Presented};
use crate::identity::payload::Payload;
use crate::identity::preset;
use crate::identity::proof::Unproven;
use crate::identity::reading::{Demands, Findings, Presence, Reading, ReadingSpec};
use crate::identity::{refusal, token_type};
use crate::json::Json;
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::model::verdict::Denial;

/// The longest `prefix` in bytes.
const MAX_PREFIX: usize = 64;

/// A provider of opaque tokens.
#[derive(Debug)]
pub(in crate::identity) struct IntrospectionProvider {
    pub(in crate::identity) reading: Reading,
    pub(in crate::identity) source: IntrospectionSource,
    /// The exact `iss`, where an answer has one.
    pub(in crate::identity) issuer: Option<Box<str>>,
    /// How its tokens begin.
    pub(in crate::identity) prefix: Option<Box<str>>,
}

impl IntrospectionProvider {
    /// Checks a specification and reports everything that is wrong with it; relative files start at `base`.
    pub(in crate::identity) fn compile(
        name: ProviderName,
        spec: IntrospectionSpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let IntrospectionSpec {
            endpoint,
            client,
            issuer,
            prefix,
            audience,
            cache,
            timeout,
            leeway,
            max_delegation_depth,
            unregistered_client,
            client_claim,
            claims,
            map,
        } = spec;
        let mut findings = Findings::default();
        let source = IntrospectionSource::compile(
            name.clone(),
            &endpoint,
            client,
            cache,
            timeout,
            base,
            &mut findings,
        );
        let known = issuer.as_deref().map_or(Ok(()), check::issuer);
        let known = findings.keep("issuer", known);
        let begins = prefix.as_deref().map_or(Ok(()), check_prefix);
        let begins = findings.keep("prefix", begins);
        let reading = ReadingSpec {
            demands: demands(audience),
            leeway,
            max_delegation_depth,
            unregistered_client,
            client: client_claim,
            claims,
            map,
        };
        let reading = Reading::compile(name, reading, preset::find(None), &mut findings);
        let provider = || {
            let ((), ()) = (known?, begins?);
            Some(Self {
                reading: reading?,
                source: source?,
                issuer: issuer.map(Into::into),
                prefix: prefix.map(Into::into),
            })
        };
        provider().ok_or(findings.0)
    }

    /// Whether both could be asked about one token, and nothing says which.
    pub(in crate::identity) fn overlaps(&self, other: &Self) -> bool {
        match (&self.prefix, &other.prefix) {
            (None, None) => true,
            (Some(one), Some(another)) => {
                one.starts_with(&**another) || another.starts_with(&**one)
            }
            // A token with the prefix goes to the one that names it.
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// The facts of a token that its issuer calls active.
    pub(in crate::identity) fn read<F: Fn(&str) -> Option<ProviderName>>(
        &self,
        members: &Members,
        presented: &Presented<'_, F>,
    ) -> Result<Unproven, Denial> {
        let payload = Payload(members);
        match (&self.issuer, payload.member("iss")) {
            (None, _) | (_, None) => {}
            (Some(issuer), Some(iss)) if iss.as_str() == Some(issuer) => {}
            (Some(_), Some(_)) => {
                return Err(refusal::claims("`iss` is not the provider's `issuer`"));
            }
        }
        check_type(payload)?;
        claims::read(&self.reading, payload, None, presented)
    }
}

/// What RFC 7662, section 2.2, leaves out of an answer: everything.
const fn demands(audience: AudienceSpec) -> Demands {
    Demands {
        issuer: Presence::Optional,
        expiry: Presence::Optional,
        audience: match audience {
            AudienceSpec::Required => Presence::Required,
            AudienceSpec::Optional => Presence::Optional,
        },
    }
}

/// The type of token, where an answer says it: `Bearer`, or `DPoP` for one that is bound to a key (RFC 9449, section 5).
fn check_type(payload: Payload<'_>) -> Result<(), Denial> {
    let refuse = |cause: &str| Err(token_type::refuse(cause.into()));
    match payload.member("token_type") {
        None => Ok(()),
        Some(Json::String(name)) if name.eq_ignore_ascii_case("bearer") => Ok(()),
        Some(Json::String(name)) if name.eq_ignore_ascii_case("dpop") => {
            if payload.member("cnf").is_some() {
                return Ok(());
            }
            refuse("`token_type` is `DPoP`, and no `cnf` says which key it is bound to")
        }
        Some(_) => refuse("`token_type` is neither `Bearer` nor `DPoP`"),
    }
}

fn check_prefix(prefix: &str) -> Result<(), Finding> {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    if (1..=MAX_PREFIX).contains(&prefix.len()) && prefix.bytes().all(allowed) {
        return Ok(());
    }
    let message = format!("`{prefix}` is no start of a token");
    let help = format!("write 1 to {MAX_PREFIX} letters, digits or `-._~+/`");
    Err(Finding::error("invalid-prefix", message).help(help))
}

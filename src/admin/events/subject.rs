//! Whom an event is about (RFC 9493): what the provider of the stream calls them.
//!
//! A stream speaks of one provider's identities. Who is named by another issuer is not guessed at, and the event is refused. Names that
//! no credential has (an address, a device, a tenant) lead nowhere.

use serde_json::{Map, Value};

use super::refused::Refused;
use crate::model::name::ProviderName;
use crate::model::revocation::Target;

/// Most identifiers of a subject that has several.
const MAX_ALIASES: usize = 16;

/// Everything that a subject names, as far as credentials name it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) users: Vec<String>,
    pub(super) sessions: Vec<String>,
    pub(super) tokens: Vec<String>,
}

/// Whose identities a stream speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Realm<'a> {
    pub(super) provider: &'a ProviderName,
    /// The `iss` of its identities.
    pub(super) issuer: &'a str,
}

/// What an identifier stands for where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    User,
    Session,
}

impl Subject {
    /// Reads a `sub_id`.
    pub(super) fn read(value: &Value, realm: Realm<'_>) -> Result<Self, Refused> {
        let mut subject = Self::default();
        let members = value.as_object().ok_or(UNREADABLE)?;
        if text(members, "format")? != "complex" {
            subject.simple(members, Role::User, realm)?;
            return Ok(subject);
        }
        for (name, role) in [("user", Role::User), ("session", Role::Session)] {
            if let Some(part) = members.get(name) {
                let part = part.as_object().ok_or(UNREADABLE)?;
                subject.simple(part, role, realm)?;
            }
        }
        Ok(subject)
    }

    /// An identifier of its own, or several of the same thing; of several, those of other issuers are left out.
    fn simple(
        &mut self,
        members: &Map<String, Value>,
        role: Role,
        realm: Realm<'_>,
    ) -> Result<(), Refused> {
        if text(members, "format")? != "aliases" {
            return self.one(members, role, realm);
        }
        let all = members.get("identifiers").and_then(Value::as_array);
        let all = all.filter(|all| (1..=MAX_ALIASES).contains(&all.len()));
        let (before, mut foreign) = (self.clone(), None);
        for alias in all.ok_or(UNREADABLE)? {
            let alias = alias.as_object().ok_or(UNREADABLE)?;
            match self.one(alias, role, realm) {
                Err(refused @ Refused::Foreign) => foreign = Some(refused),
                read => read?,
            }
        }
        match foreign {
            Some(refused) if *self == before => Err(refused),
            Some(_) | None => Ok(()),
        }
    }

    fn one(
        &mut self,
        members: &Map<String, Value>,
        role: Role,
        realm: Realm<'_>,
    ) -> Result<(), Refused> {
        let ours = || match text(members, "iss")? {
            issuer if issuer == realm.issuer => Ok(()),
            _ => Err(Refused::Foreign),
        };
        let (kind, id) = match (text(members, "format")?, role) {
            ("iss_sub", Role::User) => {
                ours()?;
                ("subject", text(members, "sub")?)
            }
            ("opaque", Role::User) => ("subject", text(members, "id")?),
            ("opaque", Role::Session) => ("session", text(members, "id")?),
            ("jwt_id", Role::User | Role::Session) => {
                ours()?;
                ("token", text(members, "jti")?)
            }
            // Several of several, or parts of a part, are not in RFC 9493.
            ("aliases" | "complex", Role::User | Role::Session) => return Err(UNREADABLE),
            // An address, a number, a device: no credential of the provider has it.
            (_, Role::User | Role::Session) => return Ok(()),
        };
        Target::parse(kind, Some(realm.provider.as_str()), id).map_err(|_wrong| UNREADABLE)?;
        let known = match kind {
            "session" => &mut self.sessions,
            "token" => &mut self.tokens,
            _ => &mut self.users,
        };
        if !known.iter().any(|it| it == id) {
            known.push(id.to_owned());
        }
        Ok(())
    }
}

const UNREADABLE: Refused = Refused::Request("`sub_id` is not a subject identifier (RFC 9493)");

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refused> {
    members.get(name).and_then(Value::as_str).ok_or(UNREADABLE)
}

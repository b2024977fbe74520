//! The key of one call: a digest over everything that its ruling depends on.
//!
//! Two calls have one digest only if all of it is the same: what is digested says of every value what it is of and where it ends, and
//! absent is not empty. It has 256 bits, so nobody finds a second call for it.

use super::{Key, Member, Read, Who};
use crate::keys::sha256;
use crate::model::attributes::Attributes as _;
use crate::model::facts::Facts;
use crate::model::party::Party;
use crate::model::value::Value;
use crate::policy::evaluate::Call;

/// Most bytes that are digested; a call that says more is evaluated.
const MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting of a value; an expression reads none that is deeper.
const MAX_DEPTH: usize = 16;
/// Room for the values of most calls.
const USUAL: usize = 512;

/// What is digested first, so that no other digest is ever taken for a key.
const PREFIX: &[u8] = b"authz-ruling/v1\0";

/// SHA-256 of everything that a ruling depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// What was in force when it was asked, read before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// The policy and the registry, which change together: no two that were loaded have the same number.
    pub loaded: u64,
    /// The revision of the revocations.
    pub revocations: u64,
}

impl Key {
    /// The key of a call of the action that this is the key of; none if that would be too large.
    pub fn of(&self, call: &Call<'_>, epochs: Epochs) -> Option<Digest> {
        let Epochs {
            loaded,
            revocations,
        } = epochs;
        let mut text = Text(Vec::with_capacity(USUAL));
        text.raw(PREFIX)?;
        text.raw(&loaded.to_be_bytes())?;
        text.raw(&revocations.to_be_bytes())?;
        text.raw(&self.number.to_be_bytes())?;
        self.always(call, &mut text)?;
        for read in &self.reads {
            text.read(read, call)?;
        }
        Some(Digest(sha256(&text.0)))
    }

    /// What every ruling depends on, and the scopes.
    fn always(&self, call: &Call<'_>, text: &mut Text) -> Option<()> {
        let Call { facts, token } = call;
        let parties = facts.parties;
        text.flag(token.is_some())?;
        text.flag(parties.delegated())?;
        text.text(parties.subject.kind.as_str())?;
        text.text(parties.acting().kind.as_str())?;
        self.scopes
            .iter()
            .try_for_each(|scope| text.flag(token.is_some_and(|token| token.scope.contains(scope))))
    }
}

/// What is digested, as it grows; nothing more comes in once it is too large.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, bytes: &[u8]) -> Option<()> {
        let size = self.0.len().checked_add(bytes.len())?;
        (size <= MAX_BYTES).then(|| self.0.extend_from_slice(bytes))
    }

    fn flag(&mut self, value: bool) -> Option<()> {
        self.raw(&[u8::from(value)])
    }

    fn length(&mut self, length: usize) -> Option<()> {
        let length = u32::try_from(length).ok()?;
        self.raw(&length.to_be_bytes())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        self.length(text.len())?;
        self.raw(text.as_bytes())
    }

    fn optional(&mut self, text: Option<&str>) -> Option<()> {
        self.flag(text.is_some())?;
        text.map_or(Some(()), |text| self.text(text))
    }

    fn read(&mut self, read: &Read, call: &Call<'_>) -> Option<()> {
        let Call { facts, token } = call;
        match read {
            Read::Party(who, member) => self.member(of(facts, *who), *member),
            Read::Attribute(path) => {
                let value = facts.get(path);
                self.flag(value.is_some())?;
                value.map_or(Some(()), |value| self.value(&value, 0))
            }
            Read::AsSent(name) => self.optional(facts.request.query.get(name)),
            Read::Bindable => self.flag(token.is_some_and(|token| token.bindable)),
        }
    }

    fn member(&mut self, party: &Party, member: Member) -> Option<()> {
        match member {
            Member::Issuer => {
                let issuer = party.id.issuer.as_ref();
                self.optional(issuer.map(crate::model::name::ProviderName::as_str))
            }
            Member::Id => self.text(&party.id.id),
            Member::Groups => {
                self.length(party.groups.len())?;
                let mut groups = party.groups.iter();
                groups.try_for_each(|group| self.text(group))
            }
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match value {
            Value::Null => self.raw(&[0]),
            Value::Bool(truth) => self.raw(&[1, u8::from(*truth)]),
            Value::Int(number) => self.tagged(2, &number.to_be_bytes()),
            Value::Double(number) => self.tagged(3, &number.to_bits().to_be_bytes()),
            Value::String(text) => {
                self.raw(&[4])?;
                self.text(text)
            }
            Value::Timestamp(moment) => self.tagged(5, &moment.millis().to_be_bytes()),
            Value::List(items) => {
                self.raw(&[6])?;
                self.length(items.len())?;
                let mut items = items.iter();
                items.try_for_each(|item| self.value(item, depth + 1))
            }
            Value::Map(entries) => {
                self.raw(&[7])?;
                self.length(entries.len())?;
                let mut entries = entries.iter();
                entries.try_for_each(|(name, value)| {
                    self.text(name)?;
                    self.value(value, depth + 1)
                })
            }
        }
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> Option<()> {
        self.raw(&[tag])?;
        self.raw(bytes)
    }
}

fn of<'a>(facts: &Facts<'a>, who: Who) -> &'a Party {
    match who {
        Who::Subject => &facts.parties.subject,
        Who::Acting => facts.parties.acting(),
    }
}

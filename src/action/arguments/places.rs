//! Where declared arguments stand, and the walk to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pointer::steps;
use super::{Arguments, typed};
use crate::json::{Json, Object, folds_to};
use crate::model::reason::Reason;
use crate::model::route::{Action, Argument};
use crate::model::value::{Type, Value};
use crate::model::verdict::Denial;

/// The places of an action's arguments.
#[derive(Debug, Default)]
pub(in crate::action) struct Places {
    root: Place,
    extra: bool,
}

/// One place: an argument stands there, or it is on the way to some.
#[derive(Debug)]
enum Place {
    Argument(Arc<str>, Type, bool),
    Inner(BTreeMap<Arc<str>, Place>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Inner(BTreeMap::new())
    }
}

impl Places {
    /// The places of what `action` declares.
    pub(in crate::action) fn of(action: &Action) -> Self {
        let mut root = Place::default();
        for (name, Argument { of, optional, at }) in &action.args {
            let place = Place::Argument(Arc::clone(name), of.clone(), *optional);
            let way = match at {
                Some(pointer) => steps(pointer).unwrap_or_default(),
                None => vec![Arc::clone(name)],
            };
            root.insert(&way, place);
        }
        Self {
            root,
            extra: action.extra,
        }
    }

    /// Whether no argument is declared.
    pub(in crate::action) fn is_empty(&self) -> bool {
        matches!(&self.root, Place::Inner(members) if members.is_empty())
    }

    /// Types what stands at the declared places of `document`, and refuses what stands elsewhere.
    pub(in crate::action) fn typed(
        &self,
        document: Option<&Json<'_>>,
    ) -> Result<Arguments, Denial> {
        let mut args = BTreeMap::new();
        match document {
            Some(document) => self.walk(&self.root, document, &mut args)?,
            None => self.root.check_missing()?,
        }
        Ok(Arguments {
            args,
            digest: document.and_then(|document| document.digest().ok()),
        })
    }

    fn walk(
        &self,
        place: &Place,
        found: &Json<'_>,
        args: &mut BTreeMap<Arc<str>, Value>,
    ) -> Result<(), Denial> {
        match place {
            Place::Argument(name, of, _) => {
                let value = typed::typed(found, of).ok_or_else(|| invalid(name, of))?;
                args.insert(Arc::clone(name), value);
                Ok(())
            }
            Place::Inner(members) => match found {
                Json::Object(object) => self.members(members, object, args),
                _ => Err(Denial::new(Reason::ArgumentInvalid)
                    .because("something else stands where an object is declared")),
            },
        }
    }

    fn members(
        &self,
        declared: &BTreeMap<Arc<str>, Place>,
        object: &Object<'_>,
        args: &mut BTreeMap<Arc<str>, Value>,
    ) -> Result<(), Denial> {
        for (name, found) in object.iter() {
            match declared.get(name) {
                Some(place) => self.walk(place, found, args)?,
                None if self.extra && !declared.keys().any(|own| folds_to(own, name)) => {}
                None => return Err(Denial::new(Reason::ArgumentUndeclared)),
            }
        }
        let missing = declared
            .iter()
            .filter(|(name, _)| object.get(name).is_none());
        missing
            .map(|(_, place)| place)
            .try_for_each(Place::check_missing)
    }
}

impl Place {
    fn insert(&mut self, way: &[Arc<str>], place: Self) {
        match (self, way) {
            (own, []) => *own = place,
            (Self::Inner(members), [first, rest @ ..]) => {
                members
                    .entry(Arc::clone(first))
                    .or_default()
                    .insert(rest, place);
            }
            (Self::Argument(..), _) => {}
        }
    }

    /// What is declared here may be left out, all of it.
    fn check_missing(&self) -> Result<(), Denial> {
        match self {
            Self::Argument(_, _, true) => Ok(()),
            Self::Argument(name, ..) => Err(Denial::new(Reason::ArgumentInvalid)
                .because(format!("argument `{name}` is missing"))),
            Self::Inner(members) => members.values().try_for_each(Self::check_missing),
        }
    }
}

fn invalid(name: &str, of: &Type) -> Denial {
    Denial::new(Reason::ArgumentInvalid).because(format!("argument `{name}` is not of type `{of}`"))
}

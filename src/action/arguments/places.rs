//! Where declared arguments stand, and the walk to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pointer::{index, written};
use super::{Arguments, typed};
use crate::json::{Json, Object, PROTOTYPE, folds_to};
use crate::keys::sha256;
use crate::model::reason::Reason;
use crate::model::route::Argument;
use crate::model::value::{Type, Value};
use crate::model::verdict::Denial;

/// The places of an action's arguments; no two are the same, and none is inside another.
#[derive(Debug, Default)]
pub(in crate::action) struct Places {
    root: Place,
    extra: bool,
}

/// One place.
#[derive(Debug)]
enum Place {
    Argument(Declared),
    OnTheWay(Inner),
}

/// An argument stands here.
#[derive(Debug)]
struct Declared {
    name: Arc<str>,
    of: Type,
    optional: bool,
}

/// Arguments stand below: an object, or an array.
#[derive(Debug, Default)]
struct Inner {
    /// The pointer to it, for the log.
    at: String,
    members: BTreeMap<Arc<str>, Place>,
}

impl Default for Place {
    fn default() -> Self {
        Self::OnTheWay(Inner::default())
    }
}

impl Places {
    /// No place yet; what stands elsewhere passes if `extra` says so.
    pub(in crate::action) fn new(extra: bool) -> Self {
        Self {
            root: Place::default(),
            extra,
        }
    }

    /// Adds the place of an argument; fails with the name of one that is at the same place, or inside or around it.
    pub(super) fn add(
        &mut self,
        name: &Arc<str>,
        argument: &Argument,
        way: &[Arc<str>],
    ) -> Result<(), Arc<str>> {
        let declared = Declared {
            name: Arc::clone(name),
            of: argument.of.clone(),
            optional: argument.optional,
        };
        self.root.add(declared, way, &mut Vec::new())
    }

    /// Whether no argument is declared.
    pub(in crate::action) fn is_empty(&self) -> bool {
        self.root.first().is_none()
    }

    /// Types what stands at the declared places of `document`, and refuses what stands elsewhere unless that may be.
    pub(in crate::action) fn typed(
        &self,
        document: Option<&Json<'_>>,
    ) -> Result<Arguments, Denial> {
        let mut walk = Walk {
            extra: self.extra,
            args: BTreeMap::new(),
        };
        match document {
            Some(document) => walk.at(&self.root, document)?,
            None => self.root.left_out()?,
        }
        let canonical = document.and_then(|document| document.canonical().ok());
        Ok(Arguments {
            args: walk.args,
            digest: canonical.as_ref().map(|text| sha256(text.as_bytes())),
            without_digest: document.is_some() && canonical.is_none(),
            canonical,
        })
    }
}

impl Place {
    fn add<'a>(
        &mut self,
        declared: Declared,
        way: &'a [Arc<str>],
        walked: &mut Vec<&'a str>,
    ) -> Result<(), Arc<str>> {
        if let Some(other) = self
            .first()
            .filter(|_| self.is_argument() || way.is_empty())
        {
            return Err(Arc::clone(other));
        }
        match (self, way) {
            (Self::OnTheWay(inner), [step, rest @ ..]) => {
                walked.push(step);
                let next = inner.members.entry(Arc::clone(step)).or_insert_with(|| {
                    Self::OnTheWay(Inner {
                        at: written(walked.iter().copied()),
                        members: BTreeMap::new(),
                    })
                });
                next.add(declared, rest, walked)
            }
            (own, _) => {
                *own = Self::Argument(declared);
                Ok(())
            }
        }
    }

    const fn is_argument(&self) -> bool {
        matches!(self, Self::Argument(_))
    }

    /// An argument that stands here or below.
    fn first(&self) -> Option<&Arc<str>> {
        match self {
            Self::Argument(declared) => Some(&declared.name),
            Self::OnTheWay(inner) => inner.members.values().find_map(Self::first),
        }
    }

    /// Nothing is here: that is right only if all of it may be left out.
    fn left_out(&self) -> Result<(), Denial> {
        match self {
            Self::Argument(Declared { optional: true, .. }) => Ok(()),
            Self::Argument(Declared { name, .. }) => {
                Err(invalid(format!("argument `{name}` is missing")))
            }
            Self::OnTheWay(inner) => inner.members.values().try_for_each(Self::left_out),
        }
    }
}

/// One walk over a document.
struct Walk {
    extra: bool,
    args: BTreeMap<Arc<str>, Value>,
}

impl Walk {
    fn at(&mut self, place: &Place, found: &Json<'_>) -> Result<(), Denial> {
        match (place, found) {
            (Place::Argument(Declared { name, of, .. }), found) => {
                let value = typed::typed(found, of).ok_or_else(|| wrong_type(name, of))?;
                // A rule may read one of them, and the upstream the other.
                if found.has_lookalikes() {
                    let cause = "has members that can be taken for one another";
                    return Err(invalid(format!("argument `{name}` {cause}")));
                }
                self.args.insert(Arc::clone(name), value);
                Ok(())
            }
            (Place::OnTheWay(inner), Json::Object(object)) => self.object(inner, object),
            (Place::OnTheWay(inner), Json::Array(items)) => self.array(inner, items),
            (Place::OnTheWay(inner), _) => {
                let what = inner.describe();
                Err(invalid(format!("{what} is neither an object nor an array")))
            }
        }
    }

    fn object(&mut self, inner: &Inner, object: &Object<'_>) -> Result<(), Denial> {
        for (name, found) in object.iter() {
            match inner.members.get(name) {
                Some(place) => self.at(place, found)?,
                None => self.undeclared(inner, name)?,
            }
        }
        let mut members = inner.members.iter();
        members.try_for_each(|(name, place)| match object.get(name) {
            Some(_) => Ok(()),
            None => place.left_out(),
        })
    }

    /// Whoever reads names without regard to case would take this member for the declared one, so it never passes. Nor does
    /// one from which a declared one that was left out may come.
    fn undeclared(&self, inner: &Inner, name: &str) -> Result<(), Denial> {
        let mut own = inner.members.keys();
        let alike = own.find(|own| folds_to(own, name));
        let cause = match alike {
            Some(own) => format!(
                "a member of {} is `{own}` but for its case",
                inner.describe()
            ),
            None if self.extra && name != PROTOTYPE => return Ok(()),
            None => format!("{} has a member that is not declared", inner.describe()),
        };
        Err(Denial::new(Reason::ArgumentUndeclared).because(cause))
    }

    fn array(&mut self, inner: &Inner, items: &[Json<'_>]) -> Result<(), Denial> {
        let mut declared = 0;
        for (step, place) in &inner.members {
            match index(step).and_then(|index| items.get(index)) {
                Some(found) => {
                    declared += 1;
                    self.at(place, found)?;
                }
                None => place.left_out()?,
            }
        }
        if self.extra || declared == items.len() {
            return Ok(());
        }
        let cause = format!("{} has an item that is not declared", inner.describe());
        Err(Denial::new(Reason::ArgumentUndeclared).because(cause))
    }
}

impl Inner {
    fn describe(&self) -> String {
        match self.at.as_str() {
            "" => "the outermost value".to_owned(),
            at => format!("what stands at `{at}`"),
        }
    }
}

fn wrong_type(name: &str, of: &Type) -> Denial {
    let of = match of {
        Type::Dyn => "any".to_owned(),
        of => of.to_string(),
    };
    invalid(format!("argument `{name}` is not of type `{of}`"))
}

fn invalid(cause: String) -> Denial {
    Denial::new(Reason::ArgumentInvalid).because(cause)
}

//! Places that a value is read from, and what an expression proves about them.

use std::collections::BTreeSet;

/// Where a value is read from: a root (an attribute's first name, or a loop variable), then members. A computed key is
/// the place that it is read from, in brackets, so that `k in m && m[k] == 1` is seen to be guarded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(Vec<String>);

impl Place {
    pub(super) fn root(name: impl Into<String>) -> Self {
        Self(vec![name.into()])
    }

    pub(super) fn of(path: &[String]) -> Self {
        Self(path.to_vec())
    }

    #[must_use]
    pub(super) fn member(&self, name: impl Into<String>) -> Self {
        let mut path = self.0.clone();
        path.push(name.into());
        Self(path)
    }

    /// The member whose name is what stands at `key`.
    #[must_use]
    pub(super) fn keyed(&self, key: &Self) -> Self {
        self.member(format!("[{}]", key.0.join(".")))
    }
}

/// The places that are present if an expression has some result; `None` if it cannot have it.
pub(super) type Proof = Option<BTreeSet<Place>>;

/// What the results of an expression prove.
#[derive(Clone, Debug)]
pub(super) struct Proofs {
    /// When it is true.
    pub(super) yes: Proof,
    /// When it is false.
    pub(super) no: Proof,
}

impl Proofs {
    pub(super) fn nothing() -> Self {
        Self {
            yes: Some(BTreeSet::new()),
            no: Some(BTreeSet::new()),
        }
    }

    /// A test that `place` is present.
    pub(super) fn present(place: Place) -> Self {
        Self {
            yes: Some(BTreeSet::from([place])),
            no: Some(BTreeSet::new()),
        }
    }

    /// The literal `value`.
    pub(super) fn literal(value: bool) -> Self {
        let always = Some(BTreeSet::new());
        if value {
            Self {
                yes: always,
                no: None,
            }
        } else {
            Self {
                yes: None,
                no: always,
            }
        }
    }

    #[must_use]
    pub(super) fn negated(self) -> Self {
        Self {
            yes: self.no,
            no: self.yes,
        }
    }

    /// `condition ? self-of-then : self-of-otherwise`.
    pub(super) fn conditional(condition: &Self, then: &Self, otherwise: &Self) -> Self {
        let join = |then: &Proof, otherwise: &Proof| {
            either(
                both(condition.yes.as_ref(), then.as_ref()),
                both(condition.no.as_ref(), otherwise.as_ref()),
            )
        };
        Self {
            yes: join(&then.yes, &otherwise.yes),
            no: join(&then.no, &otherwise.no),
        }
    }
}

fn both(a: Option<&BTreeSet<Place>>, b: Option<&BTreeSet<Place>>) -> Proof {
    Some(a?.union(b?).cloned().collect())
}

fn either(a: Proof, b: Proof) -> Proof {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
        (one, None) | (None, one) => one,
    }
}

/// What is known to be present where an expression stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(BTreeSet<Place>);

impl Known {
    /// What is known here and `proof`.
    #[must_use]
    pub(super) fn and(&self, proof: &Proof) -> Self {
        let mut known = self.clone();
        known.0.extend(proof.iter().flatten().cloned());
        known
    }

    /// Whether `place` is present: it, or something in it, was tested.
    pub(super) fn proves(&self, place: &Place) -> bool {
        self.0.iter().any(|known| known.0.starts_with(&place.0))
    }
}

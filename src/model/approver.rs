//! Who may approve: what rules say of approvers, and what an approval remembers of that.

use super::glob::Glob;
use super::name::ProviderName;
use super::party::Kind;

/// Some of whom must approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    /// Who they are; one of these.
    pub who: Vec<Who>,
    /// How many of them.
    pub quorum: u32,
}

/// Who may approve. Everything that it names must fit; a list that is empty fits everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The provider.
    pub issuer: Vec<ProviderName>,
    /// The kind; human unless said, and never anonymous.
    pub kind: Vec<Kind>,
    /// The id.
    pub id: Vec<Glob>,
    /// A group.
    pub group: Vec<Glob>,
}

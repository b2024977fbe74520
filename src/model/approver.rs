//! Who may approve: what rules say of approvers, and what an approval remembers of that.

use std::fmt;

use super::approval::Voter;
use super::glob::Glob;
use super::name::ProviderName;
use super::party::Kind;

/// Some of whom must approve.
#[derive(Clone, Debug, PartialEq)]
pub struct Approvers {
    /// Who they are; one of these.
    pub who: Vec<Who>,
    /// How many of them.
    pub quorum: u32,
}

/// Who may approve. Everything that it names must fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Who {
    /// The provider.
    pub issuer: Vec<ProviderName>,
    /// The kind; human unless said.
    pub kind: Vec<Kind>,
    /// The id.
    pub id: Vec<Glob>,
    /// A group.
    pub group: Vec<Glob>,
}

impl Approvers {
    /// Whether this voter is one of them.
    pub fn include(&self, voter: &Voter) -> bool {
        self.who.iter().any(|who| who.fits(voter))
    }
}

impl Who {
    /// Whether everything that is named fits this voter. Who names nothing fits nobody.
    pub fn fits(&self, voter: &Voter) -> bool {
        let Self {
            issuer,
            kind,
            id,
            group,
        } = self;
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        let of = voter.id.issuer.as_ref();
        let in_group = || voter.groups.iter().any(|name| any(group, name));
        let named = !(issuer.is_empty() && kind.is_empty() && id.is_empty() && group.is_empty());
        let issued = issuer.is_empty() || of.is_some_and(|of| issuer.contains(of));
        named
            && of.is_some()
            && issued
            && (kind.is_empty() || kind.contains(&voter.kind))
            && (id.is_empty() || any(id, &voter.id.id))
            && (group.is_empty() || in_group())
    }
}

impl fmt::Display for Approvers {
    /// `1 of human corp group crm-leads`; alternatives with `or`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of ", self.quorum)?;
        for (index, who) in self.who.iter().enumerate() {
            let or = if index == 0 { "" } else { " or " };
            write!(f, "{or}{who}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            issuer,
            kind,
            id,
            group,
        } = self;
        let kinds: Vec<&str> = kind.iter().map(|kind| kind.as_str()).collect();
        let issuers: Vec<&str> = issuer.iter().map(ProviderName::as_str).collect();
        let texts = |globs: &[Glob]| {
            let texts: Vec<&str> = globs.iter().map(Glob::as_str).collect();
            texts.join(", ")
        };
        let parts = [
            ("", kinds.join(", ")),
            ("", issuers.join(", ")),
            ("id ", texts(id)),
            ("group ", texts(group)),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(word, text)| format!("{word}{text}"))
            .collect();
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::party::PartyId;

    fn voter(issuer: &str, kind: Kind, id: &str, groups: &[&str]) -> Voter {
        Voter {
            id: PartyId::new(ProviderName::new(issuer).unwrap(), id),
            kind,
            groups: groups.iter().map(|name| Arc::from(*name)).collect(),
            owner: None,
            actor: None,
            prior: Vec::new(),
            owners: Vec::new(),
            acr: None,
            auth_time: None,
        }
    }

    fn who(issuer: &[&str], kind: &[Kind], id: &[&str], group: &[&str]) -> Who {
        let globs = |texts: &[&str]| texts.iter().map(|text| Glob::identifier(text)).collect();
        Who {
            issuer: issuer
                .iter()
                .map(|name| ProviderName::new(name).unwrap())
                .collect(),
            kind: kind.to_vec(),
            id: globs(id),
            group: globs(group),
        }
    }

    #[test]
    fn everything_that_is_named_must_fit() {
        let leads = who(&["corp"], &[Kind::Human], &["a*"], &["crm-leads"]);
        let fits = |issuer, kind, id, groups: &[&str]| leads.fits(&voter(issuer, kind, id, groups));
        assert!(fits("corp", Kind::Human, "alice", &["x", "crm-leads"]));
        assert!(!fits("other", Kind::Human, "alice", &["crm-leads"]));
        assert!(!fits("corp", Kind::Agent, "alice", &["crm-leads"]));
        assert!(!fits("corp", Kind::Human, "bob", &["crm-leads"]));
        assert!(!fits("corp", Kind::Human, "alice", &["crm"]));
        assert!(!fits("corp", Kind::Human, "alice", &[]));
    }

    #[test]
    fn who_names_nothing_fits_nobody() {
        let nobody = who(&[], &[], &[], &[]);
        assert!(!nobody.fits(&voter("corp", Kind::Human, "alice", &[])));
    }

    #[test]
    fn approvers_are_described_for_people() {
        let approvers = Approvers {
            who: vec![
                who(&["corp"], &[Kind::Human], &[], &["crm-leads"]),
                who(&["corp"], &[Kind::Service], &["bot", "cab-*"], &[]),
            ],
            quorum: 2,
        };
        let text = "2 of human corp group crm-leads or service corp id bot, cab-*";
        assert_eq!(approvers.to_string(), text);
    }
}

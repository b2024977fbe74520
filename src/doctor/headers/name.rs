//! One header that is needed, or a family of them, and the pattern of Envoy's that stands for it.

use std::fmt;

use serde_json::{Value, json};

/// Most spellings of a name that are looked at one by one.
const MAX_SPELLINGS: usize = 64;

/// Names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeaderName {
    /// This one.
    Exact(String),
    /// Everything that starts so.
    Prefix(String),
    /// This one, of whose dashes some are underscores.
    Spellings(String),
}

impl HeaderName {
    /// The `StringMatcher` that matches these and, of spellings, the name itself.
    pub fn pattern(&self) -> Value {
        match self {
            Self::Exact(name) => json!({ "exact": name, "ignore_case": true }),
            Self::Prefix(start) => json!({ "prefix": start, "ignore_case": true }),
            Self::Spellings(name) => json!({ "safe_regex": { "regex": expression(name) } }),
        }
    }

    /// The same as one line of YAML.
    pub fn written_pattern(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        match self {
            Self::Exact(name) => format!("{{ exact: {}, ignore_case: true }}", quoted(name)),
            Self::Prefix(start) => format!("{{ prefix: {}, ignore_case: true }}", quoted(start)),
            Self::Spellings(name) => {
                format!(
                    "{{ safe_regex: {{ regex: {} }} }}",
                    quoted(&expression(name))
                )
            }
        }
    }

    /// Names that stand for all of these: a pattern that matches each of them is taken to match every one.
    pub(in crate::doctor) fn samples(&self) -> Vec<String> {
        match self {
            Self::Exact(name) => vec![name.clone()],
            Self::Prefix(start) => {
                let letters = ('a'..='z')
                    .chain('0'..='9')
                    .chain("!#$%&'*+-.^_`|~".chars());
                let short = letters.map(|letter| format!("{start}{letter}"));
                let long = ["segment-of-2_words.and-more".to_owned(), "z9".repeat(40)];
                short
                    .chain(long.map(|rest| format!("{start}{rest}")))
                    .collect()
            }
            Self::Spellings(name) => mixed_spellings(name),
        }
    }
}

fn expression(name: &str) -> String {
    let parts: Vec<String> = name.split('-').map(regex::escape).collect();
    parts.join("[-_]")
}

/// The spellings with dashes and underscores, of many the first.
fn mixed_spellings(name: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for (index, part) in name.split('-').enumerate() {
        let between: &[&str] = if index == 0 { &[""] } else { &["-", "_"] };
        let longer = between.iter().flat_map(|between| {
            let grown = spellings
                .iter()
                .map(move |start| format!("{start}{between}{part}"));
            grown.collect::<Vec<_>>()
        });
        spellings = longer.collect();
        spellings.truncate(MAX_SPELLINGS);
    }
    spellings.retain(|spelling| spelling.contains('-') && spelling.contains('_'));
    spellings
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(start) => write!(f, "{start}*"),
            Self::Spellings(name) => write!(f, "{}", name.replace('-', "[-_]")),
        }
    }
}

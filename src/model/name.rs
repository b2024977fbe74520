//! Names that the operator chooses, checked once so that everything behind them can rely on their shape.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}: use 1 to {MAX_NAME} letters, digits, `_`, `-` and `.`, not starting or ending with `.`"
)]
pub struct NameError {
    what: &'static str,
    text: String,
}

/// Longest name, in bytes.
pub const MAX_NAME: usize = 128;

/// Words that CEL keeps for itself: `args.in` would be no attribute.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Whether conditions can read a member of this name behind a dot (CEL, `IDENT` without its reserved words).
pub fn is_identifier(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    starts && name.chars().all(word) && !RESERVED.contains(&name)
}

fn check(what: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let dotted = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    if text.is_empty() || text.len() > MAX_NAME || dotted || !text.chars().all(allowed) {
        let text = text.chars().take(MAX_NAME).collect();
        return Err(NameError { what, text });
    }
    Ok(Arc::from(text))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text`; the error says which characters a name may have.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check($what, text).map(Self)
            }

            /// The name as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The shared text, for values that outlive a request.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    )*};
}

names! {
    /// A configured way to verify one kind of credential; the `issuer` of rules, registry and parties.
    ProviderName = "provider name";
    /// A protected resource, as rules and Envoy's `context_extensions` name it.
    RouteId = "route id";
    /// Whose routes they are, where one server decides for several.
    TenantName = "tenant name";
    /// An entry of a route's catalogue, for example `customers.export`.
    ActionId = "action id";
    /// A rule, unique across all policy files.
    RuleId = "rule id";
    /// A condition that operators set while the server runs, for example `incident`.
    ConditionName = "condition name";
    /// One of the servers that share a store, for example `gateway-1`.
    ReplicaName = "replica name";
    /// A signal of risk, unique across all policy files.
    SignalId = "signal id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_text_and_refuse_what_is_no_name() {
        assert_eq!(
            ActionId::new("customers.export").unwrap().as_str(),
            "customers.export"
        );
        for bad in ["", "a b", "a/b", ".a", "a.", "a..b", "ü", &"x".repeat(129)] {
            assert!(RuleId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn conditions_read_what_is_no_word_of_theirs() {
        for good in ["rows", "_", "_x", "type", "has", "a1"] {
            assert!(is_identifier(good), "{good:?}");
        }
        for bad in ["", "1a", "dry-run", "a.b", "in", "true", "\u{e4}", "a b"] {
            assert!(!is_identifier(bad), "{bad:?}");
        }
    }
}

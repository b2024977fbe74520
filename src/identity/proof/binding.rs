//! What a token is bound to: its `cnf` member (RFC 7800, section 3.1).

use std::sync::Arc;

use super::refuse;
use crate::json::Json;
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// The keys that a caller must show to have. Both, where there are both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::identity) struct Binding {
    /// The thumbprint of the key of its DPoP proofs (RFC 9449, section 6.1).
    pub(super) key: Option<Box<str>>,
    /// The thumbprint of its client certificate (RFC 8705, section 3.1).
    pub(super) certificate: Option<Box<str>>,
}

impl Binding {
    /// Reads a `cnf`; a token without one is bound to nothing. A member that is not understood refuses the token: it may
    /// be the one that was meant to protect it.
    pub(in crate::identity) fn read(cnf: Option<&Json<'_>>) -> Result<Self, Denial> {
        let mut binding = Self::default();
        let Some(cnf) = cnf else {
            return Ok(binding);
        };
        let members = cnf
            .as_object()
            .filter(|members| !members.is_empty())
            .ok_or_else(|| refuse(Reason::TokenBinding, "`cnf` names no key"))?;
        for (name, value) in members.iter() {
            let place = match name {
                "jkt" => &mut binding.key,
                "x5t#S256" => &mut binding.certificate,
                _ => {
                    let cause = "`cnf` has a member that is not understood";
                    return Err(refuse(Reason::TokenBinding, cause));
                }
            };
            let thumbprint = value.as_str().filter(|text| is_thumbprint(text));
            let cause = "`cnf` has a thumbprint that is no SHA-256 in base64url";
            *place = Some(Box::from(
                thumbprint.ok_or_else(|| refuse(Reason::TokenBinding, cause))?,
            ));
        }
        Ok(binding)
    }
}

impl Binding {
    /// Whether it is bound to nothing.
    pub(super) const fn is_none(&self) -> bool {
        self.key.is_none() && self.certificate.is_none()
    }

    /// How facts name what it is bound to: `jkt:…` or `x5t:…`, or both with a space between.
    pub(super) fn text(&self) -> Option<Arc<str>> {
        let Self { key, certificate } = self;
        match (key, certificate) {
            (None, None) => None,
            (Some(key), None) => Some(Arc::from(format!("jkt:{key}"))),
            (None, Some(certificate)) => Some(Arc::from(format!("x5t:{certificate}"))),
            (Some(key), Some(certificate)) => {
                Some(Arc::from(format!("jkt:{key} x5t:{certificate}")))
            }
        }
    }
}

/// As many characters of base64url as 32 bytes have. It is compared as text with a digest in its one spelling, so another
/// spelling (as in the example of RFC 8705, section 3.1) never matches.
fn is_thumbprint(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == 43 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::testing::borrowed;

    /// RFC 9449, section 6.1, and RFC 8705, section 3.1.
    const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const X5T: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";

    fn read(cnf: &Value) -> Result<Binding, Reason> {
        Binding::read(Some(&borrowed(cnf))).map_err(|denial| denial.reason)
    }

    #[test]
    fn the_two_members_are_read() {
        let binding = |key: Option<&str>, certificate: Option<&str>| Binding {
            key: key.map(Box::from),
            certificate: certificate.map(Box::from),
        };
        assert_eq!(Binding::read(None), Ok(Binding::default()));
        assert_eq!(read(&json!({ "jkt": JKT })), Ok(binding(Some(JKT), None)));
        assert_eq!(
            read(&json!({ "x5t#S256": X5T })),
            Ok(binding(None, Some(X5T)))
        );
        assert_eq!(
            read(&json!({ "jkt": JKT, "x5t#S256": X5T })),
            Ok(binding(Some(JKT), Some(X5T)))
        );
    }

    #[test]
    fn what_is_not_understood_refuses_the_token() {
        for cnf in [
            json!(null),
            json!({}),
            json!([]),
            json!("jkt"),
            json!({ "jkt": null }),
            json!({ "jkt": 7 }),
            json!({ "jkt": "" }),
            json!({ "jkt": [JKT] }),
            json!({ "jkt": format!("{JKT}=") }),
            json!({ "jkt": JKT.chars().skip(1).collect::<String>() }),
            json!({ "jkt": JKT.replace('-', "+") }),
            json!({ "jkt": format!("{JKT}4I") }),
            json!({ "x5t": JKT }),
            json!({ "x5t#s256": JKT }),
            json!({ "jwk": { "kty": "EC" } }),
            json!({ "kid": "a" }),
            json!({ "jkt": JKT, "jwk": {} }),
            json!({ "x5t#S256": JKT, "osc": {} }),
        ] {
            assert_eq!(read(&cnf), Err(Reason::TokenBinding), "{cnf}");
        }
    }
}

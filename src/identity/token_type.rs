//! Which signed documents are access tokens. One issuer's key signs many kinds; only the `typ` header, and members that
//! other kinds have, tell them apart (RFC 8725, sections 2.8 and 3.11).

use crate::json::Object;
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// Types of documents that are never access tokens; a provider that lists one is a load error.
pub(super) const OTHER_TYPES: &[(&str, &str)] = &[
    ("logout+jwt", "a logout token"),
    ("secevent+jwt", "a security event"),
    ("oauth-id-jag+jwt", "an identity assertion grant"),
    ("txntoken+jwt", "a transaction token"),
    ("txn-authz-challenge+jwt", "a transaction challenge"),
    ("authz-approval+jwt", "an approval"),
    ("statuslist+jwt", "a token status list"),
    ("dpop+jwt", "a proof of possession"),
    ("wit+jwt", "a workload identity token"),
    ("wpt+jwt", "a workload proof"),
    ("token-introspection+jwt", "an introspection answer"),
    ("oauth-authz-req+jwt", "an authorization request"),
    ("client-authentication+jwt", "a client assertion"),
    ("resource-metadata+jwt", "signed metadata"),
    ("entity-statement+jwt", "an entity statement"),
    ("kb+jwt", "a key binding proof"),
    ("dc+sd-jwt", "a verifiable credential"),
    ("id_token+jwt", "an ID token"),
];

/// Members that no access token has and that another kind of document does, for issuers that type all of them `JWT`.
const OTHER_MEMBERS: &[(&str, &str)] = &[
    ("nonce", "an ID token"),
    ("at_hash", "an ID token"),
    ("c_hash", "an ID token"),
    ("s_hash", "an ID token"),
    ("events", "a security event or logout token"),
    ("status_list", "a token status list"),
    ("htm", "a proof of possession"),
    ("htu", "a proof of possession"),
    ("wth", "a workload proof"),
    ("req_wl", "a transaction token"),
    ("tctx", "a transaction token"),
    ("rctx", "a transaction token"),
    ("token_introspection", "an introspection answer"),
    ("denial_expires_at", "the binding of a denial"),
    ("binding_hash", "the binding of a denial"),
];

/// The accepted `typ` headers, normalised.
#[derive(Debug)]
pub(super) struct TokenTypes(Vec<String>);

impl TokenTypes {
    pub(super) fn new<T: AsRef<str>>(types: impl IntoIterator<Item = T>) -> Self {
        Self(
            types
                .into_iter()
                .map(|typ| normalised(typ.as_ref()))
                .collect(),
        )
    }

    /// Refuses what is not typed as an access token, and what has members of another kind. A token without `typ` counts
    /// as `JWT`: a JWT need not say that it is one (RFC 7519, section 5.1).
    pub(super) fn check(&self, typ: Option<&str>, claims: &Object<'_>) -> Result<(), Denial> {
        let typ = bare(typ.unwrap_or("JWT"));
        if !self.0.iter().any(|known| known.eq_ignore_ascii_case(typ)) {
            return Err(refuse("the token's `typ` is not accepted".into()));
        }
        let other = OTHER_MEMBERS
            .iter()
            .find(|(member, _)| claims.get(member).is_some());
        match other {
            Some((member, what)) => Err(refuse(format!("the token has `{member}`: it is {what}"))),
            None => Ok(()),
        }
    }
}

/// The media type in lower case, without the `application/` that it may leave out (RFC 7515, section 4.1.9).
pub(super) fn normalised(typ: &str) -> String {
    bare(typ).to_ascii_lowercase()
}

fn bare(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => typ,
    }
}

pub(super) fn refuse(cause: String) -> Denial {
    Denial::new(Reason::TokenType).because(cause)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::testing::object;

    fn check(types: &[&str], typ: Option<&str>, claims: &Value) -> Result<(), Reason> {
        TokenTypes::new(types)
            .check(typ, &object(claims))
            .map_err(|denial| denial.reason)
    }

    #[test]
    fn the_media_type_is_read_in_any_case_and_with_its_prefix() {
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/AT+jwt",
        ] {
            assert_eq!(check(&["at+jwt"], Some(typ), &json!({})), Ok(()), "{typ}");
            assert_eq!(check(&[typ], Some("at+jwt"), &json!({})), Ok(()), "{typ}");
        }
        for typ in [
            "",
            "JWT",
            "at+jwt ",
            "x/at+jwt",
            "application/x/at+jwt",
            "application/",
        ] {
            assert_eq!(
                check(&["at+jwt"], Some(typ), &json!({})),
                Err(Reason::TokenType),
                "{typ}"
            );
        }
    }

    #[test]
    fn a_token_without_type_needs_jwt_in_the_list() {
        assert_eq!(check(&["at+jwt"], None, &json!({})), Err(Reason::TokenType));
        assert_eq!(check(&["at+jwt", "JWT"], None, &json!({})), Ok(()));
    }

    #[test]
    fn members_of_another_kind_are_refused_whatever_the_type() {
        for (member, _) in OTHER_MEMBERS {
            for typ in ["at+jwt", "JWT"] {
                let claims = json!({ *member: null });
                assert_eq!(
                    check(&["at+jwt", "JWT"], Some(typ), &claims),
                    Err(Reason::TokenType)
                );
            }
        }
    }

    #[test]
    fn the_types_of_other_kinds_are_normalised() {
        for (typ, _) in OTHER_TYPES {
            assert_eq!(normalised(typ), *typ);
        }
    }
}

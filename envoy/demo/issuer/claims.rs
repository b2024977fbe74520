//! From query parameters to the claims of an access token (RFC 9068).
//!
//! `sub`, `aud` (may repeat), `scope` (separated by spaces), `groups` and `amr` (separated by commas), `acr`, `client_id`, `environment`,
//! `act` (the actor; several separated by commas are nested, the outermost first), `ttl` and `auth_age` (seconds; `acr` alone means that
//! the login was just now), `jkt` (the thumbprint of the DPoP key that the token is bound to), `alg` (`ES256` or `RS256`),
//! `claim.NAME=JSON` for any other claim (`null` takes one away), and `bad` for a token that must be refused.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::keys::{Algorithm, Draft, Signature};

/// Lifetime in seconds unless `ttl` says otherwise: long enough to paste a few commands.
const LIFETIME: i64 = 900;

/// What somebody asked for.
pub(super) struct Order {
    /// Seconds from issue to expiry.
    pub(super) lifetime: i64,
    auth_age: Option<i64>,
    algorithm: Algorithm,
    bad: Option<Bad>,
    claims: Map<String, Value>,
    /// Applied last, so that any claim can be overwritten or taken away.
    extra: Vec<(String, Value)>,
}

/// A token that must be refused, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bad {
    Expired,
    NotYet,
    Forged,
    Unsigned,
    StringExp,
}

impl Order {
    /// Reads a query string. Unknown parameters are refused, so that a slip of the pen does not make a weaker token.
    pub(super) fn parse(query: &str) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(&format!("http://query/?{query}"))?;
        let mut order = Self {
            lifetime: LIFETIME,
            auth_age: None,
            algorithm: Algorithm::Es256,
            bad: None,
            claims: Map::new(),
            extra: Vec::new(),
        };
        for (name, value) in url.query_pairs() {
            order
                .add(&name, &value)
                .with_context(|| format!("parameter `{name}`"))?;
        }
        if order.claims.contains_key("acr") && order.auth_age.is_none() {
            order.auth_age = Some(0);
        }
        Ok(order)
    }

    fn add(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        match name {
            "sub" | "scope" | "acr" | "client_id" | "environment" => self.set(name, json!(value)),
            "groups" | "amr" => self.set(name, json!(value.split(',').collect::<Vec<_>>())),
            "aud" => self.add_audience(value),
            "act" => {
                let inner_first = value.rsplit(',');
                let nest = |inner: Value, sub| {
                    if inner.is_null() {
                        json!({ "sub": sub })
                    } else {
                        json!({ "sub": sub, "act": inner })
                    }
                };
                self.set(name, inner_first.fold(Value::Null, nest));
            }
            // The thumbprint of the key that the token is bound to (RFC 9449, section 6.1).
            "jkt" => self.set("cnf", json!({ "jkt": value })),
            "ttl" => self.lifetime = value.parse()?,
            "auth_age" => self.auth_age = Some(value.parse()?),
            "alg" => self.algorithm = Algorithm::parse(value)?,
            "bad" => self.bad = Some(Bad::parse(value)?),
            _ => match name.strip_prefix("claim.") {
                Some(claim) => self.extra.push((
                    claim.to_owned(),
                    serde_json::from_str(value).context("not JSON")?,
                )),
                None => bail!("unknown; for a claim of your own say `claim.{name}=JSON`"),
            },
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) {
        self.claims.insert(name.to_owned(), value);
    }

    /// One audience is a string, several are an array (RFC 7519 section 4.1.3).
    fn add_audience(&mut self, value: &str) {
        let aud = match self.claims.get("aud") {
            None => json!(value),
            Some(Value::Array(many)) => many.iter().cloned().chain([json!(value)]).collect(),
            Some(one) => json!([one, value]),
        };
        self.set("aud", aud);
    }

    /// The token as it will be signed, issued at `now` (seconds since 1970).
    pub(super) fn into_draft(self, iss: &str, now: i64) -> Draft {
        let Self {
            lifetime,
            auth_age,
            algorithm,
            bad,
            claims: wanted,
            extra,
        } = self;
        let issued = if bad == Some(Bad::Expired) {
            now - lifetime - 3600
        } else {
            now
        };
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(iss));
        claims.insert("iat".to_owned(), json!(issued));
        claims.insert("exp".to_owned(), json!(issued + lifetime));
        claims.insert("jti".to_owned(), json!(uuid::Uuid::now_v7().to_string()));
        claims.insert("client_id".to_owned(), json!("demo"));
        claims.extend(wanted);
        if let Some(age) = auth_age {
            claims.insert("auth_time".to_owned(), json!(now - age));
        }
        match bad {
            Some(Bad::NotYet) => drop(claims.insert("nbf".to_owned(), json!(now + 3600))),
            Some(Bad::StringExp) => {
                drop(claims.insert("exp".to_owned(), json!((now + lifetime).to_string())));
            }
            Some(Bad::Expired | Bad::Forged | Bad::Unsigned) | None => {}
        }
        for (name, value) in extra {
            if value.is_null() {
                claims.shift_remove(&name);
            } else {
                claims.insert(name, value);
            }
        }
        let signature = match bad {
            Some(Bad::Forged) => Signature::Forged,
            Some(Bad::Unsigned) => Signature::None,
            Some(Bad::Expired | Bad::NotYet | Bad::StringExp) | None => Signature::Good,
        };
        Draft {
            algorithm,
            claims,
            signature,
        }
    }
}

impl Bad {
    fn parse(word: &str) -> anyhow::Result<Self> {
        Ok(match word {
            "expired" => Self::Expired,
            "not_yet" => Self::NotYet,
            "forged" => Self::Forged,
            "unsigned" => Self::Unsigned,
            "string_exp" => Self::StringExp,
            _ => bail!(
                "`{word}` is none of `expired`, `not_yet`, `forged`, `unsigned`, `string_exp`"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(query: &str) -> Map<String, Value> {
        Order::parse(query)
            .unwrap()
            .into_draft("https://issuer.test", 1_000_000)
            .claims
    }

    #[test]
    fn actors_nest_with_the_outermost_first() {
        let act = claims("act=crm-bot,planner").remove("act").unwrap();
        assert_eq!(
            act,
            json!({ "sub": "crm-bot", "act": { "sub": "planner" } })
        );
    }

    #[test]
    fn one_audience_is_a_string_and_several_are_an_array() {
        assert_eq!(claims("aud=a").get("aud").unwrap(), &json!("a"));
        assert_eq!(
            claims("aud=a&aud=b&aud=c").get("aud").unwrap(),
            &json!(["a", "b", "c"])
        );
    }

    #[test]
    fn an_acr_alone_means_a_login_just_now() {
        assert_eq!(claims("acr=phr").get("auth_time").unwrap(), 1_000_000);
        assert_eq!(
            claims("acr=phr&auth_age=60").get("auth_time").unwrap(),
            999_940
        );
        assert!(!claims("sub=alice").contains_key("auth_time"));
    }

    #[test]
    fn an_expired_token_expired_long_before_any_tolerance() {
        assert_eq!(claims("bad=expired").get("exp").unwrap(), 996_400);
    }

    #[test]
    fn any_claim_is_overwritten_or_taken_away() {
        let claims = claims("sub=alice&claim.sub=null&claim.level=3&claim.client_id=\"x\"");
        assert!(!claims.contains_key("sub"));
        assert_eq!(claims.get("level").unwrap(), 3);
        assert_eq!(claims.get("client_id").unwrap(), "x");
    }

    #[test]
    fn an_unknown_parameter_is_refused() {
        assert!(Order::parse("subject=alice").is_err());
    }
}

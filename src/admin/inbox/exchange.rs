//! The exchange of a code for a token, at the authorization server itself.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::sessions::AccessToken;
use super::settings::SignIn;
use crate::keys::secret::Secret;
use crate::keys::{base64url, read_object};
use crate::model::time::Timestamp;
use crate::outbound::{Form, HttpClient, Limits, describe};

/// What an exchange may cost; tokens with many groups fit.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(10),
    max_bytes: 64 * 1024,
};
/// How far the issuer's clock may be behind, in seconds.
const LEEWAY: i64 = 60;

/// What a person came back with, and what only the page knows of the sign-in.
pub(super) struct Returned<'a> {
    pub(super) code: &'a str,
    pub(super) redirect: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
}

/// Why there is no token; for people, and without anything of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoToken {
    /// The issuer cannot be asked, or says no.
    Refused,
    /// The answer is not what it must be.
    Unfit(&'static str),
}

/// The answer (RFC 6749, section 5.1). What else it has does not matter.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    id_token: Option<String>,
}

/// Exchanges a code.
pub(super) async fn exchange(
    http: &HttpClient,
    sign_in: &SignIn,
    returned: &Returned<'_>,
    now: Timestamp,
) -> Result<AccessToken, NoToken> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", returned.code),
        ("redirect_uri", returned.redirect),
        ("code_verifier", returned.verifier),
        ("client_id", &sign_in.client),
    ];
    let secret = secret(sign_in).await?;
    let form = Form {
        fields: &fields,
        basic: secret.as_deref().map(|secret| (&*sign_in.client, secret)),
    };
    let answer = http.post_form(&sign_in.token, &form, LIMITS).await;
    let answer = answer.map_err(|error| {
        let error = describe(&error);
        tracing::warn!(%error, "a code could not be exchanged for a token");
        NoToken::Refused
    })?;
    token(sign_in, &answer, returned.nonce, now)
}

/// The client's secret, read when it is used, so that a replaced one counts.
async fn secret(sign_in: &SignIn) -> Result<Option<String>, NoToken> {
    let Some(spec) = sign_in.secret.clone() else {
        return Ok(None);
    };
    let load = move || Secret::load(&spec, Path::new(""));
    let loaded = tokio::task::spawn_blocking(load).await;
    let unfit = NoToken::Unfit("the client's secret cannot be read");
    let secret = loaded.map_err(|_panicked| unfit)?.map_err(|error| {
        tracing::error!(%error, "the client's secret cannot be read: nobody signs in");
        unfit
    })?;
    let text = String::from_utf8(secret.expose().to_vec());
    text.map(Some).map_err(|_bytes| unfit)
}

/// The access token of an answer, if the ID token that comes with it belongs to this sign-in.
fn token(
    sign_in: &SignIn,
    answer: &[u8],
    nonce: &str,
    now: Timestamp,
) -> Result<AccessToken, NoToken> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|_error| NoToken::Unfit("the issuer's answer is no token"))?;
    let Answer {
        access_token,
        token_type,
        id_token,
    } = answer;
    if !token_type.eq_ignore_ascii_case("bearer") {
        return Err(NoToken::Unfit("the issuer's token is not a bearer token"));
    }
    if sign_in.expects_id() {
        let fits = id_token.is_some_and(|token| belongs(sign_in, &token, nonce, now).is_some());
        if !fits {
            return Err(NoToken::Unfit(
                "the issuer's ID token is not that of this sign-in",
            ));
        }
    }
    AccessToken::new(&access_token).ok_or(NoToken::Unfit("the issuer's token is malformed"))
}

/// Whether an ID token is for this client and this sign-in, and still good. Who signed it is known: it came from the token endpoint
/// itself (OpenID Connect Core 1.0, section 3.1.3.7, point 6). It says that the code belongs to this sign-in, and nothing about who may
/// do what: that is what the access token is verified for.
fn belongs(sign_in: &SignIn, token: &str, nonce: &str, now: Timestamp) -> Option<()> {
    let payload = base64url::decode(token.split('.').nth(1)?)?;
    let claims = read_object(&payload).ok()?;
    let client = &*sign_in.client;
    let audience = claims.get("aud")?;
    let own = match audience.as_array() {
        // More than one audience is somebody else's token as well.
        Some(list) => matches!(&**list, [one] if one == client),
        None => audience == client,
    };
    let fresh = claims.get("exp")?.as_i64()? > now.seconds().saturating_sub(LEEWAY);
    let same = claims.get("nonce")? == nonce;
    (own && fresh && same).then_some(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::approval::SignInSpec;
    use crate::model::name::ProviderName;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn sign_in(scope: &str) -> SignIn {
        let corp = ProviderName::new("corp").unwrap();
        let spec = json!({
            "provider": "corp", "client_id": "inbox", "scope": scope,
            "authorization_endpoint": "https://issuer.test/authorize", "token_endpoint": "https://issuer.test/token",
        });
        let spec: SignInSpec = serde_json::from_value(spec).unwrap();
        SignIn::compile(spec, &[corp], None).unwrap()
    }

    fn of(scope: &str, answer: &Value) -> Result<String, NoToken> {
        let token = token(&sign_in(scope), answer.to_string().as_bytes(), "n1", NOW);
        token.map(|token| token.expose().to_owned())
    }

    fn answer(claims: &Value) -> Value {
        let id = format!(
            "e30.{}.sig",
            base64url::encode(claims.to_string().as_bytes())
        );
        json!({ "access_token": "a.b.c", "token_type": "Bearer", "id_token": id })
    }

    #[test]
    fn an_id_token_belongs_to_its_sign_in() {
        let good = json!({ "aud": "inbox", "nonce": "n1", "exp": 1_000_300, "sub": "ana" });
        assert_eq!(of("openid", &answer(&good)), Ok("a.b.c".to_owned()));
        for (name, wrong) in [
            ("nonce", json!("n2")),
            ("nonce", Value::Null),
            ("aud", json!("other")),
            ("aud", json!(["inbox", "other"])),
            ("exp", json!(999_000)),
            ("exp", json!("1000300")),
        ] {
            let mut claims = good.clone();
            claims[name] = wrong;
            assert!(of("openid profile", &answer(&claims)).is_err(), "{claims}");
        }
        let mut none = answer(&good);
        none["id_token"] = Value::Null;
        assert!(of("openid", &none).is_err());
        assert!(of("approve", &none).is_ok(), "plain OAuth has none");
    }

    #[test]
    fn what_is_no_bearer_token_is_none() {
        let plain = json!({ "access_token": "a.b.c", "token_type": "bearer" });
        assert!(of("approve", &plain).is_ok());
        for (name, wrong) in [
            ("token_type", json!("DPoP")),
            ("access_token", json!("a b")),
            ("access_token", json!(1)),
        ] {
            let mut answer = plain.clone();
            answer[name] = wrong;
            assert!(of("approve", &answer).is_err(), "{answer}");
        }
    }
}

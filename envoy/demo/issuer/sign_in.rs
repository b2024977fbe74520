//! Signing in, for pages that need a person: the authorization code flow with PKCE (RFC 6749, section 4.1; RFC 7636), at which
//! whoever comes **chooses a person to be, without proving anything**. Every visit is a login, so any `max_age` is met;
//! where `acr_values` names one that resists phishing, the login is said to have been one. Sends nobody to another machine.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Value, json};

use super::keys::{Algorithm, Draft, Kind, Signature};
use super::people::{self, PEOPLE, Person, STRONG};
use super::{Issuer, Refusal, Shared, bad, clock, find};

/// How long a code may be exchanged, in seconds.
const CODE_LIFE: i64 = 60;
/// Lifetime of the tokens in seconds: a sitting.
const LIFETIME: i64 = 900;
/// Most codes at once; after that all are forgotten.
const MAX_CODES: usize = 1000;

/// Codes that were given and not exchanged.
#[derive(Default)]
pub(super) struct Codes(Mutex<HashMap<String, Grant>>);

/// Who signed in, and for what.
struct Grant {
    asked: Asked,
    person: &'static Person,
    at: i64,
}

/// What a client asks for.
struct Asked {
    client: String,
    redirect: Url,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
    scope: String,
    /// Whom the access token is for (RFC 8707).
    resource: Option<String>,
    acr: Option<&'static str>,
}

impl Asked {
    fn parse(query: &str) -> anyhow::Result<Self> {
        let mut given = pairs(query)?;
        let mut take = |name: &str| given.remove(name);
        ensure!(
            take("response_type").as_deref() == Some("code"),
            "`response_type` is `code` here"
        );
        ensure!(
            take("code_challenge_method").as_deref() == Some("S256"),
            "`code_challenge_method` is `S256` here"
        );
        let redirect: Url = take("redirect_uri").context("no `redirect_uri`")?.parse()?;
        let host = redirect.host_str().unwrap_or_default();
        let here = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        ensure!(
            here || host.ends_with(".localhost"),
            "this issuer is a demo: it sends people to this machine only, not to `{host}`"
        );
        let wanted = take("acr_values").unwrap_or_default();
        Ok(Self {
            client: take("client_id").context("no `client_id`")?,
            redirect,
            state: take("state"),
            nonce: take("nonce"),
            challenge: take("code_challenge").context("no `code_challenge`")?,
            scope: take("scope").unwrap_or_default(),
            resource: take("resource"),
            acr: wanted
                .split(' ')
                .find_map(|acr| STRONG.into_iter().find(|it| *it == acr)),
        })
    }
}

/// `GET /authorize`: choose a person.
pub(super) async fn page(
    State(issuers): State<Shared>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    find(&issuers, &name)?;
    let asked = Asked::parse(&query.unwrap_or_default()).map_err(bad)?;
    let how = match asked.acr {
        Some(_) => "with a passkey, as this sign-in asks for",
        None => "with a password",
    };
    let button = |person: &Person| {
        let Person { sub, groups, about } = person;
        let groups = groups.join(", ");
        format!(
            "<button name=person value={sub}><b>{sub}</b> ({groups}) <span>{about}</span></button>"
        )
    };
    let people: String = PEOPLE.iter().map(button).collect();
    let page = format!(
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Demo sign-in</title>\
         <style>body{{font:1.1rem system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}}\
         button{{display:block;width:100%;padding:1rem;margin:.5rem 0;font:inherit;text-align:left}}span{{opacity:.7}}</style>\
         <h1>Demo sign-in</h1><p>For the demo only: be whom you like. You sign in {how}.</p>\
         <form method=post>{people}</form></html>"
    );
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response())
}

/// `POST /authorize`: chosen; back to where they came from.
pub(super) async fn chosen(
    State(issuers): State<Shared>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    body: String,
) -> Result<Response, Refusal> {
    let issuer = find(&issuers, &name)?;
    let asked = Asked::parse(&query.unwrap_or_default()).map_err(bad)?;
    let chosen = pairs(&body).map_err(bad)?.remove("person");
    let person = people::find(&chosen.unwrap_or_default())
        .context("no such person")
        .map_err(bad)?;
    let mut back = asked.redirect.clone();
    let state = asked.state.clone();
    let code = issuer.codes.give(asked, person).map_err(bad)?;
    back.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = state {
        back.query_pairs_mut().append_pair("state", &state);
    }
    // What answers a POST is got (RFC 9110, section 15.4.4).
    Ok(Redirect::to(back.as_str()).into_response())
}

/// `POST /token` with a code.
pub(super) fn exchanged(issuer: &Issuer, body: &str) -> anyhow::Result<Response> {
    let given = pairs(body)?;
    let the = |name: &str| given.get(name).map_or("", String::as_str);
    ensure!(
        the("grant_type") == "authorization_code",
        "`grant_type` is `authorization_code` here"
    );
    let grant = issuer.codes.take(the("code"));
    let Grant { asked, person, at } = grant.context("this code is not known, or was used")?;
    let now = clock::unix_seconds();
    ensure!(now <= at + CODE_LIFE, "this code has expired");
    ensure!(
        the("client_id") == asked.client && the("redirect_uri") == asked.redirect.as_str(),
        "this code was given to another client"
    );
    let verifier = digest(&SHA256, the("code_verifier").as_bytes());
    ensure!(
        URL_SAFE_NO_PAD.encode(verifier) == asked.challenge,
        "`code_verifier` does not fit"
    );
    let Person { sub, groups, .. } = person;
    let (acr, amr) = asked.acr.map_or(("pwd", "pwd"), |acr| (acr, "hwk"));
    let audience = asked.resource.as_deref().unwrap_or(&asked.client);
    let common = json!({
        "iss": issuer.iss, "sub": sub, "iat": now, "exp": now + LIFETIME, "acr": acr, "amr": [amr], "auth_time": at,
    });
    let access = json!({
        "aud": audience, "client_id": asked.client, "scope": asked.scope, "groups": groups,
        "jti": uuid::Uuid::now_v7().to_string(),
    });
    let sign = |kind, more| issuer.keys.sign(kind, &draft(&common, more));
    let mut answer = json!({
        "access_token": sign(Kind::Access, access)?, "token_type": "Bearer", "expires_in": LIFETIME, "scope": asked.scope,
    });
    if asked.scope.split(' ').any(|it| it == "openid")
        && let Some(members) = answer.as_object_mut()
    {
        let id = json!({ "aud": asked.client, "nonce": asked.nonce });
        members.insert("id_token".to_owned(), json!(sign(Kind::Id, id)?));
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

impl Codes {
    fn give(&self, asked: Asked, person: &'static Person) -> anyhow::Result<String> {
        let mut code = [0; 32];
        aws_lc_rs::rand::fill(&mut code).context("no randomness")?;
        let code = URL_SAFE_NO_PAD.encode(code);
        let at = clock::unix_seconds();
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() == MAX_CODES {
            codes.clear();
        }
        codes.insert(code.clone(), Grant { asked, person, at });
        Ok(code)
    }

    /// A code is good for one try.
    fn take(&self, code: &str) -> Option<Grant> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.remove(code)
    }
}

fn draft(common: &Value, more: Value) -> Draft {
    let members = [common.clone(), more].into_iter();
    let members = members.filter_map(|it| match it {
        Value::Object(members) => Some(members),
        _ => None,
    });
    Draft {
        algorithm: Algorithm::Es256,
        claims: members
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        signature: Signature::Good,
    }
}

/// Form data (`application/x-www-form-urlencoded`); of two members of one name there is none.
fn pairs(text: &str) -> anyhow::Result<HashMap<String, String>> {
    let url = Url::parse(&format!("http://query/?{text}"))?;
    let mut pairs = HashMap::new();
    for (name, value) in url.query_pairs() {
        let name = name.into_owned();
        ensure!(!pairs.contains_key(&name), "`{name}` is there twice");
        pairs.insert(name, value.into_owned());
    }
    Ok(pairs)
}

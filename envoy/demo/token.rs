//! `cargo demo token`: asks the running issuer for a token.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use reqwest::Url;

use crate::{client, up};

/// What the token shall say. All of it is believed by the demo's issuer.
#[derive(Args)]
pub(crate) struct Request {
    /// Who issues it
    #[arg(long, value_enum, default_value = "corp")]
    issuer: Name,
    /// Subject: on whose authority
    #[arg(long, default_value = "alice")]
    sub: String,
    /// Audience: the URL of the route
    #[arg(long, default_value = "https://payments.example.com")]
    aud: String,
    /// Scopes, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// Groups, separated by commas
    #[arg(long)]
    groups: Option<String>,
    /// Authentication context class, with a login just now
    #[arg(long)]
    acr: Option<String>,
    /// Seconds since the login
    #[arg(long, value_name = "SECONDS")]
    auth_age: Option<u32>,
    /// Who acts for the subject (`act`); several separated by commas, the outermost first
    #[arg(long)]
    actor: Option<String>,
    /// OAuth client
    #[arg(long)]
    client_id: Option<String>,
    /// The environment that a deployment service declares
    #[arg(long)]
    environment: Option<String>,
    /// Any other claim, as NAME=JSON
    #[arg(long, value_name = "NAME=JSON")]
    claim: Vec<String>,
    /// Lifetime in seconds
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// `ES256` or `RS256`
    #[arg(long)]
    alg: Option<String>,
    /// Already expired
    #[arg(long, conflicts_with = "bad")]
    expired: bool,
    /// A token that must be refused: `expired`, `not_yet`, `forged`, `unsigned`, `string_exp`
    #[arg(long)]
    bad: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Corp,
    Ci,
}

impl Request {
    /// The token, in compact form.
    pub(crate) async fn mint(&self) -> anyhow::Result<String> {
        let issuer = match self.issuer {
            Name::Corp => "corp",
            Name::Ci => "ci",
        };
        mint(issuer, &self.query()?).await
    }

    fn query(&self) -> anyhow::Result<String> {
        let Self {
            issuer: _,
            sub,
            aud,
            scope,
            groups,
            acr,
            auth_age,
            actor,
            client_id,
            environment,
            claim,
            ttl,
            alg,
            expired,
            bad,
        } = self;
        let mut url = Url::parse("http://query/")?;
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("sub", sub).append_pair("aud", aud);
        let (auth_age, ttl) = (
            auth_age.map(|age| age.to_string()),
            ttl.map(|ttl| ttl.to_string()),
        );
        let bad = if *expired {
            Some("expired".to_owned())
        } else {
            bad.clone()
        };
        let optional = [
            ("scope", scope),
            ("groups", groups),
            ("acr", acr),
            ("auth_age", &auth_age),
            ("act", actor),
            ("client_id", client_id),
            ("environment", environment),
            ("ttl", &ttl),
            ("alg", alg),
            ("bad", &bad),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        for pair in claim {
            let (name, json) = pair
                .split_once('=')
                .with_context(|| format!("`--claim {pair}` is not NAME=JSON"))?;
            pairs.append_pair(&format!("claim.{name}"), json);
        }
        drop(pairs);
        Ok(url.query().unwrap_or_default().to_owned())
    }
}

/// Asks the running issuer (`corp` or `ci`) for a token with this query string.
pub(crate) async fn mint(issuer: &str, query: &str) -> anyhow::Result<String> {
    let url = format!("http://{}/{issuer}/token?{query}", up::ISSUER);
    let answer = client::plain()?
        .get(&url)
        .send()
        .await
        .context("the demo's issuer does not answer; start it with `cargo demo`")?;
    let (status, body) = (answer.status(), answer.text().await?);
    if status != 200 {
        bail!("the demo's issuer refuses: {body}");
    }
    Ok(body)
}

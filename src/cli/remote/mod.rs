//! A running server, as verbs reach it: its admin listener, with the credential of whoever types.

mod error;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use serde_json::Value;

use super::output::{load_or_say, say_error};
use super::{ConfigArgs, Exit};
use crate::config::Overrides;
use crate::keys::secret::{Secret, SecretSpec};
use crate::outbound::{Answer, Headers, HttpClient, HttpUrl, Limits, Method, UrlError};

pub(super) use error::RemoteError;

/// The variable of the environment with the credential.
const TOKEN: &str = "COUNTERSIGN_TOKEN";
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest answer in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Which server is asked, and by whom.
#[derive(Clone, Debug, Args)]
pub(super) struct RemoteArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The server's admin listener, instead of what the configuration says; then no configuration is read.
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_ADMIN")]
    admin: Option<String>,
    /// A file with the token that says who you are; without it, what `COUNTERSIGN_TOKEN` holds.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) of who vouches for the server, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A certificate (PEM) that says who you are, with its key in the same file.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A server that is asked.
#[derive(Debug)]
pub(super) struct Remote {
    client: HttpClient,
    /// Without a slash at its end.
    base: String,
    token: Option<Secret>,
    /// Whether the result is printed as JSON.
    pub(super) json: bool,
}

/// What a server has said, with a status below 400.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) status: u16,
    /// Null where there is no body.
    pub(super) body: Value,
    pub(super) etag: Option<String>,
}

impl RemoteArgs {
    /// Does `work` with the server, and says why it could not be done.
    pub(super) fn run<F>(&self, work: impl FnOnce(Remote) -> F) -> Exit
    where
        F: Future<Output = Result<Exit>>,
    {
        let base = match self.base() {
            Ok(base) => base,
            Err(exit) => return exit,
        };
        let done = self.remote(&base).and_then(|remote| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(work(remote))
        });
        done.unwrap_or_else(|error| {
            say_error(&format!("{error:#}"), self.json);
            Exit::Failed
        })
    }

    /// Where the server is.
    fn base(&self) -> Result<String, Exit> {
        if let Some(admin) = &self.admin {
            return Ok(admin.clone());
        }
        let bundle = load_or_say(&self.config.config, &Overrides::default(), self.json);
        let reached = bundle?.admin.reached_at();
        reached.ok_or_else(|| {
            let message = "the configuration does not say where the admin listener is: pass `--admin URL`, for example `--admin http://127.0.0.1:9193`";
            say_error(message, self.json);
            Exit::Usage
        })
    }

    fn remote(&self, base: &str) -> Result<Remote> {
        let url = HttpUrl::parse(base, false).map_err(|error| match error {
            UrlError::PlainHttp => anyhow!(
                "`{base}` is plain `http`, and everybody on the way would read the token: use `https`, or ask on the server's own machine"
            ),
            other => anyhow!("cannot ask `{base}`: {other}"),
        })?;
        if url.has_query() {
            bail!("`{url}` has a query: leave out `?` and what follows it");
        }
        let pem = |file: &Option<PathBuf>| file.as_deref().map(read).transpose();
        let (roots, identity) = (pem(&self.ca)?, pem(&self.certificate)?);
        let client = if roots.is_some() || identity.is_some() {
            HttpClient::with_tls(roots.as_deref(), identity.as_deref())
        } else {
            HttpClient::new()
        };
        Ok(Remote {
            client: client?,
            base: base.trim_end_matches('/').to_owned(),
            token: self.token()?,
            json: self.json,
        })
    }

    fn token(&self) -> Result<Option<Secret>> {
        let spec = match &self.token_file {
            Some(file) => SecretSpec::File(file.clone()),
            None if std::env::var_os(TOKEN).is_some() => SecretSpec::Env(TOKEN.to_owned()),
            None => return Ok(None),
        };
        let token = Secret::load(&spec, Path::new(""));
        Ok(Some(token.context("the token")?))
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))
}

impl Remote {
    /// Asks to be shown what is at `path`, which starts with a slash and may have a query.
    pub(super) async fn get(&self, path: &str) -> Result<Said, RemoteError> {
        self.get_within(path, PATIENCE).await
    }

    /// The same, where the server may take its time.
    pub(super) async fn get_within(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<Said, RemoteError> {
        self.send(Method::Get, path, None, patience).await
    }

    /// Asks for something to be done.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Said, RemoteError> {
        self.send(Method::Post, path, Some(body), PATIENCE).await
    }

    /// Asks for something to be put where `path` says.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Said, RemoteError> {
        self.send(Method::Put, path, Some(body), PATIENCE).await
    }

    /// Asks for something to be deleted.
    pub(super) async fn delete(&self, path: &str, body: &Value) -> Result<Said, RemoteError> {
        self.send(Method::Delete, path, Some(body), PATIENCE).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Said, RemoteError> {
        let text = format!("{}{path}", self.base);
        let url = HttpUrl::parse(&text, false).map_err(RemoteError::Url)?;
        let mut headers = Headers::default();
        let plain = headers.set("accept", "application/json")
            && (body.is_none() || headers.set("content-type", "application/json"))
            && self
                .token
                .as_ref()
                .is_none_or(|it| headers.set_bearer(it.expose()));
        if !plain {
            return Err(RemoteError::Token);
        }
        let limits = Limits {
            timeout: patience,
            max_bytes: MAX_ANSWER,
        };
        let body = body.map(|body| body.to_string().into_bytes());
        let unheard = |source| RemoteError::Unheard {
            base: self.base.clone(),
            source,
        };
        let answer = self.client.send(method, &url, headers, body, limits).await;
        self.heard(answer.map_err(unheard)?).await
    }

    /// Reads an answer: only this server's words count as one.
    async fn heard(&self, mut answer: Answer) -> Result<Said, RemoteError> {
        let (status, kind) = (answer.status(), answer.media_type());
        let header = |name| answer.header(name).map(str::to_owned);
        let (etag, challenge) = (header("etag"), header("www-authenticate"));
        let foreign = || RemoteError::Foreign {
            base: self.base.clone(),
            status,
        };
        let unheard = |source| RemoteError::Unheard {
            base: self.base.clone(),
            source,
        };
        let body = answer.whole().await.map_err(unheard)?;
        let problem = kind.as_deref() == Some("application/problem+json");
        let body: Value = match (body.is_empty(), kind.as_deref()) {
            (true, _) if status < 400 => Value::Null,
            (false, Some("application/json")) if status < 400 => {
                serde_json::from_slice(&body).map_err(|_error| foreign())?
            }
            (false, _) if problem => serde_json::from_slice(&body).map_err(|_error| foreign())?,
            _ => return Err(foreign()),
        };
        if status < 400 {
            return Ok(Said { status, body, etag });
        }
        let with_token = self.token.is_some();
        Err(RemoteError::refused(
            status,
            &body,
            challenge.as_deref(),
            with_token,
        ))
    }
}

//! `countersign explain`: how a request would be decided, and why.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::Value;

use super::explained::Explained;
use super::output::{load_or_say, print, say_error};
use super::{ConfigArgs, Exit, describe};
use crate::app;
use crate::authorizer::Examined;
use crate::config::{Bundle, CallSpec, GivenSpec, Overrides, PartySpec};
use crate::ext_authz::{capture, now};
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;
use crate::model::verdict::Verdict;
use crate::policy::Trace;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign explain --http 'GET /v1/payments' --host payments.example.com --token-file token.jwt
  countersign explain --http 'POST /v1/payments' --route payments \\
      --issuer corp --subject alice --kind human --group payments --scope payments:read
  countersign explain --http 'GET /v1/customers?limit=5000' --route crm-api --issuer corp --subject alice \\
      --kind human --group crm --actor crm-bot --actor-kind agent --actor-group crm-agents --scope crm:read
  countersign explain --check-request captured.json --json     # a CheckRequest in protobuf's JSON form

Without a token and without parties the caller is anonymous. A token is verified with the issuer's own keys.")]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The request: `METHOD /path?query`.
    #[arg(long, value_name = "REQUEST", conflicts_with_all = ["grpc", "check_request"])]
    http: Option<String>,
    /// The gRPC call: `package.Service/Method`.
    #[arg(long, value_name = "METHOD", conflicts_with = "check_request")]
    grpc: Option<String>,
    /// A captured `CheckRequest` as JSON; `-` reads standard input.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["http", "grpc"])]
    check_request: Option<PathBuf>,
    /// The route; its first host is called.
    #[arg(long, conflicts_with_all = ["host", "check_request"])]
    route: Option<String>,
    /// The host, if no route is named.
    #[arg(long, conflicts_with = "check_request")]
    host: Option<String>,
    /// A request header, `name: value`; may be repeated.
    #[arg(
        long = "header",
        value_name = "HEADER",
        conflicts_with = "check_request"
    )]
    headers: Vec<String>,
    /// A context extension that Envoy sets, `name=value`; may be repeated.
    #[arg(
        long = "context",
        value_name = "NAME=VALUE",
        conflicts_with = "check_request"
    )]
    context: Vec<String>,
    /// SPIFFE ID of the calling workload.
    #[arg(long, conflicts_with = "check_request")]
    workload: Option<String>,
    /// A bearer token; prefer --token-file, so that it stays out of the shell's history.
    #[arg(long, conflicts_with_all = ["token_file", "subject", "check_request"])]
    token: Option<String>,
    /// A file that holds a bearer token; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "check_request"])]
    token_file: Option<PathBuf>,
    /// The provider that vouches for the described parties.
    #[arg(long, requires = "subject")]
    issuer: Option<String>,
    /// The subject's id.
    #[arg(long, requires = "issuer")]
    subject: Option<String>,
    /// The subject's kind.
    #[arg(long, default_value = "human", requires = "subject")]
    kind: String,
    /// A group of the subject; may be repeated.
    #[arg(long = "group", requires = "subject")]
    groups: Vec<String>,
    /// A declared claim of the subject, `name=value` with a JSON value or text; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", requires = "subject")]
    claims: Vec<String>,
    /// Scopes of the token, separated by spaces; may be repeated.
    #[arg(long, requires = "subject")]
    scope: Vec<String>,
    /// How the caller has proven that the token is its own: `none`, `dpop` or `mtls`.
    #[arg(long, requires = "subject")]
    proof: Option<String>,
    /// How long the token is good for, from its issue to its end, for example `2h`; 5 minutes unless said.
    #[arg(long, value_name = "DURATION", requires = "subject")]
    lifetime: Option<HumanDuration>,
    /// The subject's authentication context class.
    #[arg(long, requires = "subject")]
    acr: Option<String>,
    /// How long ago the subject authenticated, for example `2m`.
    #[arg(long, value_name = "DURATION", requires = "subject")]
    authenticated: Option<String>,
    /// The actor's id, if somebody acts for the subject.
    #[arg(long, requires = "subject")]
    actor: Option<String>,
    /// The actor's kind.
    #[arg(long, default_value = "agent", requires = "actor")]
    actor_kind: String,
    /// A group of the actor; may be repeated.
    #[arg(long = "actor-group", requires = "actor")]
    actor_groups: Vec<String>,
    /// A condition that is set, `name=true`; may be repeated. Without any, those of the configuration.
    #[arg(long = "condition", value_name = "NAME=BOOL")]
    conditions: Vec<String>,
    /// The moment of the call, for example `2026-01-31T09:00:00Z`.
    #[arg(long)]
    time: Option<String>,
    /// Print the explanation as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExplainArgs) -> Exit {
    let bundle = match load_or_say(&args.config.config, &Overrides::default(), args.json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    match explain(args, bundle) {
        Ok(explained) => {
            if args.json {
                print(format_args!("{:#}\n", explained.to_json()));
            } else {
                print(explained.to_text());
            }
            match explained.examined.verdict {
                Verdict::Allow(_) => Exit::Ok,
                Verdict::Deny(_) => Exit::Denied,
                Verdict::Fault(_) => Exit::Failed,
            }
        }
        Err(error) => {
            say_error(&format!("{error:#}"), args.json);
            if error.is::<app::KeysError>() {
                Exit::Failed
            } else {
                Exit::Usage
            }
        }
    }
}

fn explain(args: &ExplainArgs, bundle: Bundle) -> Result<Explained> {
    let given = args.given()?;
    let now = describe::moment(&given, now())?;
    let claims = bundle.claims.clone();
    let conditions = bundle.conditions.clone();
    let keys = args.needs_keys(&bundle);
    let mut snapshot = app::offline_snapshot(bundle, now, keys)?;
    if !given.conditions.is_empty() {
        snapshot.conditions = describe::conditions(&given, &conditions)?;
    }
    let request = match &args.check_request {
        Some(file) => capture::access_request(&read(file)?, now)
            .map_err(|error| anyhow!("{}: {error}", file.display()))?,
        None => describe::request(&args.call()?, &given, &snapshot)?.access_request(now),
    };
    let caller = match &given.subject {
        Some(_) => Some(describe::parties(&given, &claims, now)?),
        None => None,
    };
    let version = snapshot.version.to_string();
    Ok(match request {
        Ok(request) => {
            let trace = Some(Trace::default());
            let examined = match &caller {
                Some(described) => snapshot.examine_described(&request, described, trace),
                None => app::examine(&snapshot, &request, trace)?,
            };
            Explained {
                request: Some(request),
                examined,
                version,
            }
        }
        Err(denial) => Explained {
            request: None,
            examined: Examined::refused(Verdict::Deny(denial)),
            version,
        },
    })
}

fn read(file: &Path) -> Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
    }
    Ok(text)
}

fn pair<'a>(text: &'a str, separator: char, example: &str) -> Result<(&'a str, &'a str)> {
    text.split_once(separator)
        .ok_or_else(|| anyhow!("`{text}`: write `{example}`"))
}

impl ExplainArgs {
    /// A credential is verified with keys, so they have to be fetched; described parties and anonymous callers need none.
    fn needs_keys(&self, bundle: &Bundle) -> bool {
        let own: Vec<&str> = bundle.providers.credential_headers().collect();
        let credential = |header: &String| {
            let name = header.split(':').next().unwrap_or_default().trim();
            let known = ["authorization", "cookie"].iter().chain(&own);
            known.clone().any(|other| name.eq_ignore_ascii_case(other))
        };
        let carried = self.token.is_some()
            || self.token_file.is_some()
            || self.check_request.is_some()
            || self.headers.iter().any(credential);
        carried && self.subject.is_none()
    }

    fn call(&self) -> Result<CallSpec> {
        let mut headers = BTreeMap::new();
        for text in &self.headers {
            let (name, value) = pair(text, ':', "name: value")?;
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(read(file)?),
            (None, None) => None,
        };
        if let Some(token) = token {
            headers.insert(
                "authorization".to_owned(),
                format!("Bearer {}", token.trim()),
            );
        }
        let context = self.context.iter().map(|text| {
            let (name, value) = pair(text, '=', "name=value")?;
            Ok((name.to_owned(), value.to_owned()))
        });
        Ok(CallSpec {
            route: self.route.clone(),
            host: self.host.clone(),
            http: self.http.clone(),
            grpc: self.grpc.clone(),
            headers,
            context: context.collect::<Result<_>>()?,
        })
    }

    fn given(&self) -> Result<GivenSpec> {
        let mut conditions = BTreeMap::new();
        for text in &self.conditions {
            let (name, value) = pair(text, '=', "incident=true")?;
            let value = value
                .parse()
                .map_err(|_error| anyhow!("`{text}`: a condition is `true` or `false`"))?;
            conditions.insert(name.to_owned(), value);
        }
        Ok(GivenSpec {
            issuer: self.issuer.clone(),
            subject: self
                .subject
                .clone()
                .map(|id| self.subject_spec(id))
                .transpose()?,
            actor: self.actor.clone().map(|id| PartySpec {
                id: Some(id),
                kind: Some(self.actor_kind.clone()),
                groups: OneOrMany::Many(self.actor_groups.clone()),
                ..PartySpec::default()
            }),
            depth: None,
            scope: OneOrMany::Many(self.scope.clone()),
            lifetime: self.lifetime,
            workload: self.workload.clone(),
            proof: self.proof.clone(),
            conditions,
            time: self.time.clone(),
        })
    }

    fn subject_spec(&self, id: String) -> Result<PartySpec> {
        let mut claims = serde_json::Map::new();
        for text in &self.claims {
            let (name, value) = pair(text, '=', "environment=staging")?;
            let json =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            claims.insert(name.to_owned(), json);
        }
        Ok(PartySpec {
            id: Some(id),
            kind: Some(self.kind.clone()),
            groups: OneOrMany::Many(self.groups.clone()),
            claims,
            acr: self.acr.clone(),
            authenticated: self
                .authenticated
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|error: crate::model::duration::DurationError| {
                    anyhow!("--authenticated: {error}")
                })?,
            ..PartySpec::default()
        })
    }
}

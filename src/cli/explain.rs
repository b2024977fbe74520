//! `countersign explain`: how a request would be decided, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::Value;

use super::called::{CallArgs, bytes, pair};
use super::explained::Explained;
use super::output::{load_or_say, print, say_error};
use super::{ConfigArgs, Exit, asking, describe};
use crate::app;
use crate::authorizer::{Examined, Snapshot};
use crate::config::{Bundle, GivenSpec, Overrides, PartySpec};
use crate::ext_authz::{DescribedRequest, capture, now};
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
  countersign explain --route crm-tools --tool export_customers --args '{\"segment\": \"eu\", \"rows\": 5}' \\
      --issuer corp --subject alice --kind human --group crm --scope crm:export
  countersign explain --route crm-tools --mcp tools/list --token-file token.jwt
  countersign explain --http 'POST /v1/payments' --route payments --body '{\"amount\": 5}' --token-file token.jwt
  countersign explain --check-request captured.json --json     # a CheckRequest in protobuf's JSON form

Without a token and without parties the caller is anonymous. A token is verified with the issuer's own keys.")]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    call: CallArgs,
    /// A captured `CheckRequest` as JSON; `-` reads standard input.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["http", "grpc", "tool", "prompt", "uri", "mcp"])]
    check_request: Option<PathBuf>,
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
    /// As if everybody had approved whose approval is needed: how the call would pass then.
    #[arg(long)]
    approved: bool,
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
                Verdict::Deny(_) | Verdict::Pending(_) => Exit::Denied,
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
        None => args.request(&given, &snapshot)?.access_request(now),
    };
    let caller = match &given.subject {
        Some(_) => Some(describe::parties(&given, &claims, now)?),
        None => None,
    };
    let version = snapshot.version.to_string();
    Ok(match request {
        Ok(request) => {
            let trace = Some(Trace::default());
            let mut examined = match &caller {
                Some(described) => snapshot.examine_described(&request, described, trace),
                None => app::examine(&snapshot, &request, trace)?,
            };
            if args.approved {
                describe::approve(&mut examined);
            }
            let asked = examined.asked.as_ref();
            let caching = asked.and_then(|asked| snapshot.policy.caching(&asked.action));
            Explained {
                request: Some(request),
                caching: caching.cloned(),
                examined,
                version,
            }
        }
        Err(denial) => Explained {
            request: None,
            caching: None,
            examined: Examined::refused(Verdict::Deny(denial)),
            version,
        },
    })
}

fn read(file: &Path) -> Result<String> {
    let text = String::from_utf8(bytes(file)?);
    text.with_context(|| format!("`{}` is not UTF-8", file.display()))
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
            || self.call.headers.iter().any(credential);
        carried && self.subject.is_none()
    }

    fn request(&self, given: &GivenSpec, snapshot: &Snapshot) -> Result<DescribedRequest> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(read(file)?),
            (None, None) => None,
        };
        let call = self.call.spec(token.as_deref())?;
        let mut request = asking::request(&call, given, snapshot)?;
        request.body = self.call.body()?.or(request.body);
        Ok(request)
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
            approved: None,
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

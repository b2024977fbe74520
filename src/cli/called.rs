//! The options of `explain` that say what is called.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::{Map, Value};

use crate::config::CallSpec;
use crate::json::{self, Limits};

/// What is called: a request, or a message to an MCP server.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// The request: `METHOD /path?query`.
    #[arg(long, value_name = "REQUEST", conflicts_with = "check_request")]
    http: Option<String>,
    /// The gRPC call: `package.Service/Method`.
    #[arg(long, value_name = "METHOD", conflicts_with_all = ["http", "check_request"])]
    grpc: Option<String>,
    /// MCP: the tool that is called on the route.
    #[arg(long, value_name = "NAME", requires = "route", conflicts_with_all = ["http", "grpc", "check_request"])]
    tool: Option<String>,
    /// MCP: the prompt that is got.
    #[arg(long, value_name = "NAME", requires = "route", conflicts_with_all = ["http", "grpc", "tool", "check_request"])]
    prompt: Option<String>,
    /// MCP: the resource that is read.
    #[arg(long, value_name = "URI", requires = "route", conflicts_with_all = ["http", "grpc", "tool", "prompt", "check_request"])]
    uri: Option<String>,
    /// MCP: any method, for example `tools/list`.
    #[arg(long, value_name = "METHOD", requires = "route", conflicts_with_all = ["http", "grpc", "tool", "prompt", "uri", "check_request"])]
    mcp: Option<String>,
    /// The arguments of the tool or prompt, a JSON object.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["http", "grpc", "uri", "mcp", "check_request"])]
    args: Option<String>,
    /// The `params` of the MCP method, a JSON object.
    #[arg(long, value_name = "JSON", requires = "mcp", conflicts_with_all = ["http", "grpc", "tool", "prompt", "uri"])]
    params: Option<String>,
    /// The body of the HTTP request, as it is; `application/json` unless a header says otherwise.
    #[arg(long, value_name = "TEXT", requires = "http", conflicts_with_all = ["grpc", "tool", "prompt", "uri", "mcp"])]
    body: Option<String>,
    /// A file that holds the body; `-` reads standard input.
    #[arg(long, value_name = "FILE", requires = "http", conflicts_with_all = ["body", "grpc", "tool", "prompt", "uri", "mcp"])]
    body_file: Option<PathBuf>,
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
    pub(super) headers: Vec<String>,
    /// A context extension that Envoy sets, `name=value`; may be repeated.
    #[arg(
        long = "context",
        value_name = "NAME=VALUE",
        conflicts_with = "check_request"
    )]
    context: Vec<String>,
}

impl CallArgs {
    /// The call, with this bearer token if there is one.
    pub(super) fn spec(&self, token: Option<&str>) -> Result<CallSpec> {
        let mut headers = BTreeMap::new();
        if self.has_body() {
            headers.insert("content-type".to_owned(), "application/json".to_owned());
        }
        for text in &self.headers {
            let (name, value) = pair(text, ':', "name: value")?;
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
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
            tool: self.tool.clone(),
            prompt: self.prompt.clone(),
            uri: self.uri.clone(),
            mcp: self.mcp.clone(),
            args: object("--args", self.args.as_deref())?,
            params: object("--params", self.params.as_deref())?,
            body: None,
            headers,
            context: context.collect::<Result<_>>()?,
        })
    }

    const fn has_body(&self) -> bool {
        self.body.is_some() || self.body_file.is_some()
    }

    /// The body, byte by byte: a text that is no JSON is explained too.
    pub(super) fn body(&self) -> Result<Option<Vec<u8>>> {
        match (&self.body, &self.body_file) {
            (Some(text), _) => Ok(Some(text.clone().into_bytes())),
            (None, Some(file)) => bytes(file).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// A JSON object that an option holds.
fn object(option: &str, text: Option<&str>) -> Result<Option<Map<String, Value>>> {
    let Some(text) = text else { return Ok(None) };
    let wanted = || format!("{option}: write a JSON object, `{{\"rows\": 5}}`");
    // As strictly as the server reads: of a name that occurs twice nobody is shown one value that was not decided on.
    let read = json::read(text.as_bytes(), &Limits::default()).with_context(wanted)?;
    match Value::from(read) {
        Value::Object(object) => Ok(Some(object)),
        _ => bail!(wanted()),
    }
}

/// What a file holds; `-` is standard input.
pub(super) fn bytes(file: &Path) -> Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    Ok(bytes)
}

/// The two halves of an option.
pub(super) fn pair<'a>(
    text: &'a str,
    separator: char,
    example: &str,
) -> Result<(&'a str, &'a str)> {
    text.split_once(separator)
        .ok_or_else(|| anyhow!("`{text}`: write `{example}`"))
}

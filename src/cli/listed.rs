//! The tools of an MCP server, for the verbs that need them: from a file, from standard input, or from the server itself.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::Exit;
use crate::keys::secret::{Secret, SecretSpec};
use crate::outbound::{HttpUrl, UrlError, describe};
use crate::tools::{ClientError, MAX_BYTES, Progress, Server, Tool, read};

/// How long a server may be silent before a person who watches is told that it is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// Who asks.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// A file with the token that the server asks for; it is sent to that server alone and never shown.
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// A variable of the environment with that token.
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
}

/// Why there are no tools, and how the verb ends.
#[derive(Debug)]
pub(super) struct Unlisted {
    pub(super) message: String,
    pub(super) exit: Exit,
}

impl Unlisted {
    fn unreadable(message: String) -> Self {
        let exit = Exit::Invalid;
        Self { message, exit }
    }
}

/// Reads the tools that `source` lists: a URL, a file, or `-` for standard input.
pub(super) fn tools_of(source: &str, token: &TokenArgs) -> Result<Vec<Tool>, Unlisted> {
    if source.contains("://") {
        return ask(source, token);
    }
    let text = read_file(source)
        .map_err(|error| Unlisted::unreadable(format!("cannot read `{source}`: {error}")))?;
    if text.len() > MAX_BYTES {
        let message = format!("cannot read `{source}`: it is larger than {MAX_BYTES} bytes");
        return Err(Unlisted::unreadable(message));
    }
    read(&text).map_err(|error| Unlisted::unreadable(format!("cannot read `{source}`: {error}")))
}

/// One byte more than is read on, so that what is too large is told from what is just large enough.
fn read_file(source: &str) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let reader: &mut dyn Read = match source {
        "-" => &mut io::stdin().lock(),
        file => &mut File::open(file)?,
    };
    let mut text = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

fn ask(source: &str, token: &TokenArgs) -> Result<Vec<Tool>, Unlisted> {
    let url = HttpUrl::parse(source, false).map_err(|error| {
        Unlisted::unreadable(match error {
            UrlError::PlainHttp => "plain `http` is for loopback only: ask on the server's own machine, or save its answer to a file".to_owned(),
            other => format!("cannot ask the server: {other}"),
        })
    })?;
    let named = url.to_string();
    let token = token.load().map_err(Unlisted::unreadable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Unlisted::unreadable(format!("cannot start the runtime: {error}")))?;
    let tools = runtime.block_on(talk(url, token.as_ref()));
    tools.map_err(|error| match error {
        None => Unlisted {
            message: "cancelled".to_owned(),
            exit: Exit::Failed,
        },
        Some(error) => {
            let error = describe(&error);
            Unlisted::unreadable(format!("cannot list the tools of {named}: {error}"))
        }
    })
}

/// Talks with the server until it has listed its tools, or the user has had enough: then the error is none. Either way the
/// session is ended.
async fn talk(url: HttpUrl, token: Option<&Secret>) -> Result<Vec<Tool>, Option<ClientError>> {
    let host = url.host().to_owned();
    let mut server = Server::new(url, token).map_err(Some)?;
    let progress = Progress::default();
    let listed = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(None),
        listed = server.tools(&progress) => listed.map_err(Some),
        () = watch(&host, &progress) => Err(None),
    };
    server.end().await;
    listed
}

/// Tells a person that a slow server is waited for; never ends.
async fn watch(host: &str, progress: &Progress) {
    let told = io::stderr().is_terminal();
    loop {
        tokio::time::sleep(SILENCE).await;
        if told {
            let tools = progress.tools();
            eprintln!("waiting for {host}: {tools} tools so far; Ctrl-C ends it");
        }
    }
}

impl TokenArgs {
    /// The token; none if none is to be sent.
    fn load(&self) -> Result<Option<Secret>, String> {
        let Self {
            token_file,
            token_env,
        } = self;
        let spec = match (token_file, token_env) {
            (Some(file), _) => SecretSpec::File(file.clone()),
            (None, Some(name)) => SecretSpec::Env(name.clone()),
            (None, None) => return Ok(None),
        };
        let secret = Secret::load(&spec, Path::new(""));
        secret.map(Some).map_err(|error| error.to_string())
    }
}

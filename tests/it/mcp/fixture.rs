//! A request that somebody would send who wants one call to be decided and another one to be carried out: a file of `bypass/`, in
//! which the request stands and what has to become of it.

use std::fs;
use std::path::{Path, PathBuf};

use countersign::config::yaml::{Document, KeyPath};
use serde::Deserialize;
use serde_json::Value;

use super::forged::{Described, FORGED};
use super::{HOST, token};
use crate::envoy::client::Request;
use crate::harness::{Ask, Setup};

/// The namespace of Envoy's MCP filter.
const METADATA: &str = "envoy.filters.http.mcp";

/// What a well-behaved client says.
const HEADERS: [(&str, &str); 2] = [
    ("accept", "application/json, text/event-stream"),
    ("content-type", "application/json"),
];

/// The headers by which a caller shows who it is.
pub(super) type Credential = Vec<(&'static str, String)>;

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixture {
    #[serde(skip)]
    pub(super) name: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default = "endpoint")]
    path: String,
    #[serde(default = "host")]
    host: String,
    /// The groups of the caller; none is nobody.
    #[serde(default = "team")]
    groups: Vec<String>,
    /// What its token is beside that, where nothing else but that token is wrong.
    token: Option<Described>,
    /// What a token would be that is allowed the same.
    #[serde(default)]
    good: Described,
    /// It is sent twice, and allowed the first time.
    #[serde(default)]
    pub(super) twice: bool,
    /// Headers of a well-behaved client that are left out.
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// The body in hexadecimal digits, where it is no text.
    bytes: Option<String>,
    /// Sent in the field for text.
    #[serde(default)]
    text_body: bool,
    /// What Envoy's filter says of it.
    metadata: Option<Value>,
    /// Status and reason.
    pub(super) expect: String,
    /// The same where Envoy makes a more common spelling of it first.
    through: Option<String>,
    /// The status with which Envoy itself refuses it, where its MCP filter refuses what is no MCP.
    pub(super) refuses: Option<u16>,
    /// The same where that filter lets pass what it cannot read.
    pub(super) passes: Option<u16>,
    /// The same where there is no such filter.
    pub(super) nothing: Option<u16>,
    /// `grpc`: where Envoy sends nothing like it.
    only: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn host() -> String {
    HOST.to_owned()
}

fn endpoint() -> String {
    "/desk".to_owned()
}

fn team() -> Vec<String> {
    vec!["desk".to_owned()]
}

fn good_name(name: &str) -> String {
    format!("{name}, good")
}

/// All of them, by name.
pub(super) fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp/bypass");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Fixture {
    let document = Document::read(path, &fs::read_to_string(path).unwrap());
    let mut fixture: Fixture = document
        .and_then(|document| document.decode(&KeyPath::root()))
        .unwrap_or_else(|problem| panic!("{}: {problem:?}", path.display()));
    let name = path.file_stem().unwrap().to_str().unwrap();
    name.clone_into(&mut fixture.name);
    fixture
}

impl Fixture {
    /// Whether Envoy can send it.
    pub(super) fn through_envoy(&self) -> bool {
        self.only.as_deref() != Some("grpc")
    }

    /// What countersign says to it behind Envoy.
    pub(super) fn expected_behind_envoy(&self) -> &str {
        self.through.as_ref().unwrap_or(&self.expect)
    }

    pub(super) fn body(&self) -> Option<Vec<u8>> {
        let digits = self.bytes.as_deref().map(|digits| {
            let pairs = digits.as_bytes().chunks(2);
            pairs
                .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        });
        digits.or_else(|| self.body.clone().map(String::into_bytes))
    }

    /// What the caller shows.
    pub(super) fn credential(&self, setup: &Setup) -> Credential {
        if let Some(token) = &self.token {
            return FORGED.shows(&self.name, &self.method, &self.good.but(token));
        }
        if self.groups.is_empty() {
            return Credential::new();
        }
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let token = token(setup, "desk", &groups);
        vec![("authorization", format!("Bearer {token}"))]
    }

    /// What it would show if its token were good; none where something else is wrong.
    pub(super) fn good_credential(&self) -> Option<Credential> {
        self.token.as_ref()?;
        Some(FORGED.shows(&good_name(&self.name), &self.method, &self.good))
    }

    /// Its tokens by name: the one that is wrong, and the good one that it was made of.
    pub(super) fn tokens(&self) -> Vec<(String, Described)> {
        self.token.as_ref().map_or_else(Vec::new, |token| {
            vec![
                (self.name.clone(), self.good.but(token)),
                (good_name(&self.name), self.good.clone()),
            ]
        })
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let usual = HEADERS
            .into_iter()
            .filter(|(name, _)| !self.without.iter().any(|left_out| left_out == name));
        let own = self.headers.iter();
        usual.chain(own.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// As Envoy would ask about it.
    pub(super) fn ask(&self, credential: &Credential) -> Ask {
        let mut ask = Ask::new(&self.method, &self.host, &self.path);
        for (name, value) in credential {
            ask = ask.header(name, value);
        }
        let said = self.headers().any(|(name, _)| name == "content-length");
        for (name, value) in self.headers() {
            ask = ask.header(name, value);
        }
        if let Some(body) = self.body() {
            if !said {
                ask = ask.header("content-length", body.len().to_string());
            }
            ask = ask.body(&body);
        }
        if self.text_body {
            ask = ask.text_body();
        }
        if let Some(read) = &self.metadata {
            ask = ask.metadata(METADATA, read.clone());
        }
        ask
    }

    /// As a client sends it, with a header by which it is known.
    pub(super) fn request(&self, credential: &Credential, mark: &str) -> Request {
        let mut request = Request::new(&self.method, &self.host, &self.path).header("x-mark", mark);
        for (name, value) in credential {
            request = request.header(name, value);
        }
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        match self.body() {
            Some(body) => request.body(&body),
            None => request,
        }
    }
}

//! The same section, checked; nothing is opened yet.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::spec::{SentinelSpec, TimeoutsSpec, ValkeySpec, ValkeyTlsSpec};
use crate::model::duration::HumanDuration;
use crate::secret::SecretSpec;

/// The port where none is written; Sentinels have another one.
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Most Sentinels; each is asked in turn, and all of them within the bound on an answer.
const MAX_SENTINELS: usize = 16;

/// The longest that an acknowledgement may wait for replicas, or an answer may take. A request has a deadline of its own.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A Valkey or Redis, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValkeySettings {
    pub(super) place: Place,
    pub(super) login: Login,
    pub(super) tls: Option<Certificates>,
    pub(super) prefix: String,
    pub(super) min_replicas: u32,
    pub(super) wait: Duration,
    pub(super) connect: Duration,
    pub(super) command: Duration,
}

/// Where the primary is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// There.
    Address(Address),
    /// Where one of these says.
    Sentinel {
        /// What they call it.
        master: String,
        /// Who knows.
        nodes: Vec<Address>,
        /// Who we are to them.
        login: Login,
    },
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretSpec>,
}

/// The files of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    pub(super) ca: Option<PathBuf>,
    /// The certificate and its key.
    pub(super) pair: Option<(PathBuf, PathBuf)>,
}

/// Why a section cannot be used. It never holds what could be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValkeyError {
    /// Neither or both.
    #[error(
        "there must be `url` or `sentinel`, and not both: write `url: rediss://valkey.example.com:6379`"
    )]
    Place,
    /// It is no URL of a server.
    #[error("`url` is `redis://host:port`, or `rediss://host:port` for TLS, and nothing more")]
    Url,
    /// There is more in it.
    #[error(
        "`url` holds a user or a password: write them as `username` and `password: {{ file: … }}`"
    )]
    Credentials,
    /// It is no address.
    #[error("`{0}` is not `host:port`")]
    Address(String),
    /// None or too many.
    #[error("`sentinel` needs a `master` and 1 to {MAX_SENTINELS} `nodes`")]
    Sentinels,
    /// A user has no password.
    #[error("there is a `username` and no `password`")]
    Password,
    /// Half a pair.
    #[error("`tls` needs `certificate` and `key`, or neither")]
    Pair,
    /// TLS for `redis://`.
    #[error("`tls` is for TLS: write `rediss://` instead of `redis://`")]
    Scheme,
    /// The prefix is part of every key, and of a pattern in an access list.
    #[error("`prefix` is 1 to 64 letters, digits, `.`, `_` and `-`")]
    Prefix,
    /// Too short or too long.
    #[error("`{0}` is 1ms to {limit}", limit = HumanDuration::from_millis(10_000))]
    Time(&'static str),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Sentinel { master, .. } => write!(f, "{master} by Sentinel"),
        }
    }
}

impl TryFrom<ValkeySpec> for ValkeySettings {
    type Error = ValkeyError;

    fn try_from(spec: ValkeySpec) -> Result<Self, ValkeyError> {
        let ValkeySpec {
            url,
            sentinel,
            username,
            password,
            tls,
            prefix,
            min_replicas,
            wait,
            timeouts: TimeoutsSpec { connect, command },
        } = spec;
        let (place, is_tls) = match (url, sentinel) {
            (Some(url), None) => {
                let (address, is_tls) = url_of(&url)?;
                (Place::Address(address), is_tls)
            }
            (None, Some(sentinel)) => (sentinels(sentinel)?, tls.is_some()),
            (Some(_), Some(_)) | (None, None) => return Err(ValkeyError::Place),
        };
        if tls.is_some() && !is_tls {
            return Err(ValkeyError::Scheme);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(allowed) {
            return Err(ValkeyError::Prefix);
        }
        Ok(Self {
            place,
            login: login(username, password)?,
            tls: is_tls
                .then(|| certificates(tls.unwrap_or_default()))
                .transpose()?,
            prefix,
            min_replicas,
            wait: time("wait", wait)?,
            connect: time("timeouts.connect", connect)?,
            command: time("timeouts.command", command)?,
        })
    }
}

/// The address of a URL, and whether TLS is spoken there.
fn url_of(url: &str) -> Result<(Address, bool), ValkeyError> {
    let (scheme, rest) = url.split_once("://").ok_or(ValkeyError::Url)?;
    let is_tls = match scheme {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(ValkeyError::Url),
    };
    if rest.contains('@') {
        return Err(ValkeyError::Credentials);
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let address = address(rest, PORT).map_err(|_its_words| ValkeyError::Url)?;
    Ok((address, is_tls))
}

fn sentinels(spec: SentinelSpec) -> Result<Place, ValkeyError> {
    let SentinelSpec {
        master,
        nodes,
        username,
        password,
    } = spec;
    if master.is_empty() || nodes.is_empty() || nodes.len() > MAX_SENTINELS {
        return Err(ValkeyError::Sentinels);
    }
    let nodes = nodes.iter().map(|node| address(node, SENTINEL_PORT));
    Ok(Place::Sentinel {
        master,
        nodes: nodes.collect::<Result<_, _>>()?,
        login: login(username, password)?,
    })
}

/// Reads `host`, `host:port`, `[v6]` and `[v6]:port`.
fn address(text: &str, port: u16) -> Result<Address, ValkeyError> {
    let wrong = || ValkeyError::Address(text.to_owned());
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or_else(wrong)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_not_a_port| wrong())?,
        None if rest.is_empty() => port,
        None => return Err(wrong()),
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    if host.is_empty() || port == 0 || !host.bytes().all(allowed) {
        return Err(wrong());
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

fn login(username: Option<String>, password: Option<SecretSpec>) -> Result<Login, ValkeyError> {
    if username.is_some() && password.is_none() {
        return Err(ValkeyError::Password);
    }
    Ok(Login { username, password })
}

fn certificates(spec: ValkeyTlsSpec) -> Result<Certificates, ValkeyError> {
    let ValkeyTlsSpec {
        ca,
        certificate,
        key,
    } = spec;
    let pair = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(ValkeyError::Pair),
    };
    Ok(Certificates { ca, pair })
}

fn time(name: &'static str, time: HumanDuration) -> Result<Duration, ValkeyError> {
    let time = time.get();
    if time.is_zero() || time > MAX_WAIT {
        return Err(ValkeyError::Time(name));
    }
    Ok(time)
}

//! The `grpc` part of the server's configuration.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::deadline::Patience;
use super::envoys::{EnvoySpec, Envoys};
use crate::model::finding::Finding;
use crate::tls::TlsSpec;

/// Most checks in flight that can be configured.
const MAX_CONCURRENCY: usize = 65_536;
/// Longest path of a Unix socket in bytes: `sun_path` on Linux, less its final NUL.
const MAX_SOCKET_PATH: usize = 107;

/// Where Envoy finds the server, as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcSpec {
    /// Address and port, or `none`; port 0 takes a free one.
    pub listen: String,
    /// Path of a Unix socket.
    pub unix: Option<PathBuf>,
    /// Certificate and key of the TCP listener, and who issues those of Envoys.
    pub tls: Option<TlsSpec>,
    /// The Envoys that may ask.
    pub envoys: Vec<EnvoySpec>,
    /// Allows an address that other machines reach, without knowing who asks.
    pub insecure: bool,
    /// Most checks in flight.
    pub concurrency: usize,
    /// Kept back from Envoy's timeout.
    #[serde(deserialize_with = "duration")]
    pub deadline_margin: Duration,
    /// For checks without a timeout.
    #[serde(deserialize_with = "duration")]
    pub default_deadline: Duration,
    /// How the server ends.
    pub drain: DrainSpec,
}

/// How the server ends, as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainSpec {
    /// How long it still accepts connections after it reports `NOT_SERVING`.
    #[serde(deserialize_with = "duration")]
    pub delay: Duration,
    /// How long requests in flight may take after that.
    #[serde(deserialize_with = "duration")]
    pub grace: Duration,
}

impl Default for GrpcSpec {
    fn default() -> Self {
        Self {
            listen: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9191).to_string(),
            unix: None,
            tls: None,
            envoys: Vec::new(),
            insecure: false,
            concurrency: 1024,
            deadline_margin: Duration::from_millis(10),
            default_deadline: Duration::from_secs(1),
            drain: DrainSpec::default(),
        }
    }
}

impl Default for DrainSpec {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(3),
            grace: Duration::from_secs(10),
        }
    }
}

/// Why the `grpc` part cannot be used; [`SpecError::path`] says where it is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not an address with a port.
    #[error(
        "`{0}` is not an address: write an IP address and a port such as `127.0.0.1:9191`, or `none`"
    )]
    Listen(String),
    /// Reachable from other machines without saying so.
    #[error(
        "`{0}` can be reached from other machines, and whoever reaches it can claim any identity: name `tls.client_ca` and the `envoys` that may ask, listen on `127.0.0.1:{port}` or on a `unix` socket, or write `insecure: true` if the network itself admits Envoy only",
        port = .0.port()
    )]
    Exposed(SocketAddr),
    /// Neither TCP nor a Unix socket.
    #[error(
        "there is nothing to listen on: write an address under `listen` or a path under `unix`"
    )]
    Nowhere,
    /// A certificate for nothing.
    #[error(
        "`tls` is for the TCP listener, and there is none: a Unix socket is guarded by its file"
    )]
    TlsForNothing,
    /// A CA may sign for others than Envoys.
    #[error(
        "`client_ca` without `envoys` would let in everybody whom that CA has signed for: list the Envoys that may ask"
    )]
    NobodyListed,
    /// Names without a way to know them.
    #[error(
        "Envoys are known by their certificates: name the CA that signs these in `tls.client_ca`"
    )]
    ListedForNothing,
    /// A socket path that the system does not take.
    #[error("`{}` is not the path of a socket: use 1 to {MAX_SOCKET_PATH} bytes", .0.display())]
    SocketPath(PathBuf),
    /// Zero, or more than can be served.
    #[error("`{0}` checks at once are out of range: use 1 to {MAX_CONCURRENCY}")]
    Concurrency(usize),
    /// No time would be left for deciding.
    #[error("a default deadline of 0 leaves no time to decide: use one such as `1s`")]
    Deadline,
    /// Entries of the allow-list that are wrong.
    #[error("the list of Envoys cannot be used")]
    Envoys(Vec<Finding>),
}

impl SpecError {
    /// The key below `grpc` that is wrong.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Listen(_) | Self::Exposed(_) | Self::Nowhere => "listen",
            Self::TlsForNothing => "tls",
            Self::NobodyListed | Self::ListedForNothing | Self::Envoys(_) => "envoys",
            Self::SocketPath(_) => "unix",
            Self::Concurrency(_) => "concurrency",
            Self::Deadline => "default_deadline",
        }
    }

    /// Everything that is wrong, at paths below `grpc`.
    pub fn into_findings(self) -> Vec<Finding> {
        let path = self.path();
        let found = match self {
            Self::Envoys(findings) => findings,
            other => vec![Finding::error("invalid-setting", other.to_string())],
        };
        found
            .into_iter()
            .map(|finding| finding.under(path))
            .collect()
    }
}

/// Where and how the server listens, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grpc {
    pub(super) tcp: Option<SocketAddr>,
    pub(super) tls: Option<TlsSpec>,
    pub(super) envoys: Envoys,
    pub(super) unix: Option<PathBuf>,
    pub(super) concurrency: usize,
    pub(super) patience: Patience,
    pub(super) drain: DrainSpec,
}

impl Grpc {
    /// The TCP address that other machines reach without showing who they are, if there is one; `check` warns about it.
    pub fn exposed(&self) -> Option<SocketAddr> {
        let reachable = self.tcp.filter(|address| !address.ip().is_loopback());
        reachable.filter(|_| !self.authenticates())
    }

    /// Whether those who ask over TCP have to show who they are.
    pub fn authenticates(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some())
    }

    /// The TCP address, if there is one.
    pub const fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// The Unix socket, if there is one.
    pub fn unix(&self) -> Option<&Path> {
        self.unix.as_deref()
    }

    /// The Envoys that may ask.
    pub const fn envoys(&self) -> &Envoys {
        &self.envoys
    }

    /// Certificate and key of the TCP listener.
    pub const fn tls(&self) -> Option<&TlsSpec> {
        self.tls.as_ref()
    }

    /// What is kept back of Envoy's timeout: a check with no more time than that is always too late.
    pub const fn margin(&self) -> Duration {
        self.patience.margin
    }
}

impl TryFrom<GrpcSpec> for Grpc {
    type Error = SpecError;

    fn try_from(spec: GrpcSpec) -> Result<Self, SpecError> {
        let GrpcSpec {
            listen,
            unix,
            tls,
            envoys,
            insecure,
            concurrency,
            deadline_margin,
            default_deadline,
            drain,
        } = spec;
        let tcp = address(&listen)?;
        let trusted = allowed(tls.as_ref(), &envoys)?;
        let private = |it: &SocketAddr| it.ip().is_loopback() || insecure || !trusted.is_empty();
        if let Some(address) = tcp.filter(|it| !private(it)) {
            return Err(SpecError::Exposed(address));
        }
        match (tcp, &unix, &tls) {
            (None, None, _) => return Err(SpecError::Nowhere),
            (None, Some(_), Some(_)) => return Err(SpecError::TlsForNothing),
            (Some(_), _, _) | (None, Some(_), None) => {}
        }
        let fits = |path: &PathBuf| (1..=MAX_SOCKET_PATH).contains(&path.as_os_str().len());
        if let Some(path) = unix.as_ref().filter(|path| !fits(path)) {
            return Err(SpecError::SocketPath(path.clone()));
        }
        if !(1..=MAX_CONCURRENCY).contains(&concurrency) {
            return Err(SpecError::Concurrency(concurrency));
        }
        if default_deadline.is_zero() {
            return Err(SpecError::Deadline);
        }
        Ok(Self {
            tcp,
            tls,
            envoys: trusted,
            unix,
            concurrency,
            patience: Patience {
                margin: deadline_margin,
                default: default_deadline,
            },
            drain,
        })
    }
}

/// The Envoys that may ask: there are some exactly where certificates say who asks.
fn allowed(tls: Option<&TlsSpec>, envoys: &[EnvoySpec]) -> Result<Envoys, SpecError> {
    let known_by = tls.and_then(|tls| tls.client_ca.as_ref());
    match (known_by, envoys) {
        (Some(_), []) => Err(SpecError::NobodyListed),
        (None, [_, ..]) => Err(SpecError::ListedForNothing),
        (Some(_), [_, ..]) | (None, []) => Envoys::compile(envoys).map_err(SpecError::Envoys),
    }
}

fn address(listen: &str) -> Result<Option<SocketAddr>, SpecError> {
    if listen == "none" {
        return Ok(None);
    }
    let address = listen.parse();
    address
        .map(Some)
        .map_err(|_not_an_address| SpecError::Listen(listen.to_owned()))
}

/// Reads `10ms`, `3s` or `1m`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = |unit: &str, millis: u64| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(millis).map(Duration::from_millis)
    };
    read("ms", 1)
        .or_else(|| read("s", 1000))
        .or_else(|| read("m", 60_000))
        .ok_or_else(|| {
            let message = format!("`{text}` is not a duration: write one such as `10ms` or `3s`");
            de::Error::custom(message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<GrpcSpec, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn checked(json: &str) -> Result<Grpc, SpecError> {
        Grpc::try_from(read(json).unwrap())
    }

    #[test]
    fn nothing_written_is_loopback() {
        let grpc = checked("{}").unwrap();
        assert_eq!(grpc.tcp, Some("127.0.0.1:9191".parse().unwrap()));
        assert_eq!(grpc.exposed(), None);
        assert_eq!(grpc.drain, DrainSpec::default());
    }

    #[test]
    fn everything_can_be_written() {
        let grpc = checked(
            r#"{"listen":"none","unix":"/run/x.sock","concurrency":8,"deadline_margin":"20ms",
                "default_deadline":"2s","drain":{"delay":"0s","grace":"1m"}}"#,
        )
        .unwrap();
        assert_eq!((grpc.tcp, grpc.concurrency), (None, 8));
        assert_eq!(grpc.patience.margin, Duration::from_millis(20));
        assert_eq!(grpc.drain.grace, Duration::from_mins(1));
    }

    #[test]
    fn other_machines_are_let_in_only_when_that_is_written() {
        let error = checked(r#"{"listen":"0.0.0.0:9191"}"#).unwrap_err();
        assert_eq!(error.path(), "listen");
        assert!(error.to_string().contains("`insecure: true`"), "{error}");
        let grpc = checked(r#"{"listen":"0.0.0.0:9191","insecure":true}"#).unwrap();
        assert!(grpc.exposed().is_some());
        assert!(checked(r#"{"listen":"[::]:9191"}"#).is_err());
        assert!(checked(r#"{"listen":"[::1]:9191"}"#).is_ok());
    }

    #[test]
    fn other_machines_are_let_in_when_they_show_who_they_are() {
        let with = |tls: &str, envoys: &str| {
            checked(&format!(
                r#"{{"listen":"0.0.0.0:9191","tls":{{"certificate":"a","key":"b"{tls}}}{envoys}}}"#
            ))
        };
        let (ca, listed) = (
            r#","client_ca":"c""#,
            r#","envoys":[{"id":"dns:a.example"}]"#,
        );
        let grpc = with(ca, listed).unwrap();
        assert_eq!((grpc.exposed(), grpc.authenticates()), (None, true));
        // TLS alone says who we are, and not who asks.
        assert!(matches!(with("", ""), Err(SpecError::Exposed(_))));
        let insecure = with("", r#","insecure":true"#).unwrap();
        assert!(insecure.exposed().is_some() && !insecure.authenticates());
        assert_eq!(with(ca, "").unwrap_err(), SpecError::NobodyListed);
        let empty = with(ca, r#","envoys":[],"insecure":true"#);
        assert_eq!(empty.unwrap_err(), SpecError::NobodyListed);
        assert_eq!(with("", listed).unwrap_err(), SpecError::ListedForNothing);
    }

    #[test]
    fn a_wrong_entry_of_the_list_is_named() {
        let error = checked(
            r#"{"tls":{"certificate":"a","key":"b","client_ca":"c"},"envoys":[{"id":"cn:edge"}]}"#,
        );
        let findings = error.unwrap_err().into_findings();
        assert!(
            findings[0]
                .to_string()
                .starts_with("envoys[0].id: `cn:edge`"),
            "{findings:?}"
        );
        let findings = checked(r#"{"concurrency":0}"#).unwrap_err().into_findings();
        assert!(
            findings[0].to_string().starts_with("concurrency: "),
            "{findings:?}"
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        for (json, path) in [
            (r#"{"listen":"localhost"}"#, "listen"),
            (r#"{"listen":"none"}"#, "listen"),
            (r#"{"unix":""}"#, "unix"),
            (
                r#"{"listen":"none","unix":"x","tls":{"certificate":"a","key":"b"}}"#,
                "tls",
            ),
            (r#"{"concurrency":0}"#, "concurrency"),
            (r#"{"default_deadline":"0s"}"#, "default_deadline"),
        ] {
            assert_eq!(checked(json).unwrap_err().path(), path, "{json}");
        }
        for json in [
            r#"{"listne":"x"}"#,
            r#"{"drain":{"wait":"1s"}}"#,
            r#"{"deadline_margin":"10"}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}

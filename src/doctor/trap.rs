//! Everything that is looked for: a stable code, how bad it is, and why it matters in one line.

use std::str::FromStr;

use crate::config::problem::Severity;
use crate::model::suggest::suggest;

macro_rules! traps {
    ($($(#[doc = $about:literal])+ $variant:ident: $severity:ident = $code:literal,)*) => {
        /// A setting of Envoy that opens, weakens or breaks what countersign decides.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Trap { $($(#[doc = $about])+ $variant,)* }

        impl Trap {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Why it matters.
            pub fn about(self) -> String {
                match self { $(Self::$variant => concat!($($about,)+).trim().to_owned(),)* }
            }
        }
    };
}

traps! {
    // What is decided at all.
    /// There is no HTTP connection manager in what was read, so nothing can be said about it.
    NothingToExamine: Error = "nothing-to-examine",
    /// Requests pass an HTTP connection manager, or an upgrade's own chain of filters, without being decided.
    NoExtAuthz: Error = "no-ext-authz",
    /// The `ext_authz` filter is switched off where it is listed.
    ExtAuthzDisabled: Error = "ext-authz-disabled",
    /// The `ext_authz` filter stands within a matcher, so only some requests are decided.
    ConditionalExtAuthz: Warning = "conditional-ext-authz",
    /// Two `ext_authz` filters ask twice about one request, which uses up two of what may be used once.
    TwoExtAuthz: Warning = "two-ext-authz",
    /// The network filter asks about a connection and sends no HTTP request; countersign denies it.
    NetworkExtAuthz: Error = "network-ext-authz",
    /// TCP is forwarded as it comes, undecided.
    TcpForwarded: Warning = "tcp-forwarded",
    /// A filter that is discovered and not in the file was not examined.
    UnseenFilter: Note = "unseen-filter",
    /// A route configuration that is discovered and not in the file was not examined.
    UnseenRoutes: Note = "unseen-routes",
    /// A cluster that is discovered and not in the file was not examined.
    UnseenCluster: Note = "unseen-cluster",
    /// Listeners that are discovered and not in the file were not examined.
    UnseenListeners: Note = "unseen-listeners",

    // The filter's settings.
    /// Whoever can slow countersign down or cut it off is let in.
    FailureModeAllow: Error = "failure-mode-allow",
    /// A header says that nothing was decided; a client can send it too.
    FailureModeHeader: Warning = "failure-mode-header",
    /// Only a part of the requests is decided.
    FilterEnabled: Error = "filter-enabled",
    /// The runtime can switch the decisions off.
    FilterEnabledRuntime: Warning = "filter-enabled-runtime",
    /// Only requests with certain metadata are decided.
    FilterEnabledMetadata: Error = "filter-enabled-metadata",
    /// Denials are noted down and not carried out.
    ShadowMode: Error = "shadow-mode",
    /// The route is chosen again after the decision, which was about another one.
    ClearRouteCache: Error = "clear-route-cache",
    /// Clients cannot tell a failure from a denial.
    StatusOnError: Warning = "status-on-error",
    /// Repeated headers are joined and bytes that are not UTF-8 replaced before they are decided about.
    HeadersNotRaw: Warning = "headers-not-raw",
    /// Certificate-bound tokens cannot be verified.
    NoPeerCertificate: Warning = "no-peer-certificate",
    /// A provider or a policy needs the client's certificate, which is not sent.
    CertificateNotSent: Error = "certificate-not-sent",
    /// The TLS server name cannot be compared with the host.
    NoTlsSession: Warning = "no-tls-session",
    /// A malformed change of a request is applied in part instead of refused.
    MutationsUnchecked: Warning = "mutations-unchecked",
    /// Access logs and later filters do not learn the decision.
    MetadataDropped: Warning = "metadata-dropped",
    /// The body of a denial is cut, and with it the remedy.
    DeniedBodyCut: Warning = "denied-body-cut",
    /// Headers that are added do not count against the limits.
    HeaderLimitsOff: Note = "header-limits-off",
    /// The decisions are not counted under a name of their own.
    NoStatPrefix: Note = "no-stat-prefix",
    /// Nobody measures how long a decision takes as Envoy sees it.
    NoFilterStats: Note = "no-filter-stats",
    /// Decisions do not show in the statistics of the upstream's cluster.
    NoClusterStats: Note = "no-cluster-stats",

    // Bodies.
    /// Policies cannot see bodies.
    NoRequestBody: Note = "no-request-body",
    /// A decision would be about the beginning of a body.
    PartialBody: Warning = "partial-body",
    /// Bytes of the body that are not UTF-8 are replaced before they are decided about.
    BodyAsText: Warning = "body-as-text",
    /// A check with such a body is larger than countersign reads, and fails.
    BodyTooLarge: Error = "body-too-large",
    /// The body is not sent on one route.
    BodyOff: Note = "body-off",
    /// Decisions read a body that is not sent as it came: such requests are denied.
    BodyNeeded: Error = "body-needed",

    // How countersign is asked.
    /// The filter asks over HTTP, or nobody; countersign speaks gRPC.
    NotGrpc: Error = "not-grpc",
    /// The version of the protocol is not the one that countersign speaks, or is left to Envoy.
    ApiVersion: Warning = "api-version",
    /// A gRPC client of its own is used, which Envoy's health checks and limits do not cover.
    GoogleGrpc: Note = "google-grpc",
    /// The cluster does not exist, which Envoy does not notice: nobody is asked.
    UnknownCluster: Error = "unknown-cluster",
    /// A check is cut off after Envoy's 200 ms.
    NoTimeout: Warning = "no-timeout",
    /// A check has no time left: countersign answers a margin before Envoy's timeout.
    TimeoutTooShort: Error = "timeout-too-short",
    /// A check may hold a request longer than anybody waits, or for ever.
    TimeoutTooLong: Warning = "timeout-too-long",
    /// A check is asked again: a decision that uses something up once uses it twice.
    CheckRetried: Error = "check-retried",
    /// gRPC does not work over HTTP/1.
    ClusterNotHttp2: Error = "cluster-not-http2",
    /// Checks and answers cross the network in plain text: anybody on the way can say yes.
    PlainText: Error = "plain-text",
    /// Whoever answers at countersign's address is believed.
    UnverifiedCountersign: Error = "unverified-countersign",
    /// countersign cannot tell this Envoy from anybody else who reaches its port.
    NoClientCertificate: Warning = "no-client-certificate",
    /// One side speaks TLS and the other does not, or Envoy lacks the certificate that countersign demands: nobody is asked.
    TransportMismatch: Error = "transport-mismatch",
    /// Envoy asks at another port or socket than countersign listens on.
    WrongEndpoint: Warning = "wrong-endpoint",
    /// Replicas that are gone or draining are still asked.
    NoHealthCheck: Warning = "no-health-check",
    /// With most replicas unhealthy all are asked, also those that are draining.
    PanicThreshold: Warning = "panic-threshold",

    // What is sent, and what may come back.
    /// A header that countersign or its policies read is not sent: they see that it is absent.
    HeadersNotSent: Error = "headers-not-sent",
    /// A list of headers that are sent has a pattern that cannot be read here, so what it leaves out is not known.
    HeadersUnjudged: Warning = "headers-unjudged",
    /// The id that Envoy has for a request is not sent: records call the request by another one.
    RequestIdNotSent: Warning = "request-id-not-sent",
    /// Metadata that policies read is not sent: they see that it is absent.
    MetadataNotSent: Error = "metadata-not-sent",
    /// A context extension that policies read is set nowhere.
    ExtensionNotSet: Warning = "extension-not-set",
    /// A route is named that no policy has: its requests are denied.
    UnknownRouteId: Error = "unknown-route-id",
    /// A policy's route that only Envoy can name is named nowhere.
    RouteNeverNamed: Warning = "route-never-named",
    /// Changes of a request that policies make are refused by Envoy.
    MutationForbidden: Error = "mutation-forbidden",
    /// A change that the rules forbid is left out without a word, or may reach what it should not.
    LooseMutationRules: Warning = "loose-mutation-rules",
    /// Nothing bounds what an answer may change.
    NoMutationRules: Note = "no-mutation-rules",

    // The order of filters.
    /// What is behind the router is never run.
    AfterRouter: Error = "after-router",
    /// A filter that countersign needs something of runs after it was asked.
    FilterTooLate: Warning = "filter-too-late",
    /// A filter acts on a request, or answers it, before it is decided.
    ActsBeforeDecision: Error = "acts-before-decision",
    /// Code or a service of somebody's handles undecided requests.
    CodeBeforeDecision: Warning = "code-before-decision",
    /// A filter can change the request after it was decided.
    ChangedAfterDecision: Note = "changed-after-decision",

    // MCP.
    /// A request that is not quite MCP passes without metadata, and a lenient server still carries it out.
    McpPassThrough: Error = "mcp-pass-through",
    /// Of a key that occurs twice Envoy reads one and the server perhaps the other.
    McpDuplicateKeys: Error = "mcp-duplicate-keys",
    /// The rest of a message is not looked at.
    McpEarlyEnd: Error = "mcp-early-end",
    /// What the headers say is not compared with the body.
    McpFromHeaders: Error = "mcp-from-headers",
    /// A message of any size is held in memory before it is decided.
    McpUnbounded: Warning = "mcp-unbounded",
    /// The filter's metadata is not sent to countersign.
    McpNotSent: Warning = "mcp-not-sent",
    /// The namespace is the one of Envoy 1.37, which is empty since 1.38.
    McpOldNamespace: Warning = "mcp-old-namespace",
    /// Before 1.39 Envoy did not read whole MCP messages, and lacks fixes of `ext_authz`.
    OldEnvoy: Warning = "old-envoy",

    // The connection manager: one reading of a request.
    /// `/a/../b` is decided, or denied, as it was sent.
    PathNotNormalised: Warning = "path-not-normalised",
    /// `//` reaches countersign, which denies it.
    SlashesNotMerged: Warning = "slashes-not-merged",
    /// `%2F` means a slash to one server and not to another.
    EscapedSlashes: Warning = "escaped-slashes",
    /// `x_user` and `x-user` are one header for many frameworks.
    UnderscoreHeaders: Warning = "underscore-headers",
    /// `example.com:8443` is another host than `example.com` for Envoy's routes.
    PortInHost: Warning = "port-in-host",
    /// `example.com.` is another host than `example.com` for Envoy's routes.
    DotInHost: Warning = "dot-in-host",
    /// The client's address is what the client writes, and its `x-envoy-*` headers are obeyed.
    RemoteAddress: Warning = "remote-address",
    /// The client's address is taken from a header, which is right behind that many proxies only.
    TrustedHops: Note = "trusted-hops",
    /// The client's address is taken from a header of its choice.
    AddressFromHeader: Warning = "address-from-header",
    /// Clients can claim any certificate in `x-forwarded-client-cert`.
    ForwardedCertificate: Error = "forwarded-certificate",
    /// A provider reads `x-forwarded-client-cert`, which Envoy removes or writes without what is read.
    ForwardedCertificateLost: Warning = "forwarded-certificate-lost",
    /// Every client of a private network counts as internal, and its `x-envoy-*` headers are obeyed.
    InternalAddresses: Warning = "internal-addresses",
    /// A tunnel is decided once, and not what goes through it.
    Tunnel: Error = "tunnel",
    /// What is sent after an upgrade is not decided.
    Upgrade: Warning = "upgrade",
    /// A stream that is open stays open, whatever is revoked.
    EndlessStreams: Note = "endless-streams",
    /// countersign's denials are rewritten, and with them the remedy.
    RewrittenReplies: Warning = "rewritten-replies",

    // Listeners.
    /// A certificate that nobody has verified makes a workload.
    UnverifiedClients: Error = "unverified-clients",
    /// Policies demand workloads, and no listener demands a certificate.
    NoWorkloads: Warning = "no-workloads",
    /// Who reaches Envoy's admin port can stop it and read its configuration.
    AdminExposed: Error = "admin-exposed",

    // Routes.
    /// Requests of a route are not decided.
    RouteDisabled: Error = "route-disabled",
    /// A setting for a filter that is not there has no effect.
    UnusedPerRoute: Warning = "unused-per-route",
    /// A route asks somebody else.
    RouteService: Warning = "route-service",
    /// One decision forwards more than one request.
    Retries: Warning = "retries",
    /// One decision forwards several requests at once.
    Hedging: Warning = "hedging",
    /// A copy of every request goes to a second place.
    Mirroring: Warning = "mirroring",
    /// A client chooses the cluster.
    ClusterFromHeader: Error = "cluster-from-header",
    /// A client chooses the host that the upstream sees.
    HostFromHeader: Error = "host-from-header",
    /// The upstream gets another host or path than was decided.
    Rewrite: Note = "rewrite",
    /// A client can name another method or path after the decision, and frameworks believe it.
    MethodOverride: Warning = "method-override",
    /// A header that policies set, or protect, is written after the decision.
    HeaderAfterDecision: Error = "header-after-decision",
}

/// No such code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{code}` is no code{}; `countersign doctor --list` prints all", hint(*near))]
pub struct TrapError {
    code: String,
    near: Option<&'static str>,
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

impl FromStr for Trap {
    type Err = TrapError;

    fn from_str(code: &str) -> Result<Self, TrapError> {
        let found = Self::ALL.iter().find(|trap| trap.as_str() == code);
        found.copied().ok_or_else(|| TrapError {
            code: code.to_owned(),
            near: suggest(code, Self::ALL.iter().map(|trap| trap.as_str())),
        })
    }
}

//! What the house is made of: the floors, the owners of foreign crates, and what is allowed for a reason.

/// The floors, from the ground up. A folder imports floors below its own, and itself; never a sibling, never upwards.
pub(super) const FLOORS: [&[&str]; 10] = [
    &["model"],
    &["outbound", "telemetry", "certificate", "json", "secret"],
    &["expression", "keys", "store", "tls"],
    &["action", "policy"],
    &[
        "identity",
        "approval",
        "revocation",
        "condition",
        "registry",
        "cache",
        "audit",
        "token",
    ],
    &["authorizer"],
    &["ext_authz", "admin"],
    &["config"],
    &["app", "doctor", "tools"],
    &["cli"],
];

/// The folders that may use a foreign crate. A dependency without a row here fails the test.
pub(super) const OWNERS: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("tonic", &["ext_authz"]),
    ("tonic_health", &["ext_authz"]),
    ("tonic_reflection", &["ext_authz"]),
    ("envoy_types", &["ext_authz"]),
    ("prost", &["ext_authz"]),
    ("prost_reflect", &["ext_authz"]),
    ("tokio_stream", &["ext_authz"]),
    ("axum", &["admin"]),
    ("hyper_util", &["admin"]),
    // Pages for people.
    ("maud", &["admin"]),
    ("cel", &["expression"]),
    ("regex", &["expression", "doctor"]),
    ("memchr", &["ext_authz"]),
    ("simdutf8", &["ext_authz", "json"]),
    // The program's allocator, named where the program begins.
    ("mimalloc", &["main.rs"]),
    // The priority of a thread.
    ("rustix", &["app"]),
    // What is found in tables that the configuration makes.
    ("foldhash", &["action", "policy", "registry"]),
    ("chrono", &["expression"]),
    ("jsonwebtoken", &["keys"]),
    // Digests of certificates and of JSON; secrets that the store makes for itself. `keys` gives them to everybody else.
    ("aws_lc_rs", &["keys", "certificate", "json", "store"]),
    ("base64", &["keys", "certificate", "action"]),
    // PEM files of keys to sign with.
    ("rustls_pki_types", &["keys"]),
    ("rusqlite", &["store"]),
    ("redis", &["store/valkey"]),
    (
        "moka",
        &[
            "keys",
            "identity/introspection",
            "identity/verified",
            "cache",
        ],
    ),
    ("reqwest", &["outbound"]),
    ("ryu_js", &["json"]),
    ("prometheus", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("serde_yaml", &["config/yaml"]),
    ("tokio_rustls", &["tls"]),
    ("x509_parser", &["certificate"]),
    // Swapped snapshots.
    (
        "arc_swap",
        &[
            "keys",
            "tls",
            "store",
            "identity",
            "approval",
            "revocation",
            "condition",
            "authorizer",
            "ext_authz",
            "app",
        ],
    ),
    // Those who run tasks, wait or do I/O; the edges and what feeds them.
    (
        "tokio",
        &[
            "outbound",
            "keys",
            "identity",
            "tls",
            "store",
            "audit",
            "authorizer",
            "ext_authz",
            "admin",
            "app",
            "tools",
            "cli",
        ],
    ),
    (
        "tokio_util",
        &[
            "keys",
            "tls",
            "identity",
            "audit",
            "ext_authz",
            "admin",
            "app",
        ],
    ),
    (
        "tracing",
        &[
            "telemetry",
            "keys",
            "tls",
            "identity",
            "cache",
            "audit",
            "authorizer",
            "ext_authz",
            "admin",
            "app",
        ],
    ),
    // Errors that are only ever shown.
    ("anyhow", &["app", "cli"]),
    ("serde", EVERYWHERE),
    ("serde_json", EVERYWHERE),
    ("thiserror", EVERYWHERE),
];

/// Words of data and errors that mean the same on every floor.
pub(super) const EVERYWHERE: &[&str] = &[""];

/// Pure and synchronous: `test`, `explain`, the benches and `serve` run the very same code.
pub(super) const PURE: &[&str] = &["model", "json", "expression", "action", "policy"];

/// What pure code never names. `std::net` is addresses and sockets: the addresses are plain data.
pub(super) const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "tracing",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::net",
    "SystemTime",
    "Instant",
];
pub(super) const ADDRESSES: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr"];

/// Pure code that names such a thing all the same, and why its result does not depend on it.
pub(super) const IMPURE_FOR_A_REASON: &[(&str, &str, &str)] = &[(
    "expression/parse.rs",
    "std::thread",
    "the parser needs a larger stack; the caller waits for it",
)];

/// Code lines of a file (no comments, no blank lines, no tests): ask why at the first, fail at the second.
pub(super) const LONG: usize = 300;
pub(super) const TOO_LONG: usize = 400;

/// Files above [`LONG`], and why each is still one concept.
pub(super) const LONG_FOR_A_REASON: &[(&str, &str)] = &[
    (
        "model/schema.rs",
        "the tree of attributes and its lookups, one type after the other",
    ),
    (
        "policy/constrain.rs",
        "merging constraints to the stricter: one case a kind, side by side",
    ),
    (
        "config/assemble.rs",
        "every file that the configuration names, read in one order and joined",
    ),
    (
        "policy/requirement.rs",
        "every requirement: how it is read, met and described, one case a kind",
    ),
    (
        "policy/evaluate.rs",
        "the stages of one evaluation, in the order in which they decide",
    ),
    (
        "config/policy.rs",
        "reads the sections of a policy file item by item",
    ),
];

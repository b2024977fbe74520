//! Every request header that countersign reads by a name of its own.
//!
//! Whoever reads one takes its name from here, and a name cannot stand here without a word on when it is read: so the list of headers
//! that Envoy has to send is never shorter than what is read. Names that somebody configures (of providers, of rules) are read
//! where they are configured.

/// When a header is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In every check.
    Always,
    /// To call a request in records and logs by the name that Envoy has for it; nothing is decided by it.
    Records,
    /// Where a provider reads its credentials from it, which providers say themselves.
    Provider,
    /// On routes that speak MCP.
    Mcp,
    /// Where an approval is bound to the arguments or the body.
    Approval,
    /// Where it matters that a browser calls.
    Browser,
    /// In every check, and nobody has to send it: Envoy adds it to what it sends, and drops a client's own.
    OfEnvoy,
}

/// A header that is read.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name, in lower case; or what names start with, if it ends with a dash.
    pub name: &'static str,
    /// When it is read.
    pub when: When,
    /// What for.
    pub why: &'static str,
}

macro_rules! known {
    ($($constant:ident = $name:literal, $when:ident, $why:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $why, ".")]
            pub const $constant: &str = $name;
        )*

        /// All of them.
        pub const KNOWN: &[Known] = &[
            $(Known { name: $constant, when: When::$when, why: $why },)*
        ];
    };
}

known! {
    AUTHORIZATION = "authorization", Always, "tokens are read from it";
    DPOP = "dpop", Always, "proofs of possession are read from it, and two of them are refused";
    HOST = "host", Always, "a request that names another host in it is refused";
    CONTENT_TYPE = "content-type", Always, "gRPC and JSON are told by it, and two of them are refused";
    CONTENT_LENGTH = "content-length", Always, "a body that is shorter is not whole";
    CONTENT_ENCODING = "content-encoding", Always, "a compressed body is refused where it is read";
    METHOD = "x-http-method", Always, "requests with it are refused";
    METHOD_OVERRIDE = "x-http-method-override", Always, "requests with it are refused";
    OTHER_METHOD_OVERRIDE = "x-method-override", Always, "requests with it are refused";
    APPROVAL_TOKEN = "authz-approval-token", Always, "signed approvals come in it, and it ends here";
    REQUEST_ID = "x-request-id", Records, "records call the request by it, as Envoy's access log does";
    COOKIE = "cookie", Provider, "a provider reads a cookie";
    CLIENT_CERTIFICATE = "x-forwarded-client-cert", Provider, "a provider trusts proxies that verify certificates";
    TRANSFER_ENCODING = "transfer-encoding", Approval, "it tells whether there is a body to approve";
    UPGRADE = "upgrade", Mcp, "a request for another protocol is refused";
    MCP_METHOD = "mcp-method", Mcp, "it is compared with the body of a message";
    MCP_NAME = "mcp-name", Mcp, "it is compared with the body of a message";
    MCP_PARAM = "mcp-param-", Mcp, "it is compared with the body of a message";
    MCP_PROTOCOL_VERSION = "mcp-protocol-version", Mcp, "the revision is read from it";
    MCP_SESSION_ID = "mcp-session-id", Mcp, "a session is named by it, and two of them are refused";
    ORIGIN = "origin", Browser, "`lifecycle.browser` looks for it";
    FETCH_METADATA = "sec-fetch-", Browser, "`lifecycle.browser` looks for it";
    PARTIAL_BODY = "x-envoy-auth-partial-body", OfEnvoy, "Envoy says in it whether it cut the body";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_written_as_they_are_looked_up_and_once() {
        let names: BTreeSet<&str> = KNOWN.iter().map(|known| known.name).collect();
        assert_eq!(names.len(), KNOWN.len());
        for name in names {
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}

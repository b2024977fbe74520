//! Whoever mints: the checked section, with its keys.

use std::path::Path;
use std::sync::Arc;

use super::claims::{Call, claims};
use super::jwks;
use super::spec::TokenSpec;
use crate::keys::{SignError, SigningKey, load_signing_keys};
use crate::model::finding::Finding;
use crate::outbound::HttpUrl;

/// The type of what is minted (draft-ietf-oauth-transaction-tokens, section 7.1). No provider takes it for a credential.
const TYP: &str = "txntoken+jwt";
/// Most bytes of `issuer`, and of `header`.
const MAX_ISSUER: usize = 512;
const MAX_HEADER: usize = 64;
/// Headers that mean something else already.
const TAKEN: [&str; 17] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "dpop",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-request-id",
];

/// Mints tokens. Immutable; a reload that changes its keys makes another one.
#[derive(Debug)]
pub struct Minter {
    pub(super) issuer: Arc<str>,
    header: Arc<str>,
    signer: SigningKey,
    kids: Vec<Box<str>>,
    jwks: Arc<str>,
}

/// Why no token was minted. No message contains a byte of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The caller's credential ends now; nothing that is minted outlives it.
    #[error("the credential ends before a token could be used")]
    Expired,
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Minter {
    /// Checks the section and reads its keys; relative files start at `base`. Everything that is wrong is reported, and
    /// what only looks wrong beside a sound one.
    pub fn compile(spec: TokenSpec, base: &Path) -> (Option<Self>, Vec<Finding>) {
        let TokenSpec {
            issuer,
            keys,
            header,
        } = spec;
        let mut findings = Vec::new();
        findings.extend(bad_issuer(&issuer).map(|it| it.under("issuer")));
        findings.extend(bad_header(&header).map(|it| it.under("header")));
        let keys = load_signing_keys(&keys, base, &mut findings);
        let kids = keys.iter().map(|key| Box::from(key.kid())).collect();
        let jwks = jwks::document(&keys);
        let errors = findings
            .iter()
            .any(|it| it.severity == crate::model::finding::Severity::Error);
        let signer = keys.into_iter().next().filter(|_| !errors);
        let minter = signer.map(|signer| Self {
            issuer: issuer.into(),
            header: header.into(),
            signer,
            kids,
            jwks,
        });
        (minter, findings)
    }

    /// The request header that a token is put into.
    pub const fn header(&self) -> &Arc<str> {
        &self.header
    }

    /// The ids of its keys, the one that signs first.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.kids.iter().map(AsRef::as_ref)
    }

    /// The keys that its tokens are verified with, as a JWK set (RFC 7517, section 5).
    pub const fn jwks(&self) -> &Arc<str> {
        &self.jwks
    }

    /// The token for a call. It ends with its demand's `ttl` or with the caller's credential, whichever is first.
    pub fn mint(&self, call: &Call<'_>) -> Result<String, MintError> {
        let claims = claims(&self.issuer, call).ok_or(MintError::Expired)?;
        Ok(self.signer.sign(TYP, &claims)?)
    }
}

fn bad_issuer(issuer: &str) -> Option<Finding> {
    let help =
        "write an URL such as `https://authz.example.com`; verifiers compare it as it stands";
    let wrong = |message: String| Finding::error("token-issuer", message).help(help);
    if issuer.len() > MAX_ISSUER {
        return Some(wrong(format!("an issuer has at most {MAX_ISSUER} bytes")));
    }
    match HttpUrl::parse(issuer, false) {
        Ok(url) if url.has_query() => Some(wrong("an issuer has no query".to_owned())),
        Ok(_) => None,
        Err(error) => Some(wrong(format!("`{issuer}`: {error}"))),
    }
}

fn bad_header(header: &str) -> Option<Finding> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=MAX_HEADER).contains(&header.len()) || !header.bytes().all(plain) {
        let message = format!("`{header}` is no name for the header of minted tokens");
        return Some(
            Finding::error("token-header", message)
                .help("use lower-case letters, digits and `-`, for example `txn-token`"),
        );
    }
    let taken = TAKEN.contains(&header) || header.starts_with("x-envoy-");
    taken.then(|| {
        let message = format!("`{header}` means something else already");
        Finding::error("token-header", message).help("name a header of its own, or leave it out")
    })
}

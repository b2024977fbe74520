//! Where a rule demands it, an allowed request goes on with a token of this server's, and without what it came with.

use std::sync::Arc;

use super::examined::Examined;
use super::snapshot::Snapshot;
use crate::identity::{Providers, Refusal};
use crate::model::decision::DecisionId;
use crate::model::header;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::AccessRequest;
use crate::model::verdict::{Constraints, Denial, Fault, Remedy, Verdict};
use crate::token::{Call, MintError};

/// The headers of credentials that every route knows (RFC 6750, section 2.1; RFC 9449, section 4.1).
const CREDENTIALS: [&str; 2] = [header::AUTHORIZATION, header::DPOP];

/// Most bytes of the cookies that are left.
const MAX_COOKIES: usize = 8 * 1024;

impl Snapshot {
    /// Mints the token that the verdict demands, if it is one that does. What cannot be minted is not let through.
    pub(super) fn exchange(
        &self,
        request: &AccessRequest,
        decision: &DecisionId,
        examined: &mut Examined,
    ) {
        let minted = self.minted(request, decision, examined);
        if let Verdict::Allow(grant) = &mut examined.verdict {
            match minted {
                Some(Ok((header, token))) => {
                    let constraints = &mut grant.constraints;
                    constraints.strip.remove(&header);
                    constraints.headers.insert(header, token);
                    strip_all(&self.providers, constraints, request);
                }
                Some(Err(Refusal::Deny(denial))) => examined.verdict = Verdict::Deny(denial),
                Some(Err(Refusal::Fault(fault))) => examined.verdict = Verdict::Fault(fault),
                None => {}
            }
        }
    }

    /// The header and the token, or how the request ends; none if nothing is demanded.
    fn minted(
        &self,
        request: &AccessRequest,
        decision: &DecisionId,
        examined: &Examined,
    ) -> Option<Result<(Arc<str>, String), Refusal>> {
        let Verdict::Allow(grant) = &examined.verdict else {
            return None;
        };
        let demand = grant.constraints.token.as_ref()?;
        let fault = |cause: &str| {
            let fault = Fault::new(FaultCode::ConstraintFailed, cause);
            Err(Refusal::Fault(fault))
        };
        let Some(minter) = &self.minter else {
            return Some(fault("there is no key to mint the token with"));
        };
        let (Some(parties), Some(asked), Some((_, credential))) =
            (&examined.parties, &examined.asked, &examined.credential)
        else {
            return Some(fault("a token is minted for callers with a credential"));
        };
        let actor = parties.actor.as_ref();
        let call = Call {
            decision,
            now: request.now,
            demand,
            credential,
            parties,
            actor_issuer: actor.and_then(|actor| self.providers.iss(actor.id.issuer.as_ref()?)),
            workload: examined.workload.as_ref(),
            asked,
        };
        Some(match minter.mint(&call) {
            Ok(token) => Ok((Arc::clone(minter.header()), token)),
            Err(MintError::Expired) => {
                let denial = Denial::new(Reason::TokenExpired).with(Remedy::Authenticate);
                Err(Refusal::Deny(
                    denial.because(MintError::Expired.to_string()),
                ))
            }
            Err(MintError::Sign(error)) => fault(&error.to_string()),
        })
    }
}

/// Removes every credential that any provider would take, unless a rule sets something else in its place.
fn strip_all(providers: &Providers, constraints: &mut Constraints, request: &AccessRequest) {
    let Constraints { headers, strip, .. } = constraints;
    // Envoy may keep any of them from this server, so they go whether or not they are seen.
    let known = CREDENTIALS
        .into_iter()
        .chain(providers.credential_headers());
    let known = known.filter(|name| !headers.contains_key(*name));
    strip.extend(known.map(Arc::from));
    if headers.contains_key(header::COOKIE) || strip.contains(header::COOKIE) {
        return;
    }
    let names: Vec<&str> = providers.credential_cookies().collect();
    if names.is_empty() {
        return;
    }
    // Envoy may keep cookies from this server: what is not seen may be a credential.
    let sent = request.headers.get(header::COOKIE);
    match sent.map_or(Cookies::Gone, |sent| without(sent, &names)) {
        Cookies::Untouched => {}
        Cookies::Gone => {
            strip.insert(Arc::from(header::COOKIE));
        }
        Cookies::Left(rest) => {
            headers.insert(Arc::from(header::COOKIE), rest);
        }
    }
}

/// What becomes of the cookies of a request.
#[derive(Debug, PartialEq, Eq)]
enum Cookies {
    /// None of them is a credential.
    Untouched,
    /// Nothing that could be passed on is left.
    Gone,
    /// The others (RFC 6265, section 4.2.1).
    Left(String),
}

/// The cookies but those with these names. One header holds all of them, so it is written anew.
fn without(cookies: &str, names: &[&str]) -> Cookies {
    let is_credential = |pair: &&str| {
        // A comma is where Envoy has joined two headers; an upstream gets both.
        pair.split(',').any(|part| {
            let name = part.split_once('=').map_or(part, |(name, _)| name);
            names.contains(&name.trim_matches([' ', '\t']))
        })
    };
    if !cookies.split(';').any(|pair| is_credential(&pair)) {
        return Cookies::Untouched;
    }
    let rest: Vec<&str> = cookies
        .split(';')
        .filter(|pair| !is_credential(pair))
        .map(|pair| pair.trim_matches([' ', '\t']))
        .filter(|pair| !pair.is_empty())
        .collect();
    let rest = rest.join("; ");
    let fit = rest.bytes().all(|b| matches!(b, b' '..=b'~')) && rest.len() <= MAX_COOKIES;
    if rest.is_empty() || !fit {
        return Cookies::Gone;
    }
    Cookies::Left(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_cookie_goes_and_the_others_stay() {
        let left = |text: &str| Cookies::Left(text.to_owned());
        for (cookies, expected) in [
            ("", Cookies::Untouched),
            ("a=1; b=2", Cookies::Untouched),
            ("sessions=1; Session=2", Cookies::Untouched),
            ("session=x", Cookies::Gone),
            (" session = x ;", Cookies::Gone),
            ("a=1; session=x; b=2", left("a=1; b=2")),
            ("session=x;a=1;;b=session=y", left("a=1; b=session=y")),
            ("session=x; session=y; a=1", left("a=1")),
            ("session; a=1", left("a=1")),
            ("a=1,session=x; b=2", left("b=2")),
            // What could end a header line, or be read in two ways, is not written.
            ("session=x; a=\u{e9}", Cookies::Gone),
            ("session=x; a=1\u{1}", Cookies::Gone),
        ] {
            assert_eq!(without(cookies, &["session"]), expected, "{cookies:?}");
        }
    }
}

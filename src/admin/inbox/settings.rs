//! How people sign in, checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::admin::origin::Origin;
use crate::admin::settings::AdminSettings;
use crate::approval::{ApprovalsSpec, SignInSpec};
use crate::keys::secret::SecretSpec;
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::model::suggest::suggest;
use crate::outbound::HttpUrl;

/// What the page writes itself into the address that a person is sent to.
const OURS: [&str; 11] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "acr_values",
    "max_age",
    "response_mode",
];
/// Most additional parameters.
const MAX_PARAMETERS: usize = 16;

/// Where the page is, and how people sign in, checked.
#[derive(Clone, Debug, Default)]
pub(in crate::admin) struct InboxSettings {
    /// Where people reach it.
    pub(in crate::admin) origin: Option<Origin>,
    /// How they sign in; without it they show a token that they have.
    pub(in crate::admin) sign_in: Option<SignIn>,
}

impl InboxSettings {
    /// Checks what the section `approvals` says about the page of a listener.
    pub(in crate::admin) fn compile(
        spec: &ApprovalsSpec,
        providers: &[ProviderName],
        listener: &AdminSettings,
    ) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        // What is no URL at all is reported by whoever hands it out.
        let origin = spec.url.as_deref().and_then(Origin::parse);
        let origin = origin.or_else(|| listener.url.clone());
        if let Some(origin) = &origin
            && spec.url.is_some()
            && origin.has_path()
        {
            let home = &origin.as_sent;
            let message = format!("the page is at `{home}/approvals`, and not below another path");
            let help = format!("write `url: {home}`");
            let finding = Finding::error("approvals-url", message).help(help);
            findings.push(finding.under("url"));
        }
        let Some(sign_in) = spec.sign_in.clone() else {
            return (
                Self {
                    origin,
                    sign_in: None,
                },
                findings,
            );
        };
        let place = |finding: Finding| finding.under("sign_in");
        if origin.is_none() {
            let message = "nothing says where people come back to when they have signed in";
            let help =
                "write where people reach the admin listener: `url: https://approve.example.com`";
            let finding = Finding::error("approvals-url", message).help(help);
            findings.push(place(finding));
        }
        let listed = spec.providers.items();
        let of_access: Vec<_> = listener.access.providers().collect();
        let may = |it: &&ProviderName| match listed {
            [] => of_access.contains(it),
            _ => listed.iter().any(|name| name == it.as_str()),
        };
        let providers: Vec<_> = providers.iter().filter(may).cloned().collect();
        // Tokens of approvers are meant for whatever operators' are, or for the place where people approve.
        let audience = listener.audience.as_deref().or(spec.url.as_deref());
        let compiled = SignIn::compile(sign_in, &providers, audience);
        let sign_in = compiled.map_err(|found| findings.extend(found.into_iter().map(place)));
        let sign_in = sign_in.ok();
        (Self { origin, sign_in }, findings)
    }
}

/// The client that the page is at an authorization server (RFC 6749, section 4.1; RFC 7636).
#[derive(Clone, Debug)]
pub(in crate::admin) struct SignIn {
    pub(super) provider: ProviderName,
    pub(super) authorization: HttpUrl,
    pub(super) token: HttpUrl,
    pub(super) client: Arc<str>,
    pub(super) secret: Option<SecretSpec>,
    pub(super) scope: Arc<str>,
    pub(super) parameters: BTreeMap<String, String>,
}

impl SignIn {
    /// Checks the section, whose file is no longer relative. `providers` are those whose people may come in, and `audience` is what
    /// their tokens must be meant for.
    pub(super) fn compile(
        spec: SignInSpec,
        providers: &[ProviderName],
        audience: Option<&str>,
    ) -> Result<Self, Vec<Finding>> {
        let SignInSpec {
            provider,
            authorization_endpoint,
            token_endpoint,
            client_id,
            client_secret,
            scope,
            parameters,
        } = spec;
        let mut findings = Vec::new();
        let provider = known(&provider, providers, &mut findings);
        let authorization = url(
            "authorization_endpoint",
            &authorization_endpoint,
            &mut findings,
        );
        let token = url("token_endpoint", &token_endpoint, &mut findings);
        for (key, text) in [("client_id", &client_id), ("scope", &scope)] {
            let plain = |b: u8| matches!(b, b' '..=b'~');
            if text.is_empty() || !text.bytes().all(plain) {
                let message =
                    format!("`{key}` is empty, or has characters other than those of ASCII");
                findings.push(Finding::error("invalid-setting", message).under(key));
            }
        }
        let resource = || audience.map(|it| ("resource".to_owned(), it.to_owned()));
        let parameters = parameters.unwrap_or_else(|| resource().into_iter().collect());
        let ours = parameters.keys().find(|it| OURS.contains(&it.as_str()));
        if let Some(name) = ours {
            let message = format!("`{name}` is written by the page itself: leave it out");
            let finding = Finding::error("invalid-setting", message).under(name.as_str());
            findings.push(finding.under("parameters"));
        }
        if parameters.len() > MAX_PARAMETERS {
            let message = format!("more than `{MAX_PARAMETERS}` parameters");
            findings.push(Finding::error("out-of-range", message).under("parameters"));
        }
        match (provider, authorization, token) {
            (Some(provider), Some(authorization), Some(token)) if findings.is_empty() => Ok(Self {
                provider,
                authorization,
                token,
                client: client_id.into(),
                secret: client_secret,
                scope: scope.into(),
                parameters,
            }),
            _ => Err(findings),
        }
    }

    /// Whether an ID token comes with the access token (OpenID Connect Core 1.0, section 3.1.2.1).
    pub(super) fn expects_id(&self) -> bool {
        self.scope.split(' ').any(|it| it == "openid")
    }
}

fn known(
    name: &str,
    providers: &[ProviderName],
    findings: &mut Vec<Finding>,
) -> Option<ProviderName> {
    let found = providers.iter().find(|it| it.as_str() == name).cloned();
    if found.is_none() {
        let message = format!("people of the provider `{name}` may not come in here");
        let help = match suggest(name, providers.iter().map(ProviderName::as_str)) {
            Some(other) => format!("did you mean `{other}`?"),
            None => "name it in `approvals.providers`".to_owned(),
        };
        let finding = Finding::error("unknown-provider", message).help(help);
        findings.push(finding.under("provider"));
    }
    found
}

fn url(key: &'static str, text: &str, findings: &mut Vec<Finding>) -> Option<HttpUrl> {
    match HttpUrl::parse(text, false) {
        Ok(url) => Some(url),
        Err(error) => {
            findings.push(Finding::error("invalid-setting", error.to_string()).under(key));
            None
        }
    }
}

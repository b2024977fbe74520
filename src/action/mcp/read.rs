//! From a request to what it asks of an MCP server.

use std::sync::Arc;

use super::super::body::{self, Accepts};
use super::headers;
use super::message::{self, Message};
use super::metadata::{Metadata, Stated};
use super::method::{END, LISTEN, Method, RESPOND, STREAM, is_notification};
use super::rest::rest;
use super::revision::{self, Revision};
use super::{disagrees, wrong};
use crate::json::Json;
use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body};
use crate::model::route::{RouteMatch, Said};
use crate::model::rpc::{RpcFacts, RpcKind};
use crate::model::verdict::Denial;

/// What a request asks of the server, with everything that speaks of it in agreement.
#[derive(Debug)]
pub(in crate::action) struct Call<'a> {
    pub(super) method: &'static Method,
    /// The name, URI or task that it is about.
    pub(super) target: Option<Arc<str>>,
    /// The method as it is written; every notification has one of its own.
    written: Arc<str>,
    document: Option<Json<'a>>,
}

impl Call<'_> {
    /// Whether the message itself was read, not only what Envoy says of it.
    pub(super) fn is_read(&self) -> bool {
        self.document.is_some()
    }

    /// Whether Envoy read a message that was not read here.
    pub(in crate::action) fn is_hearsay(&self) -> bool {
        !self.is_read() && !matches!(self.method.name, LISTEN | END)
    }

    /// The arguments of the tool or prompt.
    pub(super) fn arguments(&self) -> Option<&Json<'_>> {
        self.document.as_ref()?.pointer("/params/arguments")
    }

    /// What it says beside the arguments.
    pub(super) fn said(&self) -> Said {
        let document = self.document.as_ref();
        let rest = document.and_then(|document| rest(document, self.method));
        let canonical = rest.as_ref().map(Json::canonical);
        Said {
            method: Arc::clone(&self.written),
            without_digest: matches!(canonical, Some(Err(_))),
            rest: canonical.and_then(Result::ok),
        }
    }
}

type Reading<'a> = (Option<RpcFacts>, Result<Call<'a>, Denial>);

/// Reads what `request` asks for, and what an answer to it needs.
pub(in crate::action) fn read<'a>(matches: &RouteMatch, request: &'a AccessRequest) -> Reading<'a> {
    if let Err(denial) = check_endpoint(matches, request) {
        return (None, Err(denial));
    }
    match request.method.as_str() {
        "POST" => {
            let (rpc, call) = posted(request);
            let revision = revision::stated(&request.headers).map(Arc::from);
            (rpc.map(|rpc| RpcFacts { revision, ..rpc }), call)
        }
        LISTEN => (None, without_message(request, LISTEN)),
        END => (None, without_message(request, END)),
        _ => (None, Err(Denial::new(Reason::NoAction))),
    }
}

/// A server has one path. MCP has no use for a query, and who knows what the server does with one.
fn check_endpoint(matches: &RouteMatch, request: &AccessRequest) -> Result<(), Denial> {
    if let RouteMatch::Host { prefix, .. } = matches
        && *prefix != request.path
    {
        return Err(Denial::new(Reason::NoAction).because("the path is not the MCP server's"));
    }
    if request.query.iter().next().is_some() {
        let cause = "an MCP server's URL has no query";
        return Err(Denial::new(Reason::ParameterInvalid).because(cause));
    }
    if request.headers.get(header::UPGRADE).is_some() {
        return Err(wrong(
            "the request asks for another protocol, whose messages nobody would see",
        ));
    }
    Ok(())
}

/// GET opens the stream of a session, DELETE ends it.
fn without_message<'a>(request: &AccessRequest, what: &'static str) -> Result<Call<'a>, Denial> {
    let revision = Revision::of(&request.headers)?;
    let method = Method::without_name(what).filter(|method| method.is_in(revision));
    let method = method.ok_or_else(|| not_in(revision))?;
    revision.check_session(&request.headers)?;
    if what == END {
        Revision::must_name_session(&request.headers)?;
    }
    // Envoy may keep a body to itself.
    let length = request.headers.get(header::CONTENT_LENGTH);
    if !matches!(request.body, Body::Absent) || length.is_some_and(|length| length != "0") {
        return Err(wrong("the request has a body"));
    }
    if headers::any(&request.headers) || !Metadata::of(request).is_silent() {
        return Err(disagrees(
            "what is said about a message, and none is there,",
        ));
    }
    Ok(Call {
        method,
        target: None,
        written: Arc::from(method.name),
        document: None,
    })
}

fn not_in(revision: Revision) -> Denial {
    let cause = format!("revision {} has no such method", revision.name());
    Denial::new(Reason::NoAction).because(cause)
}

fn posted(request: &AccessRequest) -> Reading<'_> {
    let metadata = Metadata::of(request);
    match (body::read(request, Accepts::Json), &metadata.filter) {
        (Ok(document), _) => {
            let (rpc, message) = message::read(&document);
            let call = match (message, &rpc) {
                (Ok(message), Some(rpc)) => agreed(request, &metadata, rpc, message)
                    .and_then(|call| with_document(request, call, document)),
                (Ok(_), None) => Err(wrong("the message is of no kind")),
                (Err(denial), _) => Err(denial),
            };
            (rpc, call)
        }
        (Err(denial), Some(stated)) if denial.reason == Reason::InputIncomplete => {
            let rpc = stated.facts();
            let message = stated_message(request, stated, denial);
            let call = message.and_then(|message| agreed(request, &metadata, &rpc, message));
            (Some(rpc), call)
        }
        (Err(denial), _) => (None, Err(denial)),
    }
}

/// Whether headers and metadata say of a message what it is.
fn agreed<'a>(
    request: &AccessRequest,
    metadata: &Metadata,
    rpc: &RpcFacts,
    message: Message,
) -> Result<Call<'a>, Denial> {
    let revision = Revision::of(&request.headers)?;
    revision.check_session(&request.headers)?;
    message.check_version(revision, &rpc.kind)?;
    metadata.agree(rpc, &message)?;
    let Message {
        method,
        target,
        version: _,
        read: _,
    } = message;
    let stated = headers::Stated {
        headers: &request.headers,
        required: !revision.has_sessions(),
    };
    stated.agrees(rpc.method.as_deref(), method, target.as_deref())?;
    let method = method.ok_or_else(|| Denial::new(Reason::NoAction))?;
    if !method.is_in(revision) {
        return Err(not_in(revision));
    }
    Ok(Call {
        written: rpc.method.clone().unwrap_or_else(|| Arc::from(method.name)),
        method,
        target,
        document: None,
    })
}

fn with_document<'a>(
    request: &AccessRequest,
    call: Call<'a>,
    document: Json<'a>,
) -> Result<Call<'a>, Denial> {
    let call = Call {
        document: Some(document),
        ..call
    };
    let arguments = call.arguments().and_then(Json::as_object);
    headers::agree_with_arguments(&request.headers, arguments)?;
    Ok(call)
}

/// The message that Envoy read, where its body did not come along: `denial` says why. Enough for a name, not for arguments.
fn stated_message(
    request: &AccessRequest,
    stated: &Stated,
    denial: Denial,
) -> Result<Message, Denial> {
    body::check_declared(request, Accepts::Json)?;
    if headers::any_argument(&request.headers) {
        return Err(denial);
    }
    let facts = stated.facts();
    let method = match facts.method.as_deref() {
        None => Method::without_name(RESPOND),
        Some(name) => {
            if is_notification(name) != (facts.kind == RpcKind::Notification) {
                return Err(wrong("a request has no id, or a notification has one"));
            }
            Method::of(name)
        }
    };
    let member = method.and_then(|method| method.target);
    let target = member
        .and_then(|(member, _)| stated.target(member))
        .cloned();
    // What a stream tells stands in the body alone.
    let is_stream = method.is_some_and(|method| method.name == STREAM);
    if is_stream || (member.is_some() && target.is_none()) {
        return Err(denial);
    }
    Ok(Message {
        method,
        target,
        version: stated.version.clone(),
        read: false,
    })
}

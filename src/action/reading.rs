//! What a request says, read before it is known who asks: an answer has to name the message that it is the answer to.

use super::mcp::{self, Call};
use crate::model::request::AccessRequest;
use crate::model::route::{Protocol, Route};
use crate::model::rpc::RpcFacts;
use crate::model::verdict::Denial;

/// A request as its route reads it. What is wrong with it is kept until it is known who asks: whose credential is
/// refused learns nothing of how messages are read.
#[derive(Debug)]
pub struct Reading<'a> {
    rpc: Option<RpcFacts>,
    said: Result<Option<Call<'a>>, Denial>,
}

impl<'a> Reading<'a> {
    /// Reads as much of `request` as the protocol of its route needs.
    pub(super) fn of(route: &Route, request: &'a AccessRequest) -> Self {
        match &route.protocol {
            Protocol::Http => Self {
                rpc: None,
                said: Ok(None),
            },
            Protocol::Mcp(_) => {
                let (rpc, call) = mcp::read(&route.matches, request);
                let said = call.map(Some);
                Self { rpc, said }
            }
        }
    }

    /// What an answer to the message needs of it; none if there is no message or it could not be read.
    pub const fn rpc(&self) -> Option<&RpcFacts> {
        self.rpc.as_ref()
    }

    /// Whether the message is known from Envoy's metadata alone, and its arguments are not.
    pub fn is_hearsay(&self) -> bool {
        matches!(&self.said, Ok(Some(call)) if call.is_hearsay())
    }

    /// The message, if the route has messages; what is wrong with it, if something is.
    pub(super) fn call(&self) -> Result<Option<&Call<'a>>, Denial> {
        self.said.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}

//! What a request says, read before it is known who asks: an answer has to name the message that it is the answer to.

use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::Protocol;
use crate::model::rpc::RpcFacts;
use crate::model::verdict::Denial;

/// A request as its route reads it. What is wrong with it is kept until it is known who asks: a caller without a valid
/// credential learns nothing of how messages are read.
#[derive(Debug)]
pub struct Reading {
    rpc: Option<RpcFacts>,
    wrong: Option<Denial>,
}

impl Reading {
    /// Reads as much of `request` as the protocol of its route needs.
    pub(super) fn of(protocol: &Protocol, _request: &AccessRequest) -> Self {
        let wrong = match protocol {
            Protocol::Http => None,
            Protocol::Mcp(_) => Some(Denial::new(Reason::NoAction)),
        };
        Self { rpc: None, wrong }
    }

    /// What an answer to the message needs of it; none if there is no message or it could not be read.
    pub const fn rpc(&self) -> Option<&RpcFacts> {
        self.rpc.as_ref()
    }

    /// What is wrong with the message.
    pub(super) fn check(&self) -> Result<(), Denial> {
        self.wrong.clone().map_or(Ok(()), Err)
    }
}

//! The gRPC method that Envoy calls, `envoy.service.auth.v3.Authorization/Check`: its messages as bytes.
//!
//! tonic's own service decodes every message before anybody looks at it; this one hands over what came. Its calls are told
//! from others by their path before any router sees them, because nearly every call is one.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::bytes::Bytes;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, UnaryService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::server::MAX_MESSAGE;
use super::service::Checks;
use super::wire::Bare;

/// The path of the method.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Answers the method's calls, and leaves all others to `others`. Cheap to clone; clones are the same service.
#[derive(Clone, Debug)]
pub(super) struct Front {
    method: Method,
    others: Routes,
}

impl Front {
    pub(super) fn new(checks: Checks, others: Routes) -> Self {
        let method = Method(Arc::new(checks));
        Self { method, others }
    }
}

impl Service<http::Request<Body>> for Front {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Neither of both ever waits before it is called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != CHECK {
            return Box::pin(self.others.call(request));
        }
        let method = self.method.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(Bare).max_decoding_message_size(MAX_MESSAGE);
            Ok(grpc.unary(method, request).await)
        })
    }
}

/// The method itself.
#[derive(Clone, Debug)]
struct Method(Arc<Checks>);

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let checks = Arc::clone(&self.0);
        Box::pin(async move { Ok(Response::new(checks.check(&request).await)) })
    }
}
